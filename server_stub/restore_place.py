"""Where a restore lays a backup out in the data folder, and what restores that were killed left there.

A restore has the data folder for itself (:mod:`server_stub.holding`). Whoever holds the folder in
whatever way therefore knows that none is under way, and that what lies there is nobody's.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server_stub.backup_contents import STALE_DAYS
from server_stub.backup_file import ROOM as BACKUP_ROOM
from server_stub.backup_opening import room
from server_stub.content_folder import ContentFolder

ROOM = f"{BACKUP_ROOM}restore-"
"""Begins the name of the folder a backup is laid out in; a backup's own place is called otherwise."""
READY = ".restoring"
"""Ends the name of the database that is about to take the place of the old one."""
_ROOM = re.compile(re.escape(ROOM) + r"[a-z0-9_]{8}")


def clear(data: Path, database: Path | None) -> int:
    """Remove what killed restores left; returns how many things went. Call it with the folder held.

    :param database: the SQLite file a restore would replace; None for PostgreSQL.
    """
    gone = 0
    for path in sorted(data.iterdir()):
        if _ROOM.fullmatch(path.name) and path.is_dir() and not path.is_symlink() and _nobodys(path):
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
    ready = database.with_name(database.name + READY) if database is not None else None
    if ready is not None and ready.is_file() and _nobodys(ready):
        ready.unlink()
        gone += 1
    return gone


@contextmanager
def own(data: Path, database: Path | None, at_hub: ContentFolder) -> Iterator[Path]:
    """A place to lay a backup out in, gone afterwards; for one who has the folder alone.

    What killed restores left goes first: it may be what fills the disk.
    :param at_hub: the hub's contents, among which may lie drafts of what was being brought back.
    """
    clear(data, database)
    for draft in at_hub.leftovers():
        draft.unlink(missing_ok=True)
    with room(data, ROOM) as place:
        yield place


def _nobodys(path: Path) -> bool:
    """Where the system has no locks to hold the folder with, only what was not touched for a day."""
    return os.name != "nt" or path.stat().st_mtime < time.time() - STALE_DAYS * 86_400
