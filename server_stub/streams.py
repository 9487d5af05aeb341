"""Streams: what stands, numbered without a gap in each partition it belongs to.

A number must not become visible before a lower one. Whoever appends to a stream
holds that stream's row until the end of the transaction; streams are taken in
the order of their names, so that two appenders cannot wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.changes import GENESIS, Op, Value, chain, encode_block, pack, unpack
from shared.record import Part, Partition, RecordType
from shared.store import sql
from shared.store.blocks import to_blocks
from shared.store.facts import read_number, write_number
from shared.store.references import Origins
from shared.store.unit import Captured, Unit

COMMON = "common"
ADMIN = "admin"


def division_stream(code: str) -> str:
    """Stream of everything a bureau of this division must be able to look up."""
    return f"division:{code}"


def bureau_stream(bureau: str) -> str:
    """Stream of one bureau's own records."""
    return f"bureau:{bureau}"


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
        by_stream: dict[str, list[Captured]] = defaultdict(list)
        for one in unit.captured:
            for name, part in _partition(unit, one):
                by_stream[name].append(part)
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
    lock = " FOR UPDATE" if sql.is_postgres(connection) else ""
    sql.execute(
        connection,
        "INSERT INTO stream (name, n, head) VALUES (?, 0, ?) ON CONFLICT DO NOTHING",
        (name, GENESIS),
    )
    n, head = sql.execute(
        connection, f"SELECT n, head FROM stream WHERE name = ?{lock}", (name,)
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


def streams_with(unit: Unit, declared: RecordType, record_id: str) -> tuple[str, ...]:
    """Where a record is announced now."""
    only = Captured(declared, Op.UPDATE, (), [record_id], [])
    (names,) = _names_per_row(unit, only, declared.partitions)
    return names


# --- where a change belongs --------------------------------------------------
def _partition(unit: Unit, one: Captured) -> Iterable[tuple[str, Captured]]:
    rules = one.declared.partitions
    if all(r.part in (Part.COMMON, Part.ADMIN) for r in rules):
        for rule in rules:
            yield (COMMON if rule.part is Part.COMMON else ADMIN), one
        return
    moved = one.op is Op.UPDATE and any(r.field in {f.name for f in one.fields} for r in rules)
    whole = _whole_rows(unit, one) if moved else one
    names = _names_per_row(unit, whole, rules)
    if len(set(names)) == 1:
        for name in names[0]:
            yield name, whole
        return
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(names):
        for name in group:
            rows_of[name].append(row)
    for name, rows in rows_of.items():
        yield name, _pick(whole, rows)


def _names_per_row(
    unit: Unit, one: Captured, rules: Sequence[Partition]
) -> list[tuple[str, ...]]:
    columns: list[list[str | None]] = []
    for rule in rules:
        match rule.part:
            case Part.COMMON:
                columns.append([COMMON] * len(one.ids))
            case Part.ADMIN:
                columns.append([ADMIN] * len(one.ids))
            case Part.DIVISION:
                values = _values(unit, one, rule.field)
                columns.append([division_stream(str(v)) if v else None for v in values])
            case Part.BUREAU:
                values = _values(unit, one, rule.field)
                columns.append([bureau_stream(str(v)) if v else None for v in values])
            case Part.ENTITY_DIVISION:
                values = _values(unit, one, rule.field)
                at = _divisions(unit, values)
                columns.append([division_stream(at[v]) if v in at else None for v in values])
    return [tuple(dict.fromkeys(n for n in row if n)) for row in zip(*columns, strict=True)]


def _values(unit: Unit, one: Captured, field: str) -> Sequence[Value]:
    if one.op is Op.INSERT:
        for declared, column in zip(one.fields, one.columns, strict=True):
            if declared.name == field:
                return column
    found = sql.fetch_by_id(unit.connection, one.declared.name, (field,), one.ids)
    return [found[i][0] if i in found else None for i in one.ids]


def _divisions(unit: Unit, entities: Iterable[Value]) -> Mapping[Value, str]:
    wanted = sorted({str(e) for e in entities if e})
    if not wanted:
        return {}
    return dict(sql.fetch(unit.connection, "market_entity", ("id", "division"), wanted))


def _whole_rows(unit: Unit, one: Captured) -> Captured:
    """A record that moves to another partition arrives there whole."""
    states = unit.load(one.declared, one.ids)
    fields = tuple(
        f for f in one.declared.fields if any(s.values[f.name] is not None for s in states.values())
    )
    return Captured(
        one.declared, Op.INSERT, fields, one.ids,
        [[states[i].values[f.name] for i in one.ids] for f in fields],
        writers=[[states[i].writer(f.number) for i in one.ids] for f in fields],
        author=one.author, hlc=one.hlc, actor=one.actor, cause=one.cause, tx=one.tx,
    )


def _pick(one: Captured, rows: list[int]) -> Captured:
    def cut(columns: list[list[Value]]) -> list[list[Value]]:
        return [[c[r] for r in rows] for c in columns]

    writers = [[w[r] for r in rows] for w in one.writers] or [[one.author + r for r in rows]]
    return Captured(
        one.declared, one.op, one.fields, [one.ids[r] for r in rows], cut(one.columns),
        writers=writers, author=one.author, hlc=one.hlc, actor=one.actor, cause=one.cause, tx=one.tx,
    )
