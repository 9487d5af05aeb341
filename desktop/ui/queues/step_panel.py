"""Asks what a step needs (a reason, a person) in the page itself, never in a modal box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from desktop.ui.actions import Action, button, to_qaction
from desktop.ui.forms.form import RecordForm
from desktop.work.jobs import Job, Jobs
from desktop.work.records import Records
from shared.errors import Problem, Rejected, YizhanError
from shared.record import RecordType

Go = Callable[[dict[str, str]], Job | None]


class StepPanel(QFrame):
    """Hidden until :meth:`ask`; Ctrl+Enter does it, Esc puts it away.

    The step itself is the page's: :meth:`ask` takes what to run, and the page
    calls :meth:`close` when it worked or :meth:`refuse` when it did not.
    """

    closed = Signal()

    def __init__(self, declared: RecordType, records: Records, jobs: Jobs) -> None:
        super().__init__()
        self.setProperty("panel", True)
        self._declared, self._records, self._jobs = declared, records, jobs
        self._form: RecordForm | None = None
        self._go: Go | None = None
        self._heading = QLabel()
        self._heading.setProperty("strong", True)
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self._heading.setWordWrap(True)
        self._do = to_qaction(Action("step_do", "确定", self._run, "Ctrl+Return"), self)
        self._leave = to_qaction(Action("step_cancel", "取消", self.close_panel, "Esc"), self)
        self._room = QVBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        self._push = button(self._do, primary=True)
        foot.addWidget(self._push)
        foot.addWidget(button(self._leave))
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addLayout(self._room)
        column.addLayout(foot)
        self.hide()

    @property
    def form(self) -> RecordForm | None:
        """The fields asked for now."""
        return self._form

    def ask(
        self, title: str, about: str, fields: Sequence[str], go: Go, known: Mapping[str, str] | None = None
    ) -> None:
        """Ask for ``fields``; ``go`` gets what was typed."""
        self._drop_form()
        self._go = go
        self._heading.setText(f"{title}：{about}" if about else title)
        self.setAccessibleName(f"{title}：{about}")
        self._do.setText(f"确定{title}")
        self._do.setToolTip(f"确定{title}（Ctrl+Enter）")
        self._push.setText(self._do.text())
        self._push.setAccessibleName(self._do.text())
        self._form = RecordForm(self._declared, self._records, self._jobs, only=fields)
        self._form.set_raw({**self._form.raw(), **(known or {})})
        self._room.addWidget(self._form)
        self._fit()
        self.show()
        self._form.setFocus()

    def refuse(self, error: YizhanError) -> None:
        """It did not work: findings under their fields, the rest on top of the form."""
        if self._form is None:
            return
        found = error.problems if isinstance(error, Rejected) else [Problem("", str(error))]
        self._form.show_problems(found)
        self._fit()
        self._form.jump_to_first_problem()

    def close_panel(self) -> None:
        """Put it away; ``closed`` tells the owner to take the keyboard back."""
        self.hide()
        self._drop_form()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_panel()
            event.accept()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent, /) -> None:
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As tall as the fields and what is said about them."""
        if self._form is not None:
            self._form.setFixedHeight(self._form.full_height())

    def _drop_form(self) -> None:
        self._go = None
        if self._form is not None:
            self._room.removeWidget(self._form)
            self._form.deleteLater()
            self._form = None

    def _run(self) -> Job | None:
        if self._go is None or self._form is None:
            return None
        return self._go(self._form.raw())
