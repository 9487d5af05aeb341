"""Bringing a database to the schema this program knows, without losing what it holds.

Opening is fast when nothing is to be done: the revision is read with plain SQL
and Alembic is imported only to migrate. A copy of an existing SQLite database is
made first; the whole upgrade is one transaction.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.durable import sync_folder
from shared.errors import DatabaseBusy, DiskFull, NewerDatabase, StoreError, why
from shared.store.database import Database, open_cipher, storage_errors

HEAD = "0004"
"""The newest revision; a test holds it equal to the tree's."""

CLIENT = "client"
HUB = "hub"
_FOLDER = Path(__file__).parent / "migrations"
_PG_LOCK = 0x59697A68616E  # "Yizhan": one migration at a time, whoever starts first
_TRIES = 5


def open_client_database(path: Path, key: bytes) -> Database:
    """Open a client's database and bring it up to date, with a copy of an older one beside it.

    Raises ``WrongPassword``, ``NewerDatabase``, ``DatabaseBusy`` or ``DiskFull``.
    """
    database = open_cipher(path, key)
    try:
        bring_up(database, CLIENT)
    except BaseException:
        database.close()
        raise
    return database


def bring_up(database: Database, role: str) -> str | None:
    """Migrate to :data:`HEAD`; returns the revision found, None for a new database."""
    with storage_errors():
        with database.reader.connect() as connection:
            found = revision_of(connection)
        if found == HEAD:
            return found
        if found is not None:
            _refuse_unknown(found)
        with _alone(database, found) as connection:
            found = revision_of(connection)
            if found != HEAD:  # another process may have been faster
                upgrade(connection, role)
    return found


def revision_of(connection: sa.Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    tables = sa.inspect(connection)
    if tables.has_table("alembic_version"):
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
        if row is not None:
            return str(row[0])
    if tables.has_table("fact"):
        raise StoreError("数据库没有版本标记，无法确认能否使用。", "请从备份恢复，或联系管理员。")
    return None


def upgrade(connection: sa.Connection, role: str, to: str = "head") -> None:
    """Run the revisions that are missing, inside the connection's transaction."""
    from alembic import command

    config = _config()
    config.attributes.update(connection=connection, role=role)
    command.upgrade(config, to)


def known_revisions() -> list[str]:
    """All revisions of the tree, newest first."""
    from alembic.script import ScriptDirectory

    return [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()]


# --- inside ------------------------------------------------------------------
def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_unknown(found: str) -> None:
    if found not in known_revisions():
        raise NewerDatabase(
            "数据库由更新版本的驿站写入，本版本不能打开。", "请升级驿站后再打开；数据没有改动。"
        )


@contextmanager
def _alone(database: Database, found: str | None) -> Iterator[sa.Connection]:
    """The writer's transaction; nobody else migrates, and an older database has its copy."""
    for attempt in range(_TRIES):
        if found is not None and database.is_sqlite:
            _checkpoint(database)
        with database.writer.begin() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PG_LOCK})")
            elif found is not None and database.path is not None:
                if _log_size(database.path) and attempt < _TRIES - 1:
                    continue  # somebody wrote between the checkpoint and our lock
                if _log_size(database.path):
                    raise DatabaseBusy("数据库正被本程序的另一个窗口使用。", "请先关闭另一个窗口，再试一次。")
                back_up(database.path, found)
            yield connection
            return


def _checkpoint(database: Database) -> None:
    """Fold the write-ahead log into the file, so that a copy of the file is the database."""
    handle = database.writer.raw_connection()
    try:
        handle.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        handle.close()


def _log_size(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def back_up(path: Path, revision: str) -> Path:
    """A durable copy beside a database whose log is empty and that nobody writes to."""
    copy = path.with_name(f"{path.name}.bak-{revision}")
    part = copy.with_name(copy.name + ".part")
    try:
        with path.open("rb") as source, _private(part) as out:
            shutil.copyfileobj(source, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, copy)
        sync_folder(path.parent)
    except OSError as bad:
        part.unlink(missing_ok=True)
        if bad.errno == errno.ENOSPC:
            raise DiskFull(
                "磁盘空间不足，升级前的备份没有做成，数据库没有改动。", "请清理磁盘后重新打开驿站。"
            ) from bad
        raise StoreError(
            "升级前的备份没有做成，数据库没有改动。", f"请检查数据文件夹是否可写：{why(bad)}"
        ) from bad
    return copy


def _private(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


__all__ = ["CLIENT", "HEAD", "HUB", "back_up", "bring_up", "known_revisions", "open_client_database",
           "revision_of", "upgrade"]
