"""单位与席位: every bureau's state, its seats, and all a seat ever exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from desktop.ui.actions import Action, tool_button
from desktop.ui.choosing import Files
from desktop.ui.jobline import size_text
from desktop.ui.notify import SUCCESS, WARNING, MessageBar
from desktop.ui.pages.page import Page, Panes
from desktop.ui.plain import plain_label
from desktop.ui.queues.step_panel import StepPanel
from desktop.ui.queues.steps import known
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.tiles import Tiles
from desktop.ui.words import CARRIERS, NOTHING, OUTCOMES, moment
from desktop.work.control import SILENT_DAYS, BureauState, Forgotten, Overview, Seat
from desktop.work.jobs import Job
from shared.access import Role

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

_BUREAUS = (
    PlainColumn("单位", 22, "left", grows=True),
    PlainColumn("席位", 6, "right"),
    PlainColumn("最近联系", 18),
    PlainColumn("途径", 6),
    PlainColumn("沉默", 8, "right"),
    PlainColumn("待上报", 8, "right"),
    PlainColumn("待前序", 8, "right"),
    PlainColumn("隔离", 6, "right"),
    PlainColumn("冲突", 6, "right"),
)
_SEATS = (
    PlainColumn("席位", 14, "left"),
    PlainColumn("状态", 8),
    PlainColumn("最近联系", 17),
    PlainColumn("沉默", 8, "right"),
    PlainColumn("待上报", 8, "right"),
    PlainColumn("程序", 8),
    PlainColumn("说明", 12, "left", grows=True),
)
_HISTORY = (
    PlainColumn("时间", 17),
    PlainColumn("途径", 6),
    PlainColumn("变更", 8, "right"),
    PlainColumn("大小", 9, "right"),
    PlainColumn("结果", 9),
    PlainColumn("说明", 14, "left", grows=True),
)


class SeatOverview(QWidget):
    """Figures on top, bureaus on the left, the chosen bureau's seats and their history on the right."""

    log_wanted = Signal(object)
    """The exchanges of a :class:`Seat` in the log."""

    def __init__(self, desk: Desk, page: Page) -> None:
        super().__init__()
        self._desk = desk
        self._page = page
        self.files = Files()
        self.forgotten_bar = MessageBar()
        self.seats = PlainTable("席位", _SEATS, "个")
        self.tiles = Tiles(
            (
                ("bureaus", "单位"),
                ("heard", "今日有联系"),
                ("silent", f"沉默 {SILENT_DAYS} 天以上"),
                ("pending", "待上报"),
                ("held", "待前序与隔离"),
                ("conflicts", "待处理冲突"),
            )
        )
        self.bureaus = PlainTable("各单位", _BUREAUS, "个")
        self.bureaus.set_empty_words("还没有登记过席位", "签发登记码，席位登记后就会出现在这里")
        self.seats.set_empty_words("选中一个单位，这里显示它的席位", "")
        self.history = PlainTable("交换经历", _HISTORY, "次")
        self.history.set_empty_words("选中一个席位，这里显示它的全部交换", "")
        refresh = page.offer(Action("reload_seats", "刷新", self.start, "", "refresh"))
        export = page.offer(Action("export_seats", "导出各单位状态", self.export, "", "export"))
        to_log = page.offer(Action("seat_log", "在交换记录中查看", self._to_log, "", "log", self._has_seat))
        for action in (refresh, export):
            self.bureaus.add_tool(tool_button(action, words=True))
        self.history.add_tool(tool_button(to_log, words=True))
        revoke = page.offer(Action("revoke_seat", "吊销席位", self.revoke, "", "lock", self._may_revoke))
        self.seats.add_tool(tool_button(revoke, words=True))
        self.declared = desk.records.type("device")
        self.panel = StepPanel(self.declared, desk.records, desk.jobs)
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(13)
        both.addWidget(self.bureaus)
        self.told = plain_label()
        self.told.setWordWrap(True)
        left = QWidget()
        under = QVBoxLayout(left)
        under.setContentsMargins(0, 0, 0, 0)
        under.addWidget(self.seats, 1)
        under.addWidget(self.told)
        both.addWidget(Panes(left, self.history, 0.54))
        both.setSizes([260, 260])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.forgotten_bar)
        column.addWidget(self.tiles)
        column.addWidget(both, 1)
        column.addWidget(self.panel)
        self.bureaus.chosen.connect(self._bureau_chosen)
        self.seats.chosen.connect(self._seat_chosen)
        self.seats.opened.connect(lambda _: self._to_log())
        self.panel.closed.connect(self.seats.setFocus)

    def start(self) -> Job:
        """Read again; the chosen bureau stays chosen."""
        return self._desk.jobs.run(
            "读取各单位状态",
            lambda _: (self._desk.control.overview(), self._desk.control.forgotten()),
            lambda found: self._show(*found), self._page.report, quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def export(self) -> Job | None:
        """The seats' states as a workbook."""
        today = self._desk.store.clock.today()
        path = self.files.to_save(self, "导出各单位同步状态", f"各单位同步状态-{today:%Y%m%d}.xlsx")
        if path is None:
            return None
        return self._desk.jobs.run(
            "导出各单位同步状态",
            lambda progress: self._desk.control.export(path, progress),
            lambda count: self._page.messages.say(SUCCESS, f"已导出 {count:,} 个席位的状态：{path}"),
            self._page.report, owner=self,
        )  # fmt: skip

    def revoke(self) -> None:
        """Ask why, and for confirmation: what the chosen seat brings from now on waits for a person."""
        seat = self.seats.current()
        if seat is None or not self._may_revoke():
            return
        self.panel.ask(
            "吊销席位",
            f"{seat.bureau_name} {seat.name}。{self._warning}",
            ("revoke_reason",),
            lambda raw: self._revoke(seat, raw),
        )

    # --- showing -------------------------------------------------------------
    def _show(self, found: Overview, forgotten: list[Forgotten]) -> None:
        self._show_forgotten(forgotten)
        before = self.bureaus.current()
        self._show_tiles(found)
        self.bureaus.set_rows([_bureau_row(one) for one in found.bureaus])
        names = [one.bureau for one in found.bureaus]
        if names:
            self.bureaus.select(names.index(before.bureau) if before and before.bureau in names else 0)

    def _show_forgotten(self, found: list[Forgotten]) -> None:
        """What a restored hub does not know any more: who was revoked works on, until it is said again."""
        if not found:
            self.forgotten_bar.clear()
            return
        first = found[0]
        why = f"，{first.reason}" if first.reason else ""
        which = f"{first.bureau} {first.name}（{first.at[:10]} 吊销{why}）"
        more = f"等 {len(found):,} 个席位" if len(found) > 1 else ""
        session = self._desk.session
        may = session.actor.has(Role.HUB_ADMIN) and not session.read_only
        self.forgotten_bar.say(
            WARNING, f"中心从备份恢复过，吊销没有恢复：{which}{more}又在用了。",
            "核对后请重新吊销；确实要继续用的，不必处理。",
            button="重新吊销" if may else "", run=lambda: self._revoke_again(found),
        )  # fmt: skip

    def _revoke_again(self, found: list[Forgotten]) -> Job:
        return self._desk.jobs.run(
            "重新吊销", lambda _: self._desk.control.revoke_again(found, self._page.name),
            self._revoked_again, self._page.report, lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    def _revoked_again(self, count: int) -> None:
        self._page.messages.say(SUCCESS, f"已重新登记吊销 {count:,} 个席位，本机下次同步后在中心生效。")
        self.start()

    def _show_tiles(self, found: Overview) -> None:
        sums = found.figures()
        held = sums.parked + sums.quarantined
        older = f"，{sums.behind:,} 个程序较旧" if sums.behind else ""
        self.tiles.put("bureaus", f"{len(found.bureaus):,} 个", f"{sums.seats:,} 个席位在用{older}")
        self.tiles.put(
            "heard", f"{sums.heard_today:,} 个席位", f"共 {sums.seats:,} 个",
            "good" if sums.heard_today else "off",
        )  # fmt: skip
        self.tiles.put(
            "silent", f"{sums.silent:,} 个席位", f"其中 {sums.never:,} 个从未联系" if sums.never else "",
            "bad" if sums.silent else "good",
        )  # fmt: skip
        self.tiles.put(
            "pending", f"{sums.pending:,} 条变更", "席位最近一次报告", "wait" if sums.pending else "good"
        )
        self.tiles.put(
            "held", f"{held:,} 个变更集",
            f"待前序 {sums.parked:,}　隔离 {sums.quarantined:,}" if held else "",
            "bad" if sums.quarantined else "wait" if sums.parked else "good",
        )  # fmt: skip
        self.tiles.put(
            "conflicts", f"{sums.conflicts:,} 处", "按涉及单位计", "bad" if sums.conflicts else "good"
        )

    def _revoke(self, seat: Seat, raw: dict[str, str]) -> Job | None:
        records, cycle = self._desk.records, self.declared.lifecycle
        if cycle is None:
            return None
        step = cycle.transition("revoke")
        said = {**known(self.declared, step, records.actor.user), **raw}
        return self._desk.jobs.run(
            "吊销席位",
            lambda _: records.step(self.declared, seat.device, step.name, said, initiator=self._page.name),
            lambda _: self._revoked(seat),
            self.panel.refuse,
            lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    @property
    def _warning(self) -> str:
        cycle = self.declared.lifecycle
        return cycle.transition("revoke").warning if cycle else ""

    def _revoked(self, seat: Seat) -> None:
        self.panel.close_panel()
        self._page.messages.say(
            SUCCESS, f"已登记吊销“{seat.name}”，本机下次同步后在中心生效；对方从下一次交换起得知。"
        )
        self.start()

    def _may_revoke(self) -> bool:
        """Whether the chosen seat is in use, not this one, and the person may end it."""
        seat: Seat | None = self.seats.current()
        session = self._desk.session
        mine = seat is not None and seat.device == session.device
        return (
            seat is not None and seat.active and not mine
            and session.actor.has(Role.HUB_ADMIN) and not session.read_only
        )

    def _bureau_chosen(self, one: BureauState | None) -> None:
        seats = one.seats if one else []
        self.seats.set_rows([_seat_row(seat) for seat in seats])
        if seats:
            self.seats.select(0)

    def _seat_chosen(self, seat: Seat | None) -> None:
        self._page.update_actions()
        said = "；".join(_said(seat)) if seat is not None else ""
        self.told.setText(said)
        self.told.setVisible(bool(said))
        if seat is None:
            self.history.set_rows([])
            return
        self._desk.jobs.run(
            "读取席位经历", lambda _: self._desk.control.history(seat),
            lambda rows: self.history.set_rows([_history_row(row) for row in rows]),
            self._page.report, quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def _has_seat(self) -> bool:
        return self.seats.current() is not None

    def _to_log(self) -> None:
        self.log_wanted.emit(self.seats.current())


def _days(silent: int | None) -> str:
    if silent is None:
        return "从未"
    return f"{silent} 天" if silent else "今天"


def _bureau_row(one: BureauState) -> PlainRow:
    last = one.last
    parked, held = one.total("parked"), one.total("quarantined")
    texts = (
        one.name or NOTHING, str(len(one.seats)), moment(last.contact_at) if last else NOTHING,
        CARRIERS.get(last.carrier, last.carrier) if last else NOTHING, _days(last.silent if last else None),
        f"{one.total('pending'):,}", str(parked), str(held), str(one.conflicts),
    )  # fmt: skip
    marks: list[tuple[int, str]] = [(4, "bad")] if one.quiet else []
    marks += [(at, "bad") for at, count in ((7, held), (8, one.conflicts)) if count]
    marks += [(6, "wait")] if parked else []
    return PlainRow(texts, tuple(marks), one)


def _said(seat: Seat) -> list[str]:
    """What somebody should know about it."""
    said = [f"时钟超前 {seat.ahead_minutes:,} 分钟"] if seat.ahead_minutes else []
    if seat.parked:
        lack = f"缺第 {seat.missing} 号变更，" if seat.missing else ""
        said.append(f"{lack}{seat.parked} 个变更集待前序：请该单位送来较早的介质或重新导出")
    said += [f"{seat.quarantined} 个变更集隔离待审"] if seat.quarantined else []
    said += ["程序较旧，需升级"] if seat.program.behind else []
    return said


def _seat_row(seat: Seat) -> PlainRow:
    said = _said(seat)
    texts = (
        seat.name, "在用" if seat.active else "已吊销", moment(seat.contact_at), _days(seat.silent),
        f"{seat.pending:,}", seat.program.version or NOTHING, "；".join(said) or NOTHING,
    )  # fmt: skip
    marks: list[tuple[int, str]] = [(1, "good" if seat.active else "bad")]
    marks += [(3, "bad")] if seat.quiet else []
    marks += [(5, "wait")] if seat.program.behind else []
    marks += [(6, "bad" if seat.quarantined else "wait")] if said else []
    return PlainRow(texts, tuple(marks), seat)


def _history_row(row: Row) -> PlainRow:
    one: dict[str, Any] = row.values
    word, tone = OUTCOMES.get(str(one["outcome"]), (str(one["outcome"]), "plain"))
    texts = (
        moment(one["started_at"]), CARRIERS.get(one["carrier"], str(one["carrier"])),
        f"{one['changes'] or 0:,}", size_text(one["bytes"]), word, str(one["reason"] or NOTHING),
    )  # fmt: skip
    return PlainRow(texts, ((4, tone),), row)
