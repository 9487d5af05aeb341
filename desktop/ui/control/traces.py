"""查找交换包: where the package of a hand-over sheet went, by its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.pages.page import Page
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.words import NOTHING, grouped, moment
from desktop.work.control import Trace
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_COLUMNS = (
    PlainColumn("时间", 20),
    PlainColumn("出现在", 14),
    PlainColumn("单位和席位", 36, "left"),
    PlainColumn("内容", 30, "left", grows=True),
    PlainColumn("指纹", 22),
    PlainColumn("交换包号", 34),
)


class Traces(QWidget):
    """A line to type the fingerprint in, and every place where it turned up, oldest first."""

    def __init__(self, desk: Desk, page: Page) -> None:
        super().__init__()
        self._desk = desk
        self._page = page
        self.field = QLineEdit()
        self.field.setPlaceholderText("交接单上的指纹，如 7C1E 0A55 93D2 41BF")
        self.field.setAccessibleName("指纹")
        self.field.setMinimumWidth(320)
        self.field.setMaximumWidth(380)
        self.field.setMaxLength(100)
        find = page.offer(Action("trace", "查找", self.look_up, "", "search"))
        label = QLabel("指纹")
        label.setBuddy(self.field)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.field)
        row.addWidget(button(find, primary=True))
        row.addStretch(1)
        self.table = PlainTable("出现过的地方", _COLUMNS, "处")
        self.table.set_empty_words("按指纹查找一个交换包", "输入交接单上的指纹，至少前 8 位")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        self.field.returnPressed.connect(self.look_up)

    def start(self) -> None:
        """Ready to type."""
        self.field.setFocus()
        self.field.selectAll()

    def look_up(self) -> Job:
        """Look it up."""
        typed = self.field.text()
        self._page.messages.clear()
        return self._desk.jobs.run(
            "查找交换包", lambda _: self._desk.control.trace(typed), self._show, self._page.report,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def _show(self, found: list[Trace]) -> None:
        self.table.set_empty_words(
            "没有出现过这个指纹", "请核对输入；介质可能还没有送到中心，或本机还没有同步到最新"
        )
        self.table.set_rows([_row(one) for one in found])


def _row(one: Trace) -> PlainRow:
    return PlainRow(
        (
            moment(one.at, seconds=True), one.what, one.where or NOTHING, one.detail or NOTHING,
            grouped(one.fingerprint.replace(" ", "")), one.package_id or NOTHING,
        ),
        (),
        one,
    )  # fmt: skip
