"""Two records with what must be unique: found after the merge, in batches, never refused (sync.md).

Two bureaus may enter the same certificate offline under different ids. Both stay;
a person decides which one goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.changes import Op
from shared.record import RecordType
from shared.store import sql
from shared.store.resolving import same
from shared.store.unit import Captured, Unit
from shared.types.conflict import UNIQUE

CHUNK = 5_000
MOST_PARTNERS = 5
"""With how many earlier holders one record is compared: a thousand copies are not a million pairs."""


GONE = "gone"
"""How a conflict ended that nobody decided: the numbers are no longer the same."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An open conflict about two records that no longer have the same number.

    :param record_id: what was changed, by ``actor``; ``voided``: it was deleted.
    """

    conflict_id: str
    declared: RecordType
    record_id: str
    names: tuple[str, ...]
    voided: bool
    actor: str


@dataclass(frozen=True, slots=True)
class Collision:
    """Two live records of one type with the same values in ``names``.

    :param first: id of the one the hub had earlier.
    """

    declared: RecordType
    names: tuple[str, ...]
    first: str
    second: str


def find(connection: sa.Connection, captured: Iterable[Captured]) -> list[Collision]:
    """Collisions that records written in this transaction take part in."""
    touched: dict[tuple[str, tuple[str, ...]], dict[str, None]] = defaultdict(dict)
    declared_as: dict[str, RecordType] = {}
    for one in captured:
        if one.op is Op.DELETE or not one.declared.unique:
            continue
        declared_as[one.declared.name] = one.declared
        written = {f.name for f in one.fields}
        for names in one.declared.unique:
            if one.op is Op.INSERT or not written.isdisjoint(names):
                touched[one.declared.name, names].update(dict.fromkeys(one.ids))
    found: list[Collision] = []
    for (name, names), ids in touched.items():
        found += _pairs(connection, declared_as[name], names, list(ids))
    return found


def _pairs(
    connection: sa.Connection, declared: RecordType, names: tuple[str, ...], ids: Sequence[str]
) -> Iterator[Collision]:
    postgres = sql.is_postgres(connection)
    same = " AND ".join(f'o."{n}" = m."{n}"' for n in names)
    statement = (
        f'SELECT m.id, m.rid, o.id, o.rid FROM "{declared.name}" m JOIN "{declared.name}" o ON {same}'
        f' AND o.id <> m.id AND o."_deleted" = 0 WHERE m.{sql.in_ids(postgres)} AND m."_deleted" = 0'
        " ORDER BY m.rid, o.rid"
    )
    seen: set[tuple[str, str]] = set()
    partners: dict[str, int] = defaultdict(int)
    for start in range(0, len(ids), CHUNK):
        parameter = sql.ids_parameter(postgres, ids[start : start + CHUNK])
        for mine, my_rid, other, other_rid in connection.exec_driver_sql(statement, (parameter,)):
            first, second = (other, mine) if other_rid < my_rid else (mine, other)
            if (first, second) in seen or partners[second] >= MOST_PARTNERS:
                continue
            seen.add((first, second))
            partners[second] += 1
            yield Collision(declared, names, first, second)


def settled(unit: Unit, captured: Iterable[Captured]) -> list[Settled]:
    """Open conflicts about numbers that changes of this transaction have ended, without a decision."""
    connection = unit.connection
    touched: dict[str, tuple[RecordType, Captured]] = {}
    for one in captured:
        numbers = {n for names in one.declared.unique for n in names}
        gone = one.op is Op.DELETE
        if numbers and (gone or (one.op is Op.UPDATE and not numbers.isdisjoint(f.name for f in one.fields))):
            touched |= dict.fromkeys(one.ids, (one.declared, one))
    if not touched or not _any_open(connection):
        return []
    found: dict[str, Settled] = {}
    for conflict_id, record_id, other_id, field in _open_about(connection, list(touched)):
        mover = other_id if other_id in touched else record_id
        declared, by = touched[mover]
        names = tuple(str(field).split(","))
        states = unit.load(declared, [record_id, other_id])
        pair = [states.get(i) for i in (record_id, other_id)]
        if None in pair or not same(pair[0], pair[1], names):  # type: ignore[arg-type]
            state = states.get(mover)
            voided = state is None or state.deleted
            found[conflict_id] = Settled(conflict_id, declared, mover, names, voided, by.actor)
    return list(found.values())


def _any_open(connection: sa.Connection) -> bool:
    row = sql.execute(
        connection, "SELECT 1 FROM conflict WHERE state = 'open' AND kind = ? AND _deleted = 0 LIMIT 1",
        (UNIQUE,),
    ).fetchone()
    return row is not None


def _open_about(connection: sa.Connection, ids: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    postgres = sql.is_postgres(connection)
    for start in range(0, len(ids), CHUNK):
        parameter = sql.ids_parameter(postgres, ids[start : start + CHUNK])
        for name in ("record_id", "other_id"):
            rows = connection.exec_driver_sql(
                "SELECT id, record_id, other_id, field FROM conflict WHERE state = 'open' AND kind = 'unique'"
                f" AND _deleted = 0 AND {sql.in_ids(postgres, name)}",
                (parameter,),
            )
            for row in rows.fetchall():
                yield str(row[0]), str(row[1]), str(row[2]), str(row[3])


__all__ = ["GONE", "Collision", "Settled", "find", "settled"]
