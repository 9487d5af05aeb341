"""A hub's whole database as one SQLite file, and back: the same for both kinds of database.

Taken in one snapshot while the hub is serving; nobody waits for it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.errors import StoreError
from shared.store import sql
from shared.store.database import Database, open_url
from shared.store.migrate import HUB, revision_of, upgrade

ROWS = 5000
_APART = "alembic_version"


def copy_out(database: Database, target: Path) -> None:
    """Write the database as it stands at this moment to a new SQLite file."""
    if database.is_sqlite and database.path is not None:
        there = f"{database.path.absolute().as_uri()}?mode=ro"
        with (
            contextlib.closing(sqlite3.connect(there, uri=True)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        return
    with database.reader.connect().execution_options(isolation_level="REPEATABLE READ") as source_:
        revision = revision_of(source_)
        if revision is None:
            raise StoreError("中心的数据库是空的，没有可以备份的内容。", "请先执行 yizhan-hub init。")
        with contextlib.closing(open_url(f"sqlite:///{target}")) as made, made.writer.begin() as into:
            upgrade(into, HUB, revision)
            for table in _tables(into):
                names = _columns(into, table)
                marks = ", ".join("?" * len(names))
                statement = f'INSERT INTO "{table}" ({sql.quoted(names)}) VALUES ({marks})'
                for rows in _read(source_, table, names):
                    sql.executemany(into, statement, rows)
    _settle(target)


def copy_in(source: Path, database: Database, aside: str) -> None:
    """Put a copy into a PostgreSQL database, in one transaction; what was there goes to schema ``aside``."""
    with (
        contextlib.closing(open_url(f"sqlite:///{source}")) as made,
        made.reader.connect() as copy,
        database.writer.begin() as into,
    ):
        _alone(into)
        _put_aside(into, aside)
        upgrade(into, HUB, str(revision_of(copy)))
        for table in _tables(copy):
            names = _columns(copy, table)
            statement = f"COPY \"{table}\" ({sql.quoted(names)}) FROM STDIN"
            cursor: Any = into.connection.cursor()
            with cursor.copy(statement) as out:
                for row in copy.exec_driver_sql(f'SELECT {sql.quoted(names)} FROM "{table}"'):
                    out.write_row(tuple(row))
            cursor.close()
            if "rid" in names:
                into.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'rid'),"
                    f' coalesce((SELECT max(rid) FROM "{table}"), 0) + 1, false)'
                )


def _alone(into: sa.Connection) -> None:
    others = into.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ).scalar()
    if others:
        raise StoreError("中心的数据库正在被使用，没有恢复。", "请先停止中心服务和其他连接，再恢复一次。")


def _put_aside(into: sa.Connection, aside: str) -> None:
    tables = sa.inspect(into).get_table_names()
    if not tables:
        return
    into.exec_driver_sql(f'CREATE SCHEMA "{aside}"')
    for table in tables:
        into.exec_driver_sql(f'ALTER TABLE "{table}" SET SCHEMA "{aside}"')


def _tables(connection: sa.Connection) -> list[str]:
    return sorted(t for t in sa.inspect(connection).get_table_names() if t != _APART)


def _columns(connection: sa.Connection, table: str) -> list[str]:
    return [str(c["name"]) for c in sa.inspect(connection).get_columns(table)]


def _read(connection: sa.Connection, table: str, names: list[str]) -> Iterator[list[tuple[Any, ...]]]:
    cursor: Any = connection.connection.cursor(name="yizhan_backup")
    try:
        cursor.execute(f'SELECT {sql.quoted(names)} FROM "{table}"')
        while rows := cursor.fetchmany(ROWS):
            yield rows
    finally:
        cursor.close()


def _settle(path: Path) -> None:
    """One file, without a log beside it."""
    with contextlib.closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
