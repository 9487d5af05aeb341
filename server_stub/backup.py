"""Backups of the hub: made while it serves, opened and checked before they count, restored from.

Only what a verified backup holds is *archived* for the devices (sync.md, Receipts). A
restore begins a new epoch (``server_stub.epochs``); what it replaces is put aside, not lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from server_stub import backup_file, checking, copying, epochs
from server_stub import keys as hub_keys
from server_stub.backup_file import Manifest, Unpacked, reading, writing
from server_stub.holding import FILE as LOCK
from server_stub.holding import holding
from server_stub.hub import Hub
from server_stub.keys import HubKeys
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.durable import sync_folder
from shared.errors import InputError, NewerDatabase, NewerFormat, StoreError, YizhanError
from shared.store import audit, sql
from shared.store.database import Database, open_url, storage_errors
from shared.store.facts import read_text
from shared.store.migrate import HUB as HUB_ROLE
from shared.store.migrate import bring_up, known_revisions, revision_of

SUFFIX = ".yzbackup"
DONE, FAILED = "done", "failed"
_PASSING = {LOCK}
_REMADE = ("spool", "snapshots")
"""Folders whose content is made again from the database; in no backup, and gone after a restore."""
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What opening a backup and going through it showed."""

    manifest: Manifest
    fingerprint: str
    size: int
    found: dict[str, int]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    :param aside: where lies what was there before; ``""`` when nothing was.
    """

    verified: Verified
    epoch: str
    aside: str


# --- make ------------------------------------------------------------------------
def make(hub: Hub, to: Path, say: Say = silent) -> tuple[Path, Verified]:
    """Write a backup, open and check it, and only then let it count.

    :param to: a folder, or the file itself. Nothing half-made is left behind.
    """
    started, at = time.monotonic(), hub.clock.stamp()
    target = _target(hub, to)
    try:
        verified = _made(hub, target, say)
    except YizhanError as failed:
        _record(hub, target, at, started, outcome=FAILED, reason=str(failed))
        raise
    _count_as_archived(hub, verified.manifest)
    _record(
        hub, target, at, started, outcome=DONE, size=verified.size, fingerprint=verified.fingerprint,
        changes=sum(verified.manifest.streams.values()),
    )  # fmt: skip
    return target, verified


def _target(hub: Hub, to: Path) -> Path:
    stamp = hub.clock.stamp()[:19].replace("-", "").replace(":", "").replace("T", "-")
    target = to / f"yizhan-{stamp}{SUFFIX}" if to.is_dir() else to
    if target.exists():
        raise InputError(f"“{target}”已经存在。", "备份不覆盖已有的文件，请换一个名称。")
    return target


def _made(hub: Hub, target: Path, say: Say) -> Verified:
    part = target.with_name(target.name + ".part")
    with writing(target), _room(target.parent) as room, contextlib.ExitStack() as left:
        say("正在复制数据库")
        with _copy_errors(target):
            copying.copy_out(hub.store.database, room / backup_file.DATABASE)
        shutil.copyfile(hub.data / backup_file.KEYS, room / backup_file.KEYS)
        manifest = _described(hub, room)
        left.callback(part.unlink, missing_ok=True)
        say("正在写入备份")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            backup_file.write(out, room, manifest, hub.keys.sign)
        say("正在打开备份核对")
        for name in manifest.files:
            (room / name).unlink()
        verified = _verified(part, room, hub.keys)
        os.replace(part, target)
        sync_folder(target.parent)
    return verified


def _described(hub: Hub, room: Path) -> Manifest:
    """The manifest, told from the copy itself: the hub has gone on meanwhile."""
    with (
        contextlib.closing(open_url(f"sqlite:///{room / backup_file.DATABASE}")) as copy,
        copy.reader.connect() as connection,
    ):
        streams = sql.execute(connection, "SELECT name, n FROM stream").fetchall()
        reach = sql.execute(
            connection,
            "SELECT device, incarnation, contiguous_to FROM device_reach ORDER BY device, incarnation",
        ).fetchall()
        epoch, revision = read_text(connection, "epoch"), str(revision_of(connection))
    _drop_logs(room / backup_file.DATABASE)
    return Manifest(
        hub_id=hub.keys.hub_id,
        hub_name=hub.keys.name,
        epoch=epoch,
        revision=revision,
        made_at=hub.clock.stamp(),
        database="sqlite" if hub.store.database.is_sqlite else "postgresql",
        files={name: backup_file.digest(room / name) for name in (backup_file.DATABASE, backup_file.KEYS)},
        streams={str(name): int(n) for name, n in streams},
        reach=[(r[0], r[1], r[2]) for r in reach],
        others=_others(hub),
    )


def _others(hub: Hub) -> dict[str, int]:
    """What else lies in the data folder, but for packages under way and the database itself."""
    database = hub.store.database.path
    skipped = {hub.data / backup_file.KEYS, *(hub.data / name for name in _PASSING)}
    out: dict[str, int] = {}
    for path in sorted(hub.data.rglob("*")):
        own = database is not None and path.name.startswith(database.name)
        remade = path.relative_to(hub.data).parts[0] in _REMADE
        if path.is_file() and not own and path not in skipped and not remade:
            out[path.relative_to(hub.data).as_posix()] = path.stat().st_size
    return out


def _count_as_archived(hub: Hub, manifest: Manifest) -> None:
    """Note per device how far a verified backup reaches; devices learn it with their receipts."""
    with hub.store.write() as connection:
        if read_text(connection, "epoch") != manifest.epoch:
            return  # restored meanwhile: the new epoch counts for itself
        for device, incarnation, to in manifest.reach:
            sql.execute(
                connection,
                "UPDATE device_reach SET archived_to = ? WHERE device = ? AND incarnation = ?"
                " AND archived_to < ? AND contiguous_to >= ?",
                (to, device, incarnation, to, to),
            )


def _record(hub: Hub, target: Path, at: str, started: float, **said: object) -> None:
    values = {
        "name": target.name[:200], "made_at": at,
        "duration_ms": round((time.monotonic() - started) * 1000), **said,
    }
    with hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(hub.store.types["backup"], [values], way="exchange", proven=True)
        audit.note(unit.connection, at, HUB_ACTOR.user, "backup", f"{target.name} {said['outcome']}")


# --- verify ----------------------------------------------------------------------
def verify(source: Path, passphrase: str, *, data: Path | None = None) -> Verified:
    """Restore into a temporary place and go through everything.

    :param data: folder of the hub it should belong to, where there is one.
    """
    with reading(source), _room(_place_for(source)) as room:
        return _verified(source, room, _expected(data, passphrase), passphrase)


def _verified(source: Path, room: Path, expected: HubKeys | None, passphrase: str = "") -> Verified:
    unpacked = backup_file.unpack(source, room)
    keys = _opened_keys(unpacked, expected, passphrase)
    unpacked.signed_by(keys)
    found = _gone_through(unpacked, keys)
    return Verified(unpacked.manifest, unpacked.fingerprint, source.stat().st_size, found)


def _expected(data: Path | None, passphrase: str) -> HubKeys | None:
    if data is None or not (data / backup_file.KEYS).exists():
        return None
    return hub_keys.load(data / backup_file.KEYS, passphrase)


def _opened_keys(unpacked: Unpacked, expected: HubKeys | None, passphrase: str) -> HubKeys:
    if expected is not None and expected.hub_id != unpacked.manifest.hub_id:
        raise InputError(
            f"这是另一个中心（{unpacked.manifest.hub_name}）的备份。",
            "请核对文件，或换用那个中心的数据文件夹。",
        )
    return expected or hub_keys.load(unpacked.folder / backup_file.KEYS, passphrase)


def _gone_through(unpacked: Unpacked, keys: HubKeys) -> dict[str, int]:
    copy = unpacked.folder / backup_file.DATABASE
    with (
        contextlib.closing(_brought_up(copy)) as database,
        storage_errors(),
        database.reader.connect() as connection,
    ):
        return checking.check(connection, keys)


def _brought_up(copy: Path) -> Database:
    database = open_url(f"sqlite:///{copy}")
    try:
        with storage_errors(), database.reader.connect() as connection:
            revision = revision_of(connection)
        if revision not in known_revisions():
            raise NewerFormat("这个备份由更新版本的驿站制作，本版本不能读取。", "请升级中心后再试。")
        bring_up(database, HUB_ROLE)
    except NewerDatabase as newer:
        database.close()
        raise NewerFormat(newer.message, newer.hint) from newer
    except BaseException:
        database.close()
        raise
    return database


# --- restore ---------------------------------------------------------------------
def restore(source: Path, url: str, data: Path, passphrase: str, *, clock: Clock | None = None) -> Restored:
    """Put a backup in the place of the hub's database, and begin a new epoch.

    Nothing is changed unless all of it was found whole. The hub must not be serving.
    """
    clock = clock or Clock()
    with reading(source):
        data.mkdir(parents=True, exist_ok=True)
        with holding(data, alone=True), _room(data) as room:
            unpacked = backup_file.unpack(source, room)
            keys = _opened_keys(unpacked, _expected(data, passphrase), passphrase)
            unpacked.signed_by(keys)
            found = _gone_through(unpacked, keys)
            verified = Verified(unpacked.manifest, unpacked.fingerprint, source.stat().st_size, found)
            epoch = _new_epoch(room / backup_file.DATABASE, verified, clock, _present_epoch(url))
            aside = _swap_in(room / backup_file.DATABASE, url, clock)
            if not (data / backup_file.KEYS).exists():
                os.replace(room / backup_file.KEYS, data / backup_file.KEYS)
            for name in _REMADE:  # answers and first loads of the time before
                shutil.rmtree(data / name, ignore_errors=True)
            sync_folder(data)
    return Restored(verified, epoch, aside)


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


def _present_epoch(url: str) -> str:
    """The epoch of what will be replaced, so that the new one is later; ``""`` when unreadable."""
    database = open_hub_address(url)
    if database is None:
        return ""
    with contextlib.closing(database):
        try:
            with storage_errors(), database.reader.connect() as connection:
                return read_text(connection, "epoch") if revision_of(connection) else ""
        except StoreError:
            return ""  # damaged: that is why it is being restored


def open_hub_address(url: str) -> Database | None:
    """The database behind an address without bringing it up; None where there is none yet."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return None
    return open_url(url)


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address; None for PostgreSQL."""
    parsed = sa.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _swap_in(copy: Path, url: str, clock: Clock) -> str:
    stamp = clock.stamp()[:19].replace("-", "").replace(":", "").replace("T", "-")
    path = sqlite_path(url)
    if path is None:
        name = f"before_restore_{stamp.replace('-', '_')}"
        with contextlib.closing(open_url(url)) as database, storage_errors():
            copying.copy_in(copy, database, name)
        return f"schema {name}"
    aside = path.with_name(f"{path.name}.before-{stamp}")
    said = ""
    if path.exists():
        for ending in ("", "-wal", "-shm"):
            old = path.with_name(path.name + ending)
            if old.exists():
                os.replace(old, aside.with_name(aside.name + ending))
        said = str(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(copy, path)
    sync_folder(path.parent)
    return said


# --- places ----------------------------------------------------------------------
@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix=".yizhan-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _place_for(source: Path) -> Path:
    """Where a backup is laid out: beside it, or where one can only read there, in the system's place."""
    if source.exists() and not os.access(source.parent, os.W_OK):
        return Path(tempfile.gettempdir())
    return source.parent


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
