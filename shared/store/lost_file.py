"""Noticing that a database file is no longer the one that was opened.

A file that was deleted, replaced, or whose disk was taken away goes on taking writes as long as it is
open, and nobody will ever read them. So each transaction looks whether the names still lead to
what is open: when it begins, and again before it commits (two ``stat`` calls each).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.errors import DatabaseLost

_OPENED, _LOG = "yizhan file", "yizhan log"

Identity = tuple[int, int] | None


def watch(engine: sa.Engine, path: Path, *, writing: bool) -> None:
    """Have every transaction raise :class:`DatabaseLost` once the file is another one, or gone.

    :param writing: look at the write-ahead log too, and before a commit. Listens to ``begin`` and
        must be told after whoever begins the transaction: the log is open only then.
    """
    log = path.with_name(path.name + "-wal")

    def opened(_: Any, record: Any) -> None:
        record.info[_OPENED] = _identity(path)

    def look(connection: sa.Connection) -> None:
        if _identity(path) != connection.info[_OPENED]:
            raise _lost(path)
        if writing and connection.info.setdefault(_LOG, _identity(log)) != _identity(log):
            raise _lost(log)

    sa.event.listen(engine, "connect", opened)
    sa.event.listen(engine, "begin", look)
    if writing:
        sa.event.listen(engine, "commit", look)


def _identity(path: Path) -> Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lost(path: Path) -> DatabaseLost:
    return DatabaseLost(
        "中心的数据库文件已不在原处，或被换成了另一个文件；没有收下任何数据，也没有签发回执。",
        f"请停止中心服务，检查数据盘是否已挂载、“{path}”是否还在，放回后重新启动；"
        "确已丢失时，用 restore 从备份恢复。",
    )
