"""工作台: what waits for the person, what the hub has not signed for, and where to begin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.flow import FlowLayout
from desktop.ui.home.rows import Badge, LinkRow, Panel
from desktop.ui.pages.page import Page
from desktop.ui.plain import plain_label
from desktop.ui.theme import STANDING_TONES
from desktop.work.recent import Recent, recent_entries
from shared.supervision import queues

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.syncing import SyncState
    from desktop.work.todo import TodoItem

_OWN = ("drafts", "pending")
"""Counts of what is on this device only; shown at the right."""

_WEEK = "一二三四五六日"
_RECENT = 8
_NEVER = "本机尚未与中心完成同步"
_NO_RIGHT = "您的账号没有录入权限，可以查询和查看；如需录入，请联系单位管理员。"
_READ_ONLY = "本机现在只读：可以查询和导出，不能录入。原因和办法见“同步”页。"
_NOTHING_ENTERED = "还没有录入过。点上面的按钮开始，或从 Excel 粘贴、导入。"


@dataclass(frozen=True, slots=True)
class _Facts:
    todo: list[TodoItem]
    drafts: dict[str, int]
    sync: SyncState
    recent: list[Recent]
    read_only: bool


class HomePage(Page):
    """To-do counts open filtered pages; a dash stands where there is no right."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("home", "工作台", "home")
        self.desk = desk
        self._may_enter = False
        self._buttons: QWidget | None = None
        self._begins = 0
        self._no_entry = plain_label()
        self._no_entry.setProperty("muted", True)
        who = plain_label(desk.records.actor.name)
        who.setProperty("strong", True)
        self._day = plain_label()
        self._day.setProperty("muted", True)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(who)
        top.addWidget(self._day)
        top.addStretch(1)
        self.todo = Panel("待办")
        self.recent = Panel("我最近录入")
        self.sync = Panel("同步")
        self.drafts = Panel("草稿")
        left, right = QVBoxLayout(), QVBoxLayout()
        for column, panels in ((left, (self.todo, self.recent)), (right, (self.sync, self.drafts))):
            column.setSpacing(12)
            for panel in panels:
                column.addWidget(panel)
            column.addStretch(1)
        inner = QWidget()
        columns = QHBoxLayout(inner)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(12)
        columns.addLayout(left, 3)
        columns.addLayout(right, 2)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        self.body.addLayout(top)
        self.body.addWidget(self._no_entry)
        self._show_begin(read_only=desk.session.read_only)
        self.body.addWidget(area, 1)

    # --- the page ------------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        self._read()

    def refresh(self, types: frozenset[str]) -> None:
        self._read()

    # --- inside --------------------------------------------------------------
    def _show_begin(self, *, read_only: bool) -> None:
        """Buttons where a day's work begins, or why there are none; asked again with every reading."""
        if self._buttons is None and not read_only:
            self._buttons = self._begin_row()
            self.body.insertWidget(1, self._buttons)
        self._may_enter = not read_only and self._buttons is not None and bool(self._begins)
        if self._buttons is not None:
            self._buttons.setVisible(self._may_enter)
        self._no_entry.setText(_READ_ONLY if read_only else _NO_RIGHT)
        self._no_entry.setVisible(not self._may_enter)

    def _begin_row(self) -> QWidget:
        """Only what the person may do."""
        row = QWidget()
        row.setAccessibleName("快捷录入")
        line = FlowLayout(row, 8)
        records = self.desk.records
        for declared in records.types("collection"):
            if records.may("create", declared):
                go = partial(self._go, "records", {"type": declared.name, "new": True})
                action = Action(f"enter_{declared.name}", f"录入{declared.title}", go, icon="plus")
                line.addWidget(button(self.offer(action)))
        verify = Action("verify", "核查主体", partial(self._go, "verify", {}), icon="verify")
        if records.may("create", records.type("verification")):
            line.addWidget(button(self.offer(verify)))
        if records.may("create", records.type("inspection")):
            go = partial(self._go, "inspections", {"new": True})
            line.addWidget(button(self.offer(Action("inspect", "现场检查", go, icon="inspect"))))
        self._begins = line.count()
        return row

    def _go(self, page: str, params: dict[str, Any]) -> None:
        self.open_page.emit(page, params)

    def _read(self) -> None:
        """Counts come when they come; only the last answer is shown."""
        desk = self.desk

        def work(_: object) -> _Facts:
            return _Facts(
                desk.todo.counts(),
                desk.records.draft_counts(),
                desk.syncing.state(),
                recent_entries(desk.records, _RECENT),
                desk.session.read_only,
            )

        desk.jobs.run("读取待办", work, self._show, self.report, quiet=True, owner=self, newest=True)

    def _show(self, facts: _Facts) -> None:
        today = self.desk.store.clock.today()
        bureau = self.desk.session.bureau.name
        self._show_begin(read_only=facts.read_only)
        self._day.setText(f"{bureau}　{today.isoformat()} 星期{_WEEK[today.weekday()]}")
        waiting = [item for item in facts.todo if item.queue not in _OWN]
        rows: list[LinkRow | None] = []
        page = ""
        for item in waiting:
            if page and item.page != page:
                rows.append(None)
            page = item.page
            rows.append(self._todo_row(item))
        self.todo.put(rows, "没有待办事项。")
        as_of = next((item.as_of for item in waiting), "")
        self.todo.set_remark(f"数据截止时间 {_minutes(as_of)}" if as_of else _NEVER)
        self._show_sync(facts.sync)
        self._show_drafts(facts.drafts)
        self._show_recent(facts.recent)

    def _todo_row(self, item: TodoItem) -> LinkRow:
        badges: list[Badge] = []
        late = item.queue == queues.LATE_TASKS.name
        if item.overdue and not late:
            badges.append((f"已逾期 {item.overdue:,}", "bad"))
        if item.due_today:
            badges.append((f"今日到期 {item.due_today:,}", "wait"))
        if item.nearest and item.queue == queues.OPEN_PROBLEMS.name:
            badges.append((f"最近期限 {item.nearest}", "plain"))
        if item.count is None:
            return LinkRow(item.title, None, hint="您没有办理这类事项的权限")
        hint = f"数据截止时间 {_minutes(item.as_of)}" if item.as_of else _NEVER
        go = partial(self._go, item.page, item.params)
        return LinkRow(
            item.title, f"{item.count:,}", badges, shade="bad" if late else "accent", hint=hint, run=go
        )

    def _show_sync(self, state: SyncState) -> None:
        go = partial(self._go, "sync", {})
        waiting = state.work
        sealed = [(f"已封装 {state.sealed:,}", "off")] if waiting and state.sealed else []
        sealed += [(f"交换记录 {state.paper:,}", "off")] if state.paper else []
        said = f"{waiting:,}" if waiting else state.settled
        shade = "wait" if waiting else state.tone
        rows: list[LinkRow | None] = [
            LinkRow("待同步变更", said, sealed, shade=shade, run=go)
        ]
        trouble = len(state.trouble)
        if trouble:
            rows.append(LinkRow("需要处理的变更集", f"{trouble:,}", shade="bad", run=go))
        rows += [
            None,
            LinkRow("最近回执", _minutes(state.last_receipt_at) or "尚无回执", shade="plain"),
            LinkRow("数据截止时间", _minutes(state.complete_at) or "尚未收全", shade="plain"),
        ]
        self.sync.put(rows)

    def _show_drafts(self, counts: dict[str, int]) -> None:
        records = self.desk.records
        rows = [
            LinkRow(
                records.type(name).title,
                f"{count:,}",
                run=partial(self._go, "records", {"type": name, "drafts": True}),
            )
            for name, count in sorted(counts.items())
        ]
        self.drafts.put(rows, "没有草稿。录入时未保存的内容会自动存在这里。")

    def _show_recent(self, found: list[Recent]) -> None:
        rows = [
            LinkRow(
                f"{one.declared.title}　{one.name}",
                _minutes(str(one.row.values.get("entered_at") or ""))[5:],
                [(str(one.row.standing), STANDING_TONES.get(str(one.row.standing), "plain"))],
                shade="off",
                run=partial(self._go, "records", {"type": one.declared.name, "id": one.row.id}),
            )
            for one in found
        ]
        self.recent.put(rows, _NOTHING_ENTERED if self._may_enter else "这里列出您录入的记录。")


def _minutes(stamp: str) -> str:
    return stamp[:16].replace("T", " ")
