"""What nobody needs any more goes from the hub's contents: pieces left over, contents no record names.

Safe beside everything that comes and goes meanwhile. A piece that goes is asked for again.
A content is put aside first and comes back when a record that names it has arrived in that
moment: a device hears “held” only of what stays.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from server_stub.backup_contents import named_in, note_lost
from server_stub.content_folder import Content
from server_stub.holding import lock, release
from server_stub.pieces import PENDING, HubPieces
from shared.clock import hlc_time
from shared.store import sql
from shared.store.store import Store

PIECE_DAYS = 30
"""Pieces of a content that did not become whole in so many days go; they are asked for again."""
UNNAMED_DAYS = 90
"""A content goes so many days after the last record that names it was deleted."""
DRAFT_DAYS = 1


@dataclass(frozen=True, slots=True)
class Swept:
    """What went: left-over pieces, and contents no record names (``size`` bytes of these)."""

    pieces: int = 0
    contents: int = 0
    size: int = 0

    @property
    def anything(self) -> bool:
        """Whether something did."""
        return bool(self.pieces or self.contents)


def sweep(store: Store, pieces: HubPieces) -> Swept:
    """Sweep once, beside a serving hub; nothing while another process sweeps."""
    if not pieces.folder.is_dir():
        return Swept()
    try:
        held = lock(pieces.folder / "sweep.lock", alone=True)
    except BlockingIOError:
        return Swept()
    try:
        left_over = _pieces(store, pieces.folder / "pending")
        gone = _contents(store, pieces)
    finally:
        release(held)
    return Swept(left_over, len(gone), sum(one.size for one in gone))


# --- pieces under way ----------------------------------------------------------------
def _pieces(store: Store, pending: Path) -> int:
    now, gone, emptied = time.time(), 0, list[tuple[str, str]]()
    for folder in sorted(pending.iterdir()) if pending.is_dir() else ():
        if not folder.is_dir():
            gone += _stale(folder, now - DRAFT_DAYS * 86_400)  # a whole that was being proved
            continue
        for path in folder.iterdir():
            days = DRAFT_DAYS if path.suffix == ".part" else PIECE_DAYS
            gone += _stale(path, now - days * 86_400)
        with suppress(OSError):  # not empty: something is under way
            folder.rmdir()
            emptied.append((folder.name, PENDING))
    with store.write() as connection:
        sql.executemany(connection, "DELETE FROM piece WHERE sha256 = ? AND state = ?", emptied)
    return gone


def _stale(path: Path, before: float) -> bool:
    with suppress(FileNotFoundError):  # proved or swept by another process
        if path.stat().st_mtime < before:
            path.unlink()
            return True
    return False


# --- contents no record names ------------------------------------------------------------
def _contents(store: Store, pieces: HubPieces) -> list[Content]:
    aside = pieces.folder / "going"
    with store.read() as connection:
        found = _unnamed(connection, store.clock.now() - timedelta(days=UNNAMED_DAYS))
        listed = {one.sha256 for one in named_in(connection)} if aside.exists() else set()
    for path in list(aside.glob("*")):  # a sweep was broken off before the tables said so
        os.replace(path, pieces.path(path.name)) if path.name in listed else path.unlink()
    gone = []
    for one in found:
        aside.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(pieces.path(one.sha256), aside / one.sha256)
        with store.write() as connection:
            wanted = _named(connection, one.sha256)
            if not wanted:
                note_lost(connection, [one])
        if wanted:  # a record came in between: its device was told that the content is here
            with suppress(FileNotFoundError):
                os.replace(aside / one.sha256, pieces.path(one.sha256))
            continue
        gone.append(one)
    shutil.rmtree(aside, ignore_errors=True)
    return gone


def _unnamed(connection: sa.Connection, before: datetime) -> list[Content]:
    """Contents whose records were all deleted before a time; without any record, come before it."""
    rows = sql.execute(
        connection,
        "SELECT c.sha256, c.size, c.verified_at, max(a._hlc) FROM content c"
        " LEFT JOIN attachment a ON a.sha256 = c.sha256 GROUP BY c.sha256, c.size, c.verified_at"
        " HAVING coalesce(min(a._deleted), 1) = 1 ORDER BY c.sha256",
    )
    return [
        Content(str(sha256), int(size))
        for sha256, size, at, hlc in rows
        if datetime.fromisoformat(at) < before and (hlc is None or hlc_time(int(hlc)) < before)
    ]


def _named(connection: sa.Connection, sha256: str) -> bool:
    found = sql.execute(
        connection, "SELECT 1 FROM attachment WHERE sha256 = ? AND _deleted = 0 LIMIT 1", (sha256,)
    )
    return found.fetchone() is not None
