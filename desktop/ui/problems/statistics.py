"""问题数据统计: one table, by bureau or by kind of information, against the former month (R52)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui.choosing import Files
from desktop.ui.media.flow import make_button
from desktop.ui.notify import SUCCESS, MessageBar
from desktop.ui.queues.segments import Segments
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.work.jobs import Job
from desktop.work.problem_statistics import HEADS, WAYS, Line

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_OPEN = 1
"""Column of what is still to be mended."""


class StatisticsPanel(QWidget):
    """``closed`` when the person is done."""

    closed = Signal()

    def __init__(self, desk: Desk, messages: MessageBar) -> None:
        super().__init__()
        self._desk, self._messages = desk, messages
        self.files = Files()
        self.ways = Segments(WAYS, "统计方式")
        columns = [PlainColumn("单位或信息类别", 24, "left", grows=True)]
        columns += [PlainColumn(head, 10, "right") for head in HEADS]
        self.table = PlainTable("问题数据统计", columns, "行")
        self.table.set_empty_words("还没有问题数据", "反馈过问题以后，这里按单位和信息类别统计")
        self.table.add_tool(make_button("导出", self.export))
        self.table.add_tool(make_button("返回列表", self.closed.emit))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.ways)
        column.addWidget(self.table, 1)
        self.ways.chosen.connect(lambda _: self.load())

    def load(self) -> Job:
        """Count again."""
        statistics, by = self._desk.problem_statistics, self.ways.current
        return self._desk.jobs.run(
            "统计问题数据", lambda _: statistics.lines(by), self._show, self._messages.error,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def export(self) -> Job | None:
        """What is shown as a workbook."""
        path = self.files.to_save(self, "导出问题数据统计", "问题数据统计.xlsx")
        if path is None:
            return None
        statistics, by = self._desk.problem_statistics, self.ways.current
        return self._desk.jobs.run(
            "导出统计", lambda _: statistics.export(path, by),
            lambda n: self._messages.say(SUCCESS, f"已导出 {n:,} 行到“{path.name}”。"),
            self._messages.error, owner=self,
        )  # fmt: skip

    def _show(self, lines: list[Line]) -> None:
        rows = []
        for one in lines:
            tones = ((_OPEN, "bad"),) if one.figures[0] != "0" else ()
            rows.append(PlainRow((one.name, *one.figures), tones))
        self.table.set_rows(rows, f"共 {max(0, len(rows) - 1):,} 行和合计" if rows else "")
