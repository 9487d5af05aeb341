"""What the benchmarks work on: client databases, permits, entities; all fictitious."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shared.access import Actor
from shared.changes import Value
from shared.clock import Clock
from shared.codes import Codes, load_resource_codes
from shared.fictitious import market_entities, permit_rows
from shared.fields import Field
from shared.ids import new_id
from shared.record import RecordType, type_of
from shared.sheets.checking import check_rows
from shared.store.database import open_cipher
from shared.store.search import indexed
from shared.store.store import Store, create_client_tables
from shared.store.values import columns_of
from shared.types import catalog
from shared.types.market_entity import MarketEntity
from shared.types.permit import Permit

PERMIT: RecordType = type_of(Permit)
ENTITY: RecordType = type_of(MarketEntity)
BLOCK = 1000
BUREAU = "b" * 32
OFFICER = Actor("a" * 32, "陈敏", BUREAU, frozenset({"officer"}), frozenset({BUREAU}))


def client(folder: Path, clock: Clock | None = None) -> Store:
    """An empty client database of its own: every pragma, table and index of the program."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = open_cipher(folder / "client.db", os.urandom(32))
    create_client_tables(database, catalog.ALL)
    store = Store(database, catalog.ALL, clock or Clock())
    store.identify(new_id(), 1)
    return store


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to a thousand records of one type, column by column, as stored."""

    declared: RecordType
    fields: tuple[Field, ...]
    ids: list[str]
    columns: list[list[Value]]

    def rows(self) -> list[tuple[Value, ...]]:
        """The same by rows, id first."""
        return list(zip(self.ids, *self.columns, strict=True))

    def words(self) -> list[tuple[str, str]]:
        """What the search index holds for each."""
        at = {f.name: c for f, c in zip(self.fields, self.columns, strict=True)}
        picked = [at[f.name] for f in self.declared.search_fields]
        return [indexed(values) for values in zip(*picked, strict=True)]


@lru_cache(maxsize=2)
def permits(n: int) -> tuple[Batch, ...]:
    """``n`` permits of Permit's 28 fields, parsed as an import would."""
    entities = list(market_entities(min(n, 20_000)))
    codes = Codes.from_rows(*load_resource_codes())
    report = check_rows(list(enumerate(permit_rows(n, entities))), PERMIT, codes)
    assert len(report.good) == n, report.bad[:1]
    item, stamp = new_id(), Clock().stamp()
    ids_of = [ENTITY.record_id(e) for e in entities]
    rows = [
        {
            **good.values,
            "item": item,
            "entity_id": ids_of[i % len(ids_of)],
            "source_bureau": BUREAU,
            "entered_at": stamp,
            "entered_by": OFFICER.user,
            "entry_way": "import",
        }
        for i, good in enumerate(report.good)
    ]
    return tuple(_batches(PERMIT, rows, sorted(new_id() for _ in rows)))


def _batches(declared: RecordType, rows: Sequence[dict[str, object]], ids: Sequence[str]) -> Iterator[Batch]:
    for start in range(0, len(rows), BLOCK):
        fields, columns = columns_of(declared, rows[start : start + BLOCK])
        yield Batch(declared, tuple(fields), list(ids[start : start + BLOCK]), columns)
