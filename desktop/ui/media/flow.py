"""What both guided flows share: steps above, one page at a time, buttons below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.factlist import scrolled
from desktop.ui.forms.small import PathLine, SmallForm
from desktop.ui.jobline import JobLine
from desktop.ui.notify import WARNING, MessageBar
from desktop.ui.plain import plain_label
from desktop.ui.stepper import Stepper
from desktop.work.jobs import Job
from shared.errors import Cancelled, YizhanError

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.media import MediumInfo
    from desktop.work.media_register import Medium

_WIDTH = 880
_NUMBER_NOTE = "与介质标签一致，交接单和入库记录都用它"


class Flow(QWidget):
    """Steps; ``finished()`` when the last one is left."""

    finished = Signal()

    def __init__(self, desk: Desk, titles: Sequence[str]) -> None:
        super().__init__()
        self.desk = desk
        self.steps = Stepper(titles)
        self.messages = MessageBar()
        self.job_line = JobLine(desk.jobs)
        self._pages: list[QWidget] = []
        self._open = 0
        self._page_row = QVBoxLayout()
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._shown: list[QPushButton] = []
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        for widget in (self.steps, self.messages):
            column.addWidget(widget)
        column.addLayout(self._page_row)
        column.addWidget(self.job_line)
        column.addLayout(self._buttons)
        inner.setMaximumWidth(_WIDTH)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 8, 0, 0)
        outer.addWidget(scrolled(inner, "办理步骤"))

    def add_page(self, *widgets: QWidget, name: str) -> QWidget:
        """A page of the flow; pages are as high as they need to be, the buttons follow."""
        page = QWidget()
        page.setAccessibleName(name)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in widgets:
            column.addWidget(widget)
        page.setVisible(not self._pages)
        self._pages.append(page)
        self._page_row.addWidget(page)
        return page

    def show_page(self, index: int) -> None:
        """Turn to a page."""
        self._open = index
        for number, page in enumerate(self._pages):
            page.setVisible(number == index)
        self.steps.set_current(index)

    @property
    def page_index(self) -> int:
        """Which page is open."""
        return self._open

    def set_buttons(self, *wanted: QPushButton) -> None:
        """The buttons of this page, the main one first; it takes the keyboard."""
        for old in self._shown:
            self._buttons.removeWidget(old)
            old.hide()
            old.deleteLater()
        while self._buttons.count():
            self._buttons.takeAt(0)
        self._shown = list(wanted)
        for push in wanted:
            self._buttons.addWidget(push)
            push.show()
        self._buttons.addStretch(1)
        if wanted:
            wanted[0].setFocus()

    def button(self, text: str) -> QPushButton:
        """The button with these words that is shown now."""
        return next(push for push in self._shown if push.text() == text)

    @property
    def button_texts(self) -> list[str]:
        """Words of the buttons shown now."""
        return [push.text() for push in self._shown]

    def follow(self, job: Job) -> Job:
        """Show a job's progress; nothing can be pressed meanwhile but its cancel."""
        for push in self._shown:
            push.setEnabled(False)
        self._enable(False)
        self.messages.clear()

        def over() -> None:
            self._enable(True)
            for push in self._shown:
                push.setEnabled(True)

        job.on_end(over)
        return self.job_line.follow(job)

    def _enable(self, on: bool) -> None:
        for page in self._pages:
            page.setEnabled(on)

    def failed(self, error: YizhanError) -> None:
        """Say why; the page stays as it was, so that the person may try again."""
        if isinstance(error, Cancelled):
            self.messages.say(WARNING, "已取消，没有写入任何内容。", "可以重新开始。")
        else:
            self.messages.error(error)


def make_button(text: str, run: object, *, primary: bool = False) -> QPushButton:
    """A button of a flow."""
    push = QPushButton(text)
    push.setProperty("primary", primary)
    push.setAutoDefault(True)
    push.setAccessibleName(text)
    push.setMinimumWidth(96)
    push.clicked.connect(partial(_call, run))
    return push


def _call(run: object, *_: object) -> None:
    assert callable(run)
    run()


def paragraph(text: str, *, muted: bool = False) -> QLabel:
    """Some sentences."""
    label = plain_label(text)
    label.setWordWrap(True)
    label.setProperty("muted", muted)
    return label


class MediumForm(QWidget):
    """Which medium: its kind, the number written on it, and where it is mounted.

    :param folder_title: title of the line for a folder; ``""`` = no such line.
    """

    def __init__(self, desk: Desk, folder_title: str = "", folder_note: str = "") -> None:
        super().__init__()
        self._settings = desk.settings
        self._desk = desk
        self._known: dict[str, Medium] = {}
        self.kind = QComboBox()
        for entry in desk.records.codes.entries("介质类型"):
            self.kind.addItem(entry.name, entry.code)
        self.number = QLineEdit()
        self.number.setPlaceholderText("写在介质上的编号，例如 U-2026-001")
        self.number.setMaxLength(100)
        self.folder = PathLine(dialog_title="选择介质上的文件夹")
        self.form = SmallForm(5)
        self._has_folder = bool(folder_title)
        if folder_title:
            self.form.add("folder", folder_title, self.folder, folder_note)
        self.form.add("kind", "介质类型", self.kind)
        self.form.add("number", "介质编号", self.number, _NUMBER_NOTE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        self.setFocusProxy(self.folder if folder_title else self.number)
        self.number.textChanged.connect(self._recognise)

    def load(self) -> None:
        """Fill in what was used last, where nothing is typed yet."""
        if not self.number.text():
            self.kind.setCurrentIndex(max(0, self.kind.findData(self._settings.medium_type)))
            self.number.setText(self._settings.medium_number)
        if self.folder.path() is None:
            self.folder.set_path(self._settings.media_folder)
        self.form.clear_problems()
        register = self._desk.media.register
        self._desk.jobs.run(
            "读取介质登记", lambda _: register.media(), self._offer, lambda _: None, quiet=True,
            owner=self, newest=True,
        )  # fmt: skip

    def _offer(self, media: list[Medium]) -> None:
        """Registered media are suggested by number; a new number registers a new one."""
        self._known = {m.number: m for m in media}
        completer = QCompleter([m.number for m in media if m.state == "in_use"], self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.number.setCompleter(completer)
        self._recognise(self.number.text())

    def _recognise(self, number: str) -> None:
        one = self._known.get(number.strip())
        if one is not None:
            self.kind.setCurrentIndex(max(0, self.kind.findData(one.kind)))
        kept = f"，保管人 {one.keeper}" if one is not None and one.keeper else ""
        known = f"已登记：{one.word}{kept}" if one is not None else "新编号，办理时一并登记"
        if not self.form.problem("number"):
            self.form.set_note("number", known if number.strip() else _NUMBER_NOTE)

    def check(self) -> bool:
        """Say what is missing."""
        self.form.clear_problems()
        bad = []
        if self._has_folder and self.folder.path() is None:
            bad.append(("folder", "请选择文件夹"))
        if not self.number.text().strip():
            bad.append(("number", "请填写介质编号"))
        for name, message in bad:
            self.form.set_problem(name, message)
        if bad:
            self.form.focus(bad[0][0])
        return not bad

    def medium(self) -> MediumInfo:
        """What was typed."""
        from desktop.work.media import MediumInfo

        return MediumInfo(str(self.kind.currentData() or "1"), self.number.text().strip())

    def path(self) -> Path:
        """The folder."""
        return self.folder.path() or Path()
