"""Nobody at the desk: after some minutes the window hides until the password is typed again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtPrintSupport import QAbstractPrintDialog
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.forms.small import SmallForm, secret_line
from desktop.ui.plain import plain_label
from desktop.work.jobs import Job, Jobs
from shared.errors import YizhanError

_SIGNS = {
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
    QEvent.Type.TouchBegin,
}
_OF_THE_SYSTEM = (QFileDialog, QAbstractPrintDialog)
"""May be drawn by the system, which neither moves nor disables them for us: they are cancelled."""
_MINUTE = 60_000
_NOWHERE = QPoint(-30_000, -30_000)


class IdleLock(QObject):
    """Watches the whole program; jobs go on while it is locked.

    :param window: what is hidden; its shortcuts sleep with it.
    :param minutes: asked each time, so that a changed setting holds at once.
    :param confirm: checks the password, raises when it is wrong; runs in a job.
    :param noted: told that it was locked, and whether by itself; runs in a job.
    """

    def __init__(
        self,
        window: QWidget,
        jobs: Jobs,
        person: str,
        minutes: Callable[[], int],
        confirm: Callable[[str], None],
        noted: Callable[[bool], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._jobs = jobs
        self._person = person
        self._minutes = minutes
        self._confirm = confirm
        self._noted = noted
        self.curtain: LockWindow | None = None
        self._covered: list[tuple[QWidget, QPoint]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(lambda: self.lock(idle=True))
        self._restart()
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        curtain = self.curtain
        if curtain is None and event.type() in _SIGNS:
            self._restart()
        elif curtain is not None and event.type() == QEvent.Type.Show:
            self._opened(watched, curtain)
        return False

    def lock(self, *, idle: bool = False) -> None:
        """Hide everything now: the window, and every dialog, preview and menu beside it."""
        if self.curtain is not None:
            return
        self._jobs.run(
            "记录锁定", lambda _: self._noted(idle), failed=lambda _: None, lane="write", cancellable=False,
            quiet=True, owner=self,
        )  # fmt: skip
        while (popup := QApplication.activePopupWidget()) is not None and popup.close():
            continue
        self._timer.stop()
        for one in QApplication.topLevelWidgets():
            if not one.isVisible() or one is self._window:
                continue
            if isinstance(one, _OF_THE_SYSTEM):
                one.reject()
            else:
                self._cover(one)
        self.curtain = LockWindow(self._jobs, self._person, self._confirm)
        self.curtain.unlocked.connect(self._unlock)
        self.curtain.closed.connect(self._closed)
        self.curtain.setWindowModality(Qt.WindowModality.ApplicationModal)  # above a dialog that waits
        self.curtain.resize(460, 240)
        self.curtain.move(self._window.frameGeometry().center() - self.curtain.rect().center())
        self.curtain.show()
        self._window.hide()

    def _opened(self, one: QObject, curtain: QWidget) -> None:
        """What a job that went on opens in the end waits as well."""
        if isinstance(one, QWidget) and one.isWindow() and one is not curtain:
            self._cover(one)

    def _cover(self, one: QWidget) -> None:
        """Not hidden: a dialog that is hidden has been answered."""
        if any(one is known for known, _ in self._covered):
            return
        self._covered.append((one, one.pos()))
        one.setEnabled(False)
        one.setWindowOpacity(0)
        one.move(_NOWHERE)

    def _unlock(self) -> None:
        curtain, self.curtain = self.curtain, None
        for one, place in self._covered:
            one.move(place)
            one.setWindowOpacity(1)
            one.setEnabled(True)
        self._covered = []
        self._window.show()
        self._window.activateWindow()
        if curtain is not None:
            curtain.close()
            curtain.deleteLater()
        self._restart()

    def _closed(self) -> None:
        """Closed without the password: the program ends."""
        if self.curtain is not None:
            self._window.close()

    def _restart(self) -> None:
        self._timer.start(self._minutes() * _MINUTE)


class LockWindow(QWidget):
    """Asks for the password; closing it ends the program."""

    unlocked = Signal()
    closed = Signal()

    def __init__(self, jobs: Jobs, person: str, confirm: Callable[[str], None]) -> None:
        super().__init__()
        self.setWindowTitle("驿站已锁定")
        self._jobs = jobs
        self._confirm = confirm
        self._busy = False
        title = QLabel("已锁定")
        title.setProperty("welcomeTitle", True)
        words = plain_label(f"{person} 仍在登录。输入密码继续，未保存的内容都还在；关闭本窗口则退出程序。")
        words.setWordWrap(True)
        self.password = secret_line("登录密码")
        self.form = SmallForm(3)
        self.form.add("password", "密码", self.password)
        self._enter = QPushButton("解锁")
        self._enter.setProperty("primary", True)
        self._enter.setDefault(True)
        self._enter.setMinimumWidth(120)
        self._enter.setAccessibleName("解锁")
        self._enter.clicked.connect(self.submit)
        self.password.returnPressed.connect(self.submit)
        row = QHBoxLayout()
        row.addSpacing(self.fontMetrics().horizontalAdvance("字" * 3) + 12)
        row.addWidget(self._enter)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 24, 32, 24)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(words)
        column.addWidget(self.form)
        column.addLayout(row)
        column.addStretch(1)
        self.password.setFocus()

    def submit(self) -> Job | None:
        """Try what is typed."""
        password = self.password.text()
        if self._busy or not password:
            return None
        self._set_busy(True)
        return self._jobs.run(
            "解锁", lambda _: self._confirm(password), lambda _: self._right(), self._wrong,
            cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    def closeEvent(self, event: QCloseEvent, /) -> None:
        super().closeEvent(event)
        self.closed.emit()

    def _right(self) -> None:
        self._set_busy(False)
        self.unlocked.emit()

    def _wrong(self, error: YizhanError) -> None:
        self._set_busy(False)
        self.password.clear()
        self.form.set_problem("password", f"{error.message}{error.hint}")
        self.password.setFocus()

    def _set_busy(self, on: bool) -> None:
        self._busy = on
        self.password.setEnabled(not on)
        self._enter.setEnabled(not on)
