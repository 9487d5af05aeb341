"""Keeping the search index of a type in step with its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from shared.changes import Value
from shared.fields import Field
from shared.record import RecordType
from shared.store import sql
from shared.store.search import indexed


def index_new(
    connection: sa.Connection,
    declared: RecordType,
    fields: Sequence[Field],
    ids: Sequence[str],
    columns: Sequence[Sequence[Value]],
    rids: range,
    written: int,
) -> None:
    """Add new rows to the search index of their type.

    :param written: how many of them were really new; the others have their entry already.
    """
    at = {f.name: i for i, f in enumerate(fields)}
    picked = [columns[at[f.name]] for f in declared.search_fields if f.name in at]
    if not picked:
        return
    rows: Iterator[tuple[int, tuple[Value, ...]]] = zip(rids, zip(*picked, strict=True), strict=True)
    if written != len(ids):
        present = sql.fetch(connection, declared.name, ("rid",), list(ids))
        kept = {r[0] for r in present}
        rows = ((rid, values) for rid, values in rows if rid in kept)
    statement = f'INSERT INTO "search_{declared.name}" (rowid, words, initials) VALUES (?, ?, ?)'
    sql.executemany(connection, statement, [(rid, *indexed(v)) for rid, v in rows])


def unindex(connection: sa.Connection, declared: RecordType, ids: Sequence[str]) -> None:
    """Take rows out of the search index of their type."""
    rows = sql.fetch(connection, declared.name, ("rid",), ids)
    statement = f'DELETE FROM "search_{declared.name}" WHERE rowid = ?'
    sql.executemany(connection, statement, [(r[0],) for r in rows])


def reindex(connection: sa.Connection, declared: RecordType, ids: Sequence[str]) -> None:
    """Write the entries of changed rows anew; a deleted record has none."""
    names = tuple(f.name for f in declared.search_fields)
    found = sql.fetch(connection, declared.name, ("rid", "_deleted", *names), ids)
    table = f'"search_{declared.name}"'
    sql.executemany(
        connection, f"DELETE FROM {table} WHERE rowid = ?", [(r[0],) for r in found]
    )
    sql.executemany(
        connection,
        f"INSERT INTO {table} (rowid, words, initials) VALUES (?, ?, ?)",
        [(rid, *indexed(values)) for rid, deleted, *values in found if not deleted],
    )
