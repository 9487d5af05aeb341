"""Where a backup goes, and what broken-off ones left there.

A name that ends in ``.yzbackup`` is a file; anything else is a folder. A folder is never made
here: one that is missing is a disk that is not mounted, or a slip of the pen.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from server_stub.backup_contents import STALE_DAYS, SUFFIX
from server_stub.backup_file import MANIFEST, NAMES, PART, ROOM, SIGNATURE
from shared.errors import InputError

_ROOM = re.compile(re.escape(ROOM) + r"[a-z0-9_]{8}")
_INSIDE = (*NAMES, MANIFEST, SIGNATURE)
_LOGS = ("", "-wal", "-shm", "-journal")
_KEYS = re.compile(r"yizhan-[0-9a-f]{32}-[0-9]{1,6}\.key\.[0-9a-f]{12}" + re.escape(PART))


def target_of(to: Path, stamp: str) -> Path:
    """The file a backup becomes; raises :class:`InputError` where it cannot be put.

    :param stamp: date and time, for the name in a folder.
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
    if target.exists():
        raise InputError(f"“{target}”已经存在。", "备份不覆盖已有的文件，请换一个名称。")
    return target


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
