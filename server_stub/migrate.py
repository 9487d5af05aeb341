"""Opening the hub's database at the schema this program knows."""

from __future__ import annotations

import sqlalchemy as sa

from shared.errors import InputError, StoreError
from shared.store.database import Database, open_url
from shared.store.migrate import HUB, bring_up


def open_hub_database(url: str) -> Database:
    """Open and bring up to date; a SQLite hub gets its copy first, PostgreSQL has its own backups."""
    try:
        database = open_url(url)
    except (sa.exc.ArgumentError, ImportError) as bad:
        raise InputError(
            f"数据库地址不能使用：{bad}", "请检查 --database；PostgreSQL 需安装 psycopg。"
        ) from bad
    try:
        _reached(database)
        bring_up(database, HUB)
    except BaseException:
        database.close()
        raise
    return database


def _reached(database: Database) -> None:
    """A server that does not answer is told in a sentence; a SQLite file always answers."""
    if database.is_sqlite:
        return
    try:
        with database.reader.connect():
            pass
    except sa.exc.OperationalError as bad:
        raise StoreError("连不上中心的数据库。", f"请检查地址和数据库服务：{bad.orig}".strip()) from bad
