"""反馈问题: asked once above the table, told about every record that is selected there (R54)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.ui.notify import ERROR, SUCCESS, WARNING, MessageBar
from desktop.ui.queues.step_panel import StepPanel
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Job, Progress
from desktop.work.problems import Raised, told_in_words
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.desk import Desk

TITLE = "反馈问题"
_ASKED = ("kind", "description", "due_on")


class RaisingPanel(StepPanel):
    """Hidden until :meth:`begin`."""

    def __init__(self, desk: Desk, table: RecordTable, messages: MessageBar, initiator: str) -> None:
        super().__init__(desk.problems.declared, desk.records, desk.jobs)
        self._desk, self._table, self._messages = desk, table, messages
        self._initiator = initiator
        self.closed.connect(table.setFocus)

    def may_begin(self) -> bool:
        """Whether the person may raise problems about what the table shows."""
        return self._desk.problems.may_raise(self._table.declared)

    def begin(self) -> None:
        """Ask what is wrong with the selected records."""
        rowids = list(self._table.selected_rowids())
        if not rowids:
            self._messages.say(WARNING, "请先在表中选中有问题的记录。", "可以按住 Ctrl 或 Shift 选多条。")
            return
        declared = self._table.declared
        known = {"due_on": self._desk.problems.due().isoformat()}
        about = f"所选 {len(rowids):,} 条{declared.title}"
        self.ask(TITLE, about, _ASKED, lambda raw: self._run_for(declared, rowids, raw), known)

    def _run_for(self, declared: RecordType, rowids: list[int], raw: dict[str, str]) -> Job:
        problems, initiator = self._desk.problems, self._initiator

        def work(progress: Progress) -> Raised:
            return problems.raise_about(declared, rowids, raw, progress, initiator=initiator)

        return self._desk.jobs.run(TITLE, work, self._told, self.refuse, lane="write", owner=self)

    def _told(self, found: Raised) -> None:
        self.close_panel()
        text, rest = told_in_words(found)
        if found.done:
            self._messages.say(WARNING if rest else SUCCESS, text, rest)
        else:
            self._messages.say(ERROR, "没有反馈。", rest)


__all__ = ["TITLE", "RaisingPanel"]
