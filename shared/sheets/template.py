"""The workbook people fill: header, formats, drop-downs, and a sheet that explains each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.fields import Field, Kind
from shared.record import RecordType
from shared.sheets.files import written
from shared.sheets.guide import HEADINGS, guide_rows, specification
from shared.sheets.layout import (
    CODES_SHEET,
    DATA_SHEET,
    GUIDE_SHEET,
    CodeLists,
    code_words,
    header,
    letter,
    number_format,
    width,
    write_marker,
)

LAST_ROW = 1_048_575
INLINE = 255

HEADER = {"bold": True, "align": "center", "valign": "vcenter", "border": 1, "text_wrap": True}
PLAIN_HEADER = HEADER | {"bg_color": "#E8EDF3"}
REQUIRED_HEADER = HEADER | {"bg_color": "#FBE9D0"}
GUIDE_CELL = {"text_wrap": True, "valign": "top", "border": 1}

Choices = Mapping[str, Sequence[str]]


def write_template(
    path: Path | str,
    declared: RecordType,
    codes: CodeLists,
    *,
    choices: Choices | None = None,
) -> None:
    """Write the empty workbook of a type.

    :param choices: what drop-downs offer for references, by target type.
    """
    with written(Path(path)) as book:
        data = book.add_worksheet(DATA_SHEET)
        lay_out(book, data, declared, codes, choices or {})


def lay_out(
    book: Any,
    data: Any,
    declared: RecordType,
    codes: CodeLists,
    choices: Choices,
    lead: Sequence[tuple[str, int]] = (),
) -> None:
    """Put header, formats, drop-downs and the sheets behind them into a new workbook.

    :param lead: title and width of columns in front of the type's own.
    """
    plain = book.add_format(PLAIN_HEADER)
    required = book.add_format(REQUIRED_HEADER)
    data.set_row(0, 32)
    for column, (title, wide) in enumerate(lead):
        data.set_column(column, column, wide)
        data.write_string(0, column, title, plain)
    formats: dict[str, Any] = {}
    lists = _Lists(codes, choices)
    for column, one in enumerate(declared.sheet_fields, len(lead)):
        look = number_format(one)
        if look not in formats:
            formats[look] = book.add_format({"num_format": look})
        data.set_column(column, column, width(one), formats[look])
        data.write_string(0, column, header(one), required if one.required else plain)
        data.write_comment(0, column, _comment(one), {"x_scale": 1.6, "font_size": 9})
        rule = lists.validation(one)
        if rule is not None:
            data.data_validation(1, column, LAST_ROW, column, rule)
    data.freeze_panes(1, len(lead))
    _write_guide(book, declared, codes, choices)
    lists.write(book)
    write_marker(book, declared, codes)


def _comment(one: Field) -> str:
    lines = ["必填" if one.required else "选填", specification(one), one.hint]
    if one.example:
        lines.append(f"例：{one.example}")
    return "\n".join(line for line in lines if line)


class _Lists:
    """Drop-downs, and the hidden sheet that holds those too long to be written inline."""

    def __init__(self, codes: CodeLists, choices: Choices) -> None:
        self.codes = codes
        self.choices = choices
        self.columns: dict[str, list[str]] = {}

    def validation(self, one: Field) -> dict[str, Any] | None:
        """What Excel checks while typing; loose where parsing takes more than the list shows."""
        match one.kind:
            case Kind.BOOL:
                return self._list(one.title, ["是", "否"])
            case Kind.CODE:
                return self._list(one.table, code_words(self.codes, one.table))
            case Kind.CODES:
                loose = self._list(one.table, code_words(self.codes, one.table))
                return loose | {"show_error": False} if loose else None
            case Kind.REF if one.target in self.choices:
                return self._list(one.target, list(self.choices[one.target]))
            case Kind.REFS if one.target in self.choices:
                loose = self._list(one.target, list(self.choices[one.target]))
                return loose | {"show_error": False} if loose else None
            case Kind.TEXT | Kind.NOTE if one.max is not None:
                return {
                    "validate": "length",
                    "criteria": "<=",
                    "value": one.max,
                    "error_title": _clip(one.title, 32),
                    "error_message": f"最多 {one.max} 个字，请缩短。",
                }
            case _:
                return None

    def _list(self, name: str, words: list[str]) -> dict[str, Any] | None:
        if not words:
            return None
        inline = len(",".join(words)) <= INLINE and not any("," in w or w != w.strip() for w in words)
        return {
            "validate": "list",
            "source": words if inline else self._range(name, words),
            "error_type": "warning",
            "error_title": "不在列表中",
            "error_message": "请从下拉列表中选择；也可以填代码。",
        }

    def _range(self, name: str, words: list[str]) -> str:
        self.columns.setdefault(name, words)
        column = letter(list(self.columns).index(name))
        return f"='{CODES_SHEET}'!${column}$2:${column}${len(words) + 1}"

    def write(self, book: Any) -> None:
        if not self.columns:
            return
        sheet = book.add_worksheet(CODES_SHEET)
        for column, name in enumerate(self.columns):
            sheet.write_string(0, column, name)
        for row in range(max(len(words) for words in self.columns.values())):
            for column, words in enumerate(self.columns.values()):
                if row < len(words):
                    sheet.write_string(row + 1, column, words[row])
        sheet.hide()


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _write_guide(book: Any, declared: RecordType, codes: CodeLists, choices: Choices) -> None:
    sheet = book.add_worksheet(GUIDE_SHEET)
    title = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format(PLAIN_HEADER)
    cell = book.add_format(GUIDE_CELL)
    for column, wide in enumerate((24, 8, 30, 48, 44, 24)):
        sheet.set_column(column, column, wide)
    sheet.write_string(0, 0, f"{declared.title} 填写说明", title)
    sheet.write_string(
        1,
        0,
        f"请在“{DATA_SHEET}”表中从第 2 行起填写，一行一条；带 * 的列必填；不要改动表头，不要合并单元格。",
    )
    for column, word in enumerate(HEADINGS):
        sheet.write_string(3, column, word, head)
    for row, words in enumerate(guide_rows(declared, codes, choices), 4):
        for column, word in enumerate(words):
            sheet.write_string(row, column, word, cell)
    sheet.freeze_panes(4, 1)
