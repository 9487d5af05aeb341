"""A list as it stands on a page, as a workbook: for registers that show several record types together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.sheets.files import written
from shared.sheets.template import PLAIN_HEADER


def write_listing(
    path: Path,
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    facts: Sequence[tuple[str, str]],
) -> int:
    """Write texts as they are shown; what the list is stands on a second sheet. Returns how many rows."""
    with written(path) as book:
        data = book.add_worksheet(title[:31])
        head = book.add_format(PLAIN_HEADER)
        text = book.add_format({"num_format": "@"})
        data.set_row(0, 32)
        data.freeze_panes(1, 0)
        widest = [max([len(h) * 2, *(len(r[i]) for r in rows)]) for i, h in enumerate(heads)]
        for column, (name, chars) in enumerate(zip(heads, widest, strict=True)):
            data.set_column(column, column, min(60, chars + 4), text)
            data.write_string(0, column, name, head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                data.write_string(number, column, value, text)
        data.autofilter(0, 0, max(len(rows), 1), len(heads) - 1)
        about = book.add_worksheet("说明")
        about.set_column(0, 0, 18)
        about.set_column(1, 1, 80)
        for number, (what, value) in enumerate([*facts, ("记录数", f"{len(rows):,}")]):
            about.write_string(number, 0, what)
            about.write_string(number, 1, value)
    return len(rows)
