"""A row of figures one must not miss: a word, a value, a line of explanation."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from desktop.ui.plain import tip
from desktop.ui.theme import TONES


class Tiles(QWidget):
    """One tile per title; set with :meth:`put`."""

    def __init__(self, titles: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._tiles = {name: _Tile(title) for name, title in titles}
        for tile in self._tiles.values():
            row.addWidget(tile, 1)

    def put(self, name: str, value: str, note: str = "", tone: str = "plain") -> None:
        """Set one tile."""
        self._tiles[name].put(value, note, tone)

    def text(self, name: str) -> str:
        """Value and note of one tile."""
        return self._tiles[name].accessibleName()


class _Tile(QFrame):
    def __init__(self, title: str) -> None:
        super().__init__()
        self.setProperty("tile", True)
        self._title = title
        heading = QLabel(title)
        heading.setProperty("muted", True)
        self._value = _Line()
        self._value.setProperty("tileValue", True)
        self._note = _Line()
        self._note.setProperty("muted", True)
        for label in (heading, self._value, self._note):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(2)
        column.addWidget(heading)
        column.addWidget(self._value)
        column.addWidget(self._note)

    def put(self, value: str, note: str, tone: str) -> None:
        self._value.put(value)
        self._value.setStyleSheet(f"color: {TONES[tone]};")
        self._note.put(note)
        self.setAccessibleName(f"{self._title}：{value}{f'，{note}' if note else ''}")


class _Line(QLabel):
    """A text that ends in … where it does not fit; the whole of it is the tooltip."""

    def __init__(self) -> None:
        super().__init__("—")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = "—"

    def put(self, text: str) -> None:
        self._whole = text
        self.setToolTip(tip(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        if shown != self.text():
            self.setText(shown)
