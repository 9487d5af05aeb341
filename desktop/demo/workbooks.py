"""The person with a spreadsheet program: fills a template, mends an error workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from shared.record import RecordType

Mend = Callable[[dict[str, str]], Mapping[str, str]]
"""Takes a row by field name, returns the cells to overwrite."""


def fill(path: Path, declared: RecordType, rows: Iterable[Mapping[str, str]]) -> int:
    """Write rows below the header of a template; returns how many."""
    book = load_workbook(path)
    sheet = book.worksheets[0]
    header, columns = _header(sheet, declared)
    count = 0
    for count, row in enumerate(rows, 1):
        for name, text in row.items():
            if name in columns and text:
                sheet.cell(header + count, columns[name], text)
    book.save(path)
    return count


def mend(source: Path, target: Path, declared: RecordType, how: Mend) -> int:
    """Correct every row of an error workbook; returns how many rows it holds."""
    book = load_workbook(source)
    sheet = book.worksheets[0]
    header, columns = _header(sheet, declared)
    count = 0
    for number in range(header + 1, sheet.max_row + 1):
        row = {n: str(sheet.cell(number, c).value or "") for n, c in columns.items()}
        if not any(row.values()):
            continue
        count += 1
        for name, text in how(row).items():
            sheet.cell(number, columns[name], text)
    book.save(target)
    return count


def _header(sheet: Worksheet, declared: RecordType) -> tuple[int, dict[str, int]]:
    titles = {f.title: f.name for f in declared.sheet_fields}
    titles |= {f"{f.title}（{f.unit}）": f.name for f in declared.sheet_fields if f.unit}
    for number in range(1, 6):
        found = {
            titles[text]: at
            for at, cell in enumerate(sheet[number], 1)
            if (text := str(cell.value or "").strip(" *")) in titles
        }
        if len(found) > 3:
            return number, found
    raise ValueError(f"no header of {declared.name}")
