"""SQL text for hot paths: one statement per shape, cached, in the driver's own style.

SQLAlchemy's Core builds the tables and the migrations; for a hundred thousand
rows its parameter processing costs more than the insert, so the hot paths hand
plain text and tuples to the driver.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa


def is_postgres(connection: sa.Connection) -> bool:
    """Which of the two dialects this is."""
    return connection.dialect.name == "postgresql"


def held(connection: sa.Connection) -> str:
    """End of a SELECT whose rows nobody else changes until commit; SQLite has one writer anyway."""
    return " FOR UPDATE" if is_postgres(connection) else ""


def quoted(names: Iterable[str]) -> str:
    """Column list."""
    return ", ".join(f'"{n}"' for n in names)


def in_ids(postgres: bool, column: str = "id") -> str:
    """A membership test with one parameter, whatever the number of ids."""
    if postgres:
        return f'"{column}" = ANY(%s)'
    return f'"{column}" IN (SELECT value FROM json_each(?))'


def ids_parameter(postgres: bool, ids: Sequence[Any]) -> Any:
    """The parameter that goes with :func:`in_ids`."""
    return list(ids) if postgres else json.dumps(list(ids))


@cache
def insert_sql(table: str, names: tuple[str, ...]) -> str:
    """Insert that leaves an existing id alone."""
    marks = ", ".join("?" * len(names))
    return f'INSERT INTO "{table}" ({quoted(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING'


@cache
def insert_columns_sql(table: str, names: tuple[str, ...], types: tuple[str, ...]) -> str:
    """The same on PostgreSQL with a whole column a parameter, as JSON: one statement, not one a row."""
    marks = ", ".join(["json_array_elements_text(%s::json)"] * len(names))
    values = ", ".join(f"c{i}::{t}" for i, t in enumerate(types))
    called = ", ".join(f"c{i}" for i in range(len(names)))
    return (
        f'INSERT INTO "{table}" ({quoted(names)}) SELECT {values} FROM ROWS FROM ({marks}) AS c({called})'
        " ON CONFLICT DO NOTHING"
    )


@cache
def update_sql(postgres: bool, table: str, names: tuple[str, ...]) -> str:
    """Keyed update; the id is the last parameter; counts the row's changes."""
    mark = "%s" if postgres else "?"
    sets = ", ".join(f'"{n}" = {mark}' for n in names)
    return f'UPDATE "{table}" SET {sets}, "_n" = "_n" + 1 WHERE "id" = {mark}'


@cache
def select_sql(postgres: bool, table: str, names: tuple[str, ...]) -> str:
    """Rows by ids."""
    return f'SELECT {quoted(names)} FROM "{table}" WHERE {in_ids(postgres)}'


def fetch(
    connection: sa.Connection, table: str, names: tuple[str, ...], ids: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Rows of a table by ids, in no order."""
    pg = is_postgres(connection)
    statement = select_sql(pg, table, names)
    return [tuple(r) for r in connection.exec_driver_sql(statement, (ids_parameter(pg, ids),))]


def fetch_by_id(
    connection: sa.Connection, table: str, names: tuple[str, ...], ids: Sequence[str]
) -> dict[str, tuple[Any, ...]]:
    """The same, by id; ``names`` without id."""
    return {r[0]: r[1:] for r in fetch(connection, table, ("id", *names), ids)}


def executemany(connection: sa.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Run one statement, with ``?`` or the driver's own marks, over many rows; returns rows touched."""
    if not rows:
        return 0
    if is_postgres(connection):
        statement = statement.replace("?", "%s")
    cursor = connection.connection.cursor()
    errors = connection.dialect.loaded_dbapi.OperationalError
    try:
        cursor.executemany(statement, rows)
        return int(cursor.rowcount)
    except errors as bad:  # locked, full: as SQLAlchemy itself would report it
        raise sa.exc.OperationalError(statement, None, bad) from bad
    finally:
        cursor.close()


def insert_new(
    connection: sa.Connection, table: str, columns: Sequence[tuple[str, str, Sequence[Any]]]
) -> int:
    """New rows from columns ``(name, type, values)``; existing ids are left alone. Returns how many came."""
    names = tuple(c[0] for c in columns)
    if not is_postgres(connection):
        rows = list(zip(*(c[2] for c in columns), strict=True))
        return executemany(connection, insert_sql(table, names), rows)
    if not columns[0][2]:
        return 0
    statement = insert_columns_sql(table, names, tuple(c[1] for c in columns))
    return int(execute(connection, statement, tuple(_json(c[2]) for c in columns)).rowcount)


def execute(connection: sa.Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    """One statement with ``?`` marks, translated for PostgreSQL."""
    if is_postgres(connection):
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, parameters)


def _json(values: Sequence[Any]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
