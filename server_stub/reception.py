"""Where packages arrive over the network: piece by piece, each package in its turn, within limits.

The HTTP routes are a thin coat over this. Several processes may serve one spool: a
package's turn is a lock on a file beside it, so that two of them never handle the
same package at once (handled twice would be harmless, but not cheap).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from server_stub.hub import Hub
from server_stub.spool import Limits, Spool
from shared.errors import HubRefused, PackageTruncated, StoreError, YizhanError, why
from sync import package
from sync.layout import Kind

KEEP_SECONDS = 14 * 24 * 3600
"""How long an answer waits to be fetched, and half a package for its other half."""
SWEEP_SECONDS = 600
MAX_REQUEST = 64 << 10
"""An enrolment request holds keys and nothing else; anybody may send one."""


class DiskRefused(HubRefused):
    """The hub's disk does not take a package; the operator must hear of it."""


class Reception:
    """Takes packages in and gives answers out.

    :param limits: how much may lie there half.
    """

    def __init__(self, hub: Hub, limits: Limits | None = None) -> None:
        self._hub = hub
        self._limits = limits or Limits()
        self.spool = Spool(hub.data / "spool", self._limits)
        self._turns = _Turns()
        self._swept = 0.0
        self._sweep()

    def offset(self, package_id: str) -> int | None:
        """How many bytes of a package have arrived; None when none have."""
        return self.spool.offset(package_id)

    def take(self, package_id: str, offset: int, size: int, body: bytes, *, broken: bool = False) -> int:
        """Take a piece; when the last is there the package is handled. Returns how much is there.

        :param size: of the whole package.
        :param broken: the line broke inside this piece: keep it, but do not handle.
        Raises a :class:`YizhanError` when the package is refused; it is forgotten then.
        """
        self._sweep()
        self.spool.check_name(package_id)
        with _disk_errors(), self._turn(package_id):
            if self.spool.answered(package_id):
                return self.spool.size(package_id)
            have = self.spool.append(package_id, offset, body)
            whole = have >= size and not broken
            try:
                self._check_cover(package_id, size, offset, whole=whole)
                if whole:
                    self._handle(package_id)
            except StoreError:
                raise  # not the package's fault: its bytes are here when the device comes again
            except YizhanError:
                self.spool.drop(package_id)
                raise
        return have

    def answer(self, package_id: str, volume: int = 1) -> Path | None:
        """A volume of the sealed answer; None as long as there is none."""
        found = self.spool.answer(package_id, volume)
        return found if self.spool.answered(package_id) and found.exists() else None

    # --- inside --------------------------------------------------------------
    def _check_cover(self, package_id: str, size: int, offset: int, *, whole: bool) -> None:
        """Refuse early what cannot be right, as soon as the cover is there.

        The cover is not verified yet: this keeps strangers from filling the disk, it admits nobody.
        """
        with self.spool.whole(package_id).open("rb") as stream:
            try:
                cover = package.inspect(stream)
            except PackageTruncated:
                return  # more of it is to come; if not, handling says so
        core = cover.core
        if core.package_id != package_id:
            raise HubRefused("交换包的编号与上传时所报的不符。", "请升级客户端后重新同步。")
        if whole or offset >= cover.size:
            return  # looked at before; and in the end the hub itself looks, and logs what it refuses
        if core.kind is Kind.ENROL_REQUEST:
            if size > MAX_REQUEST:
                raise HubRefused("登记申请过大。", "请升级客户端后重新生成申请。")
        elif self._hub.ledger.device(core.exporter) is None:
            raise HubRefused("交换包来自未登记的设备。", "请先在中心登记该设备。")

    def _handle(self, package_id: str) -> None:
        with ExitStack() as drafts:
            shelf = _Volumes(self.spool, package_id, self._limits.volume, drafts)
            stream = drafts.enter_context(self.spool.whole(package_id).open("rb"))
            self._hub.handle(stream, shelf.open(1), shelf)
        self.spool.finish(package_id, shelf.count)

    def _sweep(self) -> None:
        """Now and then, while serving: what nobody came back for makes room."""
        now = time.time()
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self.spool.sweep(now - KEEP_SECONDS)
            self._hub.mail.sweep((self._hub.clock.now() - timedelta(seconds=KEEP_SECONDS)).isoformat())

    @contextmanager
    def _turn(self, package_id: str) -> Iterator[None]:
        with ExitStack() as held:
            held.enter_context(self._turns.of(package_id))
            if os.name != "nt":  # one process serves there
                held.enter_context(_file_turn(self.spool.turn(package_id)))
            yield


class _Volumes:
    """Drafts of an answer in the spool; what is refused leaves none behind.

    :param limit: bytes one may have.
    """

    waits = False

    def __init__(self, spool: Spool, package_id: str, limit: int, drafts: ExitStack) -> None:
        self.limit = limit
        self.count = 0
        self._spool = spool
        self._package_id = package_id
        self._drafts = drafts

    def open(self, index: int) -> BinaryIO:
        """A file for volume ``index``, from 1."""
        draft = self._spool.answer_draft(self._package_id, index)
        self._drafts.push(partial(_dropped, draft))
        self.count = index
        return self._drafts.enter_context(draft.open("w+b"))


def _dropped(draft: Path, kind: object, refused: object, trace: object) -> None:
    if isinstance(refused, YizhanError):
        draft.unlink(missing_ok=True)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """What the hub's disk says, for the person at the device."""
    try:
        yield
    except OSError as bad:
        raise DiskRefused(
            f"中心的磁盘写不进去（{why(bad)}），没有收下。", "数据仍在本机；请通知中心管理员，稍后再同步。"
        ) from bad


class _Turns:
    """One lock per package under way: a package never waits for another's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def of(self, package_id: str) -> Iterator[None]:
        """The package's turn within this process."""
        with self._lock:
            own, users = self._taken.get(package_id, (threading.Lock(), 0))
            self._taken[package_id] = own, users + 1
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, users = self._taken.pop(package_id)
                if users > 1:
                    self._taken[package_id] = own, users - 1


@contextmanager
def _file_turn(path: Path) -> Iterator[None]:
    """The package's turn among all processes: a lock on a file that goes with its holder."""
    import fcntl

    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            same = os.fstat(handle).st_ino == os.stat(path).st_ino
        except FileNotFoundError:
            same = False
        if same:
            break
        os.close(handle)  # whoever held it before took the file away
    try:
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(handle)


__all__ = ["KEEP_SECONDS", "Reception"]
