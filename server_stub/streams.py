"""Streams: what stands, numbered without a gap in each partition it belongs to.

A number must not become visible before a lower one. Whoever appends to a stream
holds that stream's row until the end of the transaction; streams are taken in
the order of their names, so that two appenders cannot wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from server_stub.partitions import partition
from shared.changes import GENESIS, chain, encode_block, pack, unpack
from shared.store import sql
from shared.store.blocks import to_blocks
from shared.store.facts import read_number, write_number
from shared.store.references import Origins
from shared.store.unit import Captured, Unit


class StreamSink:
    """Sink of the hub's write door."""

    def last_seq(self, connection: sa.Connection) -> int:
        """Last sequence number of the hub's own changes; holds it until commit."""
        if sql.is_postgres(connection):
            connection.exec_driver_sql("SELECT 1 FROM fact WHERE name = 'seq' FOR UPDATE")
        return read_number(connection, "seq")

    def flush(self, unit: Unit) -> None:
        """Number and store what the unit captured."""
        if not unit.captured:
            return
        by_stream = partition(unit)
        origins = Origins(unit.connection)
        for name in sorted(by_stream):
            _append(unit.connection, name, by_stream[name], origins, unit.origin)
        write_number(unit.connection, "seq", unit.seq)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one stream, as hashed bytes."""

    stream: str
    after: int
    to: int
    prev_head: bytes
    head: bytes
    raw_blocks: list[bytes]


def segment(
    connection: sa.Connection, name: str, after: int, *, max_raw: int
) -> tuple[Segment | None, bool]:
    """What follows ``after`` in a stream, up to ``max_raw`` bytes; and whether more is there."""
    top = sql.execute(connection, "SELECT n FROM stream WHERE name = ?", (name,)).fetchone()
    if top is None or top[0] <= after:
        return None, False
    rows = sql.execute(
        connection,
        "SELECT first, last, prev_head, payload, raw_len FROM stream_block"
        " WHERE stream = ? AND first > ? AND last <= ? ORDER BY first LIMIT 4096",
        (name, after, top[0]),
    )
    raws: list[bytes] = []
    prev, head, to, size = GENESIS, GENESIS, after, 0
    for _, last, before, payload, raw_len in rows:
        if raws and size + raw_len > max_raw:
            break
        if not raws:
            prev = head = bytes(before)
        raw = unpack(bytes(payload))
        raws.append(raw)
        head = chain(head, raw)
        size += raw_len
        to = last
    if not raws:
        return None, False
    return Segment(name, after, to, prev, head, raws), to < top[0]


def _append(
    connection: sa.Connection, name: str, captured: list[Captured], origins: Origins, own: int
) -> None:
    sql.execute(
        connection,
        "INSERT INTO stream (name, n, head) VALUES (?, 0, ?) ON CONFLICT DO NOTHING",
        (name, GENESIS),
    )
    n, head = sql.execute(
        connection, "SELECT n, head FROM stream WHERE name = ?" + sql.held(connection), (name,)
    ).fetchone()
    head = bytes(head)
    rows: list[tuple[object, ...]] = []
    for block in to_blocks(captured, origins, own):
        raw = encode_block(block)
        rows.append((name, n + 1, n + block.count, len(raw), head, pack(raw)))
        head = chain(head, raw)
        n += block.count
    marks = "%s, %s, %s, %s, %s, %s" if sql.is_postgres(connection) else "?, ?, ?, ?, ?, ?"
    sql.executemany(
        connection,
        "INSERT INTO stream_block (stream, first, last, raw_len, prev_head, payload)"
        f" VALUES ({marks})",
        rows,
    )
    sql.execute(connection, "UPDATE stream SET n = ?, head = ? WHERE name = ?", (n, head, name))
