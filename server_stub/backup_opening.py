"""Opening a backup and going through everything it holds, and everything it names beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_stub import backup_contents, backup_file, checking, key_copies
from server_stub import keys as hub_keys
from server_stub.backup_contents import SUFFIX, Shelved, beside
from server_stub.backup_file import PART, BackupDamaged, Manifest, Unpacked, reading
from server_stub.content_folder import Content, ContentFolder
from server_stub.key_copies import Chosen
from server_stub.keys import HubKeys
from shared.errors import InputError, NewerDatabase, NewerFormat
from shared.store.database import Database, open_url, storage_errors
from shared.store.migrate import HUB as HUB_ROLE
from shared.store.migrate import bring_up, known_revisions, revision_of


@dataclass(frozen=True, slots=True)
class Verified:
    """What opening a backup and going through it showed.

    :param contents: of attachments, those the backup names; None for one made before it could hold any.
    """

    manifest: Manifest
    fingerprint: str
    size: int
    found: dict[str, int]
    contents: Shelved | None = None


def verify(
    source: Path, passphrase: str, *, data: Path | None = None, contents: Path | None = None,
    quick: bool = False,
) -> Verified:
    """Restore into a temporary place and go through everything.

    :param data: folder of the hub it should belong to, where there is one.
    :param contents: where the contents it names lie, if not beside it; ``quick`` looks at their lengths only.
    """
    finished(source)
    with reading(source), room(place_for(source)) as place:
        known = expected(data, passphrase)
        return gone_through(
            source, place, lambda one: opened_keys(one, known, source, passphrase).keys,
            contents_of(source, contents), quick=quick,
        )  # fmt: skip


def finished(source: Path) -> None:
    """Raise :class:`BackupDamaged` for an archive that still bears the name of an unfinished one."""
    if source.name.endswith(PART) and source.exists():
        raise BackupDamaged(
            f"“{source.name}”是没有做完的备份：没有核对过，不能算数。",
            f"请换用旁边已完成的备份（{SUFFIX}）；一份也没有时，中心还在就重新执行 backup。",
        )


def contents_of(source: Path, said: Path | None) -> ContentFolder:
    """Where the contents of a backup lie."""
    return beside(source) if said is None else ContentFolder(said)


def gone_through(
    source: Path, place: Path, whose: Callable[[Unpacked], HubKeys], contents: ContentFolder, *,
    quick: bool = False,
) -> Verified:  # fmt: skip
    """Lay a backup out in ``place`` and look at everything; raises what is wrong with it.

    :param whose: the keys that must have signed it. Contents that are wrong are told, not raised.
    """
    unpacked = backup_file.unpack(source, place)
    keys = whose(unpacked)
    unpacked.signed_by(keys)
    found = proved(unpacked, keys)
    wanted = named(unpacked)
    shelved = backup_contents.check(wanted, contents, quick=quick) if wanted is not None else None
    return Verified(unpacked.manifest, unpacked.fingerprint, source.stat().st_size, found, shelved)


def named(unpacked: Unpacked) -> list[Content] | None:
    """Contents an archive names; None for one made before it could."""
    if backup_file.CONTENTS not in unpacked.manifest.files:
        return None
    return backup_contents.read_list((unpacked.folder / backup_file.CONTENTS).read_bytes())


def expected(data: Path | None, passphrase: str) -> HubKeys | None:
    """The keys of the hub whose folder this is; None where there are none."""
    if data is None or not (data / backup_file.KEYS).exists():
        return None
    return hub_keys.load(data / backup_file.KEYS, passphrase)


def opened_keys(unpacked: Unpacked, known: HubKeys | None, source: Path, passphrase: str) -> Chosen:
    """The newest keys of the hub a backup is of; see :func:`key_copies.choose`."""
    if known is not None and known.hub_id != unpacked.manifest.hub_id:
        raise InputError(
            f"这是另一个中心（{unpacked.manifest.hub_name}）的备份。",
            "请核对文件，或换用那个中心的数据文件夹。",
        )
    manifest = unpacked.manifest
    inside = unpacked.folder / backup_file.KEYS, manifest.key_version
    return key_copies.choose(inside, source.parent, manifest.hub_id, known, passphrase)


def proved(unpacked: Unpacked, keys: HubKeys) -> dict[str, int]:
    """Bring the database up and go through its chains and signatures."""
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


# --- places ----------------------------------------------------------------------
@contextmanager
def room(folder: Path, prefix: str = backup_file.ROOM) -> Iterator[Path]:
    """A folder to lay things out in, gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def place_for(source: Path) -> Path:
    """Where a backup is laid out: beside it, or where one can only read there, in the system's place."""
    if source.exists() and not os.access(source.parent, os.W_OK):
        return Path(tempfile.gettempdir())
    return source.parent
