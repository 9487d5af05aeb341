"""忘记密码: ask the centre by files on a stick, and take its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import link_button
from desktop.ui.factlist import Fact, FactList
from desktop.ui.forms.small import PathLine, SmallForm, secret_line
from desktop.ui.jobline import JobLine
from desktop.ui.notify import MessageBar
from desktop.ui.stepper import Stepper
from desktop.ui.welcome.doors import Doors, Recover, RecoveredLine, RecoveryFileLine, SheetLine
from desktop.work.jobs import Job, Jobs, Progress
from shared.errors import InputError, StoreError, WrongPassword, YizhanError

_STEPS = ("生成找回申请", "送中心两人办理", "读取批复")
_ASK_WORDS = (
    "忘记密码或系统密钥环丢失时用这里。先设一个新密码，申请写到 U 盘；中心的两名保管人一起办理后，"
    "把批复带回来读取。已录入、未上报的数据都在。"
)
_WAIT_WORDS = "请把 U 盘和申请单交给中心。批复文件带回来后，在下面选择它，输入刚才设置的新密码。"


class RecoverView(QWidget):
    """``recovered(RecoveredLine, password)`` when the account can sign in again; ``left()`` to go back."""

    recovered = Signal(object, str)
    left = Signal()

    def __init__(self, doors: Doors, jobs: Jobs) -> None:
        super().__init__()
        self._doors = doors
        self._jobs = jobs
        self._made: Recover | None = None
        self._password = ""
        title = QLabel("找回密码")
        title.setProperty("welcomeTitle", True)
        self.messages = MessageBar()
        self.steps = Stepper(_STEPS)
        self._words = QLabel(_ASK_WORDS)
        self._words.setWordWrap(True)
        self._words.setProperty("muted", True)
        self.pages = QStackedWidget()
        self.account = QLineEdit()
        self.new, self.again = secret_line(), secret_line()
        self.folder = PathLine(dialog_title="选择存放申请文件的文件夹")
        self.form = SmallForm(5)
        self.form.add("account", "账号", self.account)
        self.form.add("new", "新密码", self.new, "至少 8 个字符，读取批复和以后登录都用它")
        self.form.add("again", "再输一遍", self.again)
        self.form.add("folder", "存放位置", self.folder, "U 盘上的文件夹，申请文件和申请单写到这里")
        self.facts = FactList(5)
        self.file = PathLine("驿站交换包 (*.yzp);;所有文件 (*)", "选择批复文件")
        self.password = secret_line("生成申请时设置的新密码")
        self.answer_form = SmallForm(5)
        self.answer_form.add("file", "批复文件", self.file)
        self.answer_form.add("password", "新密码", self.password)
        ask = _primary("生成申请文件", self.ask)
        take = _primary("读取批复", self.take)
        self.pages.addWidget(_page(self.form, ask, link_button("返回登录", self.left.emit)))
        self.pages.addWidget(
            _page(
                self.facts, self.answer_form, take,
                link_button("重新生成申请", self._again, "原来的申请就作废了"),
                link_button("返回登录", self.left.emit),
            )
        )  # fmt: skip
        self._line = JobLine(jobs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (title, self.steps, self._words, self.messages):
            column.addWidget(widget)
        column.addWidget(self.pages, 1)
        column.addWidget(self._line)
        self.password.returnPressed.connect(self.take)

    def load(self, account: str) -> None:
        """Look whether a request waits for its answer, and whether one is possible at all."""
        self.messages.clear()
        self.account.setText(account)

        def look(_: object) -> SheetLine | None:
            obstacle = self._use().obstacle()
            if obstacle:
                raise StoreError("本机不能找回密码。", obstacle)
            return self._use().waiting()

        self._jobs.run("读取找回状态", look, self._waiting_came, self._failed, quiet=True, owner=self)

    def ask(self) -> Job | None:
        """Write the request and its sheet."""
        self.messages.clear()
        new, folder, account = self.new.text(), self.folder.path(), self.account.text().strip()
        found = {
            "account": "" if account else "请填写账号",
            "new": "" if new else "请设置新密码",
            "again": "" if new == self.again.text() else "两次输入的密码不同，请重新输入",
            "folder": "" if folder else "请选择 U 盘上的文件夹",
        }
        if self._line.busy or not _all_well(self.form, found) or folder is None:
            return None

        def work(progress: Progress) -> tuple[RecoveryFileLine, Path]:
            made = self._use().write_request(folder, account, new, progress)
            return made, self._use().print_sheet(made)

        return self._run("生成找回申请", work, self._written)

    def take(self) -> Job | None:
        """Read the answer the stick brought back."""
        self.messages.clear()
        path, password = self.file.path(), self.password.text()
        found = {
            "file": "" if path else "请选择中心返回的批复文件",
            "password": "" if password else "请输入生成申请时设置的新密码",
        }
        if self._line.busy or not _all_well(self.answer_form, found) or path is None:
            return None
        self._password = password
        return self._run("读取找回批复", lambda p: self._use().read_answer(path, password, p), self._done)

    # --- inside --------------------------------------------------------------
    def _run(self, title: str, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> Job:
        self.pages.setEnabled(False)
        job = self._jobs.run(title, work, done, self._failed, lane="write", quiet=True, owner=self)
        job.on_end(lambda: self.pages.setEnabled(True))
        return self._line.follow(job)

    def _use(self) -> Recover:
        """Only ever asked for in a job; loading it takes a moment."""
        if self._made is None:
            self._made = self._doors.recovering()
        return self._made

    def _waiting_came(self, sheet: SheetLine | None) -> None:
        if sheet is not None:
            self._show_waiting(sheet)
        else:
            self.new.setFocus()

    def _written(self, done: tuple[RecoveryFileLine, Path]) -> None:
        for line in (self.new, self.again):
            line.clear()
        made, sheet = done
        self._show_waiting(made.sheet, [Fact("申请文件", made.path.name), Fact("申请单", sheet.name)])

    def _show_waiting(self, sheet: SheetLine, files: Sequence[Fact] = ()) -> None:
        facts = [
            Fact("申请人", f"{sheet.person}（{sheet.account}）"),
            Fact("指纹", sheet.fingerprint, "accent"),
            Fact("生成时间", sheet.created[:16].replace("T", " ")),
            *files,
        ]
        if files:
            facts.append(Fact("介质", "已写入并核对，可以拔出；请打印申请单，签字后一起送去", "good"))
        self.facts.set_sections([("", facts)])
        self._words.setText(_WAIT_WORDS)
        self.pages.setCurrentIndex(1)
        self.steps.set_current(1)

    def _again(self) -> None:
        self.messages.clear()
        self._words.setText(_ASK_WORDS)
        self.pages.setCurrentIndex(0)
        self.steps.set_current(0)

    def _done(self, found: RecoveredLine) -> None:
        self.steps.set_current(3)
        password, self._password = self._password, ""
        self.password.clear()
        self.recovered.emit(found, password)

    def _failed(self, error: YizhanError) -> None:
        asking = self.pages.currentIndex() == 0
        if isinstance(error, WrongPassword) and not asking:
            self.answer_form.set_problem("password", f"{error.message}{error.hint}")
            self.answer_form.focus("password")
        elif isinstance(error, InputError) and asking and "密码" in error.message:
            self.form.set_problem("new", f"{error.message}{error.hint}")
            self.form.focus("new")
        else:
            self.messages.error(error)


def _all_well(form: SmallForm, found: dict[str, str]) -> bool:
    for name, problem in found.items():
        form.set_problem(name, problem)
    first = next((name for name, problem in found.items() if problem), "")
    if first:
        form.focus(first)
    return not first


def _primary(text: str, run: Callable[[], object]) -> QPushButton:
    push = QPushButton(text)
    push.setProperty("primary", True)
    push.setMinimumWidth(140)
    push.setAccessibleName(text)
    push.clicked.connect(run)
    return push


def _page(*widgets: QWidget) -> QWidget:
    """Forms above, pushes in a row below them."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    row = QHBoxLayout()
    row.addSpacing(page.fontMetrics().horizontalAdvance("字" * 5) + 12)
    for widget in widgets:
        if isinstance(widget, QAbstractButton):
            row.addWidget(widget)
        else:
            column.addWidget(widget)
    row.addStretch(1)
    column.addLayout(row)
    column.addStretch(1)
    return page
