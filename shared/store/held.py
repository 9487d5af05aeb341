"""What came down before this program could read it: applied after the upgrade, in order.

A run of an unknown type waited whole. Of a run with unknown fields the known ones were
applied when it came; only what was unknown then is applied now, for what was known may
have changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.access import HUB_ACTOR
from shared.changes import Block, Op, decode_block, unpack
from shared.record import RecordType
from shared.store import sql
from shared.store.facts import read_number, read_text, write_text
from shared.store.follow import Follower
from shared.store.incoming import Incoming, understand
from shared.store.references import Origins, local_table
from shared.store.store import Store
from shared.store.unit import Unit
from shared.upcasting import mark

_TRIED = "held_tried"
_BATCH = 200
Before = dict[tuple[str, str], frozenset[int] | None]
"""Per record the fields it had a say on before; None when it was not there."""


def replay_held(store: Store) -> int:
    """Apply held runs this program understands; returns how many changes that were.

    Asked once per catalogue: a program that knows no more than the last one has nothing to try.
    """
    now = mark(store.types.values())
    with store.read() as connection:
        if read_text(connection, _TRIED) == now:
            return 0
    applied, after = 0, 0
    before: Before = {}
    while True:
        with store.unit(HUB_ACTOR) as unit:
            rows = sql.execute(
                unit.connection,
                "SELECT no, payload FROM held_run WHERE no > ? ORDER BY no LIMIT ?",
                (after, _BATCH),
            ).fetchall()
            for no, payload in rows:
                applied += _one(unit, store.by_number, before, no, decode_block(unpack(bytes(payload))))
                after = no
            if not rows:
                write_text(unit.connection, _TRIED, now)
                return applied


def _one(
    unit: Unit, types: Mapping[int, RecordType], before: Before, no: int, block: Block
) -> int:
    """Apply one held run as far as it is understood; what still is not stays held."""
    follower = Follower(unit, dict(types), read_number(unit.connection, "receipted"))
    table = local_table(Origins(unit.connection), block.origins)
    (run,) = block.runs
    known = understand(run, table, types)
    if known is None:
        return 0
    _look(unit, known, before)
    name = known.declared.name
    fresh = [row for row, i in enumerate(known.ids) if before[name, i] is None]
    if fresh:
        follower.take(_part(known, fresh, range(len(known.fields))))
    if known.op in (Op.INSERT, Op.UPDATE):
        groups: dict[tuple[int, ...], list[int]] = {}
        for row, i in enumerate(known.ids):
            had = before[name, i]
            if had is not None:
                new = tuple(c for c, f in enumerate(known.fields) if f.number not in had)
                groups.setdefault(new, []).append(row)
        for columns, rows in groups.items():
            if columns:
                follower.take(replace(_part(known, rows, columns), op=Op.UPDATE))
    if not known.partial:
        sql.execute(unit.connection, "DELETE FROM held_run WHERE no = ?", (no,))
    return run.count


def _look(unit: Unit, one: Incoming, before: Before) -> None:
    """Note what each record had before anything held was applied: that was understood when it came."""
    name = one.declared.name
    unseen = [i for i in one.ids if (name, i) not in before]
    states = unit.load(one.declared, unseen) if unseen else {}
    for i in unseen:
        state = states.get(i)
        before[name, i] = None if state is None else frozenset(
            f.number for f in one.declared.fields if state.values[f.name] is not None or f.number in state.fw
        )


def _part(one: Incoming, rows: Sequence[int], columns: Sequence[int]) -> Incoming:
    """Some rows and some fields of a run; whose values they are is said for each."""
    writers = [[one.writer(row, c) for row in rows] for c in columns]
    return replace(
        one,
        fields=tuple(one.fields[c] for c in columns),
        ids=[one.ids[row] for row in rows],
        columns=[[one.columns[c][row] for row in rows] for c in columns] if one.columns else [],
        bases=[],
        writers=writers or [[one.writer(row, 0) for row in rows]],
    )


__all__ = ["replay_held"]
