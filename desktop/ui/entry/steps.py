"""The steps open to a record in the form: buttons from its workflow, and what a step must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.ui.queues.step_panel import StepPanel
from desktop.ui.queues.steps import asked, is_open, known
from desktop.ui.theme import TONES
from desktop.work.jobs import Job
from desktop.work.step_guards import against
from shared.lifecycle import Lifecycle, Transition
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

NAME = "records"


class StepRow(QWidget):
    """State and step buttons of one record; hidden for types without a workflow, and for new records.

    Nothing here knows a type: titles, roles, what is asked and what is said beforehand are declared.
    """

    taken = Signal(str, str)
    """Id of the record, and what was done, in words."""

    def __init__(self, declared: RecordType, desk: Desk) -> None:
        super().__init__()
        self.declared = declared
        self._desk = desk
        self._row: Row | None = None
        self.buttons: dict[str, QPushButton] = {}
        self.state = QLabel()
        self.elsewhere = QLabel()
        self.elsewhere.setProperty("muted", True)
        self.panel = StepPanel(declared, desk.records, desk.jobs)
        self.panel.setProperty("bar", "warning")
        self._line = QHBoxLayout()
        self._line.setSpacing(8)
        self._line.addWidget(self.state)
        self._line.addWidget(self.elsewhere)
        self._line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._line)
        column.addWidget(self.panel)
        self.hide()

    def show_of(self, row: Row | None) -> None:
        """What may be done with this record now."""
        self._row = row
        if not self.panel.isHidden():
            self.panel.close_panel()
        for push in self.buttons.values():
            self._line.removeWidget(push)
            push.deleteLater()
        self.buttons = {}
        cycle = self.declared.lifecycle
        self.setVisible(cycle is not None and row is not None)
        if cycle is None or row is None:
            return
        state = next((s for s in cycle.states if s.name == row.values.get(cycle.field)), None)
        self.state.setText(f"状态：{state.title}" if state else "")
        self.state.setStyleSheet(f"color: {TONES[state.tone if state else 'plain']};")
        self._offer(cycle, row)

    # --- inside --------------------------------------------------------------
    def _offer(self, cycle: Lifecycle, row: Row) -> None:
        self.elsewhere.setText("")
        for step in cycle.transitions:
            if not is_open(self._desk.records, self.declared, row, step):
                continue
            if cycle.at:
                self.elsewhere.setText(f"请到“{cycle.at}”办理")
                return
            push = QPushButton(f"{step.title}…")
            push.setAccessibleName(step.title)
            why = against(self._desk.session, self.declared, row, step)
            push.setEnabled(not why)
            push.setToolTip(why)
            push.clicked.connect(lambda _=False, s=step: self._ask(s))
            self.buttons[step.name] = push
            self._line.insertWidget(self._line.count() - 1, push)

    def _ask(self, step: Transition) -> None:
        if self._row is None:
            return
        name = str(self._row.values.get(self.declared.label) or "")
        about = "。".join(t for t in (name, step.warning) if t)
        fields = (*asked(self.declared, step), *step.offers)
        self.panel.ask(step.title, about, fields, lambda raw: self._take(step, raw))

    def _take(self, step: Transition, raw: dict[str, str]) -> Job | None:
        row, records = self._row, self._desk.records
        if row is None:
            return None
        said = {**known(self.declared, step, records.actor.user), **raw}
        name = str(row.values.get(self.declared.label) or "")
        words = f"已{step.title}{self.declared.title}{f'“{name}”' if name else ''}，待同步。"
        return self._desk.jobs.run(
            f"{step.title}{self.declared.title}",
            lambda _: records.step(self.declared, row.id, step.name, said, initiator=NAME),
            lambda _: self._done(row.id, words),
            self.panel.refuse,
            lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    def _done(self, record_id: str, words: str) -> None:
        self.panel.close_panel()
        self.taken.emit(record_id, words)
