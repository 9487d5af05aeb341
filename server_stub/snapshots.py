"""First loads at the hub: built once for a scope, kept while fresh, offered in parts (ADR 0014)."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa
import zstandard

from server_stub import snapshot_build
from server_stub.keys import HubKeys
from shared.errors import StoreError
from shared.ids import new_id
from shared.store import sql
from shared.store.migrate import HEAD
from shared.store.pages import PAGE
from shared.store.store import Store
from sync.first_load import PART_PAGES, Head
from sync.messages import PROTOCOL, Ask, Cursor
from sync.sealing import ZSTD_LEVEL

LARGE = 20_000
"""So many changes a device would have to follow from the start make a snapshot worth its while; a
kept one is built anew when the streams have gone on by as many."""
KEEP_SECONDS = 14 * 24 * 3600
"""How long a snapshot stays after its last use, once a newer one of its scope is there."""
DEAD_SECONDS = 120
"""A building mark that nobody touched for so long is that of a hub that was stopped."""
PATIENCE = 15.0
"""How long an answer over the network waits for a snapshot before it says: ask again."""
ASK_AGAIN_SECONDS = 10


class _Note(msgspec.Struct, frozen=True):
    """What lies beside the pages. :param packed: bytes each part takes when compressed."""

    scope: str
    head: Head
    packed: list[int]


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot that can be sent."""

    head: Head
    packed: list[int]
    path: Path

    def read(self, number: int) -> bytes:
        """The plain pages of one part."""
        with self.path.open("rb") as file:
            file.seek(number * self.head.part_pages * PAGE)
            return file.read(self.head.size_of(number))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a device gets instead of streams.

    :param kept: None while it is being built.
    :param missing: numbers of the parts the device does not have.
    """

    kept: Kept | None
    missing: list[int]


class _Stopped(Exception):
    """The hub is closing."""


class Snapshots:
    """Builds, keeps and finds the snapshots of one hub.

    :param folder: 0700; only the hub reads it. Several processes may share it.
    """

    def __init__(self, store: Store, keys: HubKeys, epoch: str, folder: Path) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch
        self._folder = folder
        self._lock = threading.Lock()
        self._building: dict[str, threading.Thread] = {}
        self._failed: set[str] = set()
        self._closing = threading.Event()
        self.large = LARGE
        self.part_pages = PART_PAGES
        self.patience = PATIENCE

    def close(self) -> None:
        """Stop what is being built; it is begun again when somebody asks."""
        self._closing.set()
        for thread in list(self._building.values()):
            thread.join()

    def offer(
        self, streams: Sequence[str], ask: Ask, stands: Mapping[str, Cursor], *, at_once: bool
    ) -> Offer | None:
        """What to send a device instead of streams; None when streams are the better way.

        :param stands: where the device stands in each stream, 0 where it must begin.
        :param at_once: build now rather than let the device ask again.
        """
        holding = ask.snapshot
        if holding is None or holding.schema < HEAD:
            return None
        scope = _scope(self._epoch, streams)
        begun = self._by_id(holding.id, scope)
        if begun is not None:
            have = set(holding.parts)
            return Offer(begun, [n for n in range(begun.head.count) if n not in have])
        if not self.shorten(streams, stands) and not holding.anew:
            return None
        kept = self._fresh(scope, streams, stands, self._now())
        if kept is None and scope not in self._failed:
            self._begin(scope, streams)
            self._await(scope, None if at_once else self.patience)
            kept = self._fresh(scope, streams, stands, self._now())
        if kept is not None:
            return Offer(kept, list(range(kept.head.count)))
        if scope in self._failed:  # streams serve this device; the next one tries again
            self._failed.discard(scope)
            return None
        return Offer(None, [])

    def shorten(self, streams: Sequence[str], stands: Mapping[str, Cursor]) -> bool:
        """Whether what a device has yet to hear from their beginnings is long enough for a snapshot."""
        now = self._now()
        begun = {name for name, at in stands.items() if at.n}
        return sum(now.get(name, 0) for name in streams if name not in begun) >= self.large

    def build(self, streams: Sequence[str]) -> Kept:
        """Build one now, whoever waits; raises :class:`StoreError` or :class:`OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scope, name = _scope(self._epoch, streams), new_id()
        part, target = self._folder / f"{name}.part", self._folder / f"{name}.db"
        mark = self._folder / f"{scope}.building"
        at = self._store.clock.stamp()
        try:
            moment = snapshot_build.build(
                self._store, streams, self._epoch, part, lambda: self._alive(mark)
            )
            hashes, packed = _measured(part, self.part_pages, lambda: self._alive(mark))
            head = Head(
                v=PROTOCOL, hub_id=self._keys.hub_id, id=name, epoch=self._epoch, at=at, schema=HEAD,
                cursors={s: Cursor(self._epoch, n, head) for s, n, head in moment.cursors},
                pages=part.stat().st_size // PAGE, part_pages=self.part_pages, parts=hashes,
                rows=moment.rows,
            )  # fmt: skip
            os.replace(part, target)
        finally:
            for left in self._folder.glob(f"{name}.part*"):
                left.unlink(missing_ok=True)
        note = msgspec.msgpack.encode(_Note(scope, head, packed))
        _write_durably(self._folder / f"{name}.head", note)
        self._sweep(scope, name)
        return Kept(head, packed, target)

    # --- inside --------------------------------------------------------------
    def _now(self) -> dict[str, int]:
        with self._store.read() as connection:
            return _numbers(connection)

    def _alive(self, mark: Path) -> None:
        if self._closing.is_set():
            raise _Stopped
        with suppress(FileNotFoundError):
            os.utime(mark)

    def _begin(self, scope: str, streams: Sequence[str]) -> None:
        """Start building unless this or another process is at it."""
        with self._lock:
            running = self._building.get(scope)
            if (running is not None and running.is_alive()) or self._closing.is_set():
                return
            thread = threading.Thread(target=self._work, args=(scope, list(streams)), name="first load")
            self._building[scope] = thread
            thread.start()

    def _work(self, scope: str, streams: list[str]) -> None:
        try:
            with self._alone(scope) as ours:
                if ours:
                    self.build(streams)
        except _Stopped:
            return
        except (StoreError, OSError):  # full disk, unreachable database: streams serve as well
            self._failed.add(scope)

    @contextmanager
    def _alone(self, scope: str) -> Iterator[bool]:
        """Whether this process builds this scope; another one's mark that is dead is taken over."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = self._folder / f"{scope}.building"
        with suppress(FileNotFoundError):
            if time.time() - mark.stat().st_mtime > DEAD_SECONDS:
                mark.unlink()
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            yield False
            return
        try:
            yield True
        finally:
            mark.unlink(missing_ok=True)

    def _await(self, scope: str, seconds: float | None) -> None:
        thread = self._building.get(scope)
        if thread is not None:
            thread.join(seconds)

    def _fresh(
        self, scope: str, streams: Sequence[str], stands: Mapping[str, Cursor], now: Mapping[str, int]
    ) -> Kept | None:
        """The newest of a scope that takes the device nowhere back and is not far behind."""
        for note in sorted(self._notes(scope), key=lambda n: (n.head.at, n.head.id), reverse=True):
            inside = {name: c.n for name, c in note.head.cursors.items()}
            behind = sum(now.get(name, 0) - inside.get(name, 0) for name in streams)
            back = any(stands[name].n > inside.get(name, 0) for name in streams)
            if behind < self.large and not back:
                return self._kept(note)
        return None

    def kept(self, streams: Sequence[str]) -> list[str]:
        """Ids of the snapshots of a scope that are here, newest first."""
        notes = self._notes(_scope(self._epoch, streams))
        return [n.head.id for n in sorted(notes, key=lambda n: (n.head.at, n.head.id), reverse=True)]

    def _by_id(self, name: str, scope: str) -> Kept | None:
        found = [n for n in self._notes(scope) if n.head.id == name] if name else []
        return self._kept(found[0]) if found else None

    def _kept(self, note: _Note) -> Kept | None:
        path = self._folder / f"{note.head.id}.db"
        try:
            whole = path.stat().st_size == note.head.pages * PAGE
            os.utime(path.with_suffix(".head"))  # in use: not to be swept yet
        except FileNotFoundError:
            return None
        return Kept(note.head, note.packed, path) if whole else None

    def _notes(self, scope: str) -> list[_Note]:
        found: list[_Note] = []
        for path in self._folder.glob("*.head"):
            with suppress(FileNotFoundError, msgspec.DecodeError):
                note = msgspec.msgpack.decode(path.read_bytes(), type=_Note)
                if note.scope == scope and note.head.schema == HEAD:
                    found.append(note)
        return found

    def _sweep(self, scope: str, newest: str) -> None:
        """Remove what nobody fetches any more: older ones of this scope, and of all after a time."""
        old = time.time() - KEEP_SECONDS
        for path in self._folder.glob("*.head"):
            with suppress(FileNotFoundError):
                if path.stem != newest and path.stat().st_mtime < old:
                    path.with_suffix(".db").unlink(missing_ok=True)
                    path.unlink()
        for path in [*self._folder.glob("*.part*"), *self._folder.glob("*.db")]:
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < old and not path.with_suffix(".head").exists():
                    path.unlink()


def _numbers(connection: sa.Connection) -> dict[str, int]:
    return {str(r[0]): int(r[1]) for r in sql.execute(connection, "SELECT name, n FROM stream")}


def _scope(epoch: str, streams: Sequence[str]) -> str:
    """A name for a set of streams of one epoch."""
    return hashlib.sha256("\n".join([epoch, *sorted(streams)]).encode()).hexdigest()[:32]


def _measured(path: Path, part_pages: int, alive: snapshot_build.Alive) -> tuple[list[bytes], list[int]]:
    """Hash of each part, and its size when compressed; the file is on the disk afterwards."""
    hashes: list[bytes] = []
    packed: list[int] = []
    with path.open("r+b") as file:
        while data := file.read(part_pages * PAGE):
            alive()
            hashes.append(hashlib.sha256(data).digest())
            packed.append(len(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)))
        os.fsync(file.fileno())
    return hashes, packed


def _write_durably(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".note")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, path)


__all__ = ["ASK_AGAIN_SECONDS", "LARGE", "Kept", "Offer", "Snapshots"]
