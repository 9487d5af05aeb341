"""One program per data folder: two writers on one journal would fork the device's chain."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile

from shared.errors import DatabaseBusy, StoreError

FILE_NAME = "yizhan.lock"


class InstanceGuard:
    """Holds a data folder for this process; a crashed process leaves no lock behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = QLockFile(str(folder / FILE_NAME))
        self._lock.setStaleLockTime(0)  # never by age: a session may stay open for days

    def acquire(self) -> None:
        """Take the folder; raises :class:`DatabaseBusy` when another program holds it."""
        with suppress(OSError):  # the lock says it in words
            self._folder.mkdir(parents=True, exist_ok=True)
        if self._lock.tryLock(0):
            return
        if self._lock.error() is QLockFile.LockError.LockFailedError:
            raise DatabaseBusy(
                "驿站已在运行，本机数据正由另一个窗口使用。",
                "请切换到已打开的窗口；找不到时请先结束该程序再试。",
            )
        raise StoreError(
            f"无法写入数据文件夹：{self._folder}。", "请检查磁盘空间和该文件夹的权限，再重新登录。"
        )

    def release(self) -> None:
        """Let others have the folder."""
        self._lock.unlock()
