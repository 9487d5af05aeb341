"""One small widget per condition of a filter bar, by the Kind of its field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QWidget

from desktop.ui.forms.choosing_editors import BoolEditor, ChoiceEditor, CodeEditor, RefEditor
from desktop.ui.plain import tip
from desktop.ui.theme import icon
from desktop.work.jobs import Jobs
from shared.fields import Field, Kind
from shared.filters import Condition, Here, Op
from shared.parsing import PARSERS, Context, Unreadable

if TYPE_CHECKING:
    from desktop.work.records import Records

_FEW_CODES = 30
_NAMED = 2
_MORNING, _MIDNIGHT = "T00:00:00+08:00", "T23:59:59+08:00"


class ConditionBox(QWidget):
    """A label and something to fill in; yields conditions with typed values."""

    changed = Signal()

    def __init__(self, field: Field, records: Records) -> None:
        super().__init__()
        self.field = field
        self.records = records
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)
        label = QLabel(field.title)
        label.setProperty("muted", True)
        self.row.addWidget(label)

    def conditions(self) -> list[Condition]:
        """What is asked for; nothing when blank or unreadable."""
        raise NotImplementedError

    def put(self, conditions: Iterable[Condition]) -> None:
        """Show these conditions of this field; none = blank."""
        raise NotImplementedError


class _SeveralCodes(ConditionBox):
    """A button with a menu of ticks, for short code tables and states."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records)
        self._line = _Chooser("全部")
        self._line.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * 6) + 36)
        self._line.opened.connect(self._open)
        self._menu = _StayingMenu(self)
        self._menu.addAction("清除", self._clear)
        self._menu.addSeparator()
        self._ticks: list[QAction] = []
        entries = field.words or [(e.code, e.name) for e in records.codes.entries(field.table)]
        for code, name in entries:
            tick = self._menu.addAction(name)
            tick.setCheckable(True)
            tick.setData(code)
            tick.triggered.connect(self._ticked)
            self._ticks.append(tick)
        self.row.addWidget(self._line)
        self._tell()

    def conditions(self) -> list[Condition]:
        codes = [t.data() for t in self._ticks if t.isChecked()]
        if not codes:
            return []
        if self.field.kind is Kind.CODES:
            return [Condition(self.field.name, Op.HAS, code) for code in codes]
        if len(codes) == 1:
            return [Condition(self.field.name, Op.EQ, codes[0])]
        return [Condition(self.field.name, Op.IN, tuple(codes))]

    def put(self, conditions: Iterable[Condition]) -> None:
        wanted: set[str] = set()
        for one in conditions:
            if one.op in (Op.EQ, Op.IN, Op.HAS):
                wanted |= {one.value} if isinstance(one.value, str) else set(one.value)
        for tick in self._ticks:
            tick.setChecked(tick.data() in wanted)
        self._tell()

    def _clear(self) -> None:
        self.put([])
        self.changed.emit()

    def _ticked(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        names = [t.text() for t in self._ticks if t.isChecked()]
        text = "全部" if not names else "、".join(names) if len(names) < _NAMED else f"已选 {len(names)} 项"
        self._line.setText(text)
        self._line.setCursorPosition(0)
        self._line.setToolTip("、".join(names) or "全部")
        self._line.setAccessibleName(f"{self.field.title}：{'、'.join(names) or '全部'}")

    def _open(self) -> None:
        self._menu.popup(self._line.mapToGlobal(QPoint(0, self._line.height())))


class _Chooser(QLineEdit):
    """Looks like the other fields; a click, Space or Down opens something."""

    opened = Signal()

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setReadOnly(True)
        self.setProperty("chooser", True)
        arrow = self.addAction(icon("down", "muted"), QLineEdit.ActionPosition.TrailingPosition)
        arrow.setText("展开")
        arrow.triggered.connect(self.opened)

    def mousePressEvent(self, event: QMouseEvent, /) -> None:
        self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Return):
            self.opened.emit()
        else:
            super().keyPressEvent(event)


class _StayingMenu(QMenu):
    """Stays open while several entries are ticked."""

    def mouseReleaseEvent(self, event: QMouseEvent, /) -> None:
        action = self.actionAt(event.position().toPoint())
        if action is not None and action.isCheckable():
            action.trigger()
        else:
            super().mouseReleaseEvent(event)


class _OneChoice(ConditionBox):
    """A line with suggestions: long code tables, references, yes or no."""

    def __init__(
        self,
        field: Field,
        records: Records,
        jobs: Jobs,
        make: Callable[[Field, Records, Jobs], ChoiceEditor],
    ) -> None:
        super().__init__(field, records)
        self._editor = make(field, records, jobs)
        width = 8 if field.kind is Kind.BOOL else 14 if field.kind is Kind.CODE else 18
        self._editor.line.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * width))
        self._editor.line.setPlaceholderText("全部")
        self._editor.edited.connect(self.changed)
        self.row.addWidget(self._editor)

    def conditions(self) -> list[Condition]:
        picked = self._editor.line.choice
        if picked is None:
            return []
        op = Op.HAS if self.field.kind in (Kind.CODES, Kind.REFS) else Op.EQ
        value = picked.value == "是" if self.field.kind is Kind.BOOL else picked.value
        return [Condition(self.field.name, op, value)]

    def put(self, conditions: Iterable[Condition]) -> None:
        value = next((c.value for c in conditions if c.op in (Op.EQ, Op.HAS)), "")
        text = "" if isinstance(value, Here) else str(value)
        self._editor.set_raw({"True": "是", "False": "否"}.get(text, text))


class _Range(ConditionBox):
    """From … to …, both ends included: days, amounts, numbers."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records)
        self._from = self._end(f"{field.title}起")
        self._to = self._end(f"{field.title}止")
        self.row.addWidget(self._from)
        self.row.addWidget(QLabel("至"))
        self.row.addWidget(self._to)
        if field.unit:
            self.row.addWidget(QLabel(field.unit))

    def conditions(self) -> list[Condition]:
        found = []
        for line, op in ((self._from, Op.GE), (self._to, Op.LE)):
            value = self._read(line)
            if value is not None:
                found.append(Condition(self.field.name, op, value))
        return found

    def put(self, conditions: Iterable[Condition]) -> None:
        ends = {c.op: c.value for c in conditions}
        for line, op in ((self._from, Op.GE), (self._to, Op.LE)):
            value = None if isinstance(ends.get(op), Here) else ends.get(op)
            line.setText("" if value is None else self.records.show(self.field, value))
            self._read(line)

    def _end(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.setFixedWidth(self.fontMetrics().horizontalAdvance("0" * 11) + 16)
        line.setAccessibleName(name)
        line.setPlaceholderText("年月日" if self.field.kind is Kind.DATE else "不限")
        line.textEdited.connect(lambda: self.changed.emit())
        return line

    def _read(self, line: QLineEdit) -> Any:
        """The typed value; marks what cannot be read yet."""
        text, value, complaint = line.text().strip(), None, ""
        if text:
            try:
                value = PARSERS[self.field.kind](self.field, text, Context(self.records.codes))
            except Unreadable as bad:
                complaint = str(bad)
        line.setToolTip(tip(complaint))
        line.setProperty("problem", "warn" if complaint else None)
        line.style().unpolish(line)
        line.style().polish(line)
        return value


class _Days(_Range):
    """Moments from one day to another, both whole days included."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(replace(field, kind=Kind.DATE), records, jobs)

    def conditions(self) -> list[Condition]:
        hours = {Op.GE: _MORNING, Op.LE: _MIDNIGHT}
        return [replace(c, value=f"{c.value.isoformat()}{hours[c.op]}") for c in super().conditions()]

    def put(self, conditions: Iterable[Condition]) -> None:
        days = [c for c in conditions if isinstance(c.value, str)]
        super().put([replace(c, value=date.fromisoformat(c.value[:10])) for c in days])


class _Contains(ConditionBox):
    """Part of a text."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records)
        self._line = QLineEdit()
        self._line.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * 9))
        self._line.setAccessibleName(field.title)
        self._line.setPlaceholderText("包含")
        self._line.textEdited.connect(lambda: self.changed.emit())
        self.row.addWidget(self._line)

    def conditions(self) -> list[Condition]:
        text = self._line.text().strip()
        return [Condition(self.field.name, Op.HAS, text)] if text else []

    def put(self, conditions: Iterable[Condition]) -> None:
        self._line.setText(next((str(c.value) for c in conditions), ""))


def condition_box(field: Field, records: Records, jobs: Jobs) -> ConditionBox | None:
    """The box of a field; None for kinds nobody filters by."""
    if field.words:
        return _SeveralCodes(field, records, jobs)
    match field.kind:
        case Kind.CODE | Kind.CODES:
            if len(records.codes.entries(field.table)) <= _FEW_CODES:
                return _SeveralCodes(field, records, jobs)
            return _OneChoice(field, records, jobs, CodeEditor)
        case Kind.REF | Kind.REFS:
            return _OneChoice(field, records, jobs, RefEditor)
        case Kind.BOOL:
            return _OneChoice(field, records, jobs, BoolEditor)
        case Kind.DATE | Kind.MONEY | Kind.INTEGER:
            return _Range(field, records, jobs)
        case Kind.TIME:
            return _Days(field, records, jobs)
        case Kind.TEXT:
            return None if field.search or field.personal else _Contains(field, records, jobs)
        case Kind.NOTE | Kind.DECIMAL:
            return None
