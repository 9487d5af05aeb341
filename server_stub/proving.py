"""The hub's evidence gone through at an administrator's wish: seldom, beside the serving, the result kept."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa

from server_stub import checking
from server_stub.keys import HubKeys
from server_stub.snapshot_build import one_moment
from server_stub.tokens import ACTOR as TOKEN
from shared.access import HUB_ACTOR
from shared.errors import DatabaseBusy, StoreError
from shared.store import audit
from shared.store.facts import read_fact, read_text, write_fact, write_text
from shared.store.store import Store
from sync.messages import Proven

RESULT, BEGAN, WAITING = "hub_proofs", "hub_proofs_began", "hub_proofs_for:"
SELDOM = timedelta(minutes=10)
"""However often it is asked for, everything is gone through no more than once in this time."""
PATIENCE = 15.0
"""Seconds an answer over the network waits for the result before it goes without."""


class Result(msgspec.Struct, frozen=True):
    """What the last going-through found. :param at: ISO time when it began, by the hub's clock."""

    at: str
    proofs: list[Proven]

    @property
    def words(self) -> str:
        """What does not fit; empty when all does."""
        return "；".join(f"{one.title}：{one.trouble}" for one in self.proofs if one.trouble)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says of it.

    :param running: what was asked for is not there yet.
    """

    result: Result | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Where going through the evidence stands.

    :param began_at: when the newest began, ``""`` never; :param running: its result is not there yet.
    """

    began_at: str
    running: bool
    result: Result | None


class _Stopped(Exception):
    """The hub is closing."""


class HubProofs:
    """Goes through the evidence of one hub.

    :param turn: file that the process which does so holds.
    :param refresh: renews ``keys`` when another process has changed them.
    """

    def __init__(self, store: Store, keys: HubKeys, turn: Path, refresh: Callable[[], None]) -> None:
        self._store = store
        self._keys = keys
        self._refresh = refresh
        self._turn = turn
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._closing = threading.Event()
        self.patience = PATIENCE

    def close(self) -> None:
        """Stop after the kind of evidence that is being looked at."""
        self._closing.set()
        if self._running is not None:
            self._running.join()

    def latest(self) -> Result | None:
        """What the last going-through found; None before the first."""
        with self._store.read() as connection:
            kept = read_fact(connection, RESULT)
        return msgspec.msgpack.decode(kept, type=Result) if kept else None

    def known(self) -> Asked:
        """Where it stands; asks for nothing."""
        with self._store.read() as connection:
            return _stands(connection)

    def ask(self, who: str) -> Asked:
        """Begin in the background, unless one began less than :data:`SELDOM` ago; does not wait.

        :param who: name of the token that asks, for the audit chain.
        """
        now = self._store.clock.stamp()
        with self._store.write() as connection:
            audit.hold(connection)  # one process begins, the others see that it did
            before = _stands(connection)
            due = not before.began_at or _apart(before.began_at, now) >= SELDOM
            if due:
                write_text(connection, BEGAN, now)
                audit.note(connection, now, TOKEN + who, "check_asked")
        if not due:
            return before
        self._begin()
        return Asked(now, True, before.result)

    def run(self, tell: checking.Tell = lambda _: None) -> Result:
        """Go through everything now, note it in the audit chain and keep the result."""
        at = self._store.clock.stamp()
        try:
            with one_moment(self._store) as connection:
                _stands(connection)  # the moment begins; what is signed in it, the file has keys for by now
                self._refresh()
                found = checking.prove(connection, self._keys, tell)
            proofs = [Proven(one.title, one.count, one.trouble) for one in found]
        except DatabaseBusy:
            raise  # says nothing about the evidence
        except StoreError as bad:  # a database that cannot be read through is a finding, not a failure
            proofs = [Proven(checking.FILE, 0, bad.message.rstrip("。"))]
        result = Result(at, proofs)
        with self._store.write() as connection:
            # The chain's end before the facts, as whoever asks holds them.
            audit.note(connection, at, HUB_ACTOR.user, "checked", result.words or "完好")
            write_fact(connection, RESULT, msgspec.msgpack.encode(result))
            write_text(connection, BEGAN, at)
        return result

    def answer(self, device: str, *, at_once: bool) -> Said:
        """What a device that asks hears.

        :param at_once: wait until the result is there.
        """
        now = self._store.clock.stamp()
        with self._store.write() as connection:
            asked = read_text(connection, WAITING + device)
            began = read_text(connection, BEGAN)
            due = not began or _apart(began, now) >= SELDOM
            kept = read_fact(connection, RESULT)
            result = msgspec.msgpack.decode(kept, type=Result) if kept else None
            told = result is not None and (not due or (asked and result.at >= asked))
            if told and result is not None and result.at >= began:
                write_text(connection, WAITING + device, "")
                return Said(result)
            if due:
                write_text(connection, BEGAN, now)
            write_text(connection, WAITING + device, asked or (now if due else began))
        if due:
            self._begin()
        running = self._running
        if running is not None:
            running.join(None if at_once else self.patience)
        found = self.latest()
        if found is not None and found.at >= (asked or (now if due else began)):
            with self._store.write() as connection:
                write_text(connection, WAITING + device, "")
            return Said(found)
        return Said(running=True)

    def _begin(self) -> None:
        with self._lock:
            if self._closing.is_set() or (self._running is not None and self._running.is_alive()):
                return
            self._running = threading.Thread(target=self._work, name="evidence")
            self._running.start()

    def _work(self) -> None:
        try:
            with _alone(self._turn) as mine:
                if mine:
                    self.run(self._go_on)
        except (_Stopped, StoreError):
            with contextlib.suppress(StoreError), self._store.write() as connection:
                found = _stands(connection).result  # asked for again, it begins again
                write_text(connection, BEGAN, found.at if found is not None else "")

    def _go_on(self, _: str) -> None:
        if self._closing.is_set():
            raise _Stopped


def _stands(connection: sa.Connection) -> Asked:
    kept, began = read_fact(connection, RESULT), read_text(connection, BEGAN)
    result = msgspec.msgpack.decode(kept, type=Result) if kept else None
    return Asked(began, bool(began) and (result is None or result.at < began), result)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no other process of this hub goes through its evidence now; until the end of the block."""
    try:
        import fcntl
    except ImportError:  # Windows: one process serves there
        yield True
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def _apart(earlier: str, later: str) -> timedelta:
    return datetime.fromisoformat(later) - datetime.fromisoformat(earlier)


__all__ = ["Asked", "HubProofs", "Result", "Said"]
