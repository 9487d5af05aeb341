"""A client's database as it stands for one scope, written from the hub's tables (ADR 0014).

The file is a plain SQLite database with every table, index and search table of a
client, rows with their writers, and the positions of the streams at one moment; its
pages leave the bytes free that the client's encryption needs. Record rows keep the
hub's numbers of origins, so the hub's table of origins goes with them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.record import Part, RecordType
from shared.scope import ADMIN, COMMON, bureaus_of, divisions_of
from shared.store import sql
from shared.store.database import explain, open_plain
from shared.store.migrate import CLIENT, bring_up
from shared.store.pages import filling, make_blank
from shared.store.search import indexed
from shared.store.store import Store
from shared.store.unit import ROW_SYSTEM

BATCH = 2000
Alive = Callable[[], None]
"""Called between batches; raises to stop."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was built.

    :param cursors: ``(stream, n, head)`` of one consistent moment.
    :param rows: records inside, tombstones included.
    """

    cursors: tuple[tuple[str, int, bytes], ...]
    rows: int


def build(store: Store, streams: Sequence[str], epoch: str, target: Path, alive: Alive) -> Moment:
    """Write the database of a scope to ``target``, a file that does not exist yet.

    Whoever writes to the hub meanwhile is not waited for and not seen.
    """
    make_blank(target)
    database = open_plain(target)
    try:
        bring_up(database, CLIENT)
    finally:
        database.close()
    with filling(target) as out, one_moment(store) as source:
        cursors = _cursors(source, streams)
        _put_front(out, source, epoch, cursors)
        stamp = int(store.clock.now().timestamp())
        rows = 0
        for declared in store.types.values():
            wanted = _belongs(declared, streams, sql.is_postgres(source))
            if wanted is not None:
                rows += _Copy(declared, stamp, alive).run(source, out, *wanted)
    return Moment(cursors, rows)


@contextmanager
def one_moment(store: Store) -> Iterator[sa.Connection]:
    """A connection that sees one moment for as long as it is open."""
    with store.read() as connection:
        if sql.is_postgres(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
        else:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")


def _cursors(source: sa.Connection, streams: Sequence[str]) -> tuple[tuple[str, int, bytes], ...]:
    found = {
        str(name): (int(n), bytes(head))
        for name, n, head in sql.execute(source, "SELECT name, n, head FROM stream")
    }
    return tuple((name, *found[name]) for name in streams if name in found)


def _put_front(
    out: Any, source: sa.Connection, epoch: str, cursors: Iterable[tuple[str, int, bytes]]
) -> None:
    origins = sql.execute(source, "SELECT no, device, incarnation FROM origin ORDER BY no")
    out.executemany("INSERT INTO origin (no, device, incarnation) VALUES (?, ?, ?)", map(tuple, origins))
    out.executemany(
        "INSERT INTO stream_cursor (stream, epoch, n, head) VALUES (?, ?, ?, ?)",
        [(name, epoch, n, head) for name, n, head in cursors],
    )


def _belongs(
    declared: RecordType, streams: Sequence[str], postgres: bool
) -> tuple[str, tuple[Any, ...]] | None:
    """The condition under which a record travels in any of these streams; None for never."""
    divisions, bureaus = divisions_of(streams), bureaus_of(streams)
    ways: list[str] = []
    values: list[Any] = []
    for rule in declared.partitions:
        match rule.part:
            case Part.COMMON | Part.ADMIN:
                if (COMMON if rule.part is Part.COMMON else ADMIN) in streams:
                    return "1 = 1", ()
                continue
            case Part.DIVISION:
                way, names = sql.in_ids(postgres, rule.field), divisions
            case Part.BUREAU:
                way, names = sql.in_ids(postgres, rule.field), bureaus
            case Part.ENTITY_DIVISION:
                inside = sql.in_ids(postgres, "division")
                way, names = f'"{rule.field}" IN (SELECT id FROM market_entity WHERE {inside})', divisions
        if names:
            ways.append(way)
            values.append(sql.ids_parameter(postgres, names))
    return (" OR ".join(ways), tuple(values)) if ways else None


class _Copy:
    """Moves the rows of one type, with their entries in the search table."""

    def __init__(self, declared: RecordType, stamp: int, alive: Alive) -> None:
        self._declared = declared
        self._stamp = stamp
        self._alive = alive
        names = ("id", *declared.names, *ROW_SYSTEM)
        self._names = names
        searched = [names.index(f.name) for f in declared.search_fields]
        self._searched = searched
        self._gone = names.index("_deleted")

    def run(self, source: sa.Connection, out: Any, where: str, values: tuple[Any, ...]) -> int:
        """Copy and return how many; rows are numbered anew, in the hub's order."""
        table = self._declared.name
        select = f'SELECT {sql.quoted(self._names)} FROM "{table}" WHERE {where} ORDER BY rid'
        # _n only tells a form that its row changed; after a swap every row has
        insert = (
            f'INSERT INTO "{table}" (rid, {sql.quoted(self._names)}, _n) VALUES '
            f"(?, {', '.join('?' * len(self._names))}, {self._stamp})"
        )
        search = f'INSERT INTO "search_{table}" (rowid, words, initials) VALUES (?, ?, ?)'
        indexes = _take_indexes(out, table)
        rid = 0
        for rows in _batches(source, select, values):
            self._alive()
            out.executemany(insert, [(rid + i, *row) for i, row in enumerate(rows, 1)])
            if self._searched:
                out.executemany(search, list(self._words(rid, rows)))
            rid += len(rows)
        if rid and self._searched:
            out.execute(f'INSERT INTO "search_{table}" ("search_{table}") VALUES (\'optimize\')')
        for statement in indexes:
            self._alive()
            out.execute(statement)
        return rid

    def _words(self, rid: int, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, str, str]]:
        for i, row in enumerate(rows, 1):
            if not row[self._gone]:
                yield rid + i, *indexed(row[at] for at in self._searched)


def _take_indexes(out: Any, table: str) -> list[str]:
    """Drop the indexes of a table for the time of filling it; returns how to make them again."""
    found = out.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (table,),
    ).fetchall()
    for name, _ in found:
        out.execute(f'DROP INDEX "{name}"')
    return [statement for _, statement in found]


def _batches(
    source: sa.Connection, select: str, values: tuple[Any, ...]
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows as the driver has them; PostgreSQL keeps its cursor, so that memory stays small."""
    driver = source.connection.driver_connection
    assert driver is not None
    kept = {} if isinstance(driver, sqlite3.Connection) else {"name": "first_load"}
    cursor = driver.cursor(**kept)
    errors = source.dialect.loaded_dbapi.Error
    try:
        cursor.execute(select, values)
        while rows := cursor.fetchmany(BATCH):
            yield rows
        cursor.close()
    except errors as bad:
        raise explain(bad) from bad


__all__ = ["Moment", "build"]
