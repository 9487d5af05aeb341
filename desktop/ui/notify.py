"""Messages that stay out of the way: a bar inside the page, never a modal box."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from desktop.ui.theme import icon
from shared.errors import YizhanError, joined

INFO, SUCCESS, WARNING, ERROR = "info", "success", "warning", "error"

_LOOK = {
    INFO: ("info", "accent", "提示"),
    SUCCESS: ("ok", "good", "成功"),
    WARNING: ("warning", "wait", "注意"),
    ERROR: ("error", "danger", "出错"),
}
STAY_MS = 8000


class MessageBar(QFrame):
    """Shows one message at a time: what happened, what to do, and perhaps a button for it.

    Information and success go away by themselves; warnings and errors stay until
    closed or replaced.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.level = ""
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._button = QPushButton()
        self._button.setAutoDefault(False)
        self._button.clicked.connect(self._act)
        self._run: Callable[[], object] | None = None
        close = QToolButton()
        close.setIcon(icon("cancel", "muted"))
        close.setAccessibleName("关闭提示")
        close.setToolTip("关闭提示")
        close.clicked.connect(self.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 4, 4)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)
        self.hide()

    def say(
        self,
        level: str,
        message: str,
        hint: str = "",
        *,
        button: str = "",
        run: Callable[[], object] | None = None,
    ) -> None:
        """Show a message (INFO, SUCCESS, WARNING, ERROR); ``button`` and ``run`` offer the next step."""
        picture, token, word = _LOOK[level]
        self.level = level
        self.setProperty("bar", level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._icon.setPixmap(icon(picture, token).pixmap(16, 16))
        text = joined(message, hint)
        self._text.setText(text)
        self._run = run
        self._button.setText(button)
        self._button.setAccessibleName(button)
        self._button.setVisible(bool(button))
        self.setAccessibleName(f"{word}：{text}")
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self._timer.stop()
        if level in (INFO, SUCCESS) and not button:
            self._timer.start(STAY_MS)

    def error(self, error: YizhanError) -> None:
        """Show an expected error with its hint."""
        self.say(ERROR, error.message, error.hint)

    def text(self) -> str:
        """What is shown now; ``""`` when nothing is."""
        return self._text.text() if self.level else ""

    def clear(self) -> None:
        """Take the message away."""
        self.level = ""
        self._timer.stop()
        self.hide()

    def _act(self) -> None:
        run = self._run
        self.clear()
        if run is not None:
            run()
