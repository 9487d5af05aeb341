"""The question before an attachment is removed: a reason, in place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton


class ReasonLine(QFrame):
    """Emits ``confirmed`` with the reason; Esc puts it away."""

    confirmed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("bar", "warning")
        self._label = QLabel("移除原因")
        self.reason = QLineEdit()
        self.reason.setAccessibleName("移除原因")
        self.reason.setMaxLength(200)
        self.reason.setPlaceholderText("必填，如：拍错了")
        self._label.setBuddy(self.reason)
        self.yes = QPushButton("确认移除")
        no = QPushButton("不移除")
        for push in (self.yes, no):
            push.setAutoDefault(False)
            push.setAccessibleName(push.text())
        self.reason.returnPressed.connect(self._confirm)
        self.yes.clicked.connect(self._confirm)
        no.clicked.connect(self.hide)
        self.reason.textChanged.connect(lambda text: self.yes.setEnabled(bool(text.strip())))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 4, 4)
        row.setSpacing(8)
        row.addWidget(self._label)
        row.addWidget(self.reason, 1)
        row.addWidget(self.yes)
        row.addWidget(no)
        self.hide()

    def ask(self, title: str) -> None:
        """Ask why ``title`` is to be removed."""
        self.setAccessibleName(f"移除附件 {title}")
        self.reason.clear()
        self.yes.setEnabled(False)
        self.show()
        self.reason.setFocus()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _confirm(self) -> None:
        if self.reason.text().strip():
            self.confirmed.emit(self.reason.text().strip())
