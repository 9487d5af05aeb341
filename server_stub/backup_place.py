"""Where a backup goes, and what broken-off ones left there.

A name that ends in ``.yzbackup`` is a file; anything else is a folder. A folder is never made
here: one that is missing is a disk that is not mounted, or a slip of the pen.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import time
from pathlib import Path

from server_stub.backup_contents import STALE_DAYS, SUFFIX
from server_stub.backup_file import MANIFEST, NAMES, PART, ROOM, SIGNATURE
from server_stub.holding import lock_open
from shared.errors import InputError

_ROOM = re.compile(re.escape(ROOM) + r"[a-z0-9_]{8}")
_INSIDE = (*NAMES, MANIFEST, SIGNATURE)
_LOGS = ("", "-wal", "-shm", "-journal")
_KEYS = re.compile(r"yizhan-[0-9a-f]{32}-[0-9]{1,6}\.key\.[0-9a-f]{12}" + re.escape(PART))


def target_of(to: Path, stamp: str) -> Path:
    """The file a backup becomes; raises :class:`InputError` where it cannot be put.

    :param stamp: date and time, for the name in a folder; see :func:`claim`.
    """
    if to.is_dir():
        folder, target = to, to / f"yizhan-{stamp}{SUFFIX}"
    elif to.exists():
        raise InputError(f"“{to}”已经存在。", "备份不覆盖已有的文件，请换一个名称。")
    else:
        folder, target = (to.parent if to.suffix == SUFFIX else to), to
    if not folder.is_dir():
        raise InputError(
            f"没有文件夹“{folder}”，没有备份。",
            f"请先建立它，或挂载备份所用的磁盘；指定文件时，名称以 {SUFFIX} 结尾。",
        )
    return target


def claim(to: Path, stamp: str) -> tuple[Path, int]:
    """The file a backup becomes, and the open draft of it, which no other backup writes into.

    Of two backups of one second in one folder the second gets a number. Raises :class:`InputError`
    where a name was asked for that another backup is writing, or has written.
    """
    if not to.is_dir():
        handle = _draft(to)
        if handle is None:
            raise InputError(f"“{to}”正在由另一个备份命令写入，或刚刚写好。", "请换一个名称。")
        return to, handle
    for number in itertools.count(1):
        target = to / f"yizhan-{stamp}{f'-{number}' if number > 1 else ''}{SUFFIX}"
        if (handle := _draft(target)) is not None:
            return target, handle
    raise AssertionError("numbers do not end")


def _draft(target: Path) -> int | None:
    """An empty draft beside the name, held until it is closed; None when the name is somebody else's."""
    part = target.with_name(target.name + PART)
    if target.exists():
        return None
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_open(handle)
        # who held it before may have finished meanwhile: then this is the finished backup itself
        if not target.exists() and os.path.samestat(os.fstat(handle), os.stat(part)):
            os.ftruncate(handle, 0)
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def clear(folder: Path) -> int:
    """Remove what backups that were killed left in a folder, when it is surely theirs and no longer
    touched since :data:`STALE_DAYS`; returns how many things went."""
    before, gone = time.time() - STALE_DAYS * 86_400, 0
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if _ROOM.fullmatch(path.name) and path.is_dir() and _is_room(path) and _last(path) < before:
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
        elif _is_part(path) and path.stat().st_mtime < before:
            path.unlink()
            gone += 1
    return gone


def _is_part(path: Path) -> bool:
    archive = path.name.endswith(SUFFIX + PART)
    return path.is_file() and (archive or _KEYS.fullmatch(path.name) is not None)


def _is_room(folder: Path) -> bool:
    """Whether everything in it is what an archive is put together from."""
    known = {name + ending for name in _INSIDE for ending in _LOGS}
    return all(one.name in known and one.is_file() for one in folder.iterdir())


def _last(folder: Path) -> float:
    """When something in it was last written."""
    return max(one.stat().st_mtime for one in (folder, *folder.iterdir()))
