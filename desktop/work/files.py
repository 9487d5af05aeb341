"""Small files that must never be half written: keys, settings, an enrolment under way."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from shared.durable import sync_folder
from shared.errors import DiskFull, MediaGone, StoreError, why
from shared.ids import new_id


def write_chosen(path: Path, data: bytes) -> None:
    """Like :func:`write_atomic`, at a place a person chose: its folder must be there.

    A stick that was pulled out leaves a path behind; making its folder would put the file
    on the local disk, where nobody looks for it. Raises :class:`MediaGone`.
    """
    if not path.parent.is_dir():
        raise MediaGone(
            f"文件夹“{path.parent}”不在了：介质可能已被拔出。", "请重新插好介质，或另选一个文件夹再保存。"
        )
    write_atomic(path, data, 0o644)


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace ``path`` by ``data``: after a crash it holds the old bytes or the new, never a mixture.

    Raises :class:`DiskFull` or :class:`StoreError`; the old file then still stands.
    """
    draft = path.with_name(f"{path.name}.{new_id()[-12:]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as bad:
        with suppress(OSError):
            draft.unlink()
        if bad.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("磁盘空间不足，文件没有写入。", "请清理磁盘后重试，原有文件没有变动。") from bad
        raise StoreError(
            f"无法写入文件夹：{path.parent}（{why(bad)}）。", "请检查磁盘空间和该文件夹的权限后重试。"
        ) from bad
