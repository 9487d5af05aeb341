"""Rows pasted from a spreadsheet: tab-separated text."""

from __future__ import annotations

import csv
import io

from shared.errors import InputError
from shared.fields import Field
from shared.record import RecordType
from shared.sheets.layout import match
from shared.sheets.reading import blank, in_unit


def parse_pasted(text: str, declared: RecordType) -> list[dict[str, str]]:
    """Raw values by field name, one mapping per pasted row that is not blank.

    Where the first line holds the sheet's headers they say what each column is;
    otherwise columns are taken in the order of the entry form.

    :raises InputError: a row has more columns than the form has fields, or a header appears twice.
    """
    lines = _cells(text)
    lines = [cells for cells in lines if not blank(cells)]
    if not lines:
        return []
    found = match(lines[0], declared)
    filled = sum(1 for cell in lines[0] if cell.strip())
    if found.columns and 2 * len(found.columns) >= filled:
        if found.repeated:
            raise InputError(f"粘贴的表头中“{found.repeated[0][0]}”出现了两次。", "请删去其中一列后再粘贴。")
        rows = [_by_header(cells, found.columns) for cells in lines[1:]]
        for row in rows:
            for name, unit in found.units.items():
                row[name] = in_unit(row[name], unit)
        return [row for row in rows if not blank(row.values())]
    return [_by_position(number, cells, declared.form_fields) for number, cells in enumerate(lines, 1)]


def _cells(text: str) -> list[list[str]]:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    plain = [line.split("\t") for line in text.split("\n")]
    if '"' not in text or text.count('"') % 2:
        return plain
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))
    except csv.Error:
        return plain


def _by_header(cells: list[str], columns: dict[str, int]) -> dict[str, str]:
    return {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}


def _by_position(number: int, cells: list[str], fields: tuple[Field, ...]) -> dict[str, str]:
    while len(cells) > len(fields) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(fields):
        raise InputError(
            f"粘贴的第 {number} 行有 {len(cells)} 列，表单只有 {len(fields)} 项。",
            "请连同表头一起复制，或只复制需要的列。",
        )
    return {one.name: cell for one, cell in zip(fields, cells, strict=False)}
