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
from shared.store.unit import Captured

CHUNK = 5_000
MOST_PARTNERS = 5
"""With how many earlier holders one record is compared: a thousand copies are not a million pairs."""


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
