"""代转: for whom this office carries, and the sealed packages on their way (N14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.jobline import JobLine, size_text
from desktop.ui.media.flow import MediumForm, make_button, paragraph
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.notify import SUCCESS, MessageBar
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.words import NOTHING, moment
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from desktop.work.courier import Choice, Letter
    from desktop.work.desk import Desk
    from desktop.work.media_facts import ExportResult

_WHAT = (
    "勾选没有网络的单位：每次同步时，中心给它们的加密包会一并取到本机的代转箱，再写到它们的介质上。"
    "代转的包只有收件单位打得开，本机看不到内容。"
)
_COLUMNS = (
    PlainColumn("去向", 8),
    PlainColumn("单位", 16, "left", grows=True),
    PlainColumn("内容", 12, "left"),
    PlainColumn("大小", 10, "right"),
    PlainColumn("状态", 16),
    PlainColumn("收到时间", 17),
    PlainColumn("指纹", 21),
)


class CourierView(QWidget):
    """The bureaus on the left, the box on the right, the stick below."""

    def __init__(self, desk: Desk, messages: MessageBar) -> None:
        super().__init__()
        self._desk, self._messages = desk, messages
        self._filling = False
        self.search = QLineEdit()
        self.search.setPlaceholderText("找单位")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("找单位")
        self.bureaus = QListWidget()
        self.bureaus.setAccessibleName("代转的单位")
        title = QLabel("代转的单位")
        title.setProperty("section", True)
        title.setIndent(0)
        self.most = QSpinBox()
        self.most.setRange(0, 100_000)
        self.most.setSingleStep(128)
        self.most.setSuffix(" MB")
        self.most.setSpecialValueText("都不带")
        self.most.setAccessibleName("首批数据和附件最多带多少")
        self.most.setToolTip("代转箱里待写入介质的首批数据和附件最多占多少；先带对方缺的，写走之后下次接着取")
        most = QLabel("首批数据和附件最多带")
        most.setBuddy(self.most)
        left = QWidget()
        side = QVBoxLayout(left)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(4)
        for widget in (title, self.search, self.bureaus, most, self.most):
            side.addWidget(widget)
        self.box = PlainTable("代转箱", _COLUMNS, "件")
        self.box.set_empty_words("代转箱是空的", "勾选单位后同步一次；介质带来的包请在“从介质导入”里收下")
        self.sync_button = make_button("同步一次", self.sync)
        self.drop_button = make_button("移出", self.drop)
        self.box.add_tool(self.sync_button)
        self.box.add_tool(self.drop_button)
        self.medium = MediumForm(desk, "写到", "收件单位带来的介质上的文件夹")
        self.write_button = make_button("写入介质", self.write, primary=True)
        self.sheet = SheetButtons(desk, messages)
        self.sheet.print_button.setText("打印交接单…")
        self.sheet.print_button.setProperty("primary", False)
        self.sheet.setEnabled(False)
        self.job_line = JobLine(desk.jobs)
        buttons = QHBoxLayout()
        buttons.addWidget(self.write_button)
        buttons.addWidget(self.sheet)
        buttons.addStretch(1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.box, 1)
        column.addWidget(self.medium)
        column.addWidget(self.job_line)
        column.addLayout(buttons)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(13)
        both.addWidget(left)
        both.addWidget(right)
        both.setSizes([240, 760])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(paragraph(_WHAT, muted=True))
        whole.addWidget(both, 1)
        self.search.textChanged.connect(self._narrow)
        self.bureaus.itemChanged.connect(self._ticked)
        self.most.editingFinished.connect(self._limited)
        self.box.chosen.connect(self._selected)
        self._selected(None)

    def start(self) -> None:
        """Read again."""
        courier = self._desk.courier
        self.medium.load()
        self._desk.jobs.run(
            "读取代转箱", lambda _: (courier.choices(), courier.box(), courier.most), self._show,
            self._messages.error,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    # --- for whom --------------------------------------------------------------
    def chosen(self) -> list[str]:
        """Ids of the ticked bureaus."""
        items = (self.bureaus.item(i) for i in range(self.bureaus.count()))
        return [
            str(i.data(Qt.ItemDataRole.UserRole)) for i in items if i.checkState() == Qt.CheckState.Checked
        ]

    def tick(self, name: str, on: bool = True) -> None:
        """Choose a bureau by its name."""
        (item,) = self.bureaus.findItems(name, Qt.MatchFlag.MatchContains)
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _show(self, found: tuple[list[Choice], list[Letter], int]) -> None:
        choices, letters, most = found
        if not self.most.hasFocus():
            self.most.setValue(most)
        self._filling = True
        self.bureaus.clear()
        for one in choices:
            item = QListWidgetItem(f"{one.name}（{one.code}）")
            item.setData(Qt.ItemDataRole.UserRole, one.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if one.chosen else Qt.CheckState.Unchecked)
            self.bureaus.addItem(item)
        self._filling = False
        self._narrow(self.search.text())
        self.box.set_rows([_row(one) for one in letters])
        ready = next((n for n, one in enumerate(letters) if one.writable), None)
        if ready is not None:
            self.box.select(ready)

    def _narrow(self, word: str) -> None:
        for number in range(self.bureaus.count()):
            item = self.bureaus.item(number)
            item.setHidden(word.strip().lower() not in item.text().lower())

    def _ticked(self, _: object) -> None:
        if self._filling:
            return
        wanted, courier = self.chosen(), self._desk.courier
        self._desk.jobs.run(
            "记住代转的单位", lambda _: courier.choose(wanted), lambda _: None, self._messages.error,
            quiet=True, owner=self,
        )  # fmt: skip

    def _limited(self) -> None:
        wanted, courier = self.most.value(), self._desk.courier
        if wanted == courier.most:
            return
        self._desk.jobs.run(
            "记住代转的上限", lambda _: courier.limit(wanted), lambda _: None, self._messages.error,
            quiet=True, owner=self,
        )  # fmt: skip

    # --- the box -----------------------------------------------------------------
    def sync(self) -> Job | None:
        """Fetch and deliver now."""
        if self.job_line.busy:
            return None
        job = self._desk.jobs.run(
            "同步", lambda p: self._desk.syncing.sync_now(p),
            lambda done: self._messages.say(SUCCESS, done.summary), self._messages.error,
            lane="exchange", quiet=True, owner=self,
        )  # fmt: skip
        job.on_end(self.start)
        return self.job_line.follow(job)

    def write(self) -> Job | None:
        """Put the chosen package onto the stick."""
        one = self.box.current()
        if one is None or self.job_line.busy or not self.medium.check():
            return None
        courier, folder, medium = self._desk.courier, self.medium.path(), self.medium.medium()
        job = self._desk.jobs.run(
            "写入介质", lambda p: courier.write([one.package_id], folder, medium, p), self._written,
            self._messages.error, lane="alone", quiet=True, owner=self,
        )  # fmt: skip
        job.on_end(self.start)
        return self.job_line.follow(job)

    def drop(self) -> Job | None:
        """Take the chosen package out of the box."""
        one, courier = self.box.current(), self._desk.courier
        if one is None:
            return None
        job = self._desk.jobs.run(
            "移出代转箱", lambda _: courier.drop(one.package_id), lambda _: None, self._messages.error,
            lane="alone", quiet=True, owner=self,
        )  # fmt: skip
        job.on_end(self.start)
        return job

    def _written(self, done: list[ExportResult]) -> None:
        result = done[-1]

        def html() -> str:
            from desktop.work.printing import hand_over_sheet

            return hand_over_sheet(result.hand_over)

        self.sheet.offer(f"介质交接单-{result.package_id[-8:]}", html)
        self.sheet.setEnabled(True)
        self._messages.say(
            SUCCESS, f"已写入并核对，可以拔出介质：{result.path}", "请打印交接单，连同介质交给收件单位。"
        )

    def _selected(self, one: Letter | None) -> None:
        self.write_button.setEnabled(one is not None and one.writable)
        self.drop_button.setEnabled(one is not None)


def _row(one: Letter) -> PlainRow:
    way = "发往单位" if one.outward else "送往中心"
    state = one.word
    texts = (
        way, one.bureau or NOTHING, one.kind, size_text(one.size), state, moment(one.received_at),
        one.fingerprint,
    )  # fmt: skip
    return PlainRow(texts, ((4, one.tone),), one)
