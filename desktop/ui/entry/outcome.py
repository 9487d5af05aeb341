"""What a dry run found, and what the import did: counts, problems by field, rows that must be mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import link_button
from desktop.ui.plain import plain_label, tip
from desktop.ui.tables.dress import dress
from desktop.ui.theme import ROW, TONES, icon
from shared.errors import Level, Problem
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.importing import Checked, ImportReport

LISTED = 500
_FIELD_ROWS = 6
_WHOLE = "整行"


class _Line(NamedTuple):
    number: int
    field: str
    problem: Problem
    given: str


class Outcome(QWidget):
    """Stands where the form stands until the person goes back to it."""

    store_wanted = Signal()
    workbook_wanted = Signal()
    closed = Signal()

    def __init__(self, declared: RecordType) -> None:
        super().__init__()
        self.declared = declared
        self.setAccessibleName(f"{declared.title}导入结果")
        self._lines: list[_Line] = []
        self._names: list[str] = []
        self._title = plain_label()
        self._title.setProperty("section", True)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._notes = plain_label()
        self._notes.setProperty("muted", True)
        self._notes.setWordWrap(True)
        self._store = _push("", self.store_wanted)
        self._store.setProperty("primary", True)
        self._store.setIcon(icon("save", "paper"))
        self._book = _push("导出错误清单", self.workbook_wanted)
        self._book.setIcon(icon("export"))
        self._book.setToolTip("存为 Excel：原表内容，每行旁边写明原因，改好后可直接再导入")
        self._fields = _table(("项目", "错误", "提示"), f"{declared.title}问题按项目统计")
        self._rows = _table(("行号", "项目", "问题", "原内容"), f"{declared.title}问题明细")
        self._rows.setWordWrap(True)
        self._rows.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._fields.itemSelectionChanged.connect(self._list)
        self._more = QLabel()
        self._more.setProperty("muted", True)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(link_button("返回表单", self.closed.emit))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._store)
        buttons.addWidget(self._book)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._said)
        column.addWidget(self._notes)
        column.addLayout(buttons)
        column.addWidget(self._fields)
        column.addWidget(self._rows, 1)
        column.addWidget(self._more)
        self._filler = QWidget()
        column.addWidget(self._filler, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- what it shows -------------------------------------------------------
    def show_checked(self, checked: Checked) -> None:
        """A dry run: nothing is stored yet."""
        report = checked.report
        self._title.setText(f"检查结果  {checked.source.name}")
        new = len(report.good) - len(checked.updates)
        self._said.setText(
            _counts(
                (("共", report.total, "行", "plain"), ("可入库", len(report.good), "行", "good"),
                 ("其中更新已有", len(checked.updates), "条", "plain" if new else "wait"),
                 ("有错误", len(report.bad), "行", "bad"), ("提示", len(report.warnings), "处", "wait"))
            )
        )  # fmt: skip
        self._store.setText(f"入库 {len(report.good):,} 条")
        self._store.setAccessibleName(self._store.text())
        self._store.setVisible(bool(report.good))
        self._fill(checked)

    def show_stored(self, checked: Checked, done: ImportReport) -> None:
        """What was stored; the rows that were not are still listed."""
        self._title.setText(f"入库结果  {done.source.name}")
        self._said.setText(
            _counts(
                (("新增", done.inserted, "条", "good"), ("更新", done.updated, "条", "good"),
                 ("与已有相同", done.unchanged, "条", "off"), ("未入库", done.refused, "行", "bad"),
                 ("提示", done.warnings, "处", "wait"))
            )
        )  # fmt: skip
        self._store.hide()
        self._fill(checked)

    def store_enabled(self, on: bool) -> None:
        """Off while it is being stored: a double click never stores twice."""
        self._store.setEnabled(on)

    def said(self) -> str:
        """The counts as plain words."""
        return QTextDocumentFragment.fromHtml(self._said.text()).toPlainText()

    def problems(self) -> list[tuple[str, ...]]:
        """The rows listed now: number, field, problem, what stood there."""
        table = self._rows
        return [tuple(_text(table, r, c) for c in range(4)) for r in range(table.rowCount())]

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    # --- inside --------------------------------------------------------------
    def _fill(self, checked: Checked) -> None:
        self._notes.setText("\n".join(checked.notes))
        self._notes.setVisible(bool(checked.notes))
        self._book.setVisible(bool(checked.report.bad))
        self._lines = list(_lines(checked))
        wrong = Counter(x.field for x in self._lines if x.problem.level is Level.REJECT)
        doubtful = Counter(x.field for x in self._lines if x.problem.level is Level.WARN)
        names = sorted({*wrong, *doubtful}, key=lambda n: (-wrong[n], -doubtful[n]))
        self._names = names
        rows: list[tuple[str, ...]] = [("全部", _number(wrong.total()), _number(doubtful.total()))]
        rows += [(self._named(n), _number(wrong[n]), _number(doubtful[n])) for n in names]
        any_problem = bool(self._lines)
        for widget in (self._fields, self._rows):
            widget.setVisible(any_problem)
        self._filler.setVisible(not any_problem)
        self._fields.blockSignals(True)
        _put(self._fields, rows, centred=(1, 2))
        self._fields.setFixedHeight(ROW * (1 + min(len(rows), _FIELD_ROWS)) + 2)
        self._fields.selectRow(0)
        self._fields.blockSignals(False)
        self._list()

    def _list(self) -> None:
        row = self._fields.currentRow()
        wanted = self._lines if row <= 0 else [x for x in self._lines if x.field == self._names[row - 1]]
        rows = [(f"{x.number:,}", self._named(x.field), x.problem.message, x.given) for x in wanted[:LISTED]]
        shades = [TONES["bad" if x.problem.level is Level.REJECT else "wait"] for x in wanted[:LISTED]]
        _put(self._rows, rows, centred=(0,), shades=shades)
        hidden = len(wanted) - len(rows)
        self._more.setText(f"只列出前 {LISTED} 处，其余 {hidden:,} 处见错误清单" if hidden > 0 else "")
        self._more.setVisible(hidden > 0)

    def _named(self, name: str) -> str:
        known = self.declared.by_name.get(name)
        return known.title if known else _WHOLE


def _lines(checked: Checked) -> Iterator[_Line]:
    for bad in checked.report.bad:
        for problem in bad.problems:
            yield _Line(bad.number, problem.field, problem, _given(bad.raw, problem.field))
    for warned in checked.report.warnings:
        yield _Line(warned.number, warned.problem.field, warned.problem, "")


def _given(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value)


def _counts(parts: Sequence[tuple[str, int, str, str]]) -> str:
    """Counts in a line of rich text; what is zero is left out, except the first."""
    shown = [p for i, p in enumerate(parts) if p[1] or i == 0]
    return "&nbsp;&nbsp;&nbsp; ".join(
        f'{word} <b style="color:{TONES[shade]}">{count:,}</b> {unit}' for word, count, unit, shade in shown
    )


def _number(count: int) -> str:
    return f"{count:,}" if count else "—"


def _push(text: str, tell: Any) -> QPushButton:
    made = QPushButton(text)
    made.setAccessibleName(text)
    made.setAutoDefault(False)
    made.clicked.connect(lambda: tell.emit())
    return made


def _table(titles: Sequence[str], name: str) -> QTableWidget:
    table = QTableWidget(0, len(titles))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(list(titles))
    dress(table)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    header = table.horizontalHeader()
    char = table.fontMetrics().horizontalAdvance("字")
    grow = len(titles) - 2 if len(titles) > 3 else 0
    for column in range(len(titles)):
        if column == grow:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        else:
            table.setColumnWidth(column, char * (8 if titles[column] in ("项目", "原内容") else 4) + 12)
    return table


def _put(
    table: QTableWidget,
    rows: Sequence[Sequence[str]],
    *,
    centred: Sequence[int] = (),
    shades: Sequence[str] = (),
) -> None:
    table.setRowCount(len(rows))
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(tip(text))
            if c in centred:
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            if shades and c == len(row) - 2:
                item.setForeground(QColor(shades[r]))
            table.setItem(r, c, item)


def _text(table: QTableWidget, row: int, column: int) -> str:
    item = table.item(row, column)
    return item.text() if item is not None else ""
