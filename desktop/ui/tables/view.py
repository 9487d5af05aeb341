"""The table as a person sees it: total above, grid, words when it is empty."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.notify import MessageBar
from desktop.ui.tables.columns import OPEN, Column
from desktop.ui.tables.dress import dress
from desktop.ui.tables.model import RecordTableModel
from desktop.ui.theme import colour
from desktop.work.jobs import Jobs
from shared.errors import YizhanError
from shared.filters import Filter
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records, Row

Index = QModelIndex | QPersistentModelIndex

_SHRINK = 0.4
"""Share of the long columns that may be given up before the table scrolls sideways."""


class RecordTable(QWidget):
    """Records of one type: sorted by header click, opened by Enter, double click or 打开.

    ``selection_changed(row)`` with the current row or None; ``activated(row)``.
    """

    activated = Signal(object)
    selection_changed = Signal(object)

    def __init__(
        self,
        declared: RecordType,
        records: Records,
        jobs: Jobs,
        columns: Sequence[Column] | None = None,
    ) -> None:
        super().__init__()
        self.declared = declared
        self.model = RecordTableModel(declared, records, jobs, columns, self)
        self.grid = _Grid(self.model)
        self.grid.setAccessibleName(f"{declared.title}列表")
        self._empty_words = (f"没有符合条件的{declared.title}", "换个条件，或点“清除”查看全部")
        self._total = QLabel("共 — 条")
        self._chosen = QLabel()
        self._chosen.setProperty("muted", True)
        self._tools = QHBoxLayout()
        self._tools.setSpacing(4)
        self._messages = MessageBar()
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._total)
        head.addWidget(self._chosen)
        head.addStretch(1)
        head.addLayout(self._tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._messages)
        column.addWidget(self.grid, 1)
        self._restore: tuple[str, int] | None = None
        self.model.counted.connect(self._counted)
        self.model.loading.connect(self._loading)
        self.model.failed.connect(self._failed)
        self.model.modelReset.connect(self._was_reset)
        self.grid.opened.connect(self._open)
        self.grid.selectionModel().selectionChanged.connect(self._selected)
        self.grid.selectionModel().currentRowChanged.connect(self._selected)
        self.grid.horizontalHeader().sectionClicked.connect(self._sort)
        self.setFocusProxy(self.grid)

    # --- what is shown -----------------------------------------------------
    def set_filter(self, wanted: Filter) -> None:
        """Show what passes the filter; the order of a clicked header stays."""
        self._restore = None
        order = wanted.order or self.model.filter.order
        self.grid.mark_words(wanted.text.split())
        self.model.set_filter(replace(wanted, order=order))

    def reload(self, select: str = "") -> None:
        """Ask again; place and current record stay, unless another is to be selected."""
        row = self.current()
        wanted = select or (row.id if row else "")
        self._restore = (wanted, self.grid.verticalScrollBar().value())
        self.model.reload()

    def set_empty_words(self, words: str, hint: str = "") -> None:
        """What an empty table says."""
        self._empty_words = (words, hint)

    def add_tool(self, widget: QWidget) -> None:
        """A button at the right of the line with the total."""
        self._tools.addWidget(widget)

    @property
    def total_text(self) -> str:
        """The line above the grid."""
        return self._total.text()

    # --- what is chosen ----------------------------------------------------
    def current(self) -> Row | None:
        """The record under the cursor."""
        index = self.grid.currentIndex()
        return self.model.row_at(index.row()) if index.isValid() else None

    def select(self, record_id: str) -> bool:
        """Make a record current, if it is in memory."""
        position = self.model.position_of(record_id)
        if position is None:
            return False
        self.grid.selectRow(position)
        return True

    def selected_rowids(self) -> array[int]:
        """Row ids of all chosen rows, loaded or not."""
        return array("q", (self.model.rowid_at(r) for r in self._chosen_rows()))

    def _chosen_rows(self) -> list[int]:
        parts = self.grid.selectionModel().selection().toList()
        return sorted({r for part in parts for r in range(part.top(), part.bottom() + 1)})

    # --- inside ------------------------------------------------------------
    def _open(self, position: int) -> None:
        row = self.model.row_at(position)
        if row is not None:
            self.activated.emit(row)

    def _selected(self) -> None:
        count = len(self._chosen_rows())
        self._chosen.setText(f"已选 {count:,} 条" if count > 1 else "")
        self.selection_changed.emit(self.current())

    def _sort(self, section: int) -> None:
        """Upwards, downwards, as it was."""
        column = self.model.columns[section]
        if not column.sortable:
            return
        order = self.model.filter.order
        following = {column.name: f"-{column.name}", f"-{column.name}": self.declared.table_order}
        wanted = following.get(order, column.name)
        self.model.set_filter(replace(self.model.filter, order=wanted))
        self._show_order(wanted)

    def _show_order(self, order: str) -> None:
        header = self.grid.horizontalHeader()
        names = [c.name for c in self.model.columns]
        place = names.index(order.lstrip("-")) if order.lstrip("-") in names else -1
        down = order.startswith("-")
        header.setSortIndicator(place, Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder)

    def _loading(self, on: bool) -> None:
        if on and self.model.total == 0:
            self.grid.show_words("正在读取…", "")
        if on:
            self._messages.clear()

    def _counted(self, count: int, final: bool) -> None:
        self._total.setText(f"共 {count:,} 条" if final else "正在统计总数…")
        self.grid.show_words(*(("", "") if count else self._empty_words))

    def _failed(self, error: YizhanError) -> None:
        self._messages.say("error", error.message, error.hint, button="重试", run=self.reload)
        if self.model.total == 0:
            self.grid.show_words("没有读出数据", "请按上面的提示处理后重试")

    def _was_reset(self) -> None:
        if self._restore is not None:
            record_id, place = self._restore
            self._restore = None
            if record_id:
                self.select(record_id)
            self.grid.verticalScrollBar().setValue(place)
        else:
            self.grid.scrollToTop()
        self._selected()


class _Grid(QTableView):
    opened = Signal(int)

    def __init__(self, model: RecordTableModel) -> None:
        super().__init__()
        self._model = model
        self._words = ("", "")
        self._by_hand = False
        self._fitting = True
        self.setModel(model)
        self._delegate = _Cells(self)
        self.setItemDelegate(self._delegate)
        dress(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.sectionResized.connect(self._resized)
        header.sectionHandleDoubleClicked.connect(self.resizeColumnToContents)
        self.doubleClicked.connect(lambda i: self.opened.emit(i.row()))
        self.clicked.connect(self._clicked)
        self._fit()

    def mark_words(self, words: Sequence[str]) -> None:
        self._delegate.words = tuple(w for w in words if w)

    def show_words(self, words: str, hint: str) -> None:
        self._words = (words, hint)
        self.setAccessibleDescription(f"{words} {hint}".strip())
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy_rows()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: object, /) -> None:
        super().paintEvent(event)  # type: ignore[arg-type]
        words, hint = self._words
        if self._model.total or not words:
            return
        painter = QPainter(self.viewport())
        middle = self.viewport().rect()
        painter.setPen(colour("ink"))
        line = painter.fontMetrics().height() + 4
        centre = Qt.AlignmentFlag.AlignCenter
        painter.drawText(middle.translated(0, -line // 2 if hint else 0), centre, words)
        painter.setPen(colour("muted"))
        painter.drawText(middle.translated(0, line // 2), centre, hint)
        painter.end()

    def _fit(self) -> None:
        """Widths from the declaration; what is left over goes to names and addresses."""
        if self._by_hand:
            return
        char = self.fontMetrics().horizontalAdvance("0")
        widths = [c.chars * char + 16 for c in self._model.columns]
        growing = [i for i, c in enumerate(self._model.columns) if c.grows]
        spare = self.viewport().width() - sum(widths)
        if spare + round(_SHRINK * sum(widths[i] for i in growing)) >= 0:  # else it scrolls anyway
            share_out(widths, growing, spare)
        self._fitting = True
        for i, width in enumerate(widths):
            self.horizontalHeader().resizeSection(i, width)
        self._fitting = False

    def _resized(self) -> None:
        """Widths a person set stay as they are."""
        self._by_hand = self._by_hand or not self._fitting

    def _clicked(self, index: QModelIndex) -> None:
        if self._model.columns[index.column()].name == OPEN:
            self.opened.emit(index.row())

    def _menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if not index.isValid():
            return
        menu = QMenu(self)
        menu.addAction("打开", lambda: self.opened.emit(index.row()))
        menu.addSeparator()
        menu.addAction("复制单元格", lambda: _to_clipboard(self._model.text_at(index.row(), index.column())))
        menu.addAction("复制所选行\tCtrl+C", self._copy_rows)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(at))

    def _copy_rows(self) -> None:
        """Loaded rows with their titles, as a spreadsheet takes them."""
        columns = [i for i, c in enumerate(self._model.columns) if c.name != OPEN]
        lines = ["\t".join(self._model.columns[i].title for i in columns)]
        for index in sorted(self.selectionModel().selectedRows(), key=lambda i: i.row()):
            if self._model.row_at(index.row()) is not None:
                lines.append("\t".join(self._model.text_at(index.row(), i) for i in columns))
        _to_clipboard("\n".join(lines))


def share_out(widths: list[int], growing: Sequence[int], spare: int) -> None:
    """Give the spare room, or what is missing, to the growing columns, to the last pixel."""
    for left, i in zip(range(len(growing), 0, -1), growing, strict=True):
        part = spare // left
        widths[i] += part
        spare -= part


class _Cells(QStyledItemDelegate):
    """Puts a light ground behind the words that were searched for."""

    words: tuple[str, ...] = ()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if self.words:
            self._mark(painter, option, index)
        super().paint(painter, option, index)

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """A chosen row keeps the colours of its states."""
        super().initStyleOption(option, index)
        shade = index.data(Qt.ItemDataRole.ForegroundRole)
        if shade is not None:
            option.palette.setColor(QPalette.ColorRole.HighlightedText, shade)  # type: ignore[attr-defined]

    def _mark(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        text = str(index.data() or "")
        folded = text.casefold()
        places = [(folded.find(w.casefold()), len(w)) for w in self.words]
        if all(at < 0 for at, _ in places) or option.state & QStyle.StateFlag.State_Selected:  # type: ignore[attr-defined]
            return
        metrics: QFontMetrics = option.fontMetrics  # type: ignore[attr-defined]
        cell: QRect = option.rect  # type: ignore[attr-defined]
        margin = option.widget.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin) + 1  # type: ignore[attr-defined]
        room = cell.adjusted(margin, 0, -margin, 0)
        width = metrics.horizontalAdvance(text)
        align = index.data(Qt.ItemDataRole.TextAlignmentRole)
        start = room.left()
        if width < room.width() and align & Qt.AlignmentFlag.AlignHCenter:
            start += (room.width() - width) // 2
        elif width < room.width() and align & Qt.AlignmentFlag.AlignRight:
            start += room.width() - width
        for at, length in places:
            if at >= 0:
                left = start + metrics.horizontalAdvance(text[:at])
                span = metrics.horizontalAdvance(text[at : at + length])
                mark = QRect(left, cell.top() + 4, span, cell.height() - 8)
                painter.fillRect(mark.intersected(room), colour("mark"))


def _to_clipboard(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
