"""同步: what is on its way to the hub, what came back, and what somebody must look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.jobline import JobLine, size_text
from desktop.ui.notify import SUCCESS, WARNING, MessageBar
from desktop.ui.pages.page import Page, Panes
from desktop.ui.plain import plain_label
from desktop.ui.reenrol import ReenrolPanel
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.theme import STANDING_TONES
from desktop.ui.tiles import Tiles
from desktop.ui.words import ATTEMPTS, CARRIERS, DIRECTIONS, NOTHING, grouped, moment
from desktop.work.jobs import Job
from shared.errors import Cancelled, DeviceUnknown, Unreachable, YizhanError
from shared.standing import Standing

if TYPE_CHECKING:
    from desktop.work.attachments import Waiting
    from desktop.work.desk import Desk
    from desktop.work.missing import Missing
    from desktop.work.session import Lease
    from desktop.work.syncing import Attempt, PendingType, RoundReport, SetView, SyncState

TITLE = "同步"
"""Title of every synchronizing job, also of those the window starts by itself."""
TRANSFER = "附件传输"
"""Title of the jobs that carry contents of attachments."""

_WHAT_TO_DO = {
    Standing.SEALED: "等待中心回执；介质丢失也可以再次导出",
    Standing.PARKED: "前面的还没有到中心：请再同步一次，或补交较早的介质",
    Standing.CONFLICT: "请到“冲突”页面处理",
    Standing.REJECTED: "没有入库：请按退回理由修改后重新录入",
    Standing.APPLIED: "",
    Standing.ARCHIVED: "已进入中心的备份",
}
_SETS = (
    PlainColumn("变更序号", 16),
    PlainColumn("变更数", 9, "right"),
    PlainColumn("封装时间", 18),
    PlainColumn("状态", 12),
    PlainColumn("说明和办法", 40, "left", grows=True),
)
_TYPES = (
    PlainColumn("类型", 20, "left", grows=True),
    PlainColumn("记录", 10, "right"),
    PlainColumn("变更", 10, "right"),
)
_ATTEMPTS = (
    PlainColumn("时间", 20),
    PlainColumn("途径", 8),
    PlainColumn("方向", 12),
    PlainColumn("变更集", 9, "right"),
    PlainColumn("变更", 10, "right"),
    PlainColumn("大小", 12, "right"),
    PlainColumn("结果", 9),
    PlainColumn("说明", 40, "left", grows=True),
    PlainColumn("指纹", 22),
)


class SyncPage(Page):
    """``shown({"now": True})`` starts at once, for F9 from anywhere."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("sync", "同步", "sync")
        self._desk = desk
        self.lease_bar = MessageBar()
        self.load_bar = MessageBar()
        self.restored_bar = MessageBar()
        self.unknown_bar = MessageBar()
        self.missing_bar = MessageBar()
        self.conflict_bar = MessageBar()
        self.reenrol = ReenrolPanel(self, desk)
        self.offer(Action("reenrol", "重新登记本席位", self.reenrol.open, "", ""))
        self.tiles = Tiles(
            (
                ("pending", "待同步"),
                ("attachments", "附件"),
                ("receipt", "最近回执"),
                ("as_of", "数据截止时间"),
                ("lease", "离线使用期限"),
                ("online", "与中心的连接"),
            )
        )
        now = self.offer(Action("sync_now", "立即同步", self.sync_now, "", "sync", enabled=self._may_sync))
        now.setToolTip("立即同步（F9）")
        media = self.offer(Action("to_media", "改用介质交换", lambda: self._go("media"), "", "media"))
        check = self.offer(Action("check_online", "检测连接", self._check_online, "", "cloud"))
        anew = self.offer(Action("load_anew", "重新装载", self._ask_anew, "", "", enabled=self._may_sync))
        anew.setToolTip("怀疑本机数据不对时用：全部数据从中心重新取回，未同步的修改保留")
        self.job_line = JobLine(desk.jobs)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.sync_button = button(now, primary=True)
        for push in (self.sync_button, button(media), button(check), button(anew)):
            row.addWidget(push)
        row.addWidget(self.job_line, 1)
        row.addStretch(0)
        self.sets = PlainTable("变更集", _SETS, "个")
        self.sets.set_empty_words("本机还没有录入过数据", "录入、修改后会在这里看到它们走到了哪一步")
        self.types = PlainTable("待同步的内容", _TYPES, "类")
        self.types.set_empty_words("没有待同步的内容", "中心已为本机的全部数据签收")
        self.attempts = PlainTable("交换经历", _ATTEMPTS, "次")
        self.attempts.set_empty_words("还没有与中心交换过", "点“立即同步”（F9），或用介质交换")
        lower = QSplitter(Qt.Orientation.Vertical)
        lower.setChildrenCollapsible(False)
        lower.setHandleWidth(13)
        self.told = plain_label()
        self.told.setWordWrap(True)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.sets, 1)
        column.addWidget(self.told)
        lower.addWidget(Panes(left, self.types, 0.68))
        self.sets.chosen.connect(self._tell)
        lower.addWidget(self.attempts)
        lower.setSizes([260, 240])
        desk.jobs.started.connect(self._follow)
        self.body.addWidget(self.lease_bar)
        self.body.addWidget(self.load_bar)
        self.body.addWidget(self.restored_bar)
        self.body.addWidget(self.unknown_bar)
        self.body.addWidget(self.missing_bar)
        self.body.addWidget(self.conflict_bar)
        self.body.addWidget(self.reenrol)
        self.body.addWidget(self.tiles)
        self.body.addLayout(row)
        self.body.addWidget(lower, 1)

    # --- coming here -----------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        self.load()
        for job in self._desk.jobs.active:
            self._follow(job)
        if params.get("now"):
            self.sync_now()
        elif self._desk.settings.hub_url:
            self._check_online()
        self.sync_button.setFocus()

    def refresh(self, types: frozenset[str]) -> None:
        self.load()

    def load(self) -> None:
        """Read from the local database; the network is not asked."""
        syncing, session, attachments = self._desk.syncing, self._desk.session, self._desk.attachments
        self._desk.jobs.run(
            "读取同步状态",
            lambda _: (syncing.state(), syncing.pending_types(), session.lease, attachments.waiting()),
            lambda found: self._show(*found),
            self.report,
            quiet=True,
            owner=self,
            newest=True,
        )

    # --- synchronizing -----------------------------------------------------------
    def sync_now(self) -> Job | None:
        """Start, unless one is under way."""
        if not self._may_sync():
            return None
        self.messages.clear()
        job = self._desk.jobs.run(
            TITLE, self._desk.syncing.sync_now, self._synced, self._failed, lane="exchange", owner=self
        )
        self._follow(job)
        return job

    def _may_sync(self) -> bool:
        return not any(job.title == TITLE for job in self._desk.jobs.active)

    def _follow(self, job: Job) -> None:
        """Show a synchronization, whoever started it."""
        if job.title not in (TITLE, TRANSFER) or self.job_line.busy:
            return
        self.update_actions()
        self.job_line.follow(job)
        job.on_end(self._over)

    def _over(self) -> None:
        self.update_actions()
        self.load()

    def _synced(self, report: RoundReport) -> None:
        if not report.trouble:
            self.messages.say(SUCCESS, report.summary)
            return
        reasons = "；".join(dict.fromkeys(s.reason for s in report.trouble if s.reason))
        conflict = any(s.status == "conflicted" for s in report.trouble)
        self.messages.say(
            WARNING, report.summary, reasons,
            button="处理冲突" if conflict else "", run=lambda: self._go("conflicts"),
        )  # fmt: skip

    def _failed(self, error: YizhanError) -> None:
        if isinstance(error, Cancelled):
            self.messages.say(WARNING, "同步已取消。", "已传的部分不会重传，数据都在本机。")
        elif isinstance(error, DeviceUnknown):
            self.messages.clear()  # the bar below says it, with the way on
        elif isinstance(error, Unreachable):
            self.messages.say(
                WARNING, error.message, error.hint, button="改用介质交换", run=lambda: self._go("media")
            )
        else:
            self.messages.error(error)

    def _check_online(self) -> Job:
        return self._desk.jobs.run(
            "检测与中心的连接", lambda _: self._desk.syncing.check_online(), self._show_online,
            self.report, quiet=True, owner=self,
        )  # fmt: skip

    def _ask_anew(self) -> None:
        self.messages.say(
            WARNING, "全部数据将从中心重新取回，未同步的修改保留。", "数据多时要较长时间，期间可以照常使用。",
            button="确认重新装载", run=self._load_anew,
        )  # fmt: skip

    def _load_anew(self) -> Job:
        syncing, online = self._desk.syncing, bool(self._desk.settings.hub_url)

        def asked(_: None) -> None:
            self.messages.clear()
            self.load()
            if online:
                self.sync_now()

        return self._desk.jobs.run(
            "要求重新装载", lambda _: syncing.load_anew(), asked, self.report, lane="write",
            cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    def _go(self, page: str) -> None:
        self.open_page.emit(page, {})

    # --- showing -------------------------------------------------------------
    def _show(
        self, state: SyncState, types: list[PendingType], lease: Lease, attached: Waiting
    ) -> None:
        waiting = state.pending_changes
        self.tiles.put("pending", *_pending_tile(state))
        self._show_attached(attached)
        self.tiles.put("receipt", moment(state.last_receipt_at), f"中心已签收 {state.receipted:,} 条变更")
        signed = moment(state.evidence_at).partition("-")[2] or NOTHING
        self.tiles.put(
            "as_of", moment(state.complete_at), f"中心签名 {signed}",
            "plain" if state.complete_at else "wait",
        )  # fmt: skip
        self._show_lease(lease)
        self._show_load(state)
        if state.restored:
            self.restored_bar.say(WARNING, state.restored)
        else:
            self.restored_bar.clear()
        self._show_unknown(state)
        self._show_missing(state.missing)
        self._show_conflicts(state.conflicts)
        self._show_online(self._desk.syncing.online)
        self._show_sets(state)
        rows = [PlainRow((t.title, f"{t.records:,}", f"{t.changes:,}"), thing=t) for t in types]
        self.types.set_rows(rows, f"共 {sum(t.records for t in types):,} 条记录、{waiting:,} 条变更")
        self.attempts.set_rows([_attempt_row(a) for a in state.attempts], _attempt_total(state.attempts))
        self.update_actions()

    def _show_unknown(self, state: SyncState) -> None:
        """A seat the restored hub does not know: what happened, and the way on."""
        if state.unknown and self.reenrol.isHidden():
            self.unknown_bar.say(
                WARNING, "中心从备份恢复过，已不认识本席位：它是备份之后登记的。",
                "本机数据都在，请用新的登记码重新登记。", button="重新登记", run=self._reenrol,
            )  # fmt: skip
        elif not state.unknown:
            self.unknown_bar.clear()

    def _show_missing(self, found: Missing | None) -> None:
        """Numbers the hub lacks: what waits for them, where they are, and the way to send them again."""
        if found is None:
            self.missing_bar.clear()
            return
        self.missing_bar.say(
            WARNING, found.words, found.what_to_do, button=f"重新导出第 {found.numbers} 号",
            run=lambda: self.open_page.emit("media", {"tab": "export", "lacking": found.spans}),
        )  # fmt: skip

    def _show_conflicts(self, count: int) -> None:
        """All may be in and yet not settled: the way to where it is decided."""
        if not count:
            self.conflict_bar.clear()
            return
        self.conflict_bar.say(
            WARNING, f"本机录入的内容有 {count:,} 处冲突待处理。",
            "两个值都在，由单位管理员或中心管理员决定用哪一个。",
            button="查看冲突", run=lambda: self._go("conflicts"),
        )  # fmt: skip

    def _tell(self, one: SetView | None) -> None:
        """The whole explanation of the chosen set, which a line of the table cuts off."""
        said = _explained(one) if one is not None else ""
        self.told.setText(f"第 {one.range} 号：{said}" if one is not None and said else "")
        self.told.setVisible(bool(said))

    def _reenrol(self) -> None:
        self.unknown_bar.clear()
        self.messages.clear()
        self.reenrol.open()

    def _show_attached(self, found: Waiting) -> None:
        """How much content is on its way; it follows its records, beside the work."""
        parts = []
        if found.to_send:
            parts.append(f"待传 {found.to_send:,} 个")
        if found.to_fetch:
            parts.append(f"待下载 {found.to_fetch:,} 个")
        size = found.to_send_bytes + found.to_fetch_bytes
        held = f"缓存 {size_text(found.held_bytes)}，上限 {size_text(found.quota_bytes)}"
        self.tiles.put(
            "attachments",
            "，".join(parts) or "没有待传的附件",
            f"还要传 {size_text(size)}" if parts else held,
            "wait" if parts else "plain",
        )

    def _show_lease(self, lease: Lease) -> None:
        tone = {"good": "plain", "warn": "wait", "over": "bad"}[lease.state]
        left = "已到期，暂为只读" if lease.state == "over" else f"还有 {lease.left} 天"
        since = f"距中心最近一次签名 {lease.days} 天" if lease.days else "今天与中心有过联系"
        if lease.revoked:
            left, since = "已吊销", f"{lease.revoked} 起不能录入"
        self.tiles.put("lease", left, since, tone)
        if lease.message:
            level = "error" if lease.state == "over" else "warning"
            if self._desk.settings.hub_url:
                self.lease_bar.say(level, lease.message, button="立即同步", run=self.sync_now)
            else:
                way = "改用介质交换"
                self.lease_bar.say(level, lease.message, button=way, run=lambda: self._go("media"))
        else:
            self.lease_bar.clear()

    def _show_load(self, state: SyncState) -> None:
        """A first load that waits for its next part; while one comes the line above tells."""
        if state.load and not self.job_line.busy:
            hint = "可以照常使用；再同步一次会接着装载，也可以导入其余的介质。"
            self.load_bar.say("warning", f"{state.load}。", hint, button="立即同步", run=self.sync_now)
        else:
            self.load_bar.clear()

    def _show_online(self, online: bool | None) -> None:
        address = self._desk.settings.hub_url
        if not address:
            self.tiles.put("online", "未设置中心地址", "在“设置”中填写", "off")
            return
        word, tone = {None: ("未检测", "off"), True: ("在线", "good"), False: ("离线", "off")}[online]
        self.tiles.put("online", word, address, tone)

    def _show_sets(self, state: SyncState) -> None:
        rows = [_set_row(one) for one in state.sets]
        loose = state.pending_changes - state.sealed
        if loose:
            word = Standing.PENDING.value
            texts = (NOTHING, f"{loose:,}", NOTHING, word, "尚未封装，下次同步或导出时自动封装")
            rows.insert(0, PlainRow(texts, ((3, STANDING_TONES[word]),)))
        total = f"共 {len(state.sets):,} 个变更集"
        trouble = len(state.trouble)
        self.sets.set_rows(rows, f"{total}，{trouble:,} 个需要处理" if trouble else total)
        at = next((i for i, r in enumerate(rows) if r.thing in state.trouble), None)
        if at is not None and self.sets.current() is None:
            self.sets.select(at)
        self._tell(self.sets.current())


def _pending_tile(state: SyncState) -> tuple[str, str, str]:
    """The office's work, and apart from it what the exchange noted about itself."""
    waiting, paper = state.pending_changes, state.paper
    if not state.work:
        said = "变更全部已入库" if state.conflicts and not (state.held_back or state.unknown) else ""
        said = f"{paper:,} 条交换记录随下次交换带走" if paper else said
        return state.settled, said, state.tone
    told = f"未封装 {waiting - state.sealed:,}　已封装 {state.sealed:,}"
    if paper:  # the list below tells what is unsealed
        told = f"已封装 {state.sealed:,}　交换记录 {paper:,}"
    return f"{state.work:,} 条变更", told, "wait"


def _set_row(one: SetView) -> PlainRow:
    word = one.standing.value
    text = _explained(one)
    texts = (one.range, f"{one.changes:,}", moment(one.sealed_at), word, text or NOTHING)
    return PlainRow(texts, ((3, STANDING_TONES[word]),), one)


def _explained(one: SetView) -> str:
    todo = one.next or _WHAT_TO_DO.get(one.standing, "")
    return "；".join(t.rstrip("。") for t in (one.detail, todo) if t)


def _attempt_row(one: Attempt) -> PlainRow:
    word, tone = ATTEMPTS.get(one.outcome, (one.outcome, "plain"))
    return PlainRow(
        (
            moment(one.at, seconds=True),
            CARRIERS.get(one.carrier, one.carrier),
            DIRECTIONS.get(one.direction, one.direction),
            f"{one.sets:,}",
            f"{one.changes:,}",
            size_text(one.bytes),
            word,
            one.message or NOTHING,
            grouped(one.fingerprint),
        ),
        ((6, tone),),
        one,
    )


def _attempt_total(attempts: list[Attempt]) -> str:
    failed = sum(a.outcome == "failed" for a in attempts)
    changes, size = sum(a.changes for a in attempts), sum(a.bytes for a in attempts)
    said = f"最近 {len(attempts):,} 次，{changes:,} 条变更，{size_text(size)}"
    return f"{said}，失败 {failed:,} 次" if failed else said
