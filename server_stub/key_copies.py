"""Copies of the hub's key file beside its backups, and which of several is to be gone on with.

An archive holds the key file of its day; devices may have followed newer keys since, and what
they seal then only the newest opens. So each version lies beside the archives too, under a
name that says which it is, and a restore never goes back to an older one (ADR 0024).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from server_stub import keys as hub_keys
from server_stub.keys import HubKeys
from shared.durable import sync_folder
from shared.errors import InputError
from shared.ids import new_id

FACT = "backup_folder"
"""Fact: where the last backup went; a rotation puts the new key file there at once."""
_NAME = re.compile(r"yizhan-([0-9a-f]{32})-([0-9]{1,6})\.key")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The keys a restored hub goes on with.

    :param source: the file to put in place; None where the data folder has the newest already.
    :param present: what lies in the data folder.
    """

    keys: HubKeys
    source: Path | None
    present: HubKeys | None = None


def keep(key_file: Path, keys: HubKeys, folder: Path) -> Path:
    """Put a copy of the key file beside the archives; one that is there already stays."""
    target = folder / f"yizhan-{keys.hub_id}-{keys.version}.key"
    if not target.exists():
        place(key_file, target)
    return target


def place(source: Path, target: Path) -> None:
    """Copy a key file, whole or not at all."""
    draft = target.with_name(f"{target.name}.{new_id()[-12:]}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(source.read_bytes())
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def choose(
    inside: tuple[Path, int], beside: Path, hub_id: str, present: HubKeys | None, passphrase: str
) -> Chosen:
    """The newest keys among the data folder's, an archive's and the copies beside the archive.

    :param inside: the key file out of the archive, and its version; :param beside: where the archive lies.
    :param present: what the data folder has. Raises :class:`InputError` when two are not one line.
    """
    found, source = present, None
    for path, version in sorted([inside, *_copies(beside, hub_id)], key=lambda one: one[1]):
        if found is not None and version <= found.version:
            continue
        one = hub_keys.load(path, passphrase)
        _one_line(found or one, one)
        found, source = one, path
    assert found is not None
    return Chosen(found, source, present)


def _copies(folder: Path, hub_id: str) -> list[tuple[Path, int]]:
    """The copies of a hub's key file in a folder, each with its version."""
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.glob("yizhan-*.key")]
    return [(path, int(fits[2])) for path, fits in found if fits is not None and fits[1] == hub_id]


def _one_line(one: HubKeys, other: HubKeys) -> None:
    """Of two key files of a hub the newer one continues the older; two that part are nobody's to choose."""
    shorter, longer = sorted((one, other), key=lambda keys: keys.version)
    if longer.hub_id != shorter.hub_id or longer.links[: len(shorter.links)] != shorter.links:
        raise InputError(
            "中心的密钥文件有两份，更换记录彼此不同，不能判断用哪一份。",
            "请核对数据文件夹和备份文件夹中的密钥文件，移走不属于这个中心的一份，再恢复一次。",
        )
