"""Opening the hub's database at the schema this program knows; only ``init`` makes one.

A disk that is not mounted, or an address with a slip of the pen, must not become an empty hub:
every other command opens a database only when it is that of the hub whose keys are here.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from shared.errors import InputError, StoreError, why
from shared.store.database import Database, open_url, storage_errors
from shared.store.facts import read_text
from shared.store.migrate import HUB, bring_up, revision_of

_SECRET = ("password", "sslpassword")
_ADVICE = "请检查数据盘是否已挂载、--data 和 --database 是否写对；数据确已丢失时，用 restore 从备份恢复。"


def open_hub_database(url: str) -> Database:
    """Open, make if it is not there, and bring up to date: for ``init``."""
    database = open_address(url)
    try:
        bring_up(database, HUB)
    except BaseException:
        database.close()
        raise
    return database


def open_database_of(url: str, hub_id: str) -> Database:
    """Open the database of that hub and bring it up to date; a SQLite hub gets its copy first,
    PostgreSQL has its own backups. Makes nothing.

    Raises :class:`StoreError` when there is no database, or it is empty, or another hub's.
    """
    _must_stand(url)
    database = open_address(url)
    try:
        found = hub_of(database)
        if not found:
            raise StoreError(f"数据库“{shown(url)}”是空的，里面没有中心的数据。", _ADVICE)
        if found != hub_id:
            raise StoreError(
                f"数据库“{shown(url)}”是另一个中心的。", "请核对 --data 和 --database；没有改动任何数据。"
            )
        bring_up(database, HUB)
    except BaseException:
        database.close()
        raise
    return database


def hub_of(database: Database) -> str:
    """The hub whose database this is; ``""`` when it is nobody's yet."""
    with storage_errors(), database.reader.connect() as connection:
        if revision_of(connection) is None or not read_text(connection, "epoch"):
            return ""
        return read_text(connection, "device")


def open_address(url: str) -> Database:
    """The database at an address as it is, reached; SQLite makes an empty file where there is none.

    Raises :class:`InputError` or :class:`StoreError`.
    """
    parsed_url(url)
    try:
        with storage_errors():
            database = open_url(url)
    except ImportError as bad:
        raise InputError(
            f"数据库“{shown(url)}”不能使用：{bad}", "请检查 --database；PostgreSQL 需安装 psycopg。"
        ) from bad
    except OSError as bad:
        raise InputError(
            f"数据库“{shown(url)}”不能使用（{why(bad)}）。", "请检查 --data、--database 的路径和权限。"
        ) from bad
    try:
        _reached(database, url)
    except BaseException:
        database.close()
        raise
    return database


def parsed_url(url: str) -> sa.URL:
    """An address taken apart; raises :class:`InputError`, which does not repeat what may hold a password."""
    try:
        parsed = sa.make_url(url)
        parsed.get_dialect()
    except (sa.exc.ArgumentError, ImportError, ValueError) as bad:
        raise InputError(
            "数据库地址不能使用。",
            "请检查 --database：写作 sqlite:////路径/hub.db 或 postgresql+psycopg://用户@主机/库名。",
        ) from bad
    return parsed


def shown(url: str) -> str:
    """An address as it may be shown: without its password."""
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or url
    return parsed.difference_update_query(_SECRET).render_as_string(hide_password=True)


def _must_stand(url: str) -> None:
    """A SQLite file is made by opening it: it must be there before."""
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise StoreError(f"找不到中心的数据库“{shown(url)}”。", _ADVICE)


def _reached(database: Database, url: str) -> None:
    """A server that does not answer is told in a sentence; a SQLite file always answers."""
    if database.is_sqlite:
        return
    try:
        with database.reader.connect():
            pass
    except sa.exc.OperationalError as bad:
        reason = " ".join(str(bad.orig).split())
        raise StoreError(f"连不上中心的数据库“{shown(url)}”。", f"请检查地址和数据库服务：{reason}") from bad
