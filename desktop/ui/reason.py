"""The question before something is taken away: a reason, in place, never a box in the way."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton


class ReasonLine(QFrame):
    """Emits ``confirmed`` with the reason; Esc puts it away.

    :param verb: what is done, as 作废; :param example: an example of a reason.
    """

    confirmed = Signal(str)

    def __init__(self, verb: str, example: str) -> None:
        super().__init__()
        self.setProperty("bar", "warning")
        label = QLabel(f"{verb}原因")
        self.reason = QLineEdit()
        self.reason.setAccessibleName(label.text())
        self.reason.setMaxLength(200)
        self.reason.setPlaceholderText(f"必填，如：{example}")
        label.setBuddy(self.reason)
        self.yes = QPushButton(f"确认{verb}")
        no = QPushButton(f"不{verb}")
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
        row.addWidget(label)
        row.addWidget(self.reason, 1)
        row.addWidget(self.yes)
        row.addWidget(no)
        self.hide()

    def ask(self, what: str) -> None:
        """Ask why; ``what`` says the whole act, as 作废这条行政许可."""
        self.setAccessibleName(what)
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
