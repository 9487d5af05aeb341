"""Values as spreadsheet cells, so that what is written reads back as the same value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from shared.clock import CHINA
from shared.fields import Field, Kind
from shared.parsing import clean_text, mask
from shared.sheets.layout import CodeLists, code_word

Cell = str | float | date | None
Show = Callable[[Field, Any], str]

LONGEST = 32_767
CUT = "…（超出 Excel 单元格长度，后略）"
_SEPARATORS = frozenset(",，、;； \t\n")


class Cells:
    """Turns typed values into cells.

    :param show: how people read a reference.
    :param masked: hide personal data.
    """

    def __init__(self, show: Show, codes: CodeLists, masked: bool) -> None:
        self.show = show
        self.codes = codes
        self.masked = masked
        self._words: dict[tuple[str, str], str] = {}

    def cell(self, one: Field, value: Any) -> Cell:
        """One value; None for an empty cell."""
        if value is None or value == "":
            return None
        match one.kind:
            case Kind.TEXT | Kind.NOTE:
                return mask(str(value)) if one.personal and self.masked else str(value)
            case Kind.MONEY:
                return _number(Decimal(int(value)) / (1_000_000 if one.unit == "万元" else 100))
            case Kind.INTEGER | Kind.DECIMAL:
                return _number(Decimal(str(value)))
            case Kind.DATE:
                return value if isinstance(value, date) else _date(str(value))
            case Kind.TIME:
                return _moment(str(value))
            case Kind.BOOL:
                return "是" if value else "否"
            case Kind.CODE:
                return self._word(one.table, str(value))
            case Kind.CODES:
                words = ((code, self._word(one.table, code)) for code in str(value).split(","))
                return "、".join(code if _SEPARATORS & set(word) else word for code, word in words)
            case Kind.REF | Kind.REFS:
                return self.show(one, value) or str(value)

    def _word(self, table: str, code: str) -> str:
        key = (table, code)
        if key not in self._words:
            self._words[key] = code_word(self.codes, table, code)
        return self._words[key]


def _number(amount: Decimal) -> Cell:
    """A number, or its text where a spreadsheet would lose digits of it."""
    number = float(amount)
    return number if Decimal(f"{number:.15g}") == amount else format(amount.normalize(), "f")


def _date(text: str) -> Cell:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _moment(text: str) -> str:
    """A moment on the wall clock, to the second: it reads back as the same moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(CHINA).replace(tzinfo=None)
    return moment.isoformat(sep=" ")


def raw_cell(one: Field, given: Any) -> Cell:
    """A cell as it was read, to be written again."""
    if given is None or given == "":
        return None
    if isinstance(given, bool):
        return "是" if given else "否"
    if isinstance(given, (int, float)):
        return float(given) if one.kind in (Kind.MONEY, Kind.INTEGER, Kind.DECIMAL) else clean_text(given)
    if isinstance(given, datetime) and (one.kind is not Kind.DATE or given.time() != time.min):
        return given.isoformat(sep=" ")
    if isinstance(given, date):
        return given if one.kind is Kind.DATE else given.isoformat()
    return str(given)


def put(sheet: Any, row: int, column: int, cell: Cell, look: Any = None) -> None:
    """Write a cell as what it is: text stays text, whatever sign it begins with."""
    if cell is None:
        sheet.write_blank(row, column, None, look)
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell if len(cell) <= LONGEST else cell[: LONGEST - 20] + CUT, look)
    elif isinstance(cell, date):
        if 1900 <= cell.year <= 9999:
            sheet.write_datetime(row, column, cell, look)
        else:
            sheet.write_string(row, column, cell.isoformat(), look)
    else:
        sheet.write_number(row, column, cell, look)
