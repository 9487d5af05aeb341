"""The client's journal: every own change, in order, chained, in compressed blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
import zstandard

from shared import gaps
from shared.changes import GENESIS, Block, chain, encode_block, glance, pack, unpack
from shared.store import sql
from shared.store.blocks import to_blocks
from shared.store.facts import read_fact, write_fact
from shared.store.incarnations import branches
from shared.store.references import Origins
from shared.store.unit import Unit


class Journal:
    """Sink of the client's write door."""

    def last_seq(self, connection: sa.Connection) -> int:
        """Sequence number of the last own change; 0 when there is none."""
        return int.from_bytes(read_fact(connection, "seq") or b"", "big")

    def flush(self, unit: Unit) -> None:
        """Append the unit's changes; ends a transaction in the journal."""
        if not unit.captured:
            return
        connection = unit.connection
        head = read_fact(connection, "head") or GENESIS
        origins = Origins(connection)
        rows: list[tuple[object, ...]] = []
        for block in to_blocks(unit.captured, origins, unit.origin):
            raw = encode_block(block)
            head = chain(head, raw)
            first = block.runs[0].first
            last = first + block.count - 1
            rows.append((first, last, unit.tx, 0, len(raw), head, pack(raw)))
        rows[-1] = (*rows[-1][:3], 1, *rows[-1][4:])
        sql.executemany(
            connection,
            "INSERT INTO journal (first_seq, last_seq, tx, tx_end, raw_len, head, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        write_fact(connection, "seq", unit.seq.to_bytes(8, "big"))
        write_fact(connection, "head", head)


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of the journal that ends with a transaction."""

    first: int
    last: int
    raw_len: int


def ranges(connection: sa.Connection, after: int, *, max_raw: int, max_changes: int) -> list[Range]:
    """Cut what follows ``after`` into stretches of at most these sizes, at transaction ends.

    One transaction larger than the limits stays whole.
    """
    out: list[Range] = []
    first, raw = 0, 0
    rows = sql.execute(
        connection,
        "SELECT first_seq, last_seq, tx_end, raw_len FROM journal WHERE first_seq > ?"
        " ORDER BY first_seq",
        (after,),
    )
    done: Range | None = None
    for begin, end, tx_end, size in rows:
        first = first or begin
        raw += size
        if not tx_end:
            continue
        over = raw > max_raw or end - first + 1 > max_changes
        if over and done is not None:
            out.append(done)
            first, raw = done.last + 1, raw - done.raw_len
        done = Range(first, end, raw)
    if done is not None:
        out.append(done)
    return out


def raw_blocks(connection: sa.Connection, first: int, last: int) -> Iterator[bytes]:
    """The hashed bytes of each block between two sequence numbers, in order; not of discarded ones."""
    rows = sql.execute(
        connection,
        "SELECT payload FROM journal WHERE first_seq >= ? AND first_seq <= ? AND last_seq <= ?"
        " AND raw_len > 0 ORDER BY first_seq",
        (first, last, last),
    )
    for (payload,) in rows:
        yield unpack(bytes(payload))


def broken(connection: sa.Connection) -> tuple[int, str]:
    """Go through the whole chain again: how many changes it holds, and what is wrong (``""`` nothing).

    Of discarded sets (``shared.store.discarding``) the head is there; that it is the signed one
    their statements tell (``sync.proving``).
    """
    head, last = GENESIS, 0
    continues = {b.start: b.parent_head for b in branches(connection)}
    rows = sql.execute(
        connection, "SELECT first_seq, last_seq, head, payload FROM journal ORDER BY first_seq"
    )
    discarded = discarded_sets(connection)
    for first_seq, last_seq, kept, payload in rows:
        if first_seq != last + 1:
            return last, f"缺少第 {last + 1:,} 号变更"
        if discarded.get(first_seq) == last_seq and not payload:
            head, last = bytes(kept), last_seq
            continue
        discarded = {}
        try:
            head = chain(continues.get(last, head), unpack(bytes(payload)))
        except (msgspec.ValidationError, zstandard.ZstdError):
            head = b""
        if head != bytes(kept):
            return last, f"第 {gaps.said([(first_seq, last_seq)])} 号变更被改动"
        last = last_seq
    head = continues.get(last, head)
    if last != Journal().last_seq(connection) or head != (read_fact(connection, "head") or GENESIS):
        return last, "末尾的变更不齐"
    return last, ""


def discarded_sets(connection: sa.Connection) -> dict[int, int]:
    """Change sets whose blocks went long after their archiving: first number → last."""
    rows = sql.execute(
        connection,
        "SELECT s.from_seq, s.to_seq FROM change_set s JOIN journal j ON j.first_seq = s.from_seq"
        " AND j.last_seq = s.to_seq WHERE j.raw_len = 0",
    )
    return {int(r[0]): int(r[1]) for r in rows}


def types_between(connection: sa.Connection, first: int, last: int) -> set[int]:
    """Numbers of the record types that own changes between two sequence numbers are about."""
    return {run.type for raw in raw_blocks(connection, first, last) for run in glance(raw)}


def counts_between(connection: sa.Connection, first: int, last: int) -> Counter[int]:
    """How many own changes between two sequence numbers are about each type, by its number."""
    found: Counter[int] = Counter()
    for raw in raw_blocks(connection, first, last):
        for run in glance(raw):
            found[run.type] += run.count
    return found


def count_after(connection: sa.Connection, seq: int) -> int:
    """How many own changes follow ``seq``."""
    return Journal().last_seq(connection) - seq


__all__ = [
    "Block", "Journal", "Range", "broken", "count_after", "counts_between", "discarded_sets", "ranges",
    "raw_blocks", "types_between",
]  # fmt: skip
