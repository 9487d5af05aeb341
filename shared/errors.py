"""The drawn tree of expected errors.

Every expected error carries a Chinese sentence (what happened) and a hint (what
to do next). Anything that is not a :class:`YizhanError` is a bug and surfaces.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum


def joined(message: str, hint: str) -> str:
    """Two sentences in a row: no blank after Chinese punctuation."""
    gap = "" if message.endswith(("。", "：", "；", "，", "！", "？")) else " "
    return f"{message}{gap}{hint}".strip()


_WHY = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EFBIG: "超出文件大小限制",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "磁盘是只读的",
    errno.EIO: "磁盘读写错误",
    errno.EISDIR: "所选的是文件夹",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EEXIST: "已有同名的文件",
    errno.ENOENT: "找不到文件或文件夹",
    errno.ENAMETOOLONG: "文件名太长",
    errno.EINVAL: "文件名或位置不可用",
}


def why(bad: OSError) -> str:
    """What the system says about a file, in Chinese where we know it."""
    known = _WHY.get(bad.errno) if bad.errno is not None else None
    return known or bad.strerror or str(bad)


class YizhanError(Exception):
    """Root of all expected errors.

    :param message: what happened, in Chinese, for the person at the screen.
    :param hint: what to do next, in Chinese; may be empty.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return joined(self.message, self.hint)


# --- input -----------------------------------------------------------------
class InputError(YizhanError):
    """What a person typed or a workbook holds cannot be taken as it is."""

    code = "input"


class AccessDenied(YizhanError):
    """The signed-in person may not do this (requirement R201, R208)."""

    code = "access"


class IllegalTransition(InputError):
    """A workflow does not allow this step from the present state."""

    code = "transition"


class StaleRecord(InputError):
    """The record changed since the form was opened."""

    code = "stale"


class WorkbookError(InputError):
    """A spreadsheet cannot be read, or is not the template it should be."""

    code = "workbook"


# --- the local store -------------------------------------------------------
class StoreError(YizhanError):
    """The local database cannot be used."""

    code = "store"


class EvidenceBroken(StoreError):
    """Something that was kept as evidence is not what was written."""

    code = "evidence_broken"


class NewerDatabase(StoreError):
    """The database was written by a newer version of the program."""

    code = "newer_database"


class DatabaseBusy(StoreError):
    """The database cannot be used just now: somebody else holds it, or its server is away."""

    code = "database_busy"


class DatabaseLost(StoreError):
    """The database file was deleted or exchanged behind the program's back."""

    code = "database_lost"


class WrongPassword(StoreError):
    """The password does not unwrap the database key."""

    code = "wrong_password"


class DiskFull(StoreError):
    """No room left where the data must be written."""

    code = "disk_full"


# --- exchange --------------------------------------------------------------
class ExchangeError(YizhanError):
    """Something between this device and the hub went wrong."""

    code = "exchange"


class Unreachable(ExchangeError):
    """The hub does not answer."""

    code = "unreachable"


class Interrupted(ExchangeError):
    """The connection broke in mid transfer; the next attempt resumes."""

    code = "interrupted"


class BadAnswer(ExchangeError):
    """What answered is not a hub, or answers what makes no sense."""

    code = "bad_answer"


class HubRefused(ExchangeError):
    """The hub understood and said no."""

    code = "hub_refused"


class DeviceUnknown(HubRefused):
    """The hub came back from a backup made before this device was enrolled."""

    code = "device_unknown"


class Cancelled(ExchangeError):
    """The person at the screen cancelled the work."""

    code = "cancelled"


# --- packages and media ----------------------------------------------------
class PackageError(ExchangeError):
    """A sealed package cannot be accepted."""

    code = "package"


class PackageTruncated(PackageError):
    """The package ends before its trailer."""

    code = "truncated"


class PackageTampered(PackageError):
    """Hash, tag or signature do not fit the bytes."""

    code = "tampered"


class NotForUs(PackageError):
    """The package is sealed to somebody else."""

    code = "not_for_us"


class UnknownSigner(PackageError):
    """Nobody we trust has signed this package."""

    code = "unknown_signer"


class NewerFormat(PackageError):
    """The package was written by a newer version of the program."""

    code = "newer_format"


class MediaError(ExchangeError):
    """The stick or folder cannot be used."""

    code = "media"


class MediaFull(MediaError):
    """No room left on the stick."""

    code = "media_full"


class MediaReadOnly(MediaError):
    """The stick is write-protected."""

    code = "media_read_only"


class MediaGone(MediaError):
    """The stick was pulled out or never there."""

    code = "media_gone"


# --- findings about one field ----------------------------------------------
class Level(StrEnum):
    """How bad a finding is (R27: 警示提示或拒绝入库)."""

    WARN = "warn"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about one field of one record.

    :param field: name of the field it belongs to; ``""`` for the whole record.
    :param message: Chinese, says what is wrong and how to mend it.
    """

    field: str
    message: str
    level: Level = Level.REJECT


class Rejected(InputError):
    """A record breaks rules of level *reject*.

    :param problems: all findings, warnings included.
    """

    code = "rejected"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = next((p for p in problems if p.level is Level.REJECT), problems[0])
        super().__init__(first.message, "请按提示修改后再保存。")
