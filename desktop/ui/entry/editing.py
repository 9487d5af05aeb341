"""The right side of a room: one record in a form, with its standing and its buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.ui.actions import button
from desktop.ui.forms.form import RecordForm
from desktop.ui.plain import plain_label, tip
from desktop.ui.reason import ReasonLine
from desktop.ui.theme import STANDING_TONES, TONES
from desktop.work.jobs import Jobs
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records, Row


class Editing(QWidget):
    """Heading, buttons, form. Knows which record it shows; ``record`` is None for a new one."""

    void_confirmed = Signal(str)
    turned = Signal(bool)
    """Another record is shown, or the same anew; whether it may be changed."""

    def __init__(
        self, declared: RecordType, records: Records, jobs: Jobs, actions: Mapping[str, QAction]
    ) -> None:
        super().__init__()
        self.declared = declared
        self.record: Row | None = None
        self.form = RecordForm(declared, records, jobs)
        self._title = plain_label()
        self._title.setProperty("section", True)
        self._standing = QLabel()
        self._note = plain_label()
        self._note.setProperty("muted", True)
        self._note.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title, 1)
        head.addWidget(self._standing)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(button(actions["save"], primary=True))
        buttons.addWidget(button(actions["save_next"]))
        buttons.addStretch(1)
        buttons.addWidget(button(actions["discard"]))
        buttons.addWidget(button(actions["void"]))
        self._void = ReasonLine("作废", "重复录入")
        self._void.confirmed.connect(self.void_confirmed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(buttons)
        column.addWidget(self._void)
        column.addWidget(self._note)
        column.addWidget(self.form, 1)
        self.setFocusProxy(self.form)
        self._column = column
        self.show_new()

    def add_below(self, widget: QWidget) -> None:
        """Something that belongs to the record, under its form."""
        self._column.addWidget(widget)

    def add_above(self, widget: QWidget) -> None:
        """Something about the record, between its buttons and its form."""
        self._column.insertWidget(2, widget)

    def show_new(self) -> None:
        """The form is for a new record, where one may be typed."""
        self.record = None
        self._dress("", self.declared.typed)

    def show_record(self, row: Row, *, editable: bool, owner: str = "") -> None:
        """The form is for this record; ``owner`` is named where it may not be changed."""
        self.record = row
        self._dress(owner, editable)

    def ask_void(self) -> None:
        """Ask for the reason, in place."""
        self._void.ask(f"作废这条{self.declared.title}")

    def close_void(self) -> None:
        """The question is over."""
        self._void.hide()

    @property
    def title(self) -> str:
        """The heading."""
        return self._title.text()

    def _dress(self, owner: str, editable: bool) -> None:
        row, declared = self.record, self.declared
        name = "" if row is None else str(row.values.get(declared.label) or "")
        new = f"新增{declared.title}" if declared.typed else declared.title
        text = new if row is None else f"{declared.title}  {name}".strip()
        self._title.setText(text)
        self._title.setToolTip(tip(name))
        self._standing.setText("" if row is None else str(row.standing))
        if row is not None:
            shade = QColor(TONES[STANDING_TONES.get(str(row.standing), "plain")])
            palette = self._standing.palette()
            palette.setColor(self._standing.foregroundRole(), shade)
            self._standing.setPalette(palette)
        why = owner or "您没有修改的权限"
        why = why if declared.typed else f"请到“{declared.made_by}”办理"
        self._note.setText("" if editable else f"只能查看：{why}")
        self._note.setVisible(not editable)
        self._void.hide()
        locked = set(declared.key) if editable and row is not None else set()
        self.form.set_locked(locked if editable else {f.name for f in declared.form_fields})
        self.turned.emit(editable)
