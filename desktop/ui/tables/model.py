"""A table model over any number of records that holds only windows of them.

The first page comes first; then the ids of all rows as one array of numbers;
further pages are fetched when they come into view. All of it in read jobs, all
texts made there too: the GUI thread only looks up strings.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from desktop.ui.plain import tip
from desktop.ui.tables.columns import NUMBER, OPEN, STANDING, Column, Shown, columns_for
from desktop.ui.theme import STANDING_TONES, colour, tone
from desktop.work.jobs import Job, Jobs
from shared.errors import Cancelled, YizhanError
from shared.fields import Kind
from shared.filters import Filter
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records, Row

Index = QModelIndex | QPersistentModelIndex

PAGE = 200
_KEPT_PAGES = 40
_AT_ONCE = 2
_WAITING = 4
WAITING_TEXT = "…"

_STATUS_TABLE, _STATUS_GOOD = "登记状态", "存续"


@dataclass(frozen=True, slots=True)
class _Loaded:
    row: Row
    cells: tuple[Shown, ...]
    cancelled: bool


class RecordTableModel(QAbstractTableModel):
    """Rows of one type that pass a filter.

    ``loading(bool)`` while the first page is awaited; ``counted(int, bool)`` with
    the number of rows known so far and whether that is all; ``failed(error)``.
    """

    loading = Signal(bool)
    counted = Signal(int, bool)
    failed = Signal(object)

    def __init__(
        self,
        declared: RecordType,
        records: Records,
        jobs: Jobs,
        columns: Sequence[Column] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.declared = declared
        self.columns = tuple(columns) if columns is not None else columns_for(declared)
        self._records = records
        self._jobs = jobs
        self._filter = Filter(order=declared.table_order)
        self._generation = 0
        self._ids: array[int] = array("q")
        self._all_known = False
        self._pages: OrderedDict[int, list[_Loaded]] = OrderedDict()
        self._first_job: Job | None = None
        self._fetching: dict[int, Job] = {}
        self._wanted: list[int] = []
        self._fetch_soon = QTimer(self)
        self._fetch_soon.setSingleShot(True)
        self._fetch_soon.timeout.connect(self._fetch)

    # --- what is asked for -------------------------------------------------
    @property
    def filter(self) -> Filter:
        """What is shown now."""
        return self._filter

    def set_filter(self, wanted: Filter) -> None:
        """Show other rows; the old ones stay until the new ones are there."""
        self._filter = wanted if wanted.order else replace(wanted, order=self.declared.table_order)
        self.reload()

    def reload(self) -> None:
        """Ask again."""
        self._generation += 1
        generation = self._generation
        self._drop_jobs()
        self.loading.emit(True)
        wanted = self._filter

        def first(_: object) -> list[_Loaded]:
            return self._load(self._records.first(self.declared, wanted, PAGE))

        self._first_job = self._jobs.run(
            f"读取{self.declared.title}",
            first,
            lambda page: self._first_came(generation, page),
            lambda error: self._failed(generation, error),
            quiet=True,
            owner=self,
        )

    @property
    def total(self) -> int:
        """Rows known so far."""
        return len(self._ids)

    def row_at(self, position: int) -> Row | None:
        """The record at a position, if its page is here."""
        found = self._loaded(position)
        return found.row if found else None

    def rowid_at(self, position: int) -> int:
        """The row id at a position; known for every row."""
        return self._ids[position]

    def position_of(self, record_id: str) -> int | None:
        """Where a record stands, if its page is here."""
        for number, page in self._pages.items():
            for offset, loaded in enumerate(page):
                if loaded.row.id == record_id:
                    return number * PAGE + offset
        return None

    def text_at(self, position: int, column: int) -> str:
        """What a cell shows."""
        return str(self.data(self.index(position, column)) or "")

    @property
    def held(self) -> int:
        """How many rows are in memory."""
        return sum(len(page) for page in self._pages.values())

    # --- QAbstractTableModel -----------------------------------------------
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and section < len(self.columns):
            column = self.columns[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return column.title
            if role == Qt.ItemDataRole.ToolTipRole:
                return f"{column.title}（点击排序）" if column.sortable else column.title
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.columns[index.column()].align
        if role not in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ForegroundRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        column = self.columns[index.column()]
        if column.name == NUMBER:
            return f"{index.row() + 1:,}" if role == Qt.ItemDataRole.DisplayRole else None
        loaded = self._loaded(index.row())
        if loaded is None:
            if role == Qt.ItemDataRole.DisplayRole:
                self._want(index.row() // PAGE)
                return "" if column.name == OPEN else WAITING_TEXT
            return colour("muted") if role == Qt.ItemDataRole.ForegroundRole else None
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._shade(column, loaded, loaded.cells[index.column()].tone)
        text = loaded.cells[index.column()].text
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(text) if column.grows else None
        return text

    def _shade(self, column: Column, loaded: _Loaded, shade: str) -> Any:
        if column.name == OPEN:
            return colour("accent")
        if column.name == STANDING:
            return tone(STANDING_TONES.get(str(loaded.row.standing), "plain"))
        if shade != "plain":
            return tone(shade)
        cycle = self.declared.lifecycle
        if cycle is not None and column.name == cycle.field and loaded.row.values.get(column.name):
            return tone(cycle.state(loaded.row.values[column.name]).tone)
        return colour("danger") if loaded.cancelled else None

    # --- loading -----------------------------------------------------------
    def _load(self, rows: Sequence[Row]) -> list[_Loaded]:
        """In a job: texts of all cells; names of referred records in one go per column."""
        names: dict[str, dict[str, str]] = {}
        for column in self.columns:
            one = column.field
            if one is not None and one.kind in (Kind.REF, Kind.REFS):
                ids = {i for row in rows for i in str(row.values.get(one.name) or "").split(",") if i}
                names[one.name] = self._records.labels(one.target, ids) if ids else {}
        status = [f.name for f in self.declared.own_fields if f.table == _STATUS_TABLE]
        good = self._records.codes.find(_STATUS_TABLE, _STATUS_GOOD) if status else None
        return [
            _Loaded(
                row,
                tuple(self._cell(column, row, names) for column in self.columns),
                any(row.values.get(name) not in (None, good) for name in status),
            )
            for row in rows
        ]

    def _cell(self, column: Column, row: Row, names: dict[str, dict[str, str]]) -> Shown:
        return column.shows(row) if column.shows is not None else Shown(self._text(column, row, names))

    def _text(self, column: Column, row: Row, names: dict[str, dict[str, str]]) -> str:
        if column.name == OPEN:
            return "打开"
        if column.name == STANDING:
            return str(row.standing)
        if column.field is None:
            return ""
        value = row.values.get(column.name)
        if column.name in names and value:
            known = names[column.name]
            return "、".join(known.get(i) or i for i in str(value).split(","))
        shown: str = self._records.show(column.field, value)
        return shown.replace("\n", " ")

    def _first_came(self, generation: int, page: list[_Loaded]) -> None:
        if generation != self._generation:
            return
        self.beginResetModel()
        self._ids = array("q", (x.row.rowid for x in page))
        self._pages.clear()
        self._pages[0] = page
        self._all_known = len(page) < PAGE
        self.endResetModel()
        self.loading.emit(False)
        self.counted.emit(len(page), self._all_known)
        if self._all_known:
            return
        wanted = self._filter
        self._first_job = self._jobs.run(
            f"统计{self.declared.title}",
            lambda _: self._records.row_ids(self.declared, wanted),
            lambda ids: self._ids_came(generation, ids),
            lambda error: self._failed(generation, error),
            quiet=True,
            owner=self,
        )

    def _ids_came(self, generation: int, ids: array[int]) -> None:
        if generation != self._generation:
            return
        known = len(self._ids)
        if ids[:known] == self._ids:
            if len(ids) > known:
                self.beginInsertRows(QModelIndex(), known, len(ids) - 1)
                self._ids = ids
                self.endInsertRows()
        else:  # the table changed between the two questions
            self.beginResetModel()
            self._ids = ids
            self._pages.clear()
            self.endResetModel()
        self._all_known = True
        self.counted.emit(len(ids), True)

    def _loaded(self, position: int) -> _Loaded | None:
        page = self._pages.get(position // PAGE)
        offset = position % PAGE
        return page[offset] if page is not None and offset < len(page) else None

    def _want(self, page: int) -> None:
        if page in self._fetching:
            return
        if page in self._wanted:
            self._wanted.remove(page)
        self._wanted.append(page)
        del self._wanted[:-_WAITING]
        if not self._fetch_soon.isActive():
            self._fetch_soon.start(0)

    def _fetch(self) -> None:
        """The pages asked for last are those in view: fetch them first, forget the rest."""
        while self._wanted and len(self._fetching) < _AT_ONCE:
            page = self._wanted.pop()
            if page in self._pages or page in self._fetching:
                continue
            generation = self._generation
            rowids = self._ids[page * PAGE : (page + 1) * PAGE]
            self._fetching[page] = self._jobs.run(
                f"读取{self.declared.title}",
                lambda _, ids=rowids: self._load(self._records.rows(self.declared, ids)),  # type: ignore[misc]
                lambda rows, p=page, g=generation, ids=rowids: self._page_came(g, p, ids, rows),  # type: ignore[misc]
                lambda error, g=generation: self._failed(g, error),  # type: ignore[misc]
                quiet=True,
                owner=self,
            )

    def _page_came(self, generation: int, page: int, rowids: array[int], rows: list[_Loaded]) -> None:
        if generation != self._generation:
            return
        self._fetching.pop(page, None)
        by_id = {x.row.rowid: x for x in rows}
        if len(by_id) < len(rowids):
            self.reload()  # rows were deleted meanwhile
            return
        self._pages[page] = [by_id[i] for i in rowids]
        self._pages.move_to_end(page)
        while len(self._pages) > _KEPT_PAGES:
            self._pages.popitem(last=False)
        first, last = page * PAGE, page * PAGE + len(rowids) - 1
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))
        self._fetch()

    def _failed(self, generation: int, error: YizhanError) -> None:
        if generation != self._generation or isinstance(error, Cancelled):
            return
        self._fetching.clear()
        self.loading.emit(False)
        self.failed.emit(error)

    def _drop_jobs(self) -> None:
        for job in (self._first_job, *self._fetching.values()):
            if job is not None:
                job.cancel()
        self._first_job = None
        self._fetching.clear()
        self._wanted.clear()
