"""The answer on screen: verdict, evidence, sentences, lists."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.ui.factlist import scrolled
from desktop.ui.tables.plain import PlainTable
from desktop.ui.theme import ROW, TONES, icon
from desktop.ui.verifying.content import Content, Listing
from shared.supervision.verification import Sentence

_ICONS = {"bad": ("error", "danger"), "wait": ("warning", "wait"), "good": ("ok", "good")}
_BARS = {"bad": "error", "wait": "warning", "good": "success", "plain": "info"}
_SHOWN_ROWS = 6


class AnswerView(QWidget):
    """Draws one :class:`Content`; everything can be marked and copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("核查结论")
        self.content: Content | None = None
        self._holder = QWidget()
        self._column = QVBoxLayout(self._holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._parts: list[QWidget] = []
        self._area = scrolled(self._holder, "核查结论")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._area)

    def show_content(self, content: Content) -> None:
        """Draw this and nothing else."""
        for part in self._parts:
            self._column.removeWidget(part)
            part.hide()
            part.deleteLater()
        self.content = content
        self._parts = [self._verdict(content), self._sentences(content), self._evidence(content)]
        self._parts += [_table(one) for one in content.listings]
        for part in self._parts:
            self._column.addWidget(part)
        self._area.verticalScrollBar().setValue(0)

    def text(self) -> str:
        """All sentences, for tests and the clipboard."""
        if self.content is None:
            return ""
        return "\n".join([self.content.verdict, *(s.text for s in self.content.sentences)])

    # --- parts ---------------------------------------------------------------
    def _verdict(self, content: Content) -> QWidget:
        box = QFrame()
        box.setProperty("bar", _BARS[content.tone])
        name = _label(content.subject)
        name.setProperty("strong", True)
        name.setFont(_larger(name.font(), 3))
        verdict = _label(content.verdict)
        verdict.setFont(_larger(verdict.font(), 3))
        verdict.setStyleSheet(f"color: {TONES[content.tone]}; font-weight: 600;")
        verdict.setAccessibleName(f"结论：{content.verdict}")
        verdict.setSizePolicy(verdict.sizePolicy().Policy.Maximum, verdict.sizePolicy().verticalPolicy())
        verdict.setWordWrap(False)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(name, 1)
        if content.tone in _ICONS:
            picture = QLabel()
            picture.setPixmap(icon(*_ICONS[content.tone]).pixmap(20, 20))
            line.addWidget(picture)
        line.addWidget(verdict)
        column = QVBoxLayout(box)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        column.addLayout(line)
        facts = [f"{title} {text}" for title, text in content.facts if text]
        for words in ("　".join(facts[:3]), *facts[3:], f"核查用途 {content.purpose}", content.kept):
            if words:
                column.addWidget(_label(words))
        return box

    def _evidence(self, content: Content) -> QWidget:
        box = QFrame()
        box.setProperty("panel", True)
        box.setAccessibleName("数据截止与范围")
        grid = QGridLayout(box)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        heading = QLabel("结论依据")
        heading.setProperty("section", True)
        grid.addWidget(heading, 0, 0, 1, 2)
        for row, (title, text) in enumerate(content.as_of, 1):
            label = QLabel(title)
            label.setProperty("muted", True)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            value = _label(text or "—")
            value.setProperty("strong", row == 1)
            value.setAccessibleName(f"{title}：{text or '无'}")
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
        if content.statement:
            words = _label(content.statement)
            words.setProperty("muted", True)
            grid.addWidget(words, len(content.as_of) + 1, 0, 1, 2)
        return box

    def _sentences(self, content: Content) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(4, 0, 4, 0)
        column.setSpacing(4)
        for one in content.sentences:
            column.addWidget(_sentence(one))
        return box


def _sentence(one: Sentence) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    if one.tone in _ICONS:
        picture = QLabel()
        picture.setPixmap(icon(*_ICONS[one.tone]).pixmap(16, 16))
        picture.setFixedHeight(20)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
    text = _label(one.text)
    if one.tone != "plain":
        text.setStyleSheet(f"color: {TONES[one.tone]};")
    row.addWidget(text, 1)
    return made


def _table(one: Listing) -> QWidget:
    table = PlainTable(one.title, one.columns)
    table.set_rows(one.rows)
    grid = ROW * (min(len(one.rows), _SHOWN_ROWS) + 1) + 2
    table.grid.setFixedHeight(grid)
    return table


def _label(text: str) -> QLabel:
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made


def _larger(font: QFont, points: int) -> QFont:
    made = QFont(font)
    made.setPointSize(font.pointSize() + points)
    return made
