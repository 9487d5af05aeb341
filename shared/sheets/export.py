"""Records into a workbook: values as people see them, in a sheet that can be imported again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.errors import WorkbookError
from shared.fields import Field
from shared.record import RecordType
from shared.sheets.cells import Cells, Show, put
from shared.sheets.checking import REPORT_EVERY, Progress
from shared.sheets.files import written
from shared.sheets.layout import (
    DATA_SHEET,
    FACTS_SHEET,
    CodeLists,
    header,
    number_format,
    width,
    write_marker,
)
from shared.sheets.template import LAST_ROW, PLAIN_HEADER

PROVENANCE_SHOWN = ("source_bureau", "entered_at", "entry_way")


def write_export(
    path: Path | str,
    declared: RecordType,
    rows: Iterable[Mapping[str, Any]],
    show: Show,
    facts: Sequence[tuple[str, str]],
    codes: CodeLists,
    *,
    masked: bool = True,
    total: int = 0,
    progress: Progress | None = None,
) -> int:
    """Write records and say on a second sheet what they are; returns how many.

    Provenance (R33) follows in columns that an import passes over.

    :param rows: typed values by field name; taken one at a time.
    :param show: how people read a reference.
    :param facts: who, when, as of when, under which conditions.
    :param codes: names of codes; those that would not lead back get the code before them.
    :param masked: hide personal data; such a file cannot be imported again as it is.
    :param progress: told every 1,000 rows of ``total``; an exception from it leaves no file.
    """
    fields = declared.sheet_fields + tuple(declared.by_name[n] for n in PROVENANCE_SHOWN)
    cells = Cells(show, codes, masked)
    done = 0
    with written(Path(path)) as book:
        data = book.add_worksheet(DATA_SHEET)
        looks = _write_header(book, data, fields)
        columns = list(zip(range(len(fields)), fields, looks, strict=True))
        for done, values in enumerate(rows, 1):
            if done > LAST_ROW:
                raise WorkbookError(
                    f"记录超过 {LAST_ROW:,} 条，一个 Excel 表放不下。", "请缩小条件，分几次导出。"
                )
            for column, one, look in columns:
                cell = cells.cell(one, values.get(one.name))
                if cell is not None:
                    put(data, done, column, cell, look)
            if progress is not None and done % REPORT_EVERY == 0:
                progress(done, max(total, done))
        data.autofilter(0, 0, max(done, 1), len(fields) - 1)
        hidden = [("个人信息", "已脱敏")] if masked and any(x.personal for x in fields) else []
        _write_facts(book, declared, [*facts, *hidden, ("记录数", f"{done:,}")])
        write_marker(book, declared, codes)
    return done


def _write_header(book: Any, data: Any, fields: Sequence[Field]) -> list[Any]:
    head = book.add_format(PLAIN_HEADER)
    data.set_row(0, 32)
    data.freeze_panes(1, 0)
    formats: dict[str, Any] = {}
    looks = []
    for column, one in enumerate(fields):
        look = number_format(one)
        if look not in formats:
            formats[look] = book.add_format({"num_format": look})
        looks.append(formats[look])
        data.set_column(column, column, width(one), formats[look])
        data.write_string(0, column, header(one), head)
    return looks


def _write_facts(book: Any, declared: RecordType, facts: Sequence[tuple[str, str]]) -> None:
    sheet = book.add_worksheet(FACTS_SHEET)
    title = book.add_format({"bold": True, "font_size": 14})
    name = book.add_format({"bold": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 80)
    sheet.write_string(0, 0, f"{declared.title} 导出说明", title)
    for row, (what, value) in enumerate(facts, 2):
        sheet.write_string(row, 0, what, name)
        sheet.write_string(row, 1, value, text)
