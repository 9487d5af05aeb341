"""Captured changes turned into blocks: shared by the journal and the hub's streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shared.changes import BLOCK_ROWS, SEQ_BITS, SEQ_MASK, Block, Run, ids_bytes
from shared.store.references import Origins, WireOrigins
from shared.store.unit import Captured


def to_blocks(captured: Iterable[Captured], origins: Origins, own: int) -> Iterator[Block]:
    """Blocks of at most :data:`BLOCK_ROWS` changes, in order."""
    runs: list[Run] = []
    wire = WireOrigins(origins, own)
    room = BLOCK_ROWS
    for one in captured:
        start = 0
        while start < len(one.ids):
            if room == 0 or wire.full:
                yield Block(wire.table, runs)
                runs, wire, room = [], WireOrigins(origins, own), BLOCK_ROWS
            stop = min(start + room, len(one.ids))
            runs.append(_run(one, start, stop, wire))
            room -= stop - start
            start = stop
    if runs:
        yield Block(wire.table, runs)


def _run(one: Captured, start: int, stop: int, wire: WireOrigins) -> Run:
    whole = start == 0 and stop == len(one.ids)

    def cut(columns: Sequence[list[Any]]) -> list[list[Any]]:
        return list(columns) if whole else [c[start:stop] for c in columns]

    return Run(
        type=one.declared.number,
        op=int(one.op),
        schema=one.declared.schema_version,
        origin=wire.index(one.author >> SEQ_BITS),
        first=(one.author & SEQ_MASK) + start,
        hlc=one.hlc,
        tx=one.tx,
        actor=one.actor,
        cause=one.cause,
        fields=[f.number for f in one.fields],
        ids=ids_bytes(one.ids[start:stop]),
        columns=cut(one.columns),
        bases=[wire.to_wire(c) for c in cut(one.bases)],
        writers=[wire.to_wire(c) for c in cut(one.writers)],
    )
