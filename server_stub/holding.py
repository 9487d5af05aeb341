"""Who holds a hub's data folder: any number that serve and command, or one that restores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import StoreError

FILE = "hub.lock"


def hold(data: Path, *, alone: bool = False) -> int | None:
    """Take the folder until :func:`release`; a process that ends gives it back.

    Raises :class:`StoreError` when somebody else has it. None where the system cannot lock.
    """
    try:
        return lock(data / FILE, alone=alone)
    except BlockingIOError:
        if alone:
            raise StoreError(
                "中心正在运行，没有恢复。", "请先停止中心服务（serve）和其他 yizhan-hub 命令，再恢复一次。"
            ) from None
        raise StoreError("中心正在从备份恢复。", "请等它完成后再试。") from None


def lock(path: Path, *, alone: bool = False) -> int | None:
    """Lock a file until :func:`release`; raises :class:`BlockingIOError` when somebody else has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_open(handle, alone=alone)
    except OSError:
        os.close(handle)
        raise
    return handle


def lock_open(handle: int, *, alone: bool = True) -> None:
    """Lock an open file until it is closed; raises :class:`BlockingIOError` when somebody else has it.

    Where the system cannot lock (Windows) one process serves, and the service is stopped for anything else.
    """
    with suppress(ImportError):
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def release(handle: int | None) -> None:
    """Let others have the folder."""
    if handle is not None:
        os.close(handle)


@contextmanager
def holding(data: Path, *, alone: bool = False) -> Iterator[None]:
    """The folder for the length of a block."""
    handle = hold(data, alone=alone)
    try:
        yield
    finally:
        release(handle)
