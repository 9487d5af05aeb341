"""What this installation's own journal knows of one record, newest first, a stretch at a time.

The journal has no index by record: it would cost every entry a row more. Blocks are read
backwards instead, and only one that holds the record's sixteen bytes is decoded; how far
one call goes back is bounded, and the caller asks for more where a person wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.changes import Block, Op, Run, Value, decode_block, unpack
from shared.record import RecordType
from shared.store import sql

STRETCH = 20_000
"""Changes one call goes back: about half a second where each has a block of its own."""

_BATCH = 500
_INDEX_BITS = 8
Reference = tuple[str, int, int]
"""Device, incarnation and sequence number of a change; the same everywhere."""


@dataclass(frozen=True, slots=True)
class OwnChange:
    """One change of one record as the journal keeps it.

    :param values: stored values by field number.
    :param bases: per field the change whose value was seen; None for none.
    """

    reference: Reference
    op: Op
    actor: str
    cause: str
    hlc: int
    values: dict[int, Value]
    bases: dict[int, Reference | None]


@dataclass(frozen=True, slots=True)
class Trail:
    """What one stretch held, newest first; ``rest`` is where the next begins, 0 at the journal's start."""

    changes: list[OwnChange]
    rest: int


def trail(
    connection: sa.Connection, declared: RecordType, record_id: str, *, before: int = 0,
    stretch: int = STRETCH,
) -> Trail:
    """Own changes of a record numbered below ``before`` (0: all), as far as one stretch goes back."""
    wanted = bytes.fromhex(record_id)
    found: list[OwnChange] = []
    gone, below = 0, before or 1 << 62
    while gone < stretch:
        rows = sql.execute(
            connection,
            "SELECT first_seq, last_seq, payload FROM journal WHERE first_seq < ?"
            " ORDER BY first_seq DESC LIMIT ?",
            (below, _BATCH),
        ).fetchall()
        for first, last, payload in rows:
            raw = unpack(bytes(payload))
            if wanted in raw:
                found += _of_block(decode_block(raw), declared.number, wanted)
            below, gone = first, gone + last - first + 1
            if gone >= stretch:
                break
        if len(rows) < _BATCH and gone < stretch:
            return Trail(found, 0)
    older = sql.execute(connection, "SELECT 1 FROM journal WHERE first_seq < ? LIMIT 1", (below,)).fetchone()
    return Trail(found, below if older else 0)


def _of_block(block: Block, number: int, wanted: bytes) -> list[OwnChange]:
    out = [
        _change(block, run, row) for run in block.runs if run.type == number for row in _rows(run.ids, wanted)
    ]
    return out[::-1]


def _rows(ids: bytes, wanted: bytes) -> Sequence[int]:
    return [at // 16 for at in range(0, len(ids), 16) if ids[at : at + 16] == wanted]


def _change(block: Block, run: Run, row: int) -> OwnChange:
    columns = zip(run.fields, run.columns, strict=False)
    bases = zip(run.fields, run.bases, strict=False)
    device, incarnation = block.origins[run.origin]
    return OwnChange(
        (device, incarnation, run.first + row),
        Op(run.op), run.actor, run.cause, run.hlc,
        {n: column[row] for n, column in columns},
        {n: _reference(block, column[row]) for n, column in bases},
    )  # fmt: skip


def _reference(block: Block, wire: int) -> Reference | None:
    if not wire:
        return None
    device, incarnation = block.origins[wire & (1 << _INDEX_BITS) - 1]
    return device, incarnation, wire >> _INDEX_BITS
