"""Rows out of a spreadsheet a person filled: ours, made by hand, or exported elsewhere.

The whole sheet is refused only for what makes its rows unreadable; what is wrong
with a single row is for ``checking``.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import python_calamine as calamine

from shared.errors import WorkbookError
from shared.record import RecordType
from shared.sheets.faults import Faults, faults
from shared.sheets.files import content
from shared.sheets.layout import DATA_SHEET, MARKER_SHEET, Marker, Match, letter, match, read_marker

HEADER_WITHIN = 5
UNPACKED_LIMIT = 3 << 30
USE_TEMPLATE = "请下载最新模板，把内容按列粘贴进去后再导入。"

Cells = Sequence[Any]


@dataclass(slots=True)
class SheetRows:
    """The filled rows of one sheet; may be iterated again and again.

    Yields ``(row number as the spreadsheet shows it, raw values by field name)``;
    blank rows are skipped.

    :param notes: Chinese sentences about columns left out, older templates and the like.
    """

    path: Path
    sheet: str
    header_row: int
    match: Match
    marker: Marker | None
    notes: list[str]
    source: Callable[[], Iterator[Cells]] = field(repr=False)
    offset: int = 0
    faults: Faults = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return self.only(self.match.columns)

    def only(self, names: Collection[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The same rows with some of their fields: cheaper where few are looked at."""
        indexes = {name: index - self.offset for name, index in self.match.columns.items()}
        picked = [name for name in indexes if name in names]
        pick = _picker([indexes[name] for name in picked])
        units = [(name, unit) for name, unit in self.match.units.items() if name in names]
        every = _picker(list(indexes.values()))
        need = max(indexes.values()) + 1
        for number, cells in enumerate(self.source(), 1):
            if number <= self.header_row:
                continue
            if len(cells) < need:
                cells = [*cells, *[""] * (need - len(cells))]
            if number not in self.faults and blank(every(cells)):
                continue
            row = dict(zip(picked, pick(cells), strict=True))
            if number in self.faults:
                self._put_faults(number, row)
            for name, unit in units:
                row[name] = in_unit(row[name], unit)
            yield number, row

    def _put_faults(self, number: int, row: dict[str, Any]) -> None:
        names = {index: name for name, index in self.match.columns.items()}
        for index, text in self.faults[number]:
            if names.get(index) in row:
                row[names[index]] = text


def _picker(indexes: Sequence[int]) -> Callable[[Cells], tuple[Any, ...]]:
    """Cells at these places of a row; twice as fast as looking them up one by one."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda cells: tuple([cells[index] for index in indexes])


def blank(values: Iterable[Any]) -> bool:
    """Nothing but empty cells."""
    for value in values:
        if value is None or value == "" or (isinstance(value, str) and not value.strip()):
            continue
        return False
    return True


def in_unit(value: Any, unit: str) -> Any:
    """An amount with the unit of its header, for a header that is not in the field's own unit."""
    text = repr(value) if isinstance(value, float) else str(value).strip()
    return text + unit if text and text[-1].isdigit() else value


def read_rows(path: Path | str, declared: RecordType) -> SheetRows:
    """Open a file to import as a sheet of ``declared``.

    :raises WorkbookError: the file is not a spreadsheet, is protected, belongs to another
        type, has columns missing or merged cells, or holds no rows.
    """
    path = Path(path)
    data = content(path)
    rows = _workbook(path, data, declared) if _is_workbook(path, data) else _text(path, data, declared)
    _check_columns(rows, declared)
    if next(iter(rows), None) is None:
        raise WorkbookError(
            f"“{path.name}”的“{rows.sheet}”中没有数据行。",
            f"请从第 {rows.header_row + 1} 行开始填写后再导入。",
        )
    return rows


# --- what kind of file -------------------------------------------------------
def _is_workbook(path: Path, data: bytes) -> bool:
    """Tell workbooks from text by their first bytes; names lie."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _encrypted(path)
        return True
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                unpacked = sum(one.file_size for one in packed.infolist())
        except zipfile.BadZipFile:
            raise _damaged(path) from None
        if unpacked > UNPACKED_LIMIT:
            raise WorkbookError(f"“{path.name}”展开后过大，不能导入。", "请拆成几个文件分别导入。")
        return True
    head = data[:2048].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<style")):
        raise WorkbookError(
            f"“{path.name}”是网页格式，只是名字像 Excel 文件。",
            "请用 Excel 打开它，另存为 .xlsx 后再导入。",
        )
    if b"\0" in data[:2048] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _not_a_sheet(path)
    return False


def _encrypted(path: Path) -> WorkbookError:
    return WorkbookError(
        f"“{path.name}”设有打开密码。", "请在 Excel 中取消密码（文件 → 信息 → 保护工作簿）后再导入。"
    )


def _damaged(path: Path) -> WorkbookError:
    return WorkbookError(f"“{path.name}”已损坏，打不开。", "请用 Excel 打开并另存一份，或重新取得文件。")


def _not_a_sheet(path: Path) -> WorkbookError:
    return WorkbookError(f"“{path.name}”不是电子表格。", "可以导入 .xlsx、.xls、.ods 和 .csv 文件。")


# --- workbooks ---------------------------------------------------------------
def _workbook(path: Path, data: bytes, declared: RecordType) -> SheetRows:
    try:
        with calamine.CalamineWorkbook.from_object(io.BytesIO(data)) as book:
            marker = _marker(book)
            _check_type(path, marker, declared)
            rows = _best_sheet(path, book, marker, declared)
    except calamine.PasswordError:
        raise _encrypted(path) from None
    except (calamine.XmlError, calamine.ZipError):
        raise _damaged(path) from None
    except calamine.CalamineError as bad:
        raise _not_a_sheet(path) from bad
    if data.startswith(b"PK"):
        rows.faults = _in_columns(faults(data, rows.sheet), rows.match)
    return rows


def _in_columns(found: Faults, columns: Match) -> Faults:
    """Failed cells of columns that are read."""
    wanted = set(columns.columns.values())
    kept = {row: [place for place in places if place[0] in wanted] for row, places in found.items()}
    return {row: places for row, places in kept.items() if places}


def _marker(book: calamine.CalamineWorkbook) -> Marker | None:
    if MARKER_SHEET not in book.sheet_names:
        return None
    return read_marker(book.get_sheet_by_name(MARKER_SHEET).to_python())


def _check_type(path: Path, marker: Marker | None, declared: RecordType) -> None:
    if marker is not None and marker.type_name != declared.name:
        raise WorkbookError(
            f"“{path.name}”是“{marker.title}”的表格，这里要导入的是“{declared.title}”。",
            f"请换用“{declared.title}”的模板，或到“{marker.title}”中导入。",
        )


def _best_sheet(
    path: Path, book: calamine.CalamineWorkbook, marker: Marker | None, declared: RecordType
) -> SheetRows:
    """The sheet named 数据, else the visible one whose header fits best."""
    shown = [one.name for one in book.sheets_metadata if one.visible is calamine.SheetVisibleEnum.Visible]
    names = [DATA_SHEET] if DATA_SHEET in shown else shown
    best: SheetRows | None = None
    best_sheet: calamine.CalamineSheet | None = None
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        rows = _with_header(path, name, sheet.iter_rows, declared, sheet.start[1])
        rows.marker = marker
        if best is None or len(rows.match.columns) > len(best.match.columns):
            best, best_sheet = rows, sheet
    if best is None or best_sheet is None:
        raise WorkbookError(f"“{path.name}”是空的，没有任何内容。", USE_TEMPLATE)
    if best.match.columns:
        _check_merged(best, best_sheet)
    return best


def _check_merged(rows: SheetRows, sheet: calamine.CalamineSheet) -> None:
    """Merged cells hold one value for several rows: nobody can say for which one it stands."""
    ranges = [
        f"{letter(left)}{top + 1}:{letter(right)}{bottom + 1}"
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or []
        if bottom + 1 > rows.header_row
    ]
    if ranges:
        more = f"等 {len(ranges)} 处" if len(ranges) > 5 else ""
        raise WorkbookError(
            f"“{rows.path.name}”的“{rows.sheet}”中有合并单元格：{'、'.join(ranges[:5])}{more}。",
            "请在 Excel 中选中这些单元格，点“取消合并”，补全每一行后再导入。",
        )


# --- text --------------------------------------------------------------------
def _text(path: Path, data: bytes, declared: RecordType) -> SheetRows:
    text = _decoded(path, data)
    first = text[: text.find("\n") + 1] or text
    delimiter = max(",\t;", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        raise _damaged(path) from None
    for row in rows:
        for index, cell in enumerate(row):
            if cell.startswith('="') and cell.endswith('"'):
                row[index] = cell[2:-1]
    return _with_header(path, path.stem, lambda: iter(rows), declared)


def _decoded(path: Path, data: bytes) -> str:
    """Text as UTF-8, UTF-16 by its mark, or GB 18030 (what Chinese Excel writes)."""
    ways = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for way in ways:
        try:
            return data.decode(way)
        except UnicodeDecodeError:
            continue
    raise _not_a_sheet(path)


# --- the header --------------------------------------------------------------
def _with_header(
    path: Path, name: str, source: Callable[[], Iterator[Cells]], declared: RecordType, offset: int = 0
) -> SheetRows:
    """Look for the header in the first rows: titles and remarks may stand above it."""
    best, at = Match(missing=list(declared.sheet_fields)), 1
    for number, cells in zip(range(1, HEADER_WITHIN + 1), source(), strict=False):
        found = match(cells, declared, offset)
        if len(found.columns) > len(best.columns):
            best, at = found, number
    return SheetRows(path, name, at, best, None, [], source, offset)


def _check_columns(rows: SheetRows, declared: RecordType) -> None:
    found = rows.match
    where = f"“{rows.path.name}”的“{rows.sheet}”"
    if not found.columns:
        raise WorkbookError(f"{where}前 {HEADER_WITHIN} 行中没有找到“{declared.title}”的表头。", USE_TEMPLATE)
    if found.repeated:
        title, one, two = found.repeated[0]
        raise WorkbookError(
            f"{where}中“{title}”出现了两次（{one} 列和 {two} 列）。", "请删去其中一列后再导入。"
        )
    if found.missing_required:
        lost = "、".join(one.title for one in found.missing_required)
        extra = f"；不认识的列：{'、'.join(found.unknown)}" if found.unknown else ""
        raise WorkbookError(f"{where}缺少必填的列：{lost}{extra}。", "请改正表头，或" + USE_TEMPLATE[1:])
    if found.unknown:
        rows.notes.append(f"以下列不认识，不会导入：{'、'.join(found.unknown)}。")
    if found.missing:
        rows.notes.append(f"以下列没有提供，按空白处理：{'、'.join(one.title for one in found.missing)}。")
    for name, unit in found.units.items():
        money = declared.by_name[name]
        rows.notes.append(f"“{money.title}”按表头以{unit}为单位读取（系统单位为{money.unit}）。")
    if rows.marker is not None and rows.marker.schema_version != declared.schema_version:
        rows.notes.append(
            f"表格模板是第 {rows.marker.schema_version} 版，当前为第 {declared.schema_version} 版，"
            "建议下次使用最新模板。"
        )
