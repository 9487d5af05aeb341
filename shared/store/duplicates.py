"""Which of these facts the database already holds, asked for a whole file at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from shared.record import RecordType
from shared.store import sql
from shared.store.values import to_stored

CHUNK = 5_000


def holding(
    connection: sa.Connection, declared: RecordType, names: Sequence[str], wanted: Collection[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    """Those of the ``wanted`` combinations of typed values that a record already has.

    Asked on a client's database; the index of a ``unique`` set answers it.
    """
    fields = [declared.by_name[n] for n in names]
    stored = {tuple(to_stored(f, v) for f, v in zip(fields, one, strict=True)): one for one in wanted}
    parts = ", ".join(f"json_extract(value, '$[{i}]')" for i in range(len(names)))
    statement = (
        f'SELECT {sql.quoted(names)} FROM "{declared.name}"'
        f' WHERE ({sql.quoted(names)}) IN (SELECT {parts} FROM json_each(?)) AND "_deleted" = 0'
    )
    keys = list(stored)
    found: set[tuple[Any, ...]] = set()
    for start in range(0, len(keys), CHUNK):
        rows = sql.execute(connection, statement, (json.dumps(keys[start : start + CHUNK]),))
        found.update(stored[tuple(r)] for r in rows)
    return found


def holder(
    connection: sa.Connection, declared: RecordType, names: Sequence[str], values: Mapping[str, Any]
) -> str | None:
    """Id of a record with these very values; None when there is none or one of them is empty."""
    wanted = [to_stored(declared.by_name[n], values.get(n)) for n in names]
    if any(v is None for v in wanted):
        return None
    tests = " AND ".join(f'"{n}" = ?' for n in names)
    row = sql.execute(
        connection,
        f'SELECT id FROM "{declared.name}" WHERE {tests} AND "_deleted" = 0 LIMIT 1',
        tuple(wanted),
    ).fetchone()
    return str(row[0]) if row else None
