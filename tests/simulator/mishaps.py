"""What machines do to us: crashes at any durable step, power cuts that forget, disks that are full.

A durable step is a commit, an fsync, a rename, an unlink, or a file opened for writing,
by a seat, the hub, or either of them on a stick. A crash leaves what the operating
system had; what the dead would still do (``finally``, ``except``) does not happen. A
power cut also forgets what was not flushed. A full disk fails every write until the
step of the history is over.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

CRASH, POWER, FULL = "crash", "power", "full"
_OURS = tuple(str(Path(__file__).parents[2] / room) + os.sep for room in ("sync", "shared", "server_stub"))
_DOORS = ("store.py", "contextlib.py")
_unlink = os.unlink


class Crash(BaseException):
    """The program of a seat, or the hub's, is no more."""

    def __init__(self, who: str) -> None:
        super().__init__(who)
        self.who = who


@dataclass
class Mishaps:
    """The tripwire over everything below ``folder``.

    :param folder: of one history: ``hub``, ``hub.db``, ``seat0`` …, ``stick``.
    :param hits: how often each durable step met with a mishap.
    """

    folder: Path
    rng: random.Random
    hits: Counter[str] = field(default_factory=Counter)
    cuts_power: bool = False
    steps: int = 0
    dead: set[str] = field(default_factory=set)
    full: bool = False
    mode: str = ""
    fired: str = ""
    _left: int = 0
    _after: bool = False
    _acting: str = ""
    _flushed: dict[str, bytes | None] = field(default_factory=dict)
    _moved: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)
    _sqlite: set[str] = field(default_factory=set)
    _wal: dict[str, int] = field(default_factory=dict)

    # --- by the world ------------------------------------------------------------
    def arm(self, mode: str, steps: int, *, after: bool = False) -> None:
        """In so many durable steps from now it happens, before the step or just after it."""
        self.mode, self._left, self._after, self.fired = mode, steps, after, ""

    def disarm(self) -> None:
        """Not now."""
        self.mode, self.full = "", False

    @contextmanager
    def acting(self, who: str) -> Iterator[None]:
        """Whose steps these are where the place does not say it (a stick)."""
        before, self._acting = self._acting, who
        try:
            yield
        finally:
            self._acting = before

    def watch(self, engine: sa.Engine, who: str) -> None:
        """Commits of this engine are durable steps of ``who``."""
        real = engine.dialect.do_commit
        if engine.dialect.name == "sqlite":
            self._sqlite.add(who)

        def do_commit(connection: Any) -> None:
            self._step(who, "commit", lambda: self._committed(real, connection, who), engine.dialect)

        engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]

    def die(self, who: str, close: Callable[[], None], database: Path | None) -> None:
        """Bury ``who`` as the mode says: its files are as the next start will find them."""
        kept: dict[Path, bytes] = {}
        if self.mode == POWER and database is not None:
            kept = self._after_power_cut(database, who)
        close()
        for path in self._database_files(database) if kept else ():
            put(str(path), kept.get(path))
        if database is not None and (wal := Path(f"{database}-wal")) in kept:
            self._wal[who] = len(kept[wal])  # what survived is on the disk
        if self.mode == POWER:
            self._forget(who)
        self.dead.discard(who)
        self.disarm()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, files below the folder are ours."""
        real_open, os_open = io.open, os.open
        reals = {n: getattr(os, n) for n in ("fsync", "rename", "replace", "unlink", "remove")}

        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+") or not (who := self._whose(file)):
                return real_open(file, mode, *args, **options)
            self._before_write(file)
            made = self._step(who, "open", lambda: real_open(file, mode, *args, **options))
            return _Watched(made, self, who) if "b" in mode else made

        def low_opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
            who = self._whose(path) if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) else ""
            if not who:
                return os_open(path, flags, *args, **options)
            self._before_write(path)
            return int(self._step(who, "open", lambda: os_open(path, flags, *args, **options)))

        def fsync(handle: int) -> None:
            where = os.readlink(f"/proc/self/fd/{handle}")
            if who := self._whose(where):
                self._step(who, "fsync", lambda: self._flush(where, lambda: reals["fsync"](handle)))
            else:
                reals["fsync"](handle)

        def moving(name: str) -> Callable[..., None]:
            def move(source: Any, target: Any, **options: Any) -> None:
                if who := self._whose(target):
                    self._step(who, "rename", lambda: self._move(reals[name], source, target))
                else:
                    reals[name](source, target, **options)

            return move

        def removing(name: str) -> Callable[..., None]:
            def remove(path: Any, **options: Any) -> None:
                if who := self._whose(path):
                    self._before_write(path)
                    self._step(who, "unlink", lambda: reals[name](path, **options))
                else:
                    reals[name](path, **options)

            return remove

        with ExitStack() as stack:
            stack.enter_context(patch.object(io, "open", opened))
            stack.enter_context(patch.object(builtins, "open", opened))
            stack.enter_context(patch.object(os, "open", low_opened))
            stack.enter_context(patch.object(os, "fsync", fsync))
            for name in ("rename", "replace"):
                stack.enter_context(patch.object(os, name, moving(name)))
            for name in ("unlink", "remove"):
                stack.enter_context(patch.object(os, name, removing(name)))
            yield

    # --- a step --------------------------------------------------------------------
    def _step(self, who: str, what: str, do: Callable[[], Any], dialect: Any = None) -> Any:
        if who in self.dead:
            raise Crash(who)
        if self.full and what in ("commit", "open"):
            self._no_room(dialect)
        self.steps += 1
        self._left -= 1
        if not self.mode or self._left != 0 or self.fired:
            return do()
        self.fired = f"{'seat' if who != 'hub' else who} {_place()} {what}"
        if self.mode == FULL:
            self.full = True
            self.hits[f"full {self.fired}"] += 1
            if what in ("commit", "open"):
                self._no_room(dialect)
            return do()
        self.hits[f"{self.mode} {self.fired}"] += 1
        if self._after:
            done = do()
            if hasattr(done, "close"):
                done.close()
        self.dead.add(who)
        raise Crash(who)

    def _no_room(self, dialect: Any) -> None:
        if dialect is not None:
            raise dialect.loaded_dbapi.OperationalError("database or disk is full")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wrote(self, who: str) -> None:
        """A write to a file: not durable, but it may find no room."""
        if who in self.dead:
            raise Crash(who)
        if self.full:
            self._no_room(None)

    def _whose(self, path: Any) -> str:
        try:
            inside = Path(os.fspath(path)).relative_to(self.folder)
        except (ValueError, TypeError):
            return ""
        top = inside.parts[0] if inside.parts else ""
        if top == "stick":
            return self._acting
        return "hub" if top == "hub" else top if top.startswith("seat") else ""

    # --- what a power cut leaves -----------------------------------------------------
    def _committed(self, real: Callable[[Any], None], connection: Any, who: str) -> None:
        """Commit, and note how much of the log is on the disk for certain then."""
        real(connection)
        if not self.cuts_power or who not in self._sqlite:
            return
        handle = connection.driver_connection
        (level,) = handle.execute("PRAGMA synchronous").fetchone()
        (_, _, name) = handle.execute("PRAGMA database_list").fetchone()
        wal = Path(f"{name}-wal")
        if level >= 2 and wal.exists():
            self._wal[who] = wal.stat().st_size

    def _after_power_cut(self, database: Path, who: str) -> dict[Path, bytes]:
        kept = {p: p.read_bytes() for p in self._database_files(database) if p.exists()}
        wal = Path(f"{database}-wal")
        if wal in kept:
            least = min(self._wal.get(who, 0), len(kept[wal]))
            kept[wal] = kept[wal][: self.rng.randint(least, len(kept[wal]))]
        kept.pop(Path(f"{database}-shm"), None)
        return kept

    @staticmethod
    def _database_files(database: Path | None) -> list[Path]:
        return [Path(f"{database}{end}") for end in ("", "-wal", "-shm")] if database else []

    def _before_write(self, path: Any) -> None:
        name = str(path)
        if ".db" in os.path.basename(name):
            return  # databases look after themselves; see die()
        if name not in self._flushed:
            self._flushed[name] = _content(name)

    def _flush(self, where: str, real: Callable[[], None]) -> None:
        real()
        if os.path.isdir(where):
            for name in [n for n in self._moved if os.path.dirname(n) == where]:
                del self._moved[name]
            for name in [n for n in self._flushed if os.path.dirname(n) == where and not os.path.exists(n)]:
                self._flushed[name] = None
        else:
            self._flushed[where] = _content(where)

    def _move(self, real: Callable[..., None], source: Any, target: Any) -> None:
        self._before_write(source)
        self._before_write(target)
        real(source, target)
        if str(target) not in self._flushed:
            return  # a database
        self._moved[str(target)] = (str(source), self._flushed[str(target)])
        self._flushed[str(target)] = self._flushed[str(source)]
        self._flushed[str(source)] = None

    def _forget(self, who: str) -> None:
        """Everything not flushed is there, or not, or half."""
        own = [n for n in self._flushed if self._whose(n) in (who, "")]
        for name in sorted(own):
            flushed = self._flushed.pop(name)
            moved = self._moved.pop(name, None)
            if moved is not None and self.rng.random() < 0.5:
                source, before = moved
                put(source, flushed)
                put(name, before)
                continue
            now = _content(name)
            if now == flushed:
                continue
            choices = [flushed, now, now and now[: self.rng.randrange(len(now))]]
            put(name, self.rng.choice(choices))


class _Watched:
    """A file opened for writing; fails when the disk is full or its program dead."""

    def __init__(self, real: Any, mishaps: Mishaps, who: str) -> None:
        self._real, self._mishaps, self._who = real, mishaps, who

    def write(self, data: Any) -> int:
        self._mishaps.wrote(self._who)
        return int(self._real.write(data))

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _content(name: str) -> bytes | None:
    try:
        with io.FileIO(name) as stream:
            return stream.readall()
    except (FileNotFoundError, IsADirectoryError):
        return None


def put(name: str, data: bytes | None) -> None:
    """A file is as it shall be, behind the tripwire's back; None removes it."""
    if data is None:
        if os.path.exists(name):
            _unlink(name)
        return
    with io.FileIO(name, "w") as out:
        out.write(data)


def _place() -> str:
    """The function of ours that takes the step."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OURS) and not name.endswith(_DOORS):
            return f"{Path(name).stem}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "capture"
