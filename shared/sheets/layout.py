"""What the sheet of a record type looks like, and how its columns are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.fields import Field, Kind
from shared.parsing import CodeBook
from shared.record import PROVENANCE, RecordType

DATA_SHEET = "数据"
GUIDE_SHEET = "填写说明"
FACTS_SHEET = "说明"
CODES_SHEET = "代码"
MARKER_SHEET = "_yizhan"
MARKER_HEAD = "yizhan-sheet"

REASON = "错误原因"
ORIGINAL_ROW = "原行号"

TEXT_FORMAT = "@"


class Entry(Protocol):
    """One code of a table."""

    @property
    def code(self) -> str:
        """What is stored."""

    @property
    def name(self) -> str:
        """What people read."""


class CodeLists(CodeBook, Protocol):
    """Code tables that can also be listed; see ``shared.codes.Codes``."""

    def entries(self, table: str) -> Sequence[Entry]:
        """The codes of a table that are offered, in order."""

    def version(self, table: str) -> int:
        """Version of a table."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a column of one kind looks: cell format, width in characters, name of the kind."""

    number_format: str
    width: int
    words: str


LOOKS: dict[Kind, Look] = {
    Kind.TEXT: Look(TEXT_FORMAT, 22, "文本"),
    Kind.NOTE: Look(TEXT_FORMAT, 40, "多行文本"),
    Kind.CODE: Look(TEXT_FORMAT, 16, "代码"),
    Kind.CODES: Look(TEXT_FORMAT, 24, "多个代码，用顿号分隔"),
    Kind.MONEY: Look("#,##0.00", 16, "金额"),
    Kind.DATE: Look("yyyy-mm-dd", 13, "日期，如 2026-05-01"),
    Kind.TIME: Look(TEXT_FORMAT, 20, "时间，如 2026-05-01 09:30"),
    Kind.INTEGER: Look("0", 10, "整数"),
    Kind.DECIMAL: Look("General", 12, "数字"),
    Kind.BOOL: Look(TEXT_FORMAT, 8, "是或否"),
    Kind.REF: Look(TEXT_FORMAT, 24, "引用"),
    Kind.REFS: Look(TEXT_FORMAT, 30, "多个引用，用逗号分隔"),
}


def number_format(one: Field) -> str:
    """The cell format of a field's column; 万元 keeps its six places, down to 分."""
    if one.kind is Kind.MONEY and one.unit == "万元":
        return "#,##0.00####"
    return LOOKS[one.kind].number_format


def width(one: Field) -> int:
    """The column's width in characters: the kind's, but never narrower than the header."""
    wide = 20 if one.check is not None else LOOKS[one.kind].width
    return max(wide, 2 * len(header(one)) + 2)


def header(one: Field) -> str:
    """The text of a column's header: title, unit of money, ``*`` when it must be filled."""
    unit = f"（{one.unit}）" if one.kind is Kind.MONEY and one.unit not in one.title else ""
    return one.title + unit + ("*" if one.required else "")


def letter(index: int) -> str:
    """The spreadsheet name of a column: 0 is A, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def code_word(codes: CodeLists, table: str, code: str) -> str:
    """What stands for a code in a cell: its name, with the code before it where the name
    alone would not lead back (大类 and 小类 often share one)."""
    name = codes.name(table, code)
    return name if name == code or codes.find(table, name) == code else f"{code} {name}"


def code_words(codes: CodeLists, table: str) -> list[str]:
    """What a drop-down offers."""
    return [code_word(codes, table, one.code) for one in codes.entries(table)]


# --- the marker --------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Marker:
    """What a sheet written by the program says about itself."""

    type_name: str
    title: str
    schema_version: int
    codes: Mapping[str, str]


def marker_rows(declared: RecordType, codes: CodeLists) -> list[tuple[str, str]]:
    """Rows of the hidden sheet."""
    rows = [
        (MARKER_HEAD, "1"),
        ("type", declared.name),
        ("title", declared.title),
        ("schema", str(declared.schema_version)),
    ]
    tables = sorted({one.table for one in declared.sheet_fields if one.table})
    return rows + [(f"codes/{table}", str(codes.version(table))) for table in tables]


def write_marker(book: Any, declared: RecordType, codes: CodeLists) -> None:
    """Add the hidden sheet to a workbook being written."""
    sheet = book.add_worksheet(MARKER_SHEET)
    for row, (name, value) in enumerate(marker_rows(declared, codes)):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, value)
    sheet.very_hidden()


def read_marker(rows: Iterable[Sequence[Any]]) -> Marker | None:
    """The marker in the rows of the hidden sheet; None when they are something else."""
    pairs = {str(row[0]): str(row[1]) for row in rows if len(row) > 1}
    if MARKER_HEAD not in pairs or not pairs.get("schema", "").isdigit():
        return None
    codes = {k.removeprefix("codes/"): v for k, v in pairs.items() if k.startswith("codes/")}
    return Marker(pairs.get("type", ""), pairs.get("title", ""), int(pairs["schema"]), codes)


# --- recognising columns -----------------------------------------------------
@dataclass(slots=True)
class Match:
    """Which column holds which field.

    :param columns: column index by field name.
    :param units: unit written in the header of a money column, where it is not the field's own.
    :param missing: fields of the sheet without a column.
    :param unknown: headers that belong to no field.
    :param repeated: header and column letters of fields that have two columns.
    """

    columns: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    missing: list[Field] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    repeated: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def missing_required(self) -> list[Field]:
        """Fields that must be filled and have no column."""
        return [one for one in self.missing if one.required]


_UNIT = re.compile(r"\((万元|元)\)$")
_REMARK = re.compile(r"\([^()]*\)$")


def plain_header(cell: Any) -> str:
    """A header for comparison: half-width, no blanks, no ``*`` or colon around it."""
    word = unicodedata.normalize("NFKC", "" if cell is None else str(cell))
    return re.sub(r"\s+", "", word).strip("*:").casefold()


def match(cells: Sequence[Any], declared: RecordType, offset: int = 0) -> Match:
    """Find the fields of a sheet by the texts of its header row.

    Two fields may share a title; their columns are then taken in order.

    :param offset: index of the column that ``cells`` begin with.
    """
    titles = _titles(declared)
    ignored = {plain_header(x) for x in (REASON, ORIGINAL_ROW, "序号", "行号")}
    ignored |= {plain_header(declared.by_name[x].title) for x in PROVENANCE}
    out = Match()
    for index, cell in enumerate(cells, offset):
        word = plain_header(cell)
        if not word:
            continue
        unit = _UNIT.search(word)
        found = titles.get(word) or titles.get(_REMARK.sub("", word).strip("*"))
        if found is None:
            if word not in ignored:
                out.unknown.append(str(cell).strip())
            continue
        one = next((x for x in found if x.name not in out.columns), None)
        if one is None:
            before = letter(out.columns[found[-1].name])
            out.repeated.append((found[-1].title, before, letter(index)))
            continue
        out.columns[one.name] = index
        if unit and one.kind is Kind.MONEY and unit[1] != one.unit:
            out.units[one.name] = unit[1]
    out.missing = [one for one in declared.sheet_fields if one.name not in out.columns]
    return out


def _titles(declared: RecordType) -> dict[str, list[Field]]:
    """Fields by every header that means them; the exact title wins over the standard's name."""
    titles: dict[str, list[Field]] = {}
    for one in declared.sheet_fields:
        titles.setdefault(plain_header(one.title), []).append(one)
    for one in declared.sheet_fields:
        titles.setdefault(_REMARK.sub("", plain_header(one.title)), [one])
    standards: dict[str, list[Field]] = {}
    for one in declared.sheet_fields:
        if one.standard:
            standards.setdefault(plain_header(one.standard), []).append(one)
    for word, found in standards.items():
        if len(found) == 1:
            titles.setdefault(word, found)
    return titles
