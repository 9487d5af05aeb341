"""往来登记: every medium that came in or went out, and the sheets of those that came in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from desktop.ui.jobline import size_text
from desktop.ui.media.import_flow import intake_html
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.notify import MessageBar
from desktop.ui.tables.columns import Shown, columns_for
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.tables.view import RecordTable
from desktop.ui.words import ATTEMPTS, DIRECTIONS, NOTHING, grouped, moment
from shared.errors import YizhanError
from shared.filters import Filter

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row
    from desktop.work.syncing import Attempt

_COLUMNS = ("received_at", "media_no", "media_kind", "sent_from", "applied", "outcome", "handled_by")
_CHARS = {"media_no": 14, "media_kind": 17, "sent_from": 18, "applied": 9, "outcome": 12}
_ATTEMPTS = (
    PlainColumn("时间", 20),
    PlainColumn("方向", 10),
    PlainColumn("变更", 9, "right"),
    PlainColumn("大小", 12, "right"),
    PlainColumn("结果", 9),
    PlainColumn("说明", 40, "left", grows=True),
    PlainColumn("指纹", 22),
)


class Register(QWidget):
    """Intake records above, what this device did with media below."""

    def __init__(self, desk: Desk, messages: MessageBar) -> None:
        super().__init__()
        self._desk = desk
        self._messages = messages
        declared = desk.records.type("media_intake")
        columns = [
            replace(c, chars=_CHARS.get(c.name, c.chars), shows=_applied if c.name == "applied" else None)
            for c in columns_for(declared, _COLUMNS, opens=False)
        ]
        self.intakes = RecordTable(declared, desk.records, desk.jobs, columns)
        self.intakes.set_empty_words("还没有介质入库记录", "从介质导入一次，就会留下一份入库记录单")
        self.sheet = SheetButtons(desk, messages)
        self.sheet.setEnabled(False)
        self.sheet.print_button.setText("打印入库记录单…")
        self.sheet.print_button.setProperty("primary", False)
        self.intakes.add_tool(self.sheet)
        self.attempts = PlainTable("本机的介质导出和导入", _ATTEMPTS, "次")
        self.attempts.set_empty_words("本机还没有用介质交换过", "从“导出”开始")
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(13)
        both.addWidget(self.intakes)
        both.addWidget(self.attempts)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(both)
        self.intakes.selection_changed.connect(self._selected)

    def start(self) -> None:
        """Read again."""
        self.intakes.set_filter(Filter())
        self._desk.jobs.run(
            "读取介质往来", lambda _: self._desk.syncing.state().attempts, self._show, self._failed,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def _failed(self, error: YizhanError) -> None:
        self._messages.error(error)

    def _selected(self, row: Row | None) -> None:
        self.sheet.setEnabled(row is not None)
        if row is not None:
            values = dict(row.values)
            self.sheet.offer("介质入库记录单", lambda: intake_html(self._desk, values))

    def _show(self, attempts: list[Attempt]) -> None:
        media = [a for a in attempts if a.carrier == "media"]
        self.attempts.set_rows([_row(a) for a in media])


def _applied(row: Row) -> Shown:
    return Shown(f"{row.values['applied'] or 0:,}")


def _row(one: Attempt) -> PlainRow:
    word, tone = ATTEMPTS.get(one.outcome, (one.outcome, "plain"))
    way = {"up": "导出", "down": "导入"}.get(one.direction, DIRECTIONS.get(one.direction, one.direction))
    texts = (
        moment(one.at, seconds=True), way, f"{one.changes:,}", size_text(one.bytes), word,
        one.message or NOTHING, grouped(one.fingerprint),
    )  # fmt: skip
    return PlainRow(texts, ((4, tone),), one)
