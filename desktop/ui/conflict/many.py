"""Several conflicts decided the same way, with one reason."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

_HOW = "每条分别处理并记下同一理由；另一方的值留在历史里。"


class ManyPanel(QWidget):
    """``decided(choice, reason)``: ``ours`` or ``theirs`` for everything that is selected."""

    decided = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._title = QLabel()
        self._title.setProperty("strong", True)
        how = QLabel(_HOW)
        how.setWordWrap(True)
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("处理理由（必填）")
        self.reason.setAccessibleName("处理理由")
        self.reason.setMaxLength(1000)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setProperty("muted", True)
        self.ours = QPushButton("全部采用中心值(&C)")
        self.theirs = QPushButton("全部改用未采用的值(&D)")
        row = QHBoxLayout()
        for one, choice in ((self.ours, "ours"), (self.theirs, "theirs")):
            one.clicked.connect(lambda _=False, c=choice: self.decided.emit(c, self.reason.text()))
            row.addWidget(one)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(12)
        for widget in (self._title, how, self.reason):
            column.addWidget(widget)
        column.addLayout(row)
        column.addWidget(self._note)
        column.addStretch(1)
        self.reason.textChanged.connect(lambda _: self._refresh())
        self._allowed = False

    def show_count(self, count: int, note: str) -> None:
        """How many are selected; ``note`` says why nothing can be decided, if so."""
        self._title.setText(f"已选 {count:,} 条冲突")
        self._allowed = not note
        self._note.setText(note)
        self._refresh()

    def _refresh(self) -> None:
        ready = self._allowed and bool(self.reason.text().strip())
        self.reason.setEnabled(self._allowed)
        self.ours.setEnabled(ready)
        self.theirs.setEnabled(ready)
