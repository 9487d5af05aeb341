"""A first load under way on a device: which parts have come, and the file they are put into.

The parts lie beside the database, encrypted under its own key; what has come stands
in a fact of the database, so that a crash, a restart or a change of carrier goes on
from there (ADR 0014).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import sqlalchemy as sa

from shared.errors import DiskFull, why
from shared.store import sql
from shared.store.facts import read_fact, write_fact
from shared.store.pages import PAGE, SALT, PageCipher
from shared.store.store import Store

FACT = "first_load"
ANEW = "first_load_anew"
"""Fact: since when everything is wanted again, until a first load was swapped in."""
SLACK = 64 << 20
"""What must be free besides the new database."""


class UnderWay(msgspec.Struct, frozen=True):
    """A first load that is not whole yet, or not yet swapped in.

    :param envelope: the head as the hub signed it; :param at: when it stood so.
    :param salt: of the new file. :param have: numbers of the parts that have come.
    :param volumes: of a set of media that have been imported; :param of: how many there are.
    """

    id: str
    at: str
    envelope: bytes
    salt: bytes
    pages: int
    count: int
    have: list[int] = []
    volumes: list[int] = []
    of: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.have) == self.count

    @property
    def percent(self) -> int:
        """For people; 100 only when whole."""
        return len(self.have) * 100 // self.count

    @property
    def missing_volumes(self) -> list[int]:
        """Volumes that have not been imported."""
        return [] if self.whole else sorted(set(range(1, self.of + 1)) - set(self.volumes))


def new_file(path: Path) -> Path:
    """Where the parts of a first load are put, beside the database."""
    return path.with_name(path.name + ".new")


def remove_file(file: Path) -> None:
    """Take away what was put of a first load, with what SQLite keeps beside it."""
    for tail in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + tail).unlink(missing_ok=True)


def under_way(connection: sa.Connection) -> UnderWay | None:
    """The first load this database is waiting for."""
    raw = read_fact(connection, FACT)
    return msgspec.msgpack.decode(raw, type=UnderWay) if raw else None


class Loading:
    """The first load of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        path, key = store.database.path, store.database.key
        self._key = key or b""
        self.file = new_file(path or Path("none"))

    def state(self) -> UnderWay | None:
        """What is under way; None when nothing is, or when its file is gone."""
        with self._store.read() as connection:
            found = under_way(connection)
        if found is not None and found.have and not self.file.exists():
            self.drop()
            return None
        return found

    def begin(self, *, id: str, at: str, envelope: bytes, pages: int, count: int) -> UnderWay:
        """Start a new one; what another had brought is dropped. Raises :class:`DiskFull`."""
        self.drop()
        size = pages * PAGE
        free = shutil.disk_usage(self.file.parent).free
        if free < size + SLACK:
            raise DiskFull(
                f"本机磁盘空间不足：首批数据需要 {_mib(size)} MB，剩余 {_mib(free)} MB。",
                "请清理磁盘后再同步；本机已有的数据没有变动。",
            )
        started = UnderWay(id, at, envelope, os.urandom(SALT), pages, count)
        self._keep(started)
        return started

    def put(self, state: UnderWay, number: int, first_page: int, plain: bytes | memoryview) -> UnderWay:
        """Write a part, encrypted, and note it when it is on the disk."""
        cipher = PageCipher(self._key, state.salt)
        try:
            with _private(self.file) as out:
                out.seek((first_page - 1) * PAGE)
                out.write(cipher.encrypt(first_page, plain))
                out.flush()
                os.fsync(out.fileno())
        except OSError as bad:
            raise DiskFull(
                f"首批数据写不进本机磁盘（{why(bad)}）。", "请清理磁盘后再同步，会接着继续。"
            ) from bad
        return self._keep(msgspec.structs.replace(state, have=sorted({*state.have, number})))

    def note_volume(self, state: UnderWay, index: int, of: int) -> UnderWay:
        """A volume of a set has been imported."""
        volumes = {*state.volumes, index} if state.of == of else {index}
        return self._keep(msgspec.structs.replace(state, volumes=sorted(volumes), of=of))

    def put_off(self, envelope: bytes, payload: bytes) -> None:
        """Keep a stretch of a stream until the first load it follows is in."""
        with self._store.write() as connection:
            sql.execute(
                connection, "INSERT INTO load_tail (envelope, payload) VALUES (?, ?)", (envelope, payload)
            )

    def tail(self) -> Iterator[tuple[bytes, bytes]]:
        """What was put off, in order; each is gone when the next is asked for."""
        while True:
            with self._store.read() as connection:
                row = sql.execute(
                    connection, "SELECT no, envelope, payload FROM load_tail ORDER BY no LIMIT 1"
                ).fetchone()
            if row is None:
                return
            yield bytes(row[1]), bytes(row[2])
            with self._store.write() as connection:
                sql.execute(connection, "DELETE FROM load_tail WHERE no = ?", (row[0],))

    def drop(self) -> None:
        """Forget what is under way."""
        with self._store.write() as connection:
            sql.execute(connection, "DELETE FROM fact WHERE name = ?", (FACT,))
            sql.execute(connection, "DELETE FROM load_tail")
        remove_file(self.file)

    def _keep(self, state: UnderWay) -> UnderWay:
        with self._store.write() as connection:
            write_fact(connection, FACT, msgspec.msgpack.encode(state))
        return state


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _mib(size: int) -> str:
    return f"{-(-size // (1 << 20)):,}"
