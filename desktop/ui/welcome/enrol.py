"""First start: this computer gets its place, over the network or by files on a stick."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.factlist import Fact
from desktop.ui.forms.small import PathLine, SmallForm, secret_line
from desktop.ui.jobline import JobLine
from desktop.ui.notify import WARNING, MessageBar
from desktop.ui.stepper import Stepper
from desktop.ui.welcome.doors import Doors, EnrolledLine, Enrolling, RequestLine, WaitingLine
from desktop.ui.welcome.waiting import Waiting
from desktop.work.jobs import Job, Jobs
from shared.errors import Cancelled, InputError, WrongPassword, YizhanError

CODE_LENGTH, GROUP = 25, 5
_NETWORK_STEPS = ("填写登记信息", "中心核验", "登录并首次同步")
_MEDIA_STEPS = ("生成登记申请", "送中心批复", "读取批复")
_NETWORK_WORDS = "这台电脑能连上中心时用这种方式，几秒钟即可完成。"
_MEDIA_WORDS = "没有网络时，把申请文件用 U 盘送到中心；中心批复后，把批复文件带回来读取。"


class EnrolView(QWidget):
    """``enrolled(EnrolledLine, password)`` when an account can sign in."""

    enrolled = Signal(object, str)

    def __init__(self, doors: Doors, jobs: Jobs, hub_url: str = "") -> None:
        super().__init__()
        self._doors = doors
        self._jobs = jobs
        self._made: Enrolling | None = None
        self._password = ""
        title = QLabel("在本机登记席位")
        title.setProperty("welcomeTitle", True)
        self.messages = MessageBar()
        self._network = QRadioButton("联网登记")
        self._media = QRadioButton("介质登记")
        ways = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(24)
        for way in (self._network, self._media):
            ways.addButton(way)
            row.addWidget(way)
        row.addStretch(1)
        self._way_row = QWidget()
        self._way_row.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        self._words = QLabel()
        self._words.setProperty("muted", True)
        self._words.setWordWrap(True)
        self._steps = QStackedWidget()
        self._network_steps, self._media_steps = Stepper(_NETWORK_STEPS), Stepper(_MEDIA_STEPS)
        for steps in (self._network_steps, self._media_steps):
            self._steps.addWidget(steps)
        self._steps.setFixedHeight(self._network_steps.sizeHint().height())
        self._pages = QStackedWidget()
        self.form = _Form(hub_url)
        self.waiting = Waiting()
        self._pages.addWidget(self.form)
        self._pages.addWidget(self.waiting)
        self._job_line = JobLine(jobs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (title, self._way_row, self._words, self._steps, self.messages):
            column.addWidget(widget)
        column.addWidget(self._pages, 1)
        column.addWidget(self._job_line)
        self._network.toggled.connect(self._way_changed)
        self._network.setChecked(True)
        self.form.submitted.connect(self.submit)
        self.waiting.submitted.connect(self.read_grant)
        self.waiting.discarded.connect(self._discard)
        self.waiting.again.connect(self._back_to_form)

    def load(self) -> None:
        """Look whether a request waits for its grant."""
        self._jobs.run(
            "读取登记状态", lambda _: self._enrolment().waiting(), self._waiting_came, self._failed,
            quiet=True, owner=self,
        )  # fmt: skip
        self.form.setFocus()

    @property
    def by_network(self) -> bool:
        """Which way is chosen."""
        return self._network.isChecked()

    def choose_way(self, network: bool) -> None:
        """Choose 联网登记 or 介质登记."""
        (self._network if network else self._media).setChecked(True)

    # --- what is done --------------------------------------------------------
    def submit(self) -> Job | None:
        """Send the request, or write it to the medium."""
        self.messages.clear()
        if self._job_line.busy or not self.form.check(self.by_network):
            return None
        code, label, self._password = self.form.code.text(), self.form.label.text(), self.form.password.text()
        if self.by_network:
            url, password = self.form.url.text().strip(), self._password
            self._network_steps.set_current(1)
            return self._start(
                self._jobs.run(
                    "向中心登记",
                    lambda p: self._enrolment().enrol_online(url, code, label, password, p),
                    self._enrolled,
                    self._failed,
                    lane="write",
                    quiet=True,
                    owner=self,
                )
            )
        folder, password = self.form.folder.path() or Path(), self._password
        return self._start(
            self._jobs.run(
                "生成登记申请",
                lambda p: self._enrolment().write_request(folder, code, label, password, p),
                self._written,
                self._failed,
                lane="write",
                quiet=True,
                owner=self,
            )
        )

    def read_grant(self) -> Job | None:
        """Take the grant file the medium brought back."""
        self.messages.clear()
        if self._job_line.busy or not self.waiting.check():
            return None
        path, self._password = self.waiting.file.path() or Path(), self.waiting.password.text()
        password = self._password
        return self._start(
            self._jobs.run(
                "读取登记批复",
                lambda p: self._enrolment().read_grant(path, password, p),
                self._enrolled,
                self._failed,
                lane="write",
                quiet=True,
                owner=self,
            )
        )

    def _start(self, job: Job) -> Job:
        self._pages.setEnabled(False)
        self._way_row.setEnabled(False)
        job.on_end(self._ended)
        return self._job_line.follow(job)

    def _ended(self) -> None:
        self._pages.setEnabled(True)
        self._way_row.setEnabled(True)

    def _enrolment(self) -> Enrolling:
        """Only ever asked for in a job; loading it takes a moment."""
        if self._made is None:
            self._made = self._doors.enrolment()
        return self._made

    # --- what came of it -------------------------------------------------------
    def _enrolled(self, found: EnrolledLine) -> None:
        self._network_steps.set_current(2)
        self._media_steps.set_current(3)
        password, self._password = self._password, ""
        self.form.forget_secrets()
        self.waiting.password.clear()
        self.enrolled.emit(found, password)

    def _written(self, request: RequestLine) -> None:
        self._password = ""
        self.form.forget_secrets()
        self._show_waiting(
            [
                Fact("席位名称", self.form.label.text()),
                Fact("申请文件", str(request.path)),
                Fact("指纹", request.fingerprint_text, "accent"),
                Fact("介质", "已写入并核对，可以拔出", "good"),
            ]
        )

    def _waiting_came(self, waiting: WaitingLine | None) -> None:
        if waiting is not None:
            created = waiting.created[:16].replace("T", " ")
            self._show_waiting([Fact("席位名称", waiting.label), Fact("生成时间", created)])

    def _show_waiting(self, facts: list[Fact]) -> None:
        self.choose_way(False)
        self.waiting.show_facts(facts)
        self._pages.setCurrentWidget(self.waiting)
        self._media_steps.set_current(1)
        self._way_row.hide()
        self.waiting.setFocus()

    def _discard(self) -> None:
        self._jobs.run(
            "放弃登记申请", lambda _: self._enrolment().discard(),
            lambda _: self._back_to_form(), self._failed, lane="write", quiet=True, owner=self,
        )  # fmt: skip

    def _back_to_form(self) -> None:
        """Also to write the same request once more: same code and password, same device."""
        self.messages.clear()
        self._way_row.show()
        self._pages.setCurrentWidget(self.form)
        self._media_steps.set_current(0)
        self.form.setFocus()

    def _failed(self, error: YizhanError) -> None:
        self._network_steps.set_current(0)
        if isinstance(error, Cancelled):
            self.messages.say(WARNING, "已取消，登记码没有用掉。", "可以随时重新登记。")
        elif isinstance(error, WrongPassword) and self._pages.currentWidget() is self.waiting:
            self.waiting.form.set_problem("password", f"{error.message}{error.hint}")
            self.waiting.form.focus("password")
        elif isinstance(error, InputError) and self.form.place(error, self.by_network):
            return
        else:
            self.messages.error(error)

    def _way_changed(self) -> None:
        network = self.by_network
        self._words.setText(_NETWORK_WORDS if network else _MEDIA_WORDS)
        self._steps.setCurrentWidget(self._network_steps if network else self._media_steps)
        self.form.show_way(network)


class _Form(QWidget):
    submitted = Signal()

    def __init__(self, hub_url: str) -> None:
        super().__init__()
        self.url = QLineEdit(hub_url)
        self.url.setPlaceholderText("例如 https://hub.example.cn")
        self.code = QLineEdit()
        self.code.setPlaceholderText("XXXXX-XXXXX-XXXXX-XXXXX-XXXXX")
        self.code.setMaxLength(60)
        self.label = QLineEdit()
        self.label.setPlaceholderText("例如 宝山文旅-01")
        self.label.setMaxLength(80)
        self.password, self.again = secret_line(), secret_line()
        self.folder = PathLine(dialog_title="选择存放申请文件的文件夹")
        self._lines = SmallForm(5)
        self._lines.add("url", "中心地址", self.url)
        self._lines.add("code", "登记码", self.code, "由单位管理员或中心发给，25 位，只能用一次")
        self._lines.add("label", "席位名称", self.label, "给这台电脑起的名字，便于中心辨认")
        self._lines.add(
            "password", "设置密码", self.password, "至少 8 个字符，离线登录时使用；密码不会离开本机"
        )
        self._lines.add("again", "再输一遍", self.again)
        self._lines.add("folder", "存放位置", self.folder, "U 盘上的文件夹，申请文件写到这里")
        self._go = QPushButton()
        self._go.setProperty("primary", True)
        self._go.setMinimumWidth(140)
        self._go.clicked.connect(self.submitted)
        row = QHBoxLayout()
        row.addSpacing(self.fontMetrics().horizontalAdvance("字" * 5) + 12)
        row.addWidget(self._go)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._lines)
        column.addLayout(row)
        column.addStretch(1)
        self.code.textEdited.connect(self._code_edited)
        for line in (self.url, self.code, self.label, self.password, self.again):
            line.returnPressed.connect(self._enter)
        self.folder.entered.connect(self._enter)

    def show_way(self, network: bool) -> None:
        self._lines.show_line("url", network)
        self._lines.show_line("folder", not network)
        self._go.setText("登记" if network else "生成申请文件")
        self._go.setAccessibleName(self._go.text())
        self.setFocusProxy(self.url if network and not self.url.text() else self.code)

    def check(self, network: bool) -> bool:
        """Say what is missing, under its line."""
        self._lines.clear_problems()
        typed = sum(c.isalnum() for c in self.code.text())
        found = {
            "url": "请填写中心地址" if network and not self.url.text().strip() else "",
            "code": f"登记码应为 {CODE_LENGTH} 位，现有 {typed} 位，请核对" if typed != CODE_LENGTH else "",
            "label": "" if self.label.text().strip() else "请填写席位名称",
            "password": _weak(self.password.text()),
            "again": "" if self.again.text() == self.password.text() else "两次输入的密码不同，请重新输入",
            "folder": "" if network or self.folder.path() else "请选择存放申请文件的文件夹",
        }
        for name, message in found.items():
            self._lines.set_problem(name, message)
        self._show_lines(network)
        first = next((n for n, message in found.items() if message), "")
        if first:
            self._lines.focus(first)
        return not first

    def _show_lines(self, network: bool) -> None:
        self._lines.show_line("url", network)
        self._lines.show_line("folder", not network)

    def place(self, error: InputError, network: bool) -> bool:
        """Put a refusal under the line it speaks of; False when it belongs to none."""
        for word, name in (("登记码", "code"), ("密码", "password"), ("席位", "label"), ("中心地址", "url")):
            if word in error.message and (name != "url" or network):
                self._lines.set_problem(name, f"{error.message}{error.hint}")
                self._lines.focus(name)
                return True
        return False

    def problem(self, name: str) -> str:
        return self._lines.problem(name)

    def forget_secrets(self) -> None:
        self.password.clear()
        self.again.clear()

    def _code_edited(self, text: str) -> None:
        """Groups of five while typing at the end; elsewhere the cursor would jump."""
        if self.code.cursorPosition() < len(text):
            return
        letters = "".join(c for c in text.upper() if c.isalnum())
        self.code.setText("-".join(letters[i : i + GROUP] for i in range(0, len(letters), GROUP)))

    def _enter(self) -> None:
        if self._go.isEnabled() and self.sender() in (self.again, self.folder.line, self.folder):
            self.submitted.emit()
        else:
            self.focusNextChild()


def _weak(password: str) -> str:
    from desktop.work.passwords import check_password  # late: loads the cryptography

    try:
        check_password(password)
    except InputError as bad:
        return f"{bad.message}{bad.hint}"
    return ""
