"""Contents of attachments in backups: each lies beside the archives once, whoever names it (ADR 0024).

An archive lists the contents it counts on; their bytes lie in the folder ``yizhan-attachments``
beside it. A backup copies only what is not there yet; what no archive names goes with ``prune``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from server_stub import backup_file
from server_stub.backup_file import damaged
from server_stub.content_folder import Content, ContentFolder, digest_of
from shared.attachments import pieces_of
from shared.errors import InputError, YizhanError
from shared.store import sql

FOLDER = "yizhan-attachments"
SUFFIX = ".yzbackup"
ARCHIVED, VERIFIED = "archived", "verified"
"""States of the pieces of a content: in a verified backup, or only at the hub."""
LAST = "last_backup"
"""Fact: names the last verified backup; after a new one devices ask which contents are in it."""
SAID = 5
"""So many contents are named; the rest is counted."""
STALE_DAYS = 1
_LINE = re.compile(r"([0-9a-f]{64}) ([1-9][0-9]{0,17})")


@dataclass(slots=True)
class Shelved:
    """What became of the contents a backup names.

    :param here: lie there; :param new: of these, copied just now (``new_bytes`` in all).
    :param lost: do not lie there, or are not what their name says.
    """

    here: list[Content] = field(default_factory=list)
    new: int = 0
    new_bytes: int = 0
    lost: list[Content] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of what is there."""
        return sum(one.size for one in self.here)

    @property
    def lost_words(self) -> str:
        """Which are lost, by the beginnings of their hashes; ``""`` for none."""
        said = "、".join(one.sha256[:16] for one in self.lost[:SAID])
        return f"{said} 等" if len(self.lost) > SAID else said


def beside(source: Path) -> ContentFolder:
    """Where the contents lie that go with an archive."""
    return ContentFolder(source.parent / FOLDER)


# --- the list inside an archive ----------------------------------------------------
def write_list(path: Path, listed: Iterable[Content]) -> None:
    """A line for each: hash and bytes."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii", newline="\n") as out:
        out.writelines(f"{one.sha256} {one.size}\n" for one in listed)


def read_list(raw: bytes) -> list[Content]:
    """Back from :func:`write_list`; raises :class:`BackupDamaged`."""
    found = []
    for line in raw.decode("ascii", errors="replace").splitlines():
        fits = _LINE.fullmatch(line)
        if fits is None:
            raise damaged("备份中的附件清单读不懂。")
        found.append(Content(fits[1], int(fits[2])))
    return found


# --- making, checking, bringing back -------------------------------------------------
def named_in(connection: sa.Connection) -> list[Content]:
    """Contents the hub holds whole, as its database says."""
    rows = sql.execute(connection, "SELECT sha256, size FROM content ORDER BY sha256")
    return [Content(str(sha256), int(size)) for sha256, size in rows]


def collect(wanted: Iterable[Content], at_hub: ContentFolder, shelf: ContentFolder) -> Shelved:
    """Copy what is not on the shelf yet; what the hub itself holds wrong shows in the copying."""
    done = Shelved()
    for one in wanted:
        _shelve(done, one, shelf.has(one), at_hub, shelf)
    return done


def check(wanted: Iterable[Content], shelf: ContentFolder, *, quick: bool = False) -> Shelved:
    """Whether what an archive names is there and is what its name says.

    :param quick: look at lengths only.
    """
    done = Shelved()
    for one in wanted:
        fits = shelf.has(one) if quick else shelf.right(one)
        (done.here if fits else done.lost).append(one)
    return done


def bring_back(wanted: Iterable[Content], shelf: ContentFolder, at_hub: ContentFolder) -> Shelved:
    """Put at the hub what an archive names; what lies there right stays, what lies there wrong goes."""
    done = Shelved()
    for one in wanted:
        right = at_hub.right(one)
        if not right:
            at_hub.path(one.sha256).unlink(missing_ok=True)
        _shelve(done, one, right, shelf, at_hub)
    return done


def _shelve(done: Shelved, one: Content, there: bool, source: ContentFolder, target: ContentFolder) -> None:
    if not there and not target.take(one, source.path(one.sha256)):
        done.lost.append(one)
        return
    done.here.append(one)
    if not there:
        done.new += 1
        done.new_bytes += one.size


# --- what the hub's tables say --------------------------------------------------------
def note_archived(connection: sa.Connection, found: Iterable[Content]) -> None:
    """These lie in a verified backup; their devices hear of it when they ask."""
    rows = sql.execute(connection, "SELECT sha256 FROM piece WHERE no = 0 AND state = ?", (VERIFIED,))
    new = {str(row[0]) for row in rows}
    sql.executemany(
        connection, "UPDATE piece SET state = ? WHERE sha256 = ?",
        [(ARCHIVED, one.sha256) for one in found if one.sha256 in new],
    )  # fmt: skip


def archived(connection: sa.Connection, hashes: Iterable[str]) -> set[str]:
    """Which of these lie in a verified backup."""
    pg = sql.is_postgres(connection)
    rows = connection.exec_driver_sql(
        f"SELECT sha256 FROM piece WHERE no = 0 AND state = '{ARCHIVED}' AND {sql.in_ids(pg, 'sha256')}",
        (sql.ids_parameter(pg, list(hashes)),),
    )
    return {str(row[0]) for row in rows}


def note_lost(connection: sa.Connection, found: Iterable[Content]) -> None:
    """The hub has not got these (any more): they are asked for like contents that never came."""
    rows = [(one.sha256,) for one in found]
    sql.executemany(connection, "DELETE FROM content WHERE sha256 = ?", rows)
    sql.executemany(connection, "DELETE FROM piece WHERE sha256 = ?", rows)


def adopt(connection: sa.Connection, at_hub: ContentFolder, at: str) -> int:
    """Contents that came after the backup and still lie here: the tables learn of them.

    What is not what its name says goes. Returns how many were right.
    """
    known = {one.sha256 for one in named_in(connection)}
    fresh = []
    for path in at_hub.every():
        if path.name in known:
            continue
        if digest_of(path) == path.name:
            fresh.append(Content(path.name, path.stat().st_size))
        else:
            path.unlink()
    sql.executemany(
        connection,
        "INSERT INTO content (sha256, size, verified_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(one.sha256, one.size, at) for one in fresh],
    )
    sql.executemany(
        connection,
        "INSERT INTO piece (sha256, no, device, state) VALUES (?, ?, '', ?) ON CONFLICT DO NOTHING",
        [(one.sha256, no, VERIFIED) for one in fresh for no in range(pieces_of(one.size))],
    )
    return len(fresh)


# --- letting go --------------------------------------------------------------------------
def prune(folder: Path) -> Shelved:
    """Take away what no archive in a folder names; ``here`` is what stays, ``lost`` what went.

    Raises :class:`InputError` while another backup uses the folder, or when an archive in it
    cannot be read: what that one names would be lost with it.
    """
    shelf, done = ContentFolder(folder / FOLDER), Shelved()
    with shelf.held(alone=True):
        named: set[str] = set()
        for archive in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                named |= {one.sha256 for one in read_list(backup_file.contents_of(archive))}
            except YizhanError as bad:
                raise InputError(
                    f"没有清理附件：“{archive.name}”读不出来，不知道它还要用哪些附件。",
                    "请先核对这份备份（verify），或把它移走后再清理。",
                ) from bad
        for path in shelf.every():
            one = Content(path.name, path.stat().st_size)
            (done.here if path.name in named else done.lost).append(one)
            if path.name not in named:
                path.unlink()
        stale = time.time() - STALE_DAYS * 86_400
        for part in shelf.leftovers():
            if part.stat().st_mtime < stale:
                part.unlink()
    return done
