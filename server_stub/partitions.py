"""Where a change belongs: each stream is told what enters it, what changes in it and what leaves it.

A record that enters a stream arrives whole. One that leaves is announced there as
evicted, with the streams it is in now, so that a device which follows one of them
keeps it (sync.md, Scope: leaving scope evicts, never deletes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from shared.changes import Op, Value
from shared.record import Part, Partition, RecordType
from shared.scope import ADMIN, COMMON, LEFT, bureau_stream, division_stream, in_order, stream_of
from shared.store import sql
from shared.store.directory import subtree
from shared.store.unit import Captured, Unit
from shared.types import catalog

Names = tuple[str, ...]
Told = tuple[str, Captured]
ENTITY = "market_entity"


def streams_of(connection: sa.Connection, bureau: str, *, admin: bool) -> list[str]:
    """The streams a device of a bureau subscribes to, in the order they are sent."""
    bureaus = sorted(subtree(connection, bureau))
    rows = sql.fetch(connection, "bureau", ("division",), bureaus)
    divisions = {str(r[0]) for r in rows if r[0]}
    names = [COMMON, *map(division_stream, divisions), *map(bureau_stream, bureaus)]
    return in_order([*names, ADMIN] if admin else names)


def partition(unit: Unit) -> dict[str, list[Captured]]:
    """What a unit captured, by stream, in order."""
    by_stream: dict[str, list[Captured]] = defaultdict(list)
    fresh = {
        (one.declared.name, i) for one in unit.captured if one.op is Op.INSERT for i in one.ids
    } if any(one.declared.name == ENTITY for one in unit.captured) else set()
    former = _former_divisions(unit)
    for one in unit.captured:
        told: Iterable[Told] = [(name, one) for name in one.streams] or _told(unit, one, former)
        for name, part in told:
            by_stream[name].append(part)
        if one.declared.name == ENTITY:
            for name, part in _what_is_about_them(unit, one, fresh):
                by_stream[name].append(part)
    return by_stream


def streams_with(unit: Unit, declared: RecordType, record_id: str) -> Names:
    """Where a record is announced now."""
    (names,) = places(unit.connection, declared, [record_id])
    return names


def places(connection: sa.Connection, declared: RecordType, ids: list[str]) -> list[Names]:
    """The streams each of these records belongs to, as it stands now."""
    return _names_per_row(connection, Captured(declared, Op.UPDATE, (), ids, []), declared.partitions)


def _former_divisions(unit: Unit) -> dict[str, set[str]]:
    """Entities that moved in this unit, with the divisions they had: where they are is read at its end."""
    former: dict[str, set[str]] = defaultdict(set)
    for one in unit.captured:
        if one.declared.name == ENTITY:
            for record_id, division in zip(one.ids, one.before.get("division", ()), strict=False):
                if division:
                    former[record_id].add(str(division))
    return former


def _told(unit: Unit, one: Captured, former: Mapping[str, set[str]]) -> Iterator[Told]:
    rules = one.declared.partitions
    if all(r.part in (Part.COMMON, Part.ADMIN) for r in rules):
        for rule in rules:
            yield (COMMON if rule.part is Part.COMMON else ADMIN), one
        return
    now = _names_per_row(unit.connection, one, rules)
    if one.before:
        before = _names_per_row(unit.connection, one, rules, instead=one.before)
        yield from _moved(unit, one, before, now, _formerly(one, rules, former))
    else:
        yield from _spread(one, now)
    yield from _not_the_authors(unit, one, now)


def _not_the_authors(unit: Unit, one: Captured, now: Sequence[Names]) -> Iterator[Told]:
    """What the author may not follow any more leaves the author's screen too."""
    author = unit.author
    if not author.home:
        return
    out = [names if author.scope.isdisjoint(names) else () for names in now]
    yield from _evicted(one, [(author.home,) if names else () for names in out], now)


def _formerly(one: Captured, rules: Sequence[Partition], former: Mapping[str, set[str]]) -> list[set[str]]:
    """Per row the streams it may have been in because the entity it was about moved in the same unit."""
    rules = [r for r in rules if r.part is Part.ENTITY_DIVISION and r.field in one.before]
    return [
        {division_stream(d) for r in rules for d in former.get(str(one.before[r.field][row]), ())}
        for row in range(len(one.ids))
    ]


def _moved(
    unit: Unit, one: Captured, before: Sequence[Names], now: Sequence[Names], formerly: Sequence[set[str]]
) -> Iterator[Told]:
    """Who had a record is told the change, who gets it all of it, who loses it that it left.

    :param formerly: where this is not empty, nobody can say any more who had the record: all are told all.
    """
    had = [() if maybe else old for old, maybe in zip(before, formerly, strict=True)]
    stayed = [tuple(n for n in names if n in old) for names, old in zip(now, had, strict=True)]
    entered = [tuple(n for n in names if n not in old) for names, old in zip(now, had, strict=True)]
    left = [
        tuple(n for n in dict.fromkeys((*old, *sorted(maybe))) if n not in names)
        for names, old, maybe in zip(now, before, formerly, strict=True)
    ]
    yield from _spread(one, stayed)
    if any(entered):
        whole = _whole_rows(unit, one, one.declared, one.ids, emptied=any(formerly))
        yield from _spread(whole, entered)
    yield from _evicted(one, left, now)


def _evicted(one: Captured, left: Sequence[Names], now: Sequence[Names]) -> Iterator[Told]:
    groups: dict[tuple[str, Names], list[str]] = defaultdict(list)
    for record_id, old, names in zip(one.ids, left, now, strict=True):
        for name in old:
            groups[name, names].append(record_id)
    for (name, names), ids in groups.items():
        yield name, Captured(
            one.declared, Op.EVICT, (), ids, [], author=one.author, hlc=one.hlc, actor=one.actor,
            cause=LEFT + ",".join(names), tx=one.tx,
        )


def _what_is_about_them(unit: Unit, one: Captured, fresh: set[tuple[str, str]]) -> Iterator[Told]:
    """Permits, penalties … travel with the division of their entity, also when it comes or moves later.

    What is deleted enters no stream, but it leaves the old one: who reads that one after
    another must not find only the deletion there once the record is entered again.
    """
    arrived = one.op is Op.INSERT
    moved = one.before.get("division")
    if not arrived and moved is None:
        return
    old = {i: str(d) for i, d in zip(one.ids, moved or (), strict=False) if d}
    for declared in catalog.ALL:
        for rule in declared.partitions:
            if rule.part is not Part.ENTITY_DIVISION:
                continue
            rows = _referring(unit.connection, declared, rule.field, one.ids)
            if not rows:
                continue
            whole = _whole_rows(unit, one, declared, [r.id for r in rows])
            entities = [r.entity for r in rows]
            divisions = _divisions(unit.connection, entities)
            now = [stream_of(rule, e, d) for e, d in zip(entities, divisions, strict=True)]
            was = [stream_of(rule, e, old.get(e)) for e in entities]
            told = [r.deleted or (declared.name, r.id) in fresh for r in rows]
            entered = [() if known else names for known, names in zip(told, _without(now, was), strict=True)]
            yield from _spread(whole, entered)
            where = _names_per_row(unit.connection, whole, declared.partitions)
            yield from _evicted(whole, _without(was, now), where)


def _without(names: Sequence[str | None], others: Sequence[str | None]) -> list[Names]:
    """Where the two differ, the first."""
    return [(n,) if n and n != o else () for n, o in zip(names, others, strict=True)]


class _Referring(NamedTuple):
    """A record and the entity it is about."""

    id: str
    entity: str
    deleted: bool


def _referring(
    connection: sa.Connection, declared: RecordType, field: str, entities: Sequence[str]
) -> list[_Referring]:
    pg = sql.is_postgres(connection)
    found = connection.exec_driver_sql(
        f'SELECT id, "{field}", "_deleted" FROM "{declared.name}" WHERE {sql.in_ids(pg, field)}',
        (sql.ids_parameter(pg, entities),),
    )
    return [_Referring(str(r[0]), str(r[1]), bool(r[2])) for r in found]


def _spread(one: Captured, names: Sequence[Names]) -> Iterator[Told]:
    if len(set(names)) == 1:
        for name in names[0]:
            yield name, one
        return
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(names):
        for name in group:
            rows_of[name].append(row)
    for name, rows in rows_of.items():
        yield name, _pick(one, rows)


def _names_per_row(
    connection: sa.Connection,
    one: Captured,
    rules: Sequence[Partition],
    instead: Mapping[str, Sequence[Value]] | None = None,
) -> list[Names]:
    columns: list[list[str | None]] = []
    for rule in rules:
        if not rule.field:
            columns.append([stream_of(rule, None)] * len(one.ids))
            continue
        values = (instead or {}).get(rule.field) or _values(connection, one, rule.field)
        if rule.part is Part.ENTITY_DIVISION:
            divisions = _divisions(connection, values)
            columns.append([stream_of(rule, v, d) for v, d in zip(values, divisions, strict=True)])
        else:
            columns.append([stream_of(rule, v) for v in values])
    return [tuple(dict.fromkeys(n for n in row if n)) for row in zip(*columns, strict=True)]


def _values(connection: sa.Connection, one: Captured, field: str) -> Sequence[Value]:
    if one.op is Op.INSERT:
        for declared, column in zip(one.fields, one.columns, strict=True):
            if declared.name == field:
                return column
    found = sql.fetch_by_id(connection, one.declared.name, (field,), one.ids)
    return [found[i][0] if i in found else None for i in one.ids]


def _divisions(connection: sa.Connection, entities: Sequence[Value]) -> list[str | None]:
    wanted = sorted({str(e) for e in entities if e})
    at = dict(sql.fetch(connection, ENTITY, ("id", "division"), wanted)) if wanted else {}
    return [at.get(e) for e in entities]


def _whole_rows(
    unit: Unit, one: Captured, declared: RecordType, ids: list[str], *, emptied: bool = False
) -> Captured:
    """Records as they stand now, announced by the change that made them move.

    :param emptied: fields without a value are told, too: somebody may have them with one.
    """
    states = unit.load(declared, ids)
    fields = tuple(
        f for f in declared.fields
        if emptied or any(s.values[f.name] is not None for s in states.values())
    )
    return Captured(
        declared, Op.INSERT, fields, ids,
        [[states[i].values[f.name] for i in ids] for f in fields],
        writers=[[states[i].writer(f.number) for i in ids] for f in fields],
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
