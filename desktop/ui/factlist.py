"""Labels and values to read, not to edit: details, reports, identity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.theme import TONES


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. ``tone`` colours the value (``theme.TONES``); blank values show a dash."""

    label: str
    value: str
    tone: str = "plain"


Section = tuple[str, Sequence[Fact]]


class FactList(QWidget):
    """Sections of facts; every value can be marked and copied.

    :param label_chars: width of the labels, in characters.
    """

    def __init__(self, label_chars: int = 7, columns: int = 1) -> None:
        super().__init__()
        self._chars = label_chars
        self._columns = columns
        self._shown: list[Section] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._inside: list[QWidget] = []

    def set_sections(self, sections: Iterable[Section]) -> None:
        """Show these sections and no others; a section without a title has no heading."""
        for widget in self._inside:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._shown = [(title, tuple(facts)) for title, facts in sections]
        self._inside = [self._section(title, facts) for title, facts in self._shown]
        for widget in self._inside:
            self._column.addWidget(widget)

    def text(self) -> str:
        """All of it as lines."""
        return "\n".join(f"{f.label}：{f.value}" for _, facts in self._shown for f in facts)

    def _section(self, title: str, facts: Sequence[Fact]) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        top = 0
        if title:
            heading = QLabel(title)
            heading.setProperty("section", True)
            heading.setIndent(0)
            grid.addWidget(heading, 0, 0, 1, 2 * self._columns)
            top = 1
        width = self.fontMetrics().horizontalAdvance("字" * self._chars)
        for i in range(self._columns):
            grid.setColumnMinimumWidth(2 * i, width)
            grid.setColumnStretch(2 * i + 1, 1)
        for number, fact in enumerate(facts):
            row, column = top + number // self._columns, 2 * (number % self._columns)
            label = QLabel(fact.label)
            label.setProperty("muted", True)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, row, column)
            grid.addWidget(self._value(fact), row, column + 1)
        return box

    def _value(self, fact: Fact) -> QLabel:
        value = QLabel(fact.value or "—")
        value.setTextFormat(Qt.TextFormat.PlainText)
        value.setWordWrap(True)
        value.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        value.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        value.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        value.setAccessibleName(f"{fact.label}：{fact.value or '无'}")
        if fact.tone != "plain":
            value.setStyleSheet(f"color: {TONES[fact.tone]};")
        return value


_GREEDY = 1_000
"""Against the stretch beside it: a widget with a greatest width stays left, others take everything."""


def scrolled(widget: QWidget, name: str) -> QScrollArea:
    """The widget in an area that scrolls down when it is low."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAccessibleName(name)
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 8, 0)
    row = QHBoxLayout()
    row.addWidget(widget, _GREEDY)
    row.addStretch(1)
    column.addLayout(row)
    column.addStretch(1)
    area.setWidget(holder)
    return area


def section_heading(text: str) -> QLabel:
    """The heading above a section of a page."""
    label = QLabel(text)
    label.setProperty("section", True)
    label.setIndent(0)
    return label


def push_row(within: QWidget, *pushes: QWidget) -> QHBoxLayout:
    """Buttons in a line that begins where the values of ``within`` begin."""
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addSpacing(within.fontMetrics().horizontalAdvance("字" * 9) + 12)
    for push in pushes:
        row.addWidget(push)
    row.addStretch(1)
    return row
