"""Opening databases: SQLCipher on the client, SQLite or PostgreSQL at the hub.

Two engines on one database: ``writer`` (one connection, only the write door
uses it) and ``reader`` (opened with ``query_only`` / ``default_transaction_read_only``,
so that a write elsewhere is refused by the database itself).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from shared.errors import DatabaseBusy, DiskFull, StoreError, WrongPassword
from shared.store import lost_file

CACHE_KIB = 96 * 1024
HUB_CACHE_KIB = 512 * 1024
"""Pages the hub's writer keeps: the id indexes of some millions of records, whose every page new
ids hit at random; at most a sixteenth of the machine's memory, never less than others have."""
HUB_LOG_PAGES = 65_536
"""Write-ahead log (256 MiB of pages) after which the hub folds it into the database file. Random ids
make a change set touch as many pages as it has records; a page touched by several sets is then
folded in once. More would make a start after a crash, which reads the log, take long."""
BUSY_MS = 10_000


@dataclass(frozen=True)
class Database:
    """Both engines of one database.

    :param key: raw 32-byte SQLCipher key; None for plain SQLite or PostgreSQL.
    """

    writer: sa.Engine
    reader: sa.Engine
    path: Path | None = None
    key: bytes | None = None

    @property
    def is_sqlite(self) -> bool:
        """SQLite or SQLCipher."""
        return self.writer.dialect.name == "sqlite"

    def close(self) -> None:
        """Give all connections back."""
        self.reader.dispose()
        self.writer.dispose()


def open_cipher(path: Path, key: bytes) -> Database:
    """Open (or create) an SQLCipher file with a raw key.

    Raises :class:`WrongPassword` when the key does not fit, :class:`StoreError`
    when the file is not a database.
    """
    if len(key) != 32:
        raise ValueError("a raw SQLCipher key has 32 bytes")
    return _own_sqlite(path, key)


def open_plain(path: Path) -> Database:
    """A plain file by the client's own SQLite, whose FTS5 knows what the search tables need."""
    return _own_sqlite(path, None)


def _own_sqlite(path: Path, key: bytes | None) -> Database:
    from sqlcipher3 import dbapi2

    def create(read_only: bool) -> Any:
        try:
            handle = dbapi2.connect(str(path), timeout=BUSY_MS / 1000, check_same_thread=False)
        except dbapi2.DatabaseError as bad:
            raise _explain_open(bad) from bad
        if key is not None:
            handle.execute("PRAGMA cipher_log_level = NONE")
            handle.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
            handle.execute("PRAGMA cipher_memory_security = OFF")
        try:
            _prepare_sqlite(handle, read_only)
        except dbapi2.DatabaseError as bad:
            handle.close()
            raise _explain_open(bad) from bad
        return handle

    # The pysqlcipher dialect would issue PRAGMA key again; plain sqlite does not.
    # The module tells SQLAlchemy whose errors these are.
    return _sqlite_pair(create, path, key, dbapi2)


def open_url(url: str) -> Database:
    """Open the hub's database: ``sqlite:///path`` or ``postgresql+psycopg://…``."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "").absolute()
        _make(path)
        there = f"{path.as_uri()}?mode=rw"  # a file that vanishes later is not made anew, empty

        def create(read_only: bool) -> Any:
            handle = sqlite3.connect(there, uri=True, timeout=BUSY_MS / 1000, check_same_thread=False)
            _prepare_sqlite(handle, read_only)
            if not read_only:
                _prepare_growth(handle)
            return handle

        opened = _sqlite_pair(create, path, None, sqlite3)
        lost_file.watch(opened.writer, path, writing=True)
        lost_file.watch(opened.reader, path, writing=False)
        return opened
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    writer = sa.create_engine(
        parsed, pool_size=2, max_overflow=2, pool_pre_ping=True, hide_parameters=True
    )
    reader = sa.create_engine(
        parsed,
        pool_size=4,
        pool_pre_ping=True,
        hide_parameters=True,  # values of rows may be personal: never in a message or a log
        connect_args={"options": "-c default_transaction_read_only=on"},
    )
    return Database(writer, reader)


def _make(path: Path) -> None:
    """An empty file is an empty database."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _sqlite_pair(create: Any, path: Path, key: bytes | None, module: Any) -> Database:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    writer = sa.create_engine(
        "sqlite://", module=module, creator=lambda: create(False), poolclass=QueuePool, pool_size=1,
        max_overflow=0, hide_parameters=True,
    )
    # SQLAlchemy must not begin for us: the write door says BEGIN IMMEDIATE itself.
    sa.event.listen(writer, "connect", _manual_begin)
    sa.event.listen(writer, "begin", _begin_immediate)
    reader = sa.create_engine(
        "sqlite://", module=module, creator=lambda: create(True), poolclass=QueuePool, pool_size=4,
        max_overflow=4, hide_parameters=True,
    )
    if fresh:
        with writer.connect():
            pass
        os.chmod(path, 0o600)
    return Database(writer, reader, path, key)


def _prepare_sqlite(handle: Any, read_only: bool) -> None:
    handle.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not read_only:
        handle.execute("PRAGMA journal_mode = WAL")
    # Committed must mean committed, also when the power goes: a signed change set or a receipt
    # that vanished from its own database would be a fork, or a loss nobody notices.
    handle.execute("PRAGMA synchronous = FULL")
    handle.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    handle.execute("PRAGMA temp_store = MEMORY")
    handle.execute("PRAGMA foreign_keys = ON")
    if read_only:
        handle.execute("PRAGMA query_only = 1")


def _prepare_growth(handle: Any) -> None:
    """What the one who writes to a hub of millions of records needs beyond the usual."""
    cache = max(CACHE_KIB, min(HUB_CACHE_KIB, _memory_kib() // 16))
    handle.execute(f"PRAGMA cache_size = -{cache}")
    handle.execute(f"PRAGMA wal_autocheckpoint = {HUB_LOG_PAGES}")


def _memory_kib() -> int:
    """The machine's memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    except (AttributeError, ValueError, OSError):
        return 0


def _manual_begin(handle: Any, _: Any) -> None:
    handle.isolation_level = None


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _explain_open(bad: Exception) -> StoreError:
    text = str(bad)
    if "not a database" in text or "malformed" in text:
        return WrongPassword("密码不正确，或数据库文件已损坏。", "请重新输入；若多次失败，请联系管理员。")
    return explain(bad)


_ABOUT_FILES = (
    "locked", "busy", "full", "disk I/O", "unable to open", "malformed", "not a database",
)  # fmt: skip


def explain(bad: Exception) -> StoreError:
    """A database error as a sentence; unknown ones keep their text."""
    text = str(bad)
    if "locked" in text or "busy" in text:
        return DatabaseBusy("数据库正被本程序的另一个窗口使用。", "请先关闭另一个窗口，再试一次。")
    if "malformed" in text or "not a database" in text:
        return StoreError("本机的数据库文件已损坏。", "请退出程序，把数据文件夹另存一份，再从备份恢复。")
    if "disk I/O" in text:
        return StoreError(
            "本机磁盘读写出错，本次没有写入任何数据。",
            "请检查磁盘是否已满或已损坏，然后重试；已保存的数据没有变动。",
        )
    if "unable to open" in text:
        return StoreError("本机的数据库文件打不开。", "请检查数据文件夹是否还在、能否读写，然后重新登录。")
    if "full" in text:
        return DiskFull("磁盘空间不足，本次没有写入任何数据。", "请清理磁盘后重试；已录入内容仍在草稿中。")
    return StoreError("数据库无法使用。", f"请把这句话告诉管理员：{text}")


_CROSSWISE = ("40001", "40P01", "55P03")
"""SQLSTATE of a transaction that PostgreSQL gave up for another one's sake."""
_LOST = ("08", "57P")
_SHORT = "53"
_FULL = "53100"


def explain_server(bad: Exception) -> StoreError | None:
    """What PostgreSQL says of itself, in whatever language, as a sentence; None for a mistake of ours.

    Nothing of the transaction stands then, so whoever asked may ask again.
    """
    state = str(getattr(bad, "sqlstate", None) or "")
    if state in _CROSSWISE:
        return DatabaseBusy("中心的数据库正忙，这一步没有做成。", "没有改动任何数据，请再做一次。")
    if state == _FULL:
        return DiskFull("中心数据库的磁盘空间不足，这一步没有做成。", "请清理数据库所在的磁盘后重试。")
    if state.startswith(_SHORT):
        return DatabaseBusy("中心的数据库连接或内存不够，没有做成。", "请稍后再做一次，或增加连接数。")
    if not state or state.startswith(_LOST):
        return DatabaseBusy("与中心数据库的连接断开了，这一步没有做成。", "请检查数据库服务，然后再做一次。")
    return None


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what the driver says about file, disk and server (locked, full, damaged, gone) into sentences."""
    try:
        yield
    except sa.exc.DatabaseError as bad:
        original = bad.orig if isinstance(bad.orig, Exception) else bad
        about_file = type(bad) in (sa.exc.OperationalError, sa.exc.DatabaseError)
        if hasattr(original, "sqlstate"):
            said = explain_server(original) if about_file else None
            if said is not None:
                raise said from bad
            raise
        if about_file and any(word in str(original) for word in _ABOUT_FILES):
            raise explain(original) from bad
        raise
