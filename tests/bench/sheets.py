"""The import of a workbook, as a dry run and stored, against reading the file and nothing else."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import python_calamine as calamine
import xlsxwriter

from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.fictitious import item_rows, market_entities, permit_rows
from shared.parsing import Context, parse
from shared.sheets.checking import check_rows
from shared.sheets.layout import DATA_SHEET
from shared.sheets.reading import read_rows
from shared.store.lookups import StoreReferences
from shared.store.store import Store
from tests.bench.measure import LOWER, Benchmark, ratio, say, timed
from tests.bench.stage import ENTITY, OFFICER, PERMIT, client

ROWS = 100_000
PARTIES = 20_000


@lru_cache(maxsize=1)
def _parties() -> tuple[dict[str, object], ...]:
    return tuple(market_entities(PARTIES))


def _book(folder: Path) -> Path:
    book = folder / "permits.xlsx"
    _write(book, [dict(row) for row in permit_rows(ROWS, list(_parties()))])
    say(f"  {book.stat().st_size >> 20} MiB of workbook")
    return book


def _before(folder: Path) -> Store:
    """A client that has the entities, items and codes the permits refer to."""
    store = client(folder)
    tables, codes = load_resource_codes()
    book = Codes.from_rows(tables, codes)
    with store.unit(HUB_ACTOR, cause="import:bench") as unit:
        unit.insert(ENTITY, list(_parties()), way="import", proven=True)
        for name, rows in (
            ("approval_item", item_rows("approval_item")), ("code_table", tables), ("code_item", codes),
        ):  # fmt: skip
            declared = store.types[name]
            typed = [parse(declared, row, Context(book)).values for row in rows]
            unit.insert(declared, typed, way="import", proven=True)
    return store


def _bare(book: Path) -> float:
    """Seconds of calamine's own ``to_python()``."""

    def work() -> None:
        data = calamine.CalamineWorkbook.from_path(str(book))
        assert len(data.get_sheet_by_name(DATA_SHEET).to_python()) == ROWS + 1

    return timed(work)


def xlsx_import(folder: Path) -> float:
    """Time to read, judge, store and journal 100,000 permits as the program does ÷ calamine's ``to_python()``."""
    from desktop.work.exporting import Exporting
    from desktop.work.importing import Importing
    from desktop.work.records import Records

    book = _book(folder)

    def ours() -> float:
        store = _before(folder / "db")
        records = Records(store, lambda: OFFICER)
        importing = Importing(store, records, Exporting(store, records))
        took = []

        def work() -> None:
            began = time.perf_counter()
            checked = importing.check(book, PERMIT)
            took.append(time.perf_counter() - began)
            assert importing.store(checked).inserted == ROWS, checked.report.bad[:1]

        try:
            seconds = timed(work)
        finally:
            store.close()
        say(f"  check {took[0]:.2f} s, store and journal {seconds - took[0]:.2f} s")
        return seconds

    return ratio(ours, lambda: _bare(book), note="import ÷ bare read")


def xlsx_check(folder: Path) -> float:
    """Time to read and judge 100,000 permits, every rule and reference, ÷ calamine's own ``to_python()``."""
    book = _book(folder)
    store = _before(folder / "db")
    codes = Codes.from_rows(*load_resource_codes())

    def ours() -> float:
        def work() -> None:
            with store.read() as connection:
                known = StoreReferences(connection, store.types)
                report = check_rows(read_rows(book, PERMIT), PERMIT, codes, known)
                assert len(report.good) == ROWS, report.bad[:1]
                assert all(one.values["entity_id"] for one in report.good)

        return timed(work)

    value = ratio(ours, lambda: _bare(book), note="dry run ÷ bare read")
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


BENCHMARKS = (
    Benchmark("xlsx_check", 3, LOWER, xlsx_check),
    Benchmark("xlsx_import", 6, LOWER, xlsx_import),
)
