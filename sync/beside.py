"""Packages of attachments that lie beside a package of changes on the same medium.

The cover of the changes names them with their sizes, signed like the rest of it, so that
whoever takes the stick, also without any key, can say which file is missing or damaged.
A file is known by the package id in its own cover, never by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.errors import MediaError, PackageError, YizhanError
from sync import package
from sync.layout import Core, Kind, Prereq
from sync.media import medium_errors, packages_in

BESIDE = "beside"
MOST = 400
"""Files one cover may name."""
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Beside:
    """One named file.

    :param path: where it lies; None when it is not there.
    :param trouble: why it cannot be used; None when it is whole.
    """

    package_id: str
    size: int
    path: Path | None = None
    trouble: YizhanError | None = None


def said_beside(files: Mapping[str, int]) -> dict[str, Prereq]:
    """What a cover says about the files beside it: package id → bytes."""
    return {BESIDE: dict(files)} if files else {}


def named(core: Core) -> dict[str, int]:
    """The files a cover names; nothing for one that names none, or says it wrongly."""
    found = core.prereqs.get(BESIDE)
    if core.kind is not Kind.CHANGES or not isinstance(found, dict):
        return {}
    good = [(i, n) for i, n in found.items() if _ID.fullmatch(i) and n > 0]
    return dict(good[:MOST])


def look_beside(core: Core, folder: Path) -> list[Beside]:
    """Each named file as it lies in ``folder``: whole, damaged or missing; reads them whole."""
    wanted = named(core)
    if not wanted:
        return []
    here = _by_id(folder)
    return [_checked(core, one, size, here.get(one)) for one, size in wanted.items()]


def _by_id(folder: Path) -> dict[str, Path]:
    """Packages in a folder by the id on their covers; what has no readable cover is passed over."""
    found: dict[str, Path] = {}
    try:
        files = packages_in(folder)
    except MediaError:
        return found
    for path in files:
        with suppress(PackageError, OSError), path.open("rb") as stream:
            found.setdefault(package.inspect(stream).core.package_id, path)
    return found


def _checked(core: Core, package_id: str, size: int, path: Path | None) -> Beside:
    if path is None:
        missing = MediaError(
            f"附件包 {package_id[-8:].upper()} 不在介质上（应有 {size:,} 字节）。",
            "变更照常处理；请对方再导出一次附件，先补没有带到的。",
        )
        return Beside(package_id, size, None, missing)
    try:
        with medium_errors(path, reading=True), path.open("rb") as stream:
            told = package.intact(stream)
        if told.core.exporter != core.exporter or told.core.kind is not Kind.ATTACHMENTS:
            raise PackageError("它不是同一次导出的附件包。", "请对方再导出一次附件。")
    except (PackageError, MediaError) as bad:
        trouble = MediaError(
            f"附件包“{path.name}”不能用：{bad.message.rstrip('。')}。",
            "变更照常处理；请对方换一个介质再导出一次附件。",
        )
        return Beside(package_id, size, path, trouble)
    return Beside(package_id, size, path)


__all__ = ["Beside", "look_beside", "named", "said_beside"]
