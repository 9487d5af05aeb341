"""The question: one big line for a name or a code, and what the answer is for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.ui.actions import button
from desktop.ui.forms.suggest import Choice, Offer, SuggestEdit
from desktop.ui.plain import plain_label
from desktop.ui.theme import icon
from shared.errors import Problem

PURPOSES = ("行政审批", "评优评先", "政府采购", "财政扶持", "招标投标", "日常监管", "信访举报核实")


class Question(QWidget):
    """``asked()`` on Enter in either line."""

    asked = Signal()

    def __init__(self, ask: QAction) -> None:
        super().__init__()
        self.word = QLineEdit()
        self.word.setAccessibleName("核查对象")
        self.word.setPlaceholderText("统一社会信用代码或名称，回车核查")
        self.word.setToolTip("输入 18 位代码、全称或名称中的几个字（Ctrl+F）")
        font = QFont(self.word.font())
        font.setPointSize(font.pointSize() + 4)
        self.word.setFont(font)
        self.word.setProperty("big", True)
        self.word.addAction(icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.purpose = SuggestEdit(self._offer)
        self.purpose.setAccessibleName("核查用途")
        self.purpose.setPlaceholderText("如 评优评先")
        self.purpose.setToolTip("这次核查的结果用在什么地方；会写进核查单")
        self.purpose.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * 14))
        self.purpose.setProperty("big", True)
        label = QLabel("用途")
        label.setProperty("muted", True)
        label.setBuddy(self.purpose)
        push = button(ask, primary=True)
        push.setProperty("big", True)
        self._problem = plain_label()
        self._problem.setProperty("problem", "reject")
        self._problem.setWordWrap(True)
        self._problem.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.word, 1)
        row.addWidget(label)
        row.addWidget(self.purpose)
        row.addWidget(push)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._problem)
        self.setFocusProxy(self.word)
        self.word.returnPressed.connect(self.asked)
        self.purpose.returnPressed.connect(self.asked)
        self.purpose.next_wanted.connect(self.asked)
        self.word.textEdited.connect(lambda: self.show_problems([]))
        self.purpose.textEdited.connect(lambda: self.show_problems([]))

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Say what is missing, and go there."""
        fields = {"word": self.word, "purpose": self.purpose}
        wrong = {p.field for p in problems}
        for name, line in fields.items():
            line.setProperty("problem", "reject" if name in wrong else None)
            line.style().unpolish(line)
            line.style().polish(line)
        self._problem.setText("；".join(p.message for p in problems))
        self._problem.setVisible(bool(problems))
        first = next((line for name, line in fields.items() if name in wrong), None)
        if first is not None:
            first.setFocus()

    def problem(self) -> str:
        """What is said to be missing."""
        return self._problem.text() if not self._problem.isHidden() else ""

    def _offer(self, word: str, answer: Offer) -> None:
        answer([Choice(p, p) for p in PURPOSES if word in p])
