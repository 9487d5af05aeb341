"""The sign-in page: account, password, and plain words when it does not work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import link_button
from desktop.ui.forms.small import SmallForm, secret_line
from desktop.ui.notify import ERROR, SUCCESS, MessageBar
from desktop.ui.twopart import DETAIL, TwoPartDelegate
from desktop.ui.welcome.doors import AccountLine, Doors
from desktop.work.jobs import Job, Jobs
from shared.errors import InputError, WrongPassword, YizhanError

Hint = tuple[str, str, str]
"""Account, password, and who that is, of a demonstration."""

KEYRING_WORDS = "本机没有可用的系统密钥环，数据只由登录密码保护。请使用较长的密码，并妥善保管这台电脑。"
_CAPS_WORDS = "大写锁定已打开，输入的是大写字母。"


class SignInView(QWidget):
    """``signed_in(session)``; ``enrol_wanted()`` when there is no account here yet."""

    signed_in = Signal(object)
    enrol_wanted = Signal()
    recover_wanted = Signal()

    def __init__(self, doors: Doors, jobs: Jobs, last_account: str, hints: Sequence[Hint] = ()) -> None:
        super().__init__()
        self._doors = doors
        self._jobs = jobs
        self._known: dict[str, AccountLine] = {}
        self._retry_at: datetime | None = None
        self._busy = False
        self.messages = MessageBar()
        self.account = QComboBox()
        self.account.setEditable(True)
        self.account.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.account.setItemDelegate(TwoPartDelegate(self.account))
        typed = QLineEdit()
        typed.setPlaceholderText("登录账号")
        self.account.setLineEdit(typed)
        self.account.setEditText(last_account)
        self.password = secret_line("登录密码")
        self.password.installEventFilter(self)
        self._form = SmallForm(4)
        self._form.add("account", "账号", self.account)
        self._form.add("password", "密码", self.password)
        self.chosen, self.again = secret_line("至少 8 个字符，可以是一句话"), secret_line()
        self._form.add("chosen", "新密码", self.chosen)
        self._form.add("again", "再输一遍", self.again)
        self._keyring = QLabel(KEYRING_WORDS)
        self._keyring.setWordWrap(True)
        self._keyring.setProperty("problem", "warn")
        self._keyring.hide()
        self._enter = QPushButton("登录")
        self._enter.setProperty("primary", True)
        self._enter.setDefault(True)
        self._enter.setMinimumWidth(120)
        self._enter.setAccessibleName("登录")
        self._enter.clicked.connect(self.submit)
        self._working = QLabel()
        self._working.setProperty("muted", True)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addSpacing(self.fontMetrics().horizontalAdvance("字" * 4) + 12)
        row.addWidget(self._enter)
        row.addWidget(self._working, 1)
        self._forgot = link_button("忘记密码？", self.recover_wanted.emit, "由中心的两名保管人一起找回")
        row.addWidget(self._forgot)
        self._title = QLabel("登录")
        self._title.setProperty("welcomeTitle", True)
        self._why = QLabel()
        self._why.setWordWrap(True)
        self._why.setProperty("muted", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._title)
        column.addWidget(self._why)
        column.addWidget(self.messages)
        column.addWidget(self._form)
        column.addLayout(row)
        column.addWidget(self._keyring)
        if hints:
            column.addSpacing(8)
            column.addWidget(self._hint_box(hints))
        column.addStretch(1)
        self._choosing = True
        self._choose(False)
        self._tick = QTimer(self)
        self._tick.setInterval(500)
        self._tick.timeout.connect(self._count_down)
        self.account.editTextChanged.connect(self._account_changed)
        typed.returnPressed.connect(self.password.setFocus)
        self.password.returnPressed.connect(self.submit)
        self.chosen.returnPressed.connect(self.again.setFocus)
        self.again.returnPressed.connect(self.submit)

    # --- what others tell ----------------------------------------------------
    def load(self) -> None:
        """Ask who can sign in here; the page is usable meanwhile."""
        self._jobs.run(
            "读取本机账号", lambda _: self._doors.accounts(), self._accounts_came, self._show_error,
            quiet=True, owner=self,
        )  # fmt: skip
        (self.password if self.account.currentText() else self.account).setFocus()

    def enter(self, account: str, password: str) -> None:
        """Sign in straight away, after an enrolment."""
        self.account.setEditText(account)
        self.password.setText(password)
        self.submit()

    def say_welcome(self, message: str) -> None:
        """A success that led here."""
        self.messages.say(SUCCESS, message)

    # --- signing in ------------------------------------------------------------
    def submit(self) -> Job | None:
        """Try what is typed."""
        account, password = self.account.currentText().strip(), self.password.text()
        if self._busy or self._waiting():
            return None
        self.messages.clear()
        self._form.clear_problems()
        if not account or not password:
            name = "password" if account else "account"
            self._form.set_problem(name, "请输入密码" if account else "请输入账号")
            self._form.focus(name)
            return None
        chosen = self.chosen.text() if self._choosing else ""
        if self._choosing and (not chosen or chosen != self.again.text()):
            name = "again" if chosen else "chosen"
            self._form.set_problem(name, "两次输入的密码不同，请重新输入" if chosen else "请设置自己的密码")
            self._form.focus(name)
            return None
        self._set_busy(True)
        job = self._jobs.run(
            "登录", lambda p: self._doors.sign_in(account, password, chosen, p), self._entered, self._refused,
            lane="write", cancellable=False, quiet=True, owner=self,
        )  # fmt: skip
        job.on_end(lambda: self._set_busy(False))
        return job

    def _entered(self, session: object) -> None:
        self.password.clear()
        self._choose(False)
        self.signed_in.emit(session)

    def _choose(self, on: bool, why: str = "") -> None:
        """Ask for an own password in place of a one-time one; nothing opens before."""
        self._choosing = on
        self._title.setText("设置自己的密码" if on else "登录")
        self._why.setText(why)
        self._why.setVisible(on)
        self._enter.setText("设置密码并登录" if on else "登录")
        self._enter.setAccessibleName(self._enter.text())
        self._form.set_note("password", "一次性口令，设置后作废" if on else "")
        self._forgot.setVisible(not on)
        for name, line in (("chosen", self.chosen), ("again", self.again)):
            line.clear()
            self._form.show_line(name, on)

    def _refused(self, error: YizhanError) -> None:
        if error.code == "must_choose":
            self._choose(True, f"{error.message}{error.hint}")
            self.chosen.setFocus()
        elif isinstance(error, InputError) and self._choosing:
            self._form.set_problem("chosen", f"{error.message}{error.hint}")
            self._form.focus("chosen")
        elif isinstance(error, WrongPassword):
            self.password.clear()
            self._form.set_problem("password", f"{error.message}{error.hint}")
            retry_at = getattr(error, "retry_at", None)  # its class is slow to load
            if isinstance(retry_at, datetime):
                self._wait_until(retry_at)
            self.password.setFocus()
        else:
            self._show_error(error)

    def _show_error(self, error: YizhanError) -> None:
        self.messages.say(ERROR, error.message, error.hint)

    def _set_busy(self, on: bool) -> None:
        self._busy = on
        for widget in (self.account, self.password, self._enter):
            widget.setEnabled(not on)
        self._working.setText("正在打开本机数据…" if on else "")
        self._enter.setEnabled(not on and not self._waiting())

    # --- too many wrong ones ---------------------------------------------------
    def _waiting(self) -> bool:
        return self._retry_at is not None and datetime.now(self._retry_at.tzinfo) < self._retry_at

    def _wait_until(self, when: datetime) -> None:
        self._retry_at = when
        self._tick.start()
        self._count_down()

    def _count_down(self) -> None:
        if self._waiting() and self._retry_at is not None:
            left = (self._retry_at - datetime.now(self._retry_at.tzinfo)).total_seconds()
            self._enter.setEnabled(False)
            self._working.setText(f"请等待 {int(left) + 1} 秒后再试")
            return
        self._tick.stop()
        self._retry_at = None
        self._working.setText("")
        self._enter.setEnabled(not self._busy)

    # --- accounts --------------------------------------------------------------
    def _accounts_came(self, found: Sequence[AccountLine]) -> None:
        if not found:
            self.enrol_wanted.emit()
            return
        self._known = {one.account: one for one in found}
        typed = self.account.currentText() or found[0].account
        self.account.clear()
        for one in found:
            self.account.addItem(one.account)
            at = self.account.count() - 1
            self.account.setItemData(at, f"{one.person} · {one.bureau}", DETAIL)
        self.account.setEditText(typed)
        self._account_changed(typed)
        self.password.setFocus()

    def _account_changed(self, text: str) -> None:
        known = self._known.get(text.strip())
        if self._choosing:
            self._choose(False)
        self._form.set_note("account", f"{known.person} · {known.bureau}" if known else "")
        self._keyring.setVisible(known is not None and known.keyring_missing)
        self._retry_at = None
        if known is not None and known.retry_at is not None:
            self._wait_until(known.retry_at)
        elif not self._busy:
            self._count_down()

    # --- caps lock ---------------------------------------------------------------
    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if watched is self.password and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            text = event.text()
            if len(text) == 1 and text.isascii() and text.isalpha():
                shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self._caps(text.isupper() != shifted)
            elif event.key() == Qt.Key.Key_CapsLock:
                self._caps(False)
        return super().eventFilter(watched, event)

    def _caps(self, on: bool) -> None:
        said = self._form.problem("password")
        if on and said != _CAPS_WORDS:
            self._form.set_problem("password", _CAPS_WORDS, "warn")
        elif not on and said == _CAPS_WORDS:
            self._form.set_problem("password", "")

    # --- demonstration -------------------------------------------------------------
    def _hint_box(self, hints: Sequence[Hint]) -> QWidget:
        box = QFrame()
        box.setProperty("hints", True)
        grid = QGridLayout(box)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        heading = QLabel("演示账号，点击账号即填入")
        heading.setProperty("muted", True)
        heading.setContentsMargins(5, 0, 0, 0)
        grid.addWidget(heading, 0, 0, 1, 3)
        for row, (account, password, who) in enumerate(hints, 1):
            take = link_button(account, partial(self._take_hint, account, password), f"填入{who}的账号和密码")
            grid.addWidget(take, row, 0, Qt.AlignmentFlag.AlignLeft)
            for column, text in ((1, password), (2, who)):
                label = QLabel(text)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label, row, column)
        grid.setColumnStretch(2, 1)
        return box

    def _take_hint(self, account: str, password: str) -> None:
        self.account.setEditText(account)
        self.password.setText(password)
        self._enter.setFocus()
