"""The base of all editors: raw text in, raw text out, a mark when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from desktop.work.jobs import Jobs
from shared.errors import Level
from shared.fields import Field

if TYPE_CHECKING:
    from desktop.work.records import Records

SHORT = 168
"""Least width of editors for dates, numbers and the like."""


def short_width(widget: QWidget) -> int:
    """Room for a time and its button, in the type size of the widget."""
    return max(SHORT, widget.fontMetrics().horizontalAdvance("如 2026-05-06 10:20") + 56)


class Editor(QWidget):
    """Base: raw text in, raw text out; never an exception for what is typed.

    ``edited`` when the text changed by hand, ``left`` when the focus went away,
    ``next_wanted`` when Enter was used up by a suggestion.
    """

    edited = Signal()
    left = Signal()
    next_wanted = Signal()
    tall = False
    """Takes a whole line of the form."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__()
        self.field = field
        self.records = records
        self.jobs = jobs
        self._inner: QWidget = self
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)

    def raw(self) -> str:
        """What is typed; ``""`` for nothing."""
        raise NotImplementedError

    def set_raw(self, raw: str) -> None:
        """Show this text; sends no ``edited``."""
        raise NotImplementedError

    def set_problem(self, message: str | None, level: Level = Level.REJECT) -> None:
        """Mark as wrong (red) or doubtful (amber); None = fine."""
        self._inner.setProperty("problem", level.value if message else None)
        self._inner.style().unpolish(self._inner)
        self._inner.style().polish(self._inner)
        self._inner.setAccessibleDescription(message or self.field.hint)

    def set_locked(self, locked: bool) -> None:
        """Show without letting it be changed."""
        self.setEnabled(not locked)

    def _adopt(self, inner: QWidget) -> None:
        """``inner`` is what takes the keyboard."""
        self._inner = inner
        self.setFocusProxy(inner)
        self.setAccessibleName(self.field.title)
        inner.setAccessibleName(self.field.title)
        inner.setAccessibleDescription(self.field.hint)
        hint = self.field.hint or (f"如 {self.field.example}" if self.field.example else "")
        inner.setToolTip(hint)
        if hint and isinstance(inner, QLineEdit | QPlainTextEdit):
            inner.setPlaceholderText(hint)
        inner.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if (
            isinstance(event, QFocusEvent)
            and event.type() == QEvent.Type.FocusOut
            and watched is self._inner
            and event.reason()
            not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        ):
            self._leave()
        return super().eventFilter(watched, event)

    def _leave(self) -> None:
        self.left.emit()
