"""A new task, entered beside the list it will stand in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button, to_qaction
from desktop.ui.forms.form import RecordForm
from desktop.ui.queues.keeping import Keeping
from desktop.work.jobs import Job
from desktop.work.records import Saved
from shared.errors import Rejected, YizhanError

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Draft


class NewTask(QWidget):
    """Ctrl+S saves and closes, Ctrl+Enter saves and asks for the next; Esc sets it aside as a draft.

    ``saved(Saved)``; ``closed()``; ``failed(error)`` for what no field can show;
    ``found(Draft)`` when unsaved input of an earlier day was found.
    """

    saved = Signal(object)
    closed = Signal()
    failed = Signal(object)
    found = Signal(object)

    def __init__(self, desk: Desk, initiator: str) -> None:
        super().__init__()
        self.desk = desk
        self._initiator = initiator
        declared = desk.tasks.declared
        self.form = RecordForm(declared, desk.records, desk.jobs)
        self._keeping = Keeping(self.form, desk.records, desk.jobs)
        self.setAccessibleName("新建任务")
        heading = QLabel("新建任务")
        heading.setProperty("section", True)
        save = to_qaction(Action("task_save", "保存", lambda: self._save(False), "Ctrl+S", "save"), self)
        following = to_qaction(
            Action("task_next", "保存并继续", lambda: self._save(True), "Ctrl+Return"), self
        )
        leave = to_qaction(Action("task_leave", "关闭", self.leave, "Esc"), self)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(heading)
        buttons.addStretch(1)
        buttons.addWidget(button(save, primary=True))
        buttons.addWidget(button(following))
        buttons.addWidget(button(leave))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(buttons)
        column.addWidget(self.form, 1)
        self.setFocusProxy(self.form)

    def begin(self, given: Mapping[str, str] | None = None) -> None:
        """Ready for input; what stands there unsaved stays."""
        if given:
            self.form.fill(given)
        elif not self.form.is_dirty:
            self._keeping.newest(self.found.emit)
        self.form.setFocus()

    def restore(self, draft: Draft) -> None:
        """Go on with what was left unsaved."""
        self._keeping.keep()
        self.form.set_raw({})
        self.form.fill(draft.raw)
        self._keeping.adopt(draft)
        self.form.setFocus()

    def leave(self) -> None:
        """Close; unsaved input is kept as a draft and stays in the form."""
        self._keeping.keep()
        self.closed.emit()

    def hideEvent(self, event: QHideEvent, /) -> None:
        self._keeping.keep()
        super().hideEvent(event)

    def _save(self, and_next: bool) -> Job:
        raw, draft = self.form.raw(), self._keeping.draft_id

        def work(_: object) -> Saved:
            saved: Saved = self.desk.tasks.create(raw, initiator=self._initiator)
            if draft:
                self.desk.records.drop_draft(draft)
            return saved

        def done(saved: Saved) -> None:
            self._keeping.let_go()
            self.form.clear()
            self.saved.emit(saved)
            if not and_next:
                self.closed.emit()

        job: Job = self.desk.jobs.run("保存任务", work, done, self._refused, lane="write", owner=self)
        return job

    def _refused(self, error: YizhanError) -> None:
        if isinstance(error, Rejected):
            self.form.show_problems(error.problems)
            self.form.jump_to_first_problem()
        else:
            self.failed.emit(error)
