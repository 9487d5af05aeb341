"""Backups of the hub: made while it serves, opened and checked before they count, restored from.

Only what a verified backup holds is *archived* for the devices (sync.md, Receipts). A
restore begins a new epoch (``server_stub.epochs``); what it replaces is put aside, not lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from server_stub import backup_contents, backup_file, backup_place, copying, epochs, key_copies, restore_place
from server_stub.backup_contents import Shelved, beside
from server_stub.backup_file import Manifest, reading, writing
from server_stub.backup_opening import (
    Verified,
    contents_of,
    expected,
    finished,
    gone_through,
    named,
    opened_keys,
    proved,
    room,
    verify,
)
from server_stub.content_folder import ContentFolder
from server_stub.holding import FILE as LOCK
from server_stub.holding import holding
from server_stub.hub import Hub
from server_stub.key_copies import Chosen
from server_stub.migrate import hub_of, open_address, parsed_url, shown
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.durable import sync_folder
from shared.errors import InputError, StoreError, YizhanError
from shared.ids import new_id
from shared.store import audit, sql
from shared.store.database import Database, open_url, storage_errors
from shared.store.facts import read_text, write_text
from shared.store.migrate import revision_of

DONE, FAILED = "done", "failed"
_PASSING = {LOCK, "proofs.lock"}
_REMADE = ("spool", "snapshots", "mail")
"""Folders whose content is made again from the database; in no backup, and gone after a restore."""
_IN_BACKUPS = "attachments"
"""The hub's contents: they lie beside the backups; pieces under way may be lost."""
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    :param aside: where lies what was there before; ``""`` when nothing was.
    :param contents: what became of the contents it names; those lost are asked from the devices.
    :param adopted: contents that had come after the backup and still lay here.
    :param keys: the hub's keys it goes on with, and where they come from.
    """

    verified: Verified
    epoch: str
    aside: str
    contents: Shelved
    adopted: int
    keys: Chosen


# --- make ------------------------------------------------------------------------
def make(hub: Hub, to: Path, say: Say = silent) -> tuple[Path, Verified]:
    """Write a backup, open and check it, and only then let it count.

    :param to: a folder that is there, or the file itself, see :mod:`server_stub.backup_place`.
    Nothing half-made is left behind.
    """
    started, at = time.monotonic(), hub.clock.stamp()
    target = to
    try:
        stamp = _stamp(hub.clock)
        target = backup_place.target_of(to, stamp)
        target, verified = _made(hub, to, stamp, say)
    except YizhanError as failed:
        _record(hub, target, at, started, outcome=FAILED, reason=str(failed))
        raise
    _count_as_archived(hub, verified, target.parent)
    lost = _let_go(hub, verified.contents)
    _record(
        hub, target, at, started, outcome=DONE, size=verified.size, fingerprint=verified.fingerprint,
        changes=sum(verified.manifest.streams.values()),
        **({"reason": f"附件内容缺 {len(lost.lost):,} 个：{lost.lost_words}"} if lost.lost else {}),
    )  # fmt: skip
    return target, replace(verified, contents=lost)


def _stamp(clock: Clock) -> str:
    return clock.stamp()[:19].replace("-", "").replace(":", "").replace("T", "-")


def _made(hub: Hub, to: Path, stamp: str, say: Say) -> tuple[Path, Verified]:
    target = backup_place.target_of(to, stamp)
    shelf = beside(target)
    with writing(target), shelf.held(), contextlib.ExitStack() as left:
        if gone := backup_place.clear(target.parent):
            say(f"已清理以前中断的备份留下的 {gone} 项")
        place = left.enter_context(room(target.parent))  # not before: a share has a clock of its own
        say("正在复制数据库")
        with _copy_errors(target):
            copying.copy_out(hub.store.database, place / backup_file.DATABASE)
        shutil.copyfile(hub.data / backup_file.KEYS, place / backup_file.KEYS)
        say("正在复制附件内容")
        shelved = _shelved(hub, place, shelf)
        manifest = _described(hub, place)
        say("正在写入备份")
        target, handle = backup_place.claim(to, stamp)
        part = target.with_name(target.name + backup_file.PART)
        with os.fdopen(handle, "r+b") as out, contextlib.ExitStack() as undone:
            undone.callback(part.unlink, missing_ok=True)
            backup_file.write(out, place, manifest, hub.keys.sign)
            say("正在打开备份核对")
            for name in manifest.files:
                (place / name).unlink()
            verified = gone_through(part, place, lambda _: hub.keys, shelf, quick=True)
            if os.name == "nt":
                out.close()  # what is open has no other name there; one process makes backups
            os.replace(part, target)
            undone.pop_all()
        key_copies.keep(hub.data / backup_file.KEYS, hub.keys, target.parent)
        sync_folder(target.parent)
    assert verified.contents is not None
    verified.contents.new, verified.contents.new_bytes = shelved.new, shelved.new_bytes
    verified.contents.lost += shelved.lost
    return target, verified


def _shelved(hub: Hub, place: Path, shelf: ContentFolder) -> Shelved:
    """Contents the copy of the database names, beside the archive; the list of them goes inside."""
    with (
        contextlib.closing(open_url(f"sqlite:///{place / backup_file.DATABASE}")) as copy,
        copy.reader.connect() as connection,
    ):
        wanted = backup_contents.named_in(connection)
    shelved = backup_contents.collect(wanted, hub.pieces.whole, shelf)
    backup_contents.write_list(place / backup_file.CONTENTS, shelved.here)
    return shelved


def _described(hub: Hub, place: Path) -> Manifest:
    """The manifest, told from the copy itself: the hub has gone on meanwhile."""
    with (
        contextlib.closing(open_url(f"sqlite:///{place / backup_file.DATABASE}")) as copy,
        copy.reader.connect() as connection,
    ):
        streams = sql.execute(connection, "SELECT name, n FROM stream").fetchall()
        reach = sql.execute(
            connection,
            "SELECT device, incarnation, contiguous_to FROM device_reach ORDER BY device, incarnation",
        ).fetchall()
        epoch, revision = read_text(connection, "epoch"), str(revision_of(connection))
    _drop_logs(place / backup_file.DATABASE)
    return Manifest(
        hub_id=hub.keys.hub_id,
        hub_name=hub.keys.name,
        epoch=epoch,
        revision=revision,
        made_at=hub.clock.stamp(),
        database="sqlite" if hub.store.database.is_sqlite else "postgresql",
        files={name: backup_file.digest(place / name) for name in backup_file.NAMES},
        streams={str(name): int(n) for name, n in streams},
        reach=[(r[0], r[1], r[2]) for r in reach],
        others=_others(hub),
        key_version=hub.keys.version,
    )


def _others(hub: Hub) -> dict[str, int]:
    """What else lies in the data folder, but for what is under way, the contents and the database itself."""
    database = hub.store.database.path
    skipped = {hub.data / backup_file.KEYS, *(hub.data / name for name in _PASSING)}
    out: dict[str, int] = {}
    for path in sorted(hub.data.rglob("*")):
        own = database is not None and path.name.startswith(database.name)
        remade = path.relative_to(hub.data).parts[0] in (*_REMADE, _IN_BACKUPS)
        if path.is_file() and not own and path not in skipped and not remade:
            out[path.relative_to(hub.data).as_posix()] = path.stat().st_size
    return out


def _count_as_archived(hub: Hub, verified: Verified, folder: Path) -> None:
    """Note per device how far a verified backup reaches; devices learn it with their receipts."""
    manifest = verified.manifest
    with hub.store.write() as connection:
        write_text(connection, key_copies.FACT, str(folder.absolute()))
        if read_text(connection, "epoch") != manifest.epoch:
            return  # restored meanwhile: the new epoch counts for itself
        for device, incarnation, to in manifest.reach:
            sql.execute(
                connection,
                "UPDATE device_reach SET archived_to = ? WHERE device = ? AND incarnation = ?"
                " AND archived_to < ? AND contiguous_to >= ?",
                (to, device, incarnation, to, to),
            )
        if verified.contents is not None:
            backup_contents.note_archived(connection, verified.contents.here)
        write_text(connection, backup_contents.LAST, f"{manifest.made_at} {verified.fingerprint[:16]}")


def _let_go(hub: Hub, contents: Shelved | None) -> Shelved:
    """What the hub turned out not to have right: it is asked from the devices again."""
    assert contents is not None
    with hub.store.write() as connection:
        known = set(backup_contents.named_in(connection))
        contents.lost = [one for one in contents.lost if one in known]  # else swept meanwhile
        backup_contents.note_lost(connection, contents.lost)
    for one in contents.lost:
        hub.pieces.whole.path(one.sha256).unlink(missing_ok=True)
    return contents


def _record(hub: Hub, target: Path, at: str, started: float, **said: object) -> None:
    values = {
        "name": target.name[:200], "made_at": at,
        "duration_ms": round((time.monotonic() - started) * 1000), **said,
    }
    with hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(hub.store.types["backup"], [values], way="exchange", proven=True)
        audit.note(unit.connection, at, HUB_ACTOR.user, "backup", f"{target.name} {said['outcome']}")


# --- restore ---------------------------------------------------------------------
def restore(
    source: Path, url: str, data: Path, passphrase: str, *, clock: Clock | None = None,
    contents: Path | None = None,
) -> Restored:  # fmt: skip
    """Put a backup in the place of the hub's database, and begin a new epoch.

    Nothing is changed unless all of the archive was found whole. Contents that are missing
    beside it hold nothing up: the hub asks the devices for them. The hub must not be serving.

    :param contents: where the contents it names lie, if not beside it.
    """
    clock, at_hub = clock or Clock(), ContentFolder(data / _IN_BACKUPS)
    finished(source)
    with reading(source):
        data.mkdir(parents=True, exist_ok=True)
        with holding(data, alone=True), restore_place.own(data, sqlite_path(url), at_hub) as place:
            unpacked = backup_file.unpack(source, place)
            chosen = opened_keys(unpacked, expected(data, passphrase), source, passphrase)
            unpacked.signed_by(chosen.keys)
            found = proved(unpacked, chosen.keys)
            verified = Verified(unpacked.manifest, unpacked.fingerprint, source.stat().st_size, found)
            present = _present_epoch(url, chosen.keys.hub_id)
            shelf = contents_of(source, contents)
            shelved = backup_contents.bring_back(named(unpacked) or [], shelf, at_hub)
            copy = place / backup_file.DATABASE
            adopted = _settle_contents(copy, shelved, at_hub, clock)
            epoch = _new_epoch(copy, verified, clock, present)
            if chosen.source is not None:
                _put_keys(chosen, data, clock)
            aside = _swap_in(copy, url, clock)
            for name in _REMADE:  # answers, first loads and mail of the time before
                shutil.rmtree(data / name, ignore_errors=True)
            sync_folder(data)
    return Restored(verified, epoch, aside, shelved, adopted, chosen)


def _settle_contents(copy: Path, shelved: Shelved, at_hub: ContentFolder, clock: Clock) -> int:
    """The copy's tables say of contents what lies at the hub now; what came after the backup counts too."""
    with (
        contextlib.closing(open_url(f"sqlite:///{copy}")) as database,
        database.writer.begin() as connection,
    ):
        here = {one.sha256 for one in shelved.here}
        gone = [one for one in backup_contents.named_in(connection) if one.sha256 not in here]
        backup_contents.note_lost(connection, gone)
        backup_contents.note_archived(connection, shelved.here)
        adopted = backup_contents.adopt(connection, at_hub, clock.stamp())
        sql.execute(connection, "DELETE FROM mail")
    return adopted


def _put_keys(chosen: Chosen, data: Path, clock: Clock) -> None:
    """The newest keys into the data folder; an older file that lay there is put aside, never thrown away."""
    assert chosen.source is not None
    path = data / backup_file.KEYS
    if path.exists():
        os.replace(path, path.with_name(f"{path.name}.before-{_stamp(clock)}"))
    key_copies.place(chosen.source, path)


def _new_epoch(copy: Path, verified: Verified, clock: Clock, present: str) -> str:
    """Everything that makes the copy a hub again, before it takes the place."""
    manifest = verified.manifest
    with (
        contextlib.closing(open_url(f"sqlite:///{copy}")) as database,
        database.writer.begin() as connection,
    ):
        epoch = epochs.begin(
            connection, manifest.hub_id, clock, beyond=present, backup=verified.fingerprint,
            made=manifest.made_at,
        )  # fmt: skip
        sql.execute(connection, "UPDATE device_reach SET archived_to = contiguous_to")
        text = f"{verified.fingerprint[:16]} {manifest.made_at}"
        audit.note(connection, clock.stamp(), HUB_ACTOR.user, "restore", text)
    _drop_logs(copy)
    return epoch


def _present_epoch(url: str, hub_id: str) -> str:
    """The epoch of what will be replaced, so that the new one is later; ``""`` when unreadable.

    Raises :class:`InputError` when it is another hub's: that one is not put aside for this one.
    """
    database = open_hub_address(url)
    if database is None:
        return ""
    with contextlib.closing(database):
        try:
            if (found := hub_of(database)) not in ("", hub_id):
                raise InputError(
                    f"数据库“{shown(url)}”是另一个中心的，没有恢复。",
                    "请核对 --database，或换一个空的数据库。",
                )
            with storage_errors(), database.reader.connect() as connection:
                return read_text(connection, "epoch") if found else ""
        except (StoreError, sa.exc.DatabaseError):
            return ""  # damaged, or tables are missing: that is why it is being restored


def open_hub_address(url: str) -> Database | None:
    """The database behind an address without bringing it up; None where there is none yet."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    return open_address(url)


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address; None for PostgreSQL."""
    parsed = parsed_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _swap_in(copy: Path, url: str, clock: Clock) -> str:
    """Put the copy in the place of the database, whole or not at all; returns where the former one lies."""
    stamp = f"{_stamp(clock)}-{new_id()[-4:]}"
    path = sqlite_path(url)
    if path is None:
        name = f"before_restore_{stamp.replace('-', '_')}"
        with contextlib.closing(open_url(url)) as database, storage_errors():
            copying.copy_in(copy, database, name)
        return f"schema {name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    ready = path.with_name(path.name + restore_place.READY)
    try:
        shutil.move(copy, ready)  # maybe from another disk: nothing is touched before it is all here
        with ready.open("rb+") as stream:
            os.fsync(stream.fileno())
        aside = path.with_name(f"{path.name}.before-{stamp}")
        existed = path.exists()
        for ending in ("-wal", "-shm"):
            old = path.with_name(path.name + ending)
            if old.exists():
                os.replace(old, aside.with_name(aside.name + ending))
        if existed:
            try:
                os.link(path, aside)  # so that there is a database under its name at every moment
            except OSError:  # a file system without links
                os.replace(path, aside)
        os.replace(ready, path)
    finally:
        ready.unlink(missing_ok=True)
    sync_folder(path.parent)
    return str(aside) if existed else ""


# --- what the system says ----------------------------------------------------------
@contextmanager
def _copy_errors(target: Path) -> Iterator[None]:
    """The database engine's own words for a disk it cannot write."""
    try:
        yield
    except sqlite3.OperationalError as bad:
        if "full" in str(bad):
            raise backup_file.no_room() from bad
        raise StoreError(
            f"数据库复制不出来（{bad}）。", f"请检查“{target.parent}”是否可写，再备份一次。"
        ) from bad


def _drop_logs(path: Path) -> None:
    """A copy is one file."""
    with contextlib.closing(sqlite3.connect(path)) as handle:
        handle.execute("PRAGMA journal_mode = DELETE")


__all__ = ["Restored", "Verified", "make", "restore", "verify"]
