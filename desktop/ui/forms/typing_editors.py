"""Editors of what is simply typed: text, notes, amounts, numbers, days and moments."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QCalendarWidget, QLineEdit, QPlainTextEdit, QToolButton, QWidget

from desktop.ui.forms.editor import Editor, short_width
from desktop.ui.plain import plain_label
from desktop.ui.theme import colour, icon
from desktop.work.jobs import Jobs
from shared.clock import CHINA
from shared.fields import Field
from shared.parsing import LONG_TERM, PARSERS, Context, Unreadable, format_money

if TYPE_CHECKING:
    from desktop.work.records import Records

_CALENDAR = QSize(296, 236)
_LONG_NOTE = 1000
_WEEKDAYS = "一二三四五六日"


class TextEditor(Editor):
    """One line."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line = QLineEdit()
        self._row.addWidget(self.line)
        self._adopt(self.line)
        self.line.textEdited.connect(lambda: self.edited.emit())

    def raw(self) -> str:
        return self.line.text()

    def set_raw(self, raw: str) -> None:
        self.line.setText(raw)
        self.line.setCursorPosition(0)


class NoteEditor(Editor):
    """Several lines, generous; Enter makes a new line, Tab goes on."""

    tall = True

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.box = QPlainTextEdit()
        self.box.setTabChangesFocus(True)
        lines = 3 if (field.max or _LONG_NOTE) < _LONG_NOTE else 5
        self.box.setFixedHeight(self.box.fontMetrics().lineSpacing() * lines + 16)
        self._row.addWidget(self.box)
        self._adopt(self.box)
        if not self.box.placeholderText():
            most = f"，最多 {field.max:,} 字" if field.max else ""
            self.box.setPlaceholderText(f"可换行，Tab 到下一项{most}")
        self._quiet = False
        self.box.textChanged.connect(self._changed)

    def raw(self) -> str:
        return self.box.toPlainText()

    def set_raw(self, raw: str) -> None:
        self._quiet = True
        self.box.setPlainText(raw)
        self._quiet = False

    def _changed(self) -> None:
        if not self._quiet:
            self.edited.emit()


class AsideEditor(TextEditor):
    """A short line with its reading in grey beside it: ``20260501`` → ``2026-05-01 周五``."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line.setFixedWidth(short_width(self))
        self.aside = plain_label()
        self.aside.setProperty("muted", True)
        self._row.addWidget(self.aside)
        self._row.addStretch(1)
        self.line.textChanged.connect(self._read)
        self._read("")

    def _read(self, text: str) -> None:
        self.aside.setText(self.reading(text) if text.strip() else self.blank())

    def _value(self, text: str) -> Any:
        """The typed value; None while it cannot be read."""
        try:
            return PARSERS[self.field.kind](self.field, text, Context(self.records.codes))
        except Unreadable:
            return None

    def reading(self, text: str) -> str:
        """What the text means; ``""`` while unclear."""
        return ""

    def blank(self) -> str:
        """What stands there when nothing is typed."""
        return self.field.unit


class MoneyEditor(AsideEditor):
    """An amount in its unit, with the same in the other unit beside it."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line.setAlignment(Qt.AlignmentFlag.AlignRight)

    def reading(self, text: str) -> str:
        cents = self._value(text)
        if cents is None:
            return self.field.unit
        other = "元" if self.field.unit == "万元" else "万元"
        return f"{self.field.unit} = {format_money(cents, other)} {other}"


class NumberEditor(AsideEditor):
    """A whole or decimal number, right aligned, with its unit."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line.setAlignment(Qt.AlignmentFlag.AlignRight)

    def reading(self, text: str) -> str:
        return self.field.unit


class DateEditor(AsideEditor):
    """A day: typed in any usual way, or picked from a calendar."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        if not self.line.placeholderText():
            self.line.setPlaceholderText("如 20260501")
        pick = self.line.addAction(icon("calendar", "muted"), QLineEdit.ActionPosition.TrailingPosition)
        pick.setText("打开日历")
        pick.setToolTip("打开日历（Alt+↓）")
        pick.setShortcut("Alt+Down")
        pick.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        pick.triggered.connect(self._open_calendar)
        self._calendar: QCalendarWidget | None = None

    def reading(self, text: str) -> str:
        value = self._value(text)
        if not isinstance(value, date):
            return ""
        if value == LONG_TERM:
            return "长期"
        day = f"周{_WEEKDAYS[value.weekday()]}"
        return day if text.strip() == value.isoformat() else f"{value.isoformat()} {day}"

    def _open_calendar(self) -> None:
        if self._calendar is None:
            self._calendar = _calendar(self, f"{self.field.title}日历")
            self._calendar.clicked.connect(self._picked)
            self._calendar.activated.connect(self._picked)
        value = self._value(self.raw()) if self.raw().strip() else None
        if isinstance(value, date) and value != LONG_TERM:
            self._calendar.setSelectedDate(value)  # type: ignore[arg-type]
        self._calendar.move(self.line.mapToGlobal(QPoint(0, self.line.height())))
        self._calendar.show()

    def _picked(self) -> None:
        if self._calendar is not None:
            self._calendar.hide()
            self.set_raw(self._calendar.selectedDate().toString(Qt.DateFormat.ISODate))
            self.edited.emit()


class TimeEditor(AsideEditor):
    """A moment; a button fills in now."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        if not self.line.placeholderText():
            self.line.setPlaceholderText("如 2026-05-01 09:30")
        now = self.line.addAction(icon("clock", "muted"), QLineEdit.ActionPosition.TrailingPosition)
        now.setText("填入现在的时间")
        now.setToolTip("填入现在的时间（Alt+↓）")
        now.setShortcut("Alt+Down")
        now.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        now.triggered.connect(self._now)

    def set_raw(self, raw: str) -> None:
        value = self._value(raw) if raw.strip() else None
        super().set_raw(value[:16].replace("T", " ") if value and value.endswith(":00+08:00") else raw)

    def _now(self) -> None:
        self.set_raw(datetime.now(CHINA).strftime("%Y-%m-%d %H:%M"))
        self.edited.emit()


def _calendar(parent: QWidget, name: str) -> QCalendarWidget:
    """A pop-up month: weekends grey, red is for errors."""
    made = QCalendarWidget(parent)
    made.setWindowFlag(Qt.WindowType.Popup)
    made.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
    made.setFirstDayOfWeek(Qt.DayOfWeek.Monday)
    made.setAccessibleName(name)
    grey = QTextCharFormat()
    grey.setForeground(colour("muted"))
    for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
        made.setWeekdayTextFormat(day, grey)
    for part, picture, words in (("prev", "left", "上个月"), ("next", "right", "下个月")):
        turn = made.findChild(QToolButton, f"qt_calendar_{part}month")
        assert turn is not None, "Qt's calendar has a button for each direction"
        turn.setIcon(icon(picture))
        turn.setToolTip(words)
        turn.setAccessibleName(words)
    made.setMinimumSize(made.sizeHint().expandedTo(_CALENDAR))
    return made
