"""The core against the bare database: applying what the hub sends, capturing what is written.

The raw side writes to the same kind of file the program makes: same pragmas,
same table, same indexes, same transaction size. The search index is an index
like the others: both sides fill it, the raw side with its words ready-made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.changes import GENESIS, Block, Op, Run, chain, decode_block, encode_block, ids_bytes
from shared.ids import new_id
from shared.store import sql
from shared.store.follow import Follower
from shared.store.store import Store
from shared.store.unit import Unit
from tests.bench.measure import HIGHER, Benchmark, ratio, timed
from tests.bench.stage import BLOCK, OFFICER, PERMIT, Batch, client, permits

N = 50_000
N_CAPTURED = 100_000
PER_TRANSACTION = 10 * BLOCK
HLC = 1 << 56
HUB_SIDE = [(new_id(), 1), (new_id(), 1)]
CHANGED = ("status", "remark")


# --- inserts -----------------------------------------------------------------
def apply_insert(folder: Path) -> float:
    """Rows per second: verified bytes of a stream → rows, ÷ raw ``executemany``."""
    batches = permits(N)
    blocks = [insert_block(i * BLOCK + 1, one) for i, one in enumerate(batches)]
    rows = _raw_rows(batches)
    words = [w for one in batches for w in one.words()]

    def ours() -> float:
        return _followed(client(folder / "ours"), blocks)

    def raw() -> float:
        store = client(folder / "raw")

        def work() -> None:
            for start, connection in _transactions(store, len(rows)):
                _raw_insert(connection, start, rows, words)

        return _closing(store, work)

    return 1 / ratio(ours, raw, note="apply inserts ÷ raw executemany")


def insert_block(first: int, one: Batch) -> bytes:
    """A block of a stream that brings one batch."""
    run = Run(
        type=one.declared.number, op=int(Op.INSERT), schema=1, origin=0, first=first, hlc=HLC, tx=first,
        actor=OFFICER.user, cause="import:bench", fields=[f.number for f in one.fields],
        ids=ids_bytes(one.ids), columns=one.columns,
    )  # fmt: skip
    return encode_block(Block(HUB_SIDE[:1], [run]))


def _followed(store: Store, blocks: Sequence[bytes]) -> float:
    """Seconds to check the chain of some blocks and apply them."""
    per = PER_TRANSACTION // BLOCK

    def work() -> None:
        head = GENESIS
        for start in range(0, len(blocks), per):
            with store.unit(HUB_ACTOR) as unit:
                follower = Follower(unit, store.by_number, 0)
                for raw in blocks[start : start + per]:
                    head = chain(head, raw)
                    follower.apply("bench", decode_block(raw))

    return _closing(store, work)


def _raw_rows(batches: Sequence[Batch]) -> list[tuple[Any, ...]]:
    rows = (row for one in batches for row in one.rows())
    return [(rid, *row, rid, rid, HLC) for rid, row in enumerate(rows, 1)]


def _raw_insert(
    connection: sa.Connection, start: int, rows: list[tuple[Any, ...]], words: list[tuple[str, str]]
) -> None:
    fields = permits(N)[0].fields
    names = ("rid", "id", *(f.name for f in fields), "_w", "_tag", "_hlc")
    stop = start + PER_TRANSACTION
    marks = ", ".join("?" * len(names))
    insert = f'INSERT INTO "permit" ({sql.quoted(names)}) VALUES ({marks})'
    sql.executemany(connection, insert, rows[start:stop])
    index = 'INSERT INTO "search_permit" (rowid, words, initials) VALUES (?, ?, ?)'
    sql.executemany(connection, index, [(rid, *w) for rid, w in enumerate(words[start:stop], start + 1)])


# --- updates -----------------------------------------------------------------
def apply_update(folder: Path) -> float:
    """Rows per second of two-field updates by many officers, one transaction each, ÷ raw UPDATE."""
    batches = permits(N)
    rows = _raw_rows(batches)
    words = [w for one in batches for w in one.words()]
    ids = [i for one in batches for i in one.ids]
    random.Random(7).shuffle(ids)
    new = [(str(2 + i % 3), f"核对{i}") for i in range(N)]
    blocks = [_update_block(s, ids[s : s + BLOCK], new[s : s + BLOCK]) for s in range(0, N, BLOCK)]

    def filled(name: str) -> Store:
        store = client(folder / name)
        for start, connection in _transactions(store, N):
            _raw_insert(connection, start, rows, words)
        return store

    def ours() -> float:
        return _followed(filled("ours"), blocks)

    def raw() -> float:
        store = filled("raw")
        sets = ", ".join(f'"{n}" = ?' for n in CHANGED)
        update = f'UPDATE "permit" SET {sets} WHERE "id" = ?'
        keyed = [(*values, i) for values, i in zip(new, ids, strict=True)]

        def work() -> None:
            for start, connection in _transactions(store, N):
                sql.executemany(connection, update, keyed[start : start + PER_TRANSACTION])

        return _closing(store, work)

    return 1 / ratio(ours, raw, note="apply updates ÷ raw keyed UPDATE")


def _update_block(start: int, ids: list[str], new: list[tuple[str, str]]) -> bytes:
    fields = [PERMIT.by_name[n].number for n in CHANGED]
    runs = [
        Run(
            type=PERMIT.number, op=int(Op.UPDATE), schema=1, origin=1, first=start + i + 1,
            hlc=HLC + start + i, tx=start + i + 1, actor=OFFICER.user, cause="", fields=fields,
            ids=ids_bytes([one]), columns=[[v] for v in values],
        )
        for i, (one, values) in enumerate(zip(ids, new, strict=True))
    ]  # fmt: skip
    return encode_block(Block(HUB_SIDE, runs))


# --- capture -----------------------------------------------------------------
def capture_bulk(folder: Path) -> float:
    """Rows per second of a bulk insert through the door ÷ the same rows without capture."""
    batches = permits(N_CAPTURED)

    def insert(write: Callable[[Unit, Batch], object]) -> float:
        store = client(folder / "db")

        def work() -> None:
            for start in range(0, len(batches), PER_TRANSACTION // BLOCK):
                with store.unit(OFFICER, cause="import:bench") as unit:
                    for one in batches[start : start + PER_TRANSACTION // BLOCK]:
                        write(unit, one)

        return _closing(store, work)

    def captured(unit: Unit, one: Batch) -> None:
        unit.insert_columns(one.declared, one.fields, one.ids, one.columns)

    def bare(unit: Unit, one: Batch) -> None:
        unit.put_new(one.declared, one.fields, one.ids, one.columns, range(1, len(one.ids) + 1), HLC)

    return 1 / ratio(lambda: insert(captured), lambda: insert(bare), note="captured ÷ not captured")


# --- inside ------------------------------------------------------------------
def _transactions(store: Store, n: int) -> Iterator[tuple[int, sa.Connection]]:
    for start in range(0, n, PER_TRANSACTION):
        with store.write() as connection:
            yield start, connection


def _closing(store: Store, work: Callable[[], object]) -> float:
    try:
        return timed(work)
    finally:
        store.close()


BENCHMARKS = (
    Benchmark("apply_insert", 0.45, HIGHER, apply_insert),
    Benchmark("apply_update", 0.25, HIGHER, apply_update),
    Benchmark("capture_bulk", 0.75, HIGHER, capture_bulk),
)
