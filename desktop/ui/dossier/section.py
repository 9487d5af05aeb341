"""One kind of record in an entity's file: heading with a count, the newest rows, or words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import link_button
from desktop.ui.plain import tip
from desktop.ui.tables.columns import STANDING, Column, columns_for
from desktop.ui.tables.dress import dress
from desktop.ui.theme import ROW, STANDING_TONES, tone
from shared.fields import Kind
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records
    from desktop.work.verifying import Section

_ROWS = 6
"""Rows before a section scrolls within itself."""

_ENTITY_TITLES = ("name", "entity_name", "party_name", "party_kind", "uscc", "party_uscc")


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in its tone."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Shown:
    """A section with all its texts; made in a job."""

    declared: RecordType
    columns: tuple[Column, ...]
    ids: list[str]
    rows: list[list[Cell]]
    total: int


def prepare(section: Section, records: Records) -> Shown:
    """Columns without what the page says already, and their texts."""
    declared = section.declared
    names = [f.name for f in declared.column_fields if f.name not in (*_ENTITY_TITLES, declared.about)]
    columns = tuple(c for c in columns_for(declared, names, opens=False))
    for one in declared.column_fields:
        if one.kind in (Kind.REF, Kind.REFS):
            ids = {i for r in section.rows for i in str(r.values.get(one.name) or "").split(",") if i}
            records.labels(one.target, ids)
    cycle = declared.lifecycle
    rows: list[list[Cell]] = []
    for row in section.rows:
        cells: list[Cell] = []
        for column in columns:
            if column.name == STANDING:
                cells.append(Cell(str(row.standing), STANDING_TONES.get(str(row.standing), "plain")))
            elif column.field is None:
                cells.append(Cell(str(len(rows) + 1)))
            else:
                value = row.values.get(column.name)
                text = records.show(column.field, value).replace("\n", " ")
                state = cycle is not None and column.name == cycle.field and value
                cells.append(Cell(text, cycle.state(str(value)).tone if cycle and state else "plain"))
        rows.append(cells)
    return Shown(declared, columns, [r.id for r in section.rows], rows, section.total)


class SectionView(QWidget):
    """Emits ``opened(type name, record id)``, and ``all_wanted(type name)`` where not all rows fit."""

    opened = Signal(str, str)
    all_wanted = Signal(str)

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.shown = shown
        declared = shown.declared
        self.setAccessibleName(f"{declared.title}，{shown.total} 条")
        heading = QLabel(declared.title)
        heading.setProperty("section", True)
        count = QLabel(f"{shown.total:,} 条" if shown.total else f"没有{declared.title}")
        count.setProperty("muted", True)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(heading)
        head.addWidget(count)
        head.addStretch(1)
        if shown.total > len(shown.rows):
            text = f"列出最近 {len(shown.rows)} 条，查看全部"
            head.addWidget(link_button(text, lambda: self.all_wanted.emit(declared.name)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        self.table: QTableWidget | None = None
        if shown.rows:
            self.table = self._table()
            column.addWidget(self.table)

    def texts(self) -> list[list[str]]:
        """What the rows say."""
        return [[cell.text for cell in row] for row in self.shown.rows]

    def _table(self) -> QTableWidget:
        shown = self.shown
        table = QTableWidget(len(shown.rows), len(shown.columns))
        table.setAccessibleName(f"{shown.declared.title}列表")
        table.setHorizontalHeaderLabels([c.title for c in shown.columns])
        dress(table)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for r, row in enumerate(shown.rows):
            for c, cell in enumerate(row):
                item = QTableWidgetItem(cell.text)
                item.setTextAlignment(shown.columns[c].align)
                item.setToolTip(tip(cell.text) if shown.columns[c].grows else "")
                if cell.tone != "plain":
                    item.setForeground(tone(cell.tone))
                table.setItem(r, c, item)
        _fit(table, shown)
        rows = min(len(shown.rows), _ROWS)
        table.setFixedHeight(ROW * (rows + 1) + 2)
        if len(shown.rows) <= _ROWS:
            table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.doubleClicked.connect(lambda index: self._open(index.row()))
        table.installEventFilter(self)
        return table

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self.table is not None
            and self.table.currentRow() >= 0
        ):
            self._open(self.table.currentRow())
            return True
        return super().eventFilter(watched, event)

    def _open(self, row: int) -> None:
        self.opened.emit(self.shown.declared.name, self.shown.ids[row])


def _fit(table: QTableWidget, shown: Shown) -> None:
    """As wide as what stands there; what is left over goes to the texts, or to what names a record."""
    metrics, columns, label = table.fontMetrics(), shown.columns, shown.declared.label
    header = table.horizontalHeader()
    growing = [i for i, c in enumerate(columns) if c.grows]
    growing = growing or [i for i, c in enumerate(columns) if c.name == label] or [len(columns) - 2]
    for i, column in enumerate(columns):
        if i in growing:
            header.setSectionResizeMode(i, QHeaderView.ResizeMode.Stretch)
        else:
            texts = (column.title, *(row[i].text for row in shown.rows))
            most = max(column.chars * metrics.horizontalAdvance("0"), metrics.horizontalAdvance(column.title))
            table.setColumnWidth(i, min(most, max(map(metrics.horizontalAdvance, texts))) + 20)
