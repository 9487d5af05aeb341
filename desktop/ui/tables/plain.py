"""A table over a short list that is already here: attempts, change sets, past exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.plain import tip
from desktop.ui.tables.dress import dress
from desktop.ui.tables.view import share_out
from desktop.ui.theme import colour, tone

Index = QModelIndex | QPersistentModelIndex

_MIDDLE = Qt.AlignmentFlag.AlignVCenter
_ALIGN = {
    "left": Qt.AlignmentFlag.AlignLeft | _MIDDLE,
    "centre": Qt.AlignmentFlag.AlignHCenter | _MIDDLE,
    "right": Qt.AlignmentFlag.AlignRight | _MIDDLE,
}


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """``chars`` in half-width characters; ``grows`` takes the room that is left over."""

    title: str
    chars: int
    align: str = "centre"
    grows: bool = False


@dataclass(frozen=True, slots=True)
class PlainRow:
    """One line: a text per column, the tones of some columns, and what it stands for."""

    texts: tuple[str, ...]
    tones: tuple[tuple[int, str], ...] = ()
    thing: Any = None


class PlainTable(QWidget):
    """A head line with a total, the grid, and words when it is empty.

    ``chosen(thing)`` when the current line changes (None for none); ``opened(thing)``
    on Enter and double click.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, name: str, columns: Sequence[PlainColumn], unit: str = "条") -> None:
        super().__init__()
        self._unit = unit
        self._words = (f"没有{name}", "")
        self._model = _Model(tuple(columns), self)
        self.grid = _PlainGrid(self._model)
        self.grid.setAccessibleName(name)
        title = QLabel(name)
        title.setProperty("section", True)
        title.setIndent(0)
        self._total = QLabel()
        self._total.setProperty("muted", True)
        self._tools = QHBoxLayout()
        self._tools.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(title)
        head.addWidget(self._total)
        head.addStretch(1)
        head.addLayout(self._tools)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.grid, 1)
        self.setFocusProxy(self.grid)
        self.grid.selectionModel().currentRowChanged.connect(lambda *_: self.chosen.emit(self.current()))
        self.grid.opened.connect(lambda i: self.opened.emit(self._model.rows[i].thing))
        self.set_rows([])

    def set_rows(self, rows: Sequence[PlainRow], total: str = "") -> None:
        """Show these lines; ``total`` replaces the count above the grid."""
        self._model.put(list(rows))
        self._total.setText(total or f"共 {len(rows):,} {self._unit}")
        self.grid.show_words(*(("", "") if rows else self._words))
        self.chosen.emit(None)

    def set_empty_words(self, words: str, hint: str = "") -> None:
        """What an empty table says."""
        self._words = (words, hint)
        if not self._model.rows:
            self.grid.show_words(words, hint)

    def add_tool(self, widget: QWidget) -> None:
        """A button at the right of the head line."""
        self._tools.addWidget(widget)

    def current(self) -> Any:
        """What the current line stands for; None when there is none."""
        index = self.grid.currentIndex()
        return self._model.rows[index.row()].thing if index.isValid() else None

    def select(self, position: int) -> None:
        """Make a line current."""
        self.grid.selectRow(position)

    def texts(self) -> list[tuple[str, ...]]:
        """All lines as shown."""
        return [row.texts for row in self._model.rows]

    @property
    def total_text(self) -> str:
        """The words beside the title."""
        return self._total.text()


class _Model(QAbstractTableModel):
    def __init__(self, columns: tuple[PlainColumn, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.columns = columns
        self.rows: list[PlainRow] = []

    def put(self, rows: list[PlainRow]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.texts[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole and self.columns[index.column()].grows:
            return tip(row.texts[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[self.columns[index.column()].align]
        if role == Qt.ItemDataRole.ForegroundRole:
            return next((tone(name) for at, name in row.tones if at == index.column()), None)
        return None


class _Cells(QStyledItemDelegate):
    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """A chosen row keeps the colours of its states."""
        super().initStyleOption(option, index)
        shade = index.data(Qt.ItemDataRole.ForegroundRole)
        if shade is not None:
            option.palette.setColor(QPalette.ColorRole.HighlightedText, shade)  # type: ignore[attr-defined]


class _PlainGrid(QTableView):
    opened = Signal(int)

    def __init__(self, model: _Model) -> None:
        super().__init__()
        self._model = model
        self._words = ("", "")
        self.setModel(model)
        self._delegate = _Cells(self)
        self.setItemDelegate(self._delegate)
        dress(self)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.doubleClicked.connect(lambda i: self.opened.emit(i.row()))

    def show_words(self, words: str, hint: str) -> None:
        self._words = (words, hint)
        self.setAccessibleDescription(f"{words} {hint}".strip())
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        elif event.matches(QKeySequence.StandardKey.Copy):
            picked = sorted({i.row() for i in self.selectionModel().selectedRows()})
            titles = "\t".join(c.title for c in self._model.columns)
            lines = ["\t".join(self._model.rows[i].texts) for i in picked]
            QGuiApplication.clipboard().setText("\n".join([titles, *lines]))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        super().resizeEvent(event)
        char = self.fontMetrics().horizontalAdvance("0")
        columns = self._model.columns
        widths = [c.chars * char + 16 for c in columns]
        growing = [i for i, c in enumerate(columns) if c.grows]
        spare = self.viewport().width() - sum(widths)
        most = sum(widths[i] for i in growing) * 2 // 5
        share_out(widths, growing, max(spare, -most))
        for i, width in enumerate(widths):
            self.horizontalHeader().resizeSection(i, width)

    def paintEvent(self, event: object, /) -> None:
        super().paintEvent(event)  # type: ignore[arg-type]
        words, hint = self._words
        if self._model.rows or not words:
            return
        painter = QPainter(self.viewport())
        middle = self.viewport().rect()
        line = painter.fontMetrics().height() + 4
        centre = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.setPen(colour("ink"))
        painter.drawText(middle.translated(0, -line // 2 if hint else 0), centre, words)
        painter.setPen(colour("muted"))
        painter.drawText(middle.translated(0, line // 2), centre, hint)
        painter.end()
