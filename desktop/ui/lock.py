"""The idle lock: the window is covered until the person gives the password again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.work.jobs import Jobs
from shared.errors import YizhanError

INPUT = {
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
    QEvent.Type.InputMethod,
}
MINUTE_MS = 60_000


class IdleWatch(QObject):
    """Says ``idle()`` when nobody touched keyboard or mouse for some minutes."""

    idle = Signal()

    def __init__(self, parent: QObject, minutes: int) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.idle)
        self.set_minutes(minutes)
        app = QGuiApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def set_minutes(self, minutes: int) -> None:
        """How long is too long."""
        self._timer.setInterval(minutes * MINUTE_MS)
        self._timer.start()

    def stop(self) -> None:
        """Watch no more."""
        self._timer.stop()
        app = QGuiApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if event.type() in INPUT:
            self._timer.start()
        return False


class LockScreen(QWidget):
    """Covers a window; what is behind it stays as it was, unsaved input included.

    :param confirm: checks the password, raises a :class:`YizhanError` when it is wrong.
    """

    unlocked = Signal()

    def __init__(self, window: QWidget, person: str, confirm: Callable[[str], None], jobs: Jobs) -> None:
        super().__init__(window)
        self.setObjectName("lock")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("已锁定")
        self.setAutoFillBackground(True)
        self._window = window
        self._confirm = confirm
        self._jobs = jobs
        self._busy = False
        title = QLabel("已锁定")
        title.setProperty("strong", True)
        words = QLabel(f"{person}，请输入登录密码继续；未保存的内容都还在。")
        words.setProperty("muted", True)
        self.password = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setAccessibleName("登录密码")
        self.password.setFixedWidth(280)
        self.problem = QLabel()
        self.problem.setProperty("problem", "reject")
        self.problem.setWordWrap(True)
        self.button = QPushButton("解锁")
        self.button.setProperty("primary", True)
        self.button.clicked.connect(self.try_password)
        self.password.returnPressed.connect(self.try_password)
        line = QHBoxLayout()
        line.addWidget(self.password)
        line.addWidget(self.button)
        line.addStretch(1)
        inner = QWidget()
        inner.setFixedWidth(460)
        column = QVBoxLayout(inner)
        for one in (title, words):
            column.addWidget(one)
        column.addLayout(line)
        column.addWidget(self.problem)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(inner, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        window.installEventFilter(self)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.password.setFocus()

    def try_password(self) -> None:
        """Check what was typed, off the window's thread: stretching it takes a moment."""
        typed = self.password.text()
        if self._busy or not typed:
            return
        self._busy = True
        self._jobs.run(
            "解锁", lambda _: self._confirm(typed), lambda _: self._open(), self._refused,
            quiet=True, cancellable=False, owner=self,
        )  # fmt: skip

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._window.rect())
        return False

    def _open(self) -> None:
        self._window.removeEventFilter(self)
        self.unlocked.emit()
        self.hide()
        self.deleteLater()

    def _refused(self, error: YizhanError) -> None:
        self._busy = False
        self.password.clear()
        self.problem.setText(str(error))
        self.password.setFocus()
