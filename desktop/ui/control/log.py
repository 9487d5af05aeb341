"""交换记录: every exchange with the hub (R42)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from desktop.ui.actions import Action, tool_button
from desktop.ui.choosing import Files
from desktop.ui.factlist import Fact, FactList, scrolled
from desktop.ui.jobline import size_text
from desktop.ui.notify import SUCCESS
from desktop.ui.pages.page import Page, Panes
from desktop.ui.tables.columns import Column, Shown, columns_for
from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.view import RecordTable
from desktop.ui.words import CARRIERS, DIRECTIONS, KINDS, NOTHING, OUTCOMES, grouped, moment, took
from desktop.work.jobs import Job
from shared.filters import Filter

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

_PART = 2_000
_COLUMNS = ("started_at", "bureau", "device", "carrier", "changes", "bytes", "outcome", "duration_ms")
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | _MIDDLE
_RIGHT, _CENTRE = Qt.AlignmentFlag.AlignRight | _MIDDLE, Qt.AlignmentFlag.AlignHCenter | _MIDDLE

_LOOKS = {
    "bureau": ("单位", 18, _LEFT),
    "device": ("席位", 13, _LEFT),
    "carrier": ("途径", 6, _CENTRE),
    "changes": ("变更", 7, _RIGHT),
    "bytes": ("大小", 10, _RIGHT),
    "outcome": ("结果", 9, _CENTRE),
    "duration_ms": ("耗时", 10, _RIGHT),
}
_CELLS: dict[str, Callable[[Row], Shown]] = {
    "device": lambda row: Shown(str(row.values["device"] or NOTHING).partition("（")[0]),
    "changes": lambda row: Shown(f"{row.values['changes'] or 0:,}"),
    "bytes": lambda row: Shown(size_text(row.values["bytes"])),
    "outcome": lambda row: Shown(*_outcome(row)),
    "duration_ms": lambda row: Shown(took(row.values["duration_ms"])),
}


def _outcome(row: Row) -> tuple[str, str]:
    code = str(row.values["outcome"])
    return OUTCOMES.get(code, (code, "plain"))


class ExchangeLog(QWidget):
    """The log with its filter, and the detail of the chosen exchange."""

    def __init__(self, desk: Desk, page: Page) -> None:
        super().__init__()
        self._desk = desk
        self._page = page
        self.declared = desk.records.type("exchange")
        self.files = Files()
        self.bar = FilterBar(self.declared, desk.records, desk.jobs)
        self.table = RecordTable(self.declared, desk.records, desk.jobs, _columns(self.declared))
        self.table.set_empty_words("没有符合条件的交换记录", "设备与中心每交换一次，这里就多一行")
        self._totals = QLabel()
        self._totals.setProperty("muted", True)
        self.table.add_tool(self._totals)
        export = page.offer(Action("export", "导出", self.export, "Ctrl+E", "export"))
        refresh = page.offer(Action("reload", "刷新", self._reload, "F5", "refresh"))
        page.offer(Action("find", "查找", self.bar.focus_search, "Ctrl+F", "search"))
        for action in (refresh, export):
            self.table.add_tool(tool_button(action, words=True))
        self.facts = FactList(5)
        self._nothing = QLabel("选中一行，这里显示这次交换的全部内容")
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        detail = QWidget()
        column = QVBoxLayout(detail)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._nothing, 1)
        self._area = scrolled(self.facts, "交换详情")
        column.addWidget(self._area, 1)
        self._area.hide()
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addWidget(self.bar)
        body.addWidget(Panes(self.table, detail, 0.7), 1)
        self.bar.changed.connect(self._filter)
        self.table.selection_changed.connect(self._show)
        self.table.model.counted.connect(self._counted)

    def start(self, wanted: Filter | None = None) -> None:
        """Read again, with another filter when one is given."""
        if wanted is not None:
            self.bar.set_filter(wanted)
        else:
            self._filter(self.bar.filter())
        self.table.setFocus()

    def reload(self) -> None:
        """Something was added."""
        self._reload()

    def totals_text(self) -> str:
        """The line with the sums."""
        return self._totals.text()

    # --- what is shown -----------------------------------------------------
    def _filter(self, wanted: Filter) -> None:
        self.table.set_filter(wanted)
        self._sum(wanted)

    def _reload(self) -> None:
        self.table.reload()
        self._sum(self.bar.filter())

    def _sum(self, wanted: Filter) -> None:
        """Changes and bytes of everything the filter lets through."""
        records, declared = self._desk.records, self.declared

        def work(_: object) -> tuple[int, int, int]:
            ids = records.row_ids(declared, wanted)
            changes = size = 0
            for at in range(0, len(ids), _PART):
                for row in records.rows(declared, ids[at : at + _PART]):
                    changes += row.values["changes"] or 0
                    size += row.values["bytes"] or 0
            return len(ids), changes, size

        def show(found: tuple[int, int, int]) -> None:
            if wanted == self.bar.filter():
                count, changes, size = found
                self._totals.setText(f"合计 {count:,} 次交换，{changes:,} 条变更，{size_text(size)}")

        self._desk.jobs.run("统计同步日志", work, show, self._page.report, quiet=True, owner=self)

    def _counted(self, count: int, final: bool) -> None:
        """Something is always chosen: its detail is what one came for."""
        if count and self.table.current() is None:
            self.table.grid.selectRow(0)

    def _show(self, row: Row | None) -> None:
        self._nothing.setVisible(row is None)
        self._area.setVisible(row is not None)
        if row is None:
            return
        records, declared = self._desk.records, self.declared
        bureau = declared.by_name["bureau"]
        self._desk.jobs.run(
            "读取交换详情",
            lambda _: records.show(bureau, row.values["bureau"]) if row.values["bureau"] else NOTHING,
            lambda name: self._fill(row, name),
            self._page.report, quiet=True, owner=self,
        )  # fmt: skip

    def _fill(self, row: Row, bureau: str) -> None:
        one = row.values
        word, tone = _outcome(row)
        self.facts.set_sections(
            [
                (
                    "结果",
                    [
                        Fact("结果", word, tone),
                        Fact("原因", str(one["reason"] or ""), "bad" if tone == "bad" else "plain"),
                        Fact("开始时间", moment(one["started_at"], seconds=True)),
                        Fact("耗时", took(one["duration_ms"])),
                    ],
                ),
                (
                    "发出方",
                    [
                        Fact("单位", bureau),
                        Fact("席位", str(one["device"] or "")),
                        Fact("经办人", str(one["person"] or "")),
                    ],
                ),
                (
                    "内容",
                    [
                        Fact("途径", CARRIERS.get(one["carrier"], str(one["carrier"]))),
                        Fact("方向", DIRECTIONS.get(one["direction"], str(one["direction"]))),
                        Fact("内容", KINDS.get(one["kind"] or "", str(one["kind"] or "无法识别"))),
                        Fact("变更集", f"{one['sets']:,} 个"),
                        Fact("变更", f"{one['changes']:,} 条"),
                        Fact("大小", f"{size_text(one['bytes'])}（{one['bytes']:,} 字节）"),
                    ],
                ),
                (
                    "交换包",
                    [
                        Fact("指纹", grouped(one["fingerprint"] or "")),
                        Fact("完整指纹", _fours(one["fingerprint"] or "")),
                        Fact("交换包号", str(one["package_id"] or "")),
                    ],
                ),
            ]
        )

    # --- export ----------------------------------------------------------------
    def export(self) -> Job | None:
        """The filtered log as a workbook."""
        today = self._desk.session.store.clock.today()
        path = self.files.to_save(self, "导出同步日志", f"同步日志-{today:%Y%m%d}.xlsx")
        if path is None:
            return None
        exporting, wanted = self._desk.exporting, self.bar.filter()
        return self._desk.jobs.run(
            "导出同步日志",
            lambda progress: exporting.export(path, self.declared, wanted, progress),
            lambda count: self._page.messages.say(SUCCESS, f"已导出 {count:,} 条：{path}"),
            self._page.report, owner=self,
        )  # fmt: skip


def _fours(digits: str) -> str:
    """Groups of four, so that the line can break."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)).upper()


def _columns(declared: Any) -> list[Column]:
    """The declared columns narrowed to fit, code names in words, sizes as people read them."""
    return [
        Column(c.name, *_LOOKS.get(c.name, (c.title, c.chars, c.align)), c.field, _CELLS.get(c.name))
        for c in columns_for(declared, _COLUMNS, opens=False, standing=False)
    ]
