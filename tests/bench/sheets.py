"""The dry run of an import against reading the file and nothing else."""

from __future__ import annotations

from pathlib import Path

import python_calamine as calamine
import xlsxwriter

from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.fictitious import item_rows, market_entities, permit_rows
from shared.sheets.checking import check_rows
from shared.sheets.layout import DATA_SHEET
from shared.sheets.reading import read_rows
from shared.store.lookups import StoreReferences
from tests.bench.measure import LOWER, Benchmark, ratio, say, timed
from tests.bench.stage import ENTITY, PERMIT, client

ROWS = 100_000
PARTIES = 20_000


def xlsx_check(folder: Path) -> float:
    """Time to read and judge 100,000 permits, every rule and reference, ÷ calamine's own ``to_python()``."""
    entities = list(market_entities(PARTIES))
    book = folder / "permits.xlsx"
    _write(book, [dict(row) for row in permit_rows(ROWS, entities)])
    say(f"  {book.stat().st_size >> 20} MiB of workbook")
    store = client(folder / "db")
    items = store.types["approval_item"]
    with store.unit(HUB_ACTOR, cause="import:bench") as unit:
        unit.insert(ENTITY, entities, way="import", proven=True)
        unit.insert(items, item_rows("approval_item"), way="import", proven=True)
    codes = Codes.from_rows(*load_resource_codes())

    def ours() -> float:
        def work() -> None:
            with store.read() as connection:
                known = StoreReferences(connection, store.types)
                report = check_rows(read_rows(book, PERMIT), PERMIT, codes, known)
                assert len(report.good) == ROWS, report.bad[:1]
                assert all(one.values["entity_id"] for one in report.good)

        return timed(work)

    def bare() -> float:
        def work() -> None:
            data = calamine.CalamineWorkbook.from_path(str(book))
            assert len(data.get_sheet_by_name(DATA_SHEET).to_python()) == ROWS + 1

        return timed(work)

    value = ratio(ours, bare, note="dry run ÷ bare read")
    store.close()
    return value


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    """As a bureau's own system exports it: titles in the first row, every field a column."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet(DATA_SHEET)
    fields = PERMIT.sheet_fields
    sheet.write_row(0, 0, [one.title for one in fields])
    for number, row in enumerate(rows, 1):
        sheet.write_row(number, 0, [row.get(one.name, "") for one in fields])
    book.close()


BENCHMARKS = (Benchmark("xlsx_check", 3, LOWER, xlsx_check),)
