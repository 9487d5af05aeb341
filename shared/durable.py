"""Files and renames that outlast a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Make what a file holds durable, whoever wrote it; raises ``OSError``."""
    handle = os.open(path, os.O_RDWR)  # Windows flushes only what may be written
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable; raises ``OSError``.

    Windows cannot open a folder, NTFS journals the rename. Some file systems of sticks
    cannot flush a folder alone and say ``EINVAL``: the file itself was flushed before.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as bad:
        if bad.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)
