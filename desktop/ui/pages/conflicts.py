"""冲突: two values of one field side by side, and the decision that travels back (N5, R41)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QStackedWidget

from desktop.ui.actions import Action
from desktop.ui.conflict.decision import DecisionPanel
from desktop.ui.conflict.many import ManyPanel
from desktop.ui.notify import SUCCESS, WARNING
from desktop.ui.pages.page import Page, Panes
from desktop.ui.queues.segments import Segments
from desktop.ui.tables.columns import Column, Shown, columns_for
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Job
from shared.errors import StaleRecord, YizhanError
from shared.filters import Condition, Filter, Op
from shared.types.conflict import DELETION

if TYPE_CHECKING:
    from desktop.work.conflicts import Detail, Resolved
    from desktop.work.desk import Desk
    from desktop.work.records import Row

_OPEN, _RESOLVED = "open", "resolved"
_SEGMENTS = ((_OPEN, "待处理"), (_RESOLVED, "已处理"))
_ELSEWHERE = "外单位或中心的管理员"
"""Who decided, where this device does not know the account."""
_WHOLE = {
    True: {"ours_value": "已作废", "theirs_value": "修改"},
    False: {"ours_value": "修改后保留", "theirs_value": "作废"},
}
"""A deletion against an edit, by whether the edit is the one that was not taken."""
_EMPTY = {
    _OPEN: ("没有待处理的冲突", "两个单位改了同一处而内容不同时，会在这里等待决定"),
    _RESOLVED: ("还没有处理过冲突", ""),
}
_COLUMNS = ("subject", "field_title", "ours_value", "theirs_value", "theirs_bureau")
_TITLES = {
    "theirs_bureau": ("后到的单位", 14), "field_title": ("字段", 12), "subject": ("记录", 24),
    "ours_value": ("先到的值", 18), "theirs_value": ("后到的值", 18),
}  # fmt: skip
"""True for whoever looks, also when it was decided which of them stands."""


class ConflictsPage(Page):
    """``shown``: {"id": conflict}, {"filter": Filter} (the home page's open ones)."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("conflicts", "冲突", "conflict")
        self._desk = desk
        self._wanted_id = ""
        self._current_id = ""
        self.declared = desk.records.type("conflict")
        self.segments = Segments(_SEGMENTS, "处理情况")
        self.search = QLineEdit()
        self.search.setPlaceholderText("按记录名称查找")
        self.search.setAccessibleName("查找")
        self.search.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * 14))
        self.table = RecordTable(self.declared, desk.records, desk.jobs, self._columns())
        self.table.add_tool(self.search)
        self.panel = DecisionPanel(desk.records, desk.jobs, desk.session.device)
        self._nothing = QLabel("选中一条冲突，这里并排显示双方的值")
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._right = QStackedWidget()
        self._right.addWidget(self._nothing)
        self._right.addWidget(self.panel)
        self.many = ManyPanel()
        self._right.addWidget(self.many)
        self.body.addWidget(self.segments)
        self.body.addWidget(Panes(self.table, self._right, 0.5), 1)
        decide = self.offer(
            Action("decide", "确定处理", self.decide, "Ctrl+S", "check", enabled=self._may_decide)
        )
        self.panel.set_decide(decide)
        self.offer(Action("find", "查找", self.search.setFocus, "Ctrl+F", "search"))
        self.segments.chosen.connect(lambda _: self._ask())
        self.search.textChanged.connect(lambda _: self._ask())
        self.table.selection_changed.connect(self._selected)
        self.table.model.counted.connect(self._counted)
        self.panel.record_wanted.connect(self._open_record)
        self.panel.changed.connect(self.update_actions)
        self.panel.siblings_wanted.connect(self.search.setText)
        self.many.decided.connect(self.decide_many)

    # --- coming here -----------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        self._wanted_id = str(params.get("id") or "")
        wanted = params.get("filter")
        if isinstance(wanted, Filter) or self._wanted_id:
            self.search.clear()
            self.segments.choose(_OPEN)
        self._ask()
        self._count()
        self.table.setFocus()

    def refresh(self, types: frozenset[str]) -> None:
        if "conflict" in types:
            self.table.reload()
            self._count()

    # --- the list --------------------------------------------------------------
    def _filter(self, state: str) -> Filter:
        return Filter((Condition("state", Op.EQ, state),), self.search.text().strip(), "-theirs_at")

    def _ask(self) -> None:
        self.table.set_empty_words(*_EMPTY[self.segments.current])
        self.table.set_filter(self._filter(self.segments.current))

    def _count(self) -> None:
        records, declared = self._desk.records, self.declared
        wanted = {state: self._filter(state) for state, _ in _SEGMENTS}
        self._desk.jobs.run(
            "统计冲突",
            lambda _: {state: records.count(declared, f) for state, f in wanted.items()},
            self._show_counts, self.report, quiet=True, owner=self,
        )  # fmt: skip

    def _show_counts(self, found: dict[str, int]) -> None:
        for state, count in found.items():
            self.segments.set_count(state, count)

    def _counted(self, count: int, final: bool) -> None:
        """The conflict that was asked for, or the first one, so that the keyboard finds work."""
        if self._wanted_id and self.table.select(self._wanted_id):
            self._wanted_id = ""
        elif count and self.table.current() is None:
            self.table.grid.selectRow(0)

    def _columns(self) -> list[Column]:
        made = []
        for column in columns_for(self.declared, _COLUMNS, opens=False, standing=False):
            title, chars = _TITLES.get(column.name, (column.title, 16))
            if column.name in ("ours_value", "theirs_value"):
                made.append(replace(column, title=title, chars=chars, shows=self._value_cell(column.name)))
            else:
                made.append(replace(column, title=title, chars=chars if column.field else column.chars))
        return made

    def _value_cell(self, name: str) -> Any:
        records = self._desk.records

        def show(row: Row) -> Shown:
            from desktop.work.conflicts import NOTHING, typed  # late: loads the store

            declared, value = records.type(row.values["record_type"]), row.values[name]
            if row.values["kind"] == DELETION:
                return Shown(_WHOLE[bool(row.values["edits"])][name])
            one = declared.by_name.get(row.values["field"])
            if one is None:
                return Shown(str(value or NOTHING))
            cycle = declared.lifecycle
            if cycle is not None and one.name == cycle.field and value:
                return Shown(cycle.state(str(value)).title)
            return Shown(records.show(one, typed(one, value)).replace("\n", " ") or NOTHING)

        return show

    # --- one conflict ------------------------------------------------------------
    def _selected(self, row: Row | None) -> None:
        self._current_id = row.id if row else ""
        chosen = len(self.table.selected_rowids())
        if chosen > 1:
            self._current_id = ""
            self.many.show_count(chosen, self._why_not_many())
            self._right.setCurrentWidget(self.many)
            self.update_actions()
            return
        if row is None:
            self._right.setCurrentWidget(self._nothing)
            self.update_actions()
            return
        conflicts, wanted = self._desk.conflicts, row.id

        def came(detail: Detail) -> None:
            if wanted == self._current_id:
                self.panel.show_detail(detail, conflicts.may_resolve(), self._decided_by(detail))
                self._right.setCurrentWidget(self.panel)
                self.update_actions()

        self._desk.jobs.run(
            "读取冲突", lambda _: conflicts.detail(wanted), came, self.report, quiet=True, owner=self
        )

    def _decided_by(self, detail: Detail) -> str:
        user = detail.conflict.values.get("resolved_by")
        return (self._desk.records.label("user", user) or _ELSEWHERE) if user else ""

    def _may_decide(self) -> bool:
        return bool(self._current_id) and self.panel.ready

    def decide(self) -> Job | None:
        """Write the decision; the record and the conflict change together."""
        if not self._may_decide():
            return None
        conflicts, wanted = self._desk.conflicts, self._current_id
        (choice, raw), reason = self.panel.decision(), self.panel.reason()
        self.panel.show_problem("")
        return self._desk.jobs.run(
            "处理冲突",
            lambda _: conflicts.resolve(wanted, choice, raw, reason=reason, initiator=self.name),
            lambda _: self._done(),
            self._failed,
            lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    def decide_many(self, choice: str, reason: str) -> Job | None:
        """Decide everything selected the same way."""
        rowids = self.table.selected_rowids()
        if len(rowids) < 2 or self._why_not_many():
            return None
        conflicts, records, declared = self._desk.conflicts, self._desk.records, self.declared

        def work(_: object) -> Resolved:
            ids = [row.id for row in records.rows(declared, rowids)]
            return conflicts.resolve_many(ids, choice, reason, initiator=self.name)

        return self._desk.jobs.run(
            "处理冲突", work, self._done_many, self._failed, lane="write", cancellable=False, owner=self
        )

    def _why_not_many(self) -> str:
        if self.segments.current != _OPEN:
            return "所选的已经处理过。"
        if not self._desk.conflicts.may_resolve():
            return "处理冲突由单位管理员或中心管理员办理。"
        return ""

    def _done_many(self, done: Resolved) -> None:
        self.many.reason.clear()
        self._done(f"已处理 {done.done:,} 条，结果将随下次同步送回双方单位。")
        if done.left:
            subject, why = done.left[0]
            self.messages.say(WARNING, f"另有 {len(done.left):,} 条没有处理。{subject}：{why}")

    def _done(self, words: str = "已处理，结果将随下次同步送回双方单位。") -> None:
        self.messages.say(SUCCESS, words)
        self.table.reload()
        self._count()
        self.table.setFocus()

    def _failed(self, error: YizhanError) -> None:
        if isinstance(error, StaleRecord):
            self.table.reload()
            self.report(error)
        elif not self.panel.show_problem(error.message):
            self.report(error)

    def _open_record(self, type_name: str, record_id: str) -> None:
        page = "entities" if type_name == "market_entity" else "records"
        self.open_page.emit(page, {"type": type_name, "id": record_id})
