"""The workbook of rows that were refused: the same sheet with the reasons beside the cells.

Mended, it is imported like any other: the reader passes over the leading columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.errors import Level, Problem
from shared.record import RecordType
from shared.sheets.cells import put, raw_cell
from shared.sheets.checking import BadRow
from shared.sheets.files import written
from shared.sheets.layout import DATA_SHEET, ORIGINAL_ROW, REASON, CodeLists, number_format
from shared.sheets.template import Choices, lay_out

REJECTED = "#F8C9C4"
DOUBTFUL = "#FFF0B3"
COMMENTS = 5_000
"""Excel opens workbooks with more comments slowly; the reasons stay in the first column."""


def write_error_workbook(
    path: Path | str,
    declared: RecordType,
    bad: Sequence[BadRow],
    codes: CodeLists,
    *,
    choices: Choices | None = None,
) -> None:
    """Write the refused rows for mending; see ``check_rows``."""
    with written(Path(path)) as book:
        data = book.add_worksheet(DATA_SHEET)
        lead = ((REASON, 60), (ORIGINAL_ROW, 8))
        lay_out(book, data, declared, codes, choices or {}, lead)
        reason = book.add_format({"text_wrap": True, "valign": "top", "font_color": "#B3261E"})
        formats: dict[tuple[str, str], Any] = {}
        comments = 0
        for row, one in enumerate(bad, 1):
            put(data, row, 0, _reasons(declared, one.problems), reason)
            put(data, row, 1, float(one.number))
            for column, field in enumerate(declared.sheet_fields, len(lead)):
                found = _about(declared, one.problems, field.name)
                key = (number_format(field), _colour(found))
                if key not in formats:
                    colour = {"bg_color": key[1]} if key[1] else {}
                    formats[key] = book.add_format({"num_format": key[0], **colour})
                put(data, row, column, raw_cell(field, one.raw.get(field.name)), formats[key])
                if found and comments < COMMENTS:
                    comments += 1
                    data.write_comment(row, column, "\n".join(p.message for p in found), {"x_scale": 1.6})
        data.autofilter(0, 0, max(len(bad), 1), len(lead) + len(declared.sheet_fields) - 1)


def _reasons(declared: RecordType, problems: Sequence[Problem]) -> str:
    """All findings in one text, each named by its column, rejections first."""
    lines = []
    for one in sorted(problems, key=lambda p: p.level is not Level.REJECT):
        title = declared.by_name[one.field].title if one.field in declared.by_name else ""
        prefix = f"【{title}】" if title else ""
        lines.append(prefix + one.message + ("（提示）" if one.level is Level.WARN else ""))
    return "\n".join(lines)


def _about(declared: RecordType, problems: Sequence[Problem], name: str) -> list[Problem]:
    """Findings shown at a column: its own, and those of what is derived from it."""
    return [
        p
        for p in problems
        if p.field == name or (p.field in declared.by_name and declared.by_name[p.field].derive_from == name)
    ]


def _colour(found: Sequence[Problem]) -> str:
    if not found:
        return ""
    return REJECTED if any(p.level is Level.REJECT for p in found) else DOUBTFUL
