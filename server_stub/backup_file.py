"""The file a backup is: a compressed tar of a list, the database, the wrapped keys and a signed manifest.

What lies in it is named by this module alone; nothing in an archive becomes a path.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

import zstandard

from server_stub.keys import HubKeys
from shared.errors import DiskFull, InputError, NewerFormat, PackageError, why
from sync import signing
from sync.signing import Envelope, SigningKey

VERSION = 2
DATABASE = "hub.db"
KEYS = "hub.key"
CONTENTS = "contents.list"
"""Contents of attachments the archive counts on: they lie beside it; version 1 had none."""
NAMES = (CONTENTS, DATABASE, KEYS)
"""The list first: ``prune`` reads it without what comes after."""
PART = ".part"
"""Ends the name of an archive that is not written and checked yet."""
ROOM = ".yizhan-"
"""Begins the name of a folder where an archive is put together or laid out."""
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
SIGNED = "application/vnd.yizhan.backup+json"
_MOST_MANIFEST = 64 << 20
_PIECE = 1 << 20
_END = b"YZB2"
"""Stands at the end of an archive, before the SHA-256 of everything before it."""
_BROKEN = "备份文件不完整，或已损坏。"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BackupDamaged(PackageError):
    """A backup cannot be restored from."""

    code = "backup_damaged"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and of when it is.

    :param files: name → (bytes, SHA-256 hex).
    :param streams: stream → changes in it.
    :param reach: (device, incarnation, last change of it inside).
    :param others: what else lay in the data folder, with sizes: not inside.
    :param key_version: how many times the keys inside had been changed.
    """

    hub_id: str
    hub_name: str
    epoch: str
    revision: str
    made_at: str
    database: str
    files: dict[str, tuple[int, str]]
    streams: dict[str, int]
    reach: list[tuple[str, int, int]]
    others: dict[str, int] = field(default_factory=dict)
    key_version: int = 0
    v: int = VERSION

    def encode(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Manifest:
        """Back from bytes; raises :class:`BackupDamaged` or :class:`NewerFormat`."""
        try:
            said: dict[str, Any] = json.loads(raw)
            if int(said.get("v", 0)) > VERSION:
                raise NewerFormat("这个备份由更新版本的驿站制作，本版本不能读取。", "请升级中心后再试。")
            files = {str(n): (int(f[0]), str(f[1])) for n, f in said["files"].items()}
            reach = [(str(r[0]), int(r[1]), int(r[2])) for r in said["reach"]]
            return cls(**{**said, "files": files, "reach": reach})
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as bad:
            raise damaged("备份的清单读不懂。") from bad


def damaged(what: str) -> BackupDamaged:
    """Why this file is no backup."""
    return BackupDamaged(what, "请换用另一份备份；原来的数据没有变动。")


def fingerprint(manifest: bytes) -> str:
    """Name of a backup: hash of its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def digest(path: Path) -> tuple[int, str]:
    """Size and hash of a file."""
    hasher, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            hasher.update(piece)
            size += len(piece)
    return size, hasher.hexdigest()


def write(out: BinaryIO, folder: Path, manifest: Manifest, key: SigningKey) -> str:
    """Pack the files of a manifest from ``folder``, sign it, flush; returns the fingerprint."""
    raw = manifest.encode()
    signature = signing.sign(key, SIGNED, raw).encode()
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True, threads=-1)
    with packer.stream_writer(out, closefd=False) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for name, data in ((MANIFEST, raw), (SIGNATURE, signature)):
            _add(tar, name, len(data), io.BytesIO(data))
        for name, (size, _) in manifest.files.items():
            with (folder / name).open("rb") as stream:
                _add(tar, name, size, stream)
    seal(out)
    out.flush()
    os.fsync(out.fileno())
    return fingerprint(raw)


def _add(tar: tarfile.TarFile, name: str, size: int, stream: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, stream)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup laid out in a folder of its own; hashes fit, the signature is still to be checked."""

    manifest: Manifest
    raw: bytes
    signature: bytes
    folder: Path

    @property
    def fingerprint(self) -> str:
        """Name of the backup."""
        return fingerprint(self.raw)

    def signed_by(self, keys: HubKeys) -> None:
        """Raise :class:`BackupDamaged` unless this hub signed the manifest, now or with an earlier key."""
        try:
            read = Envelope.decode(self.signature)
            fits = signing.verify(read, keys.own(read.keyid) or keys.sign.public, SIGNED) == self.raw
        except PackageError:
            fits = False
        if not fits:
            raise damaged("备份的清单不是由这个中心签署的，或被改动过。")


def unpack(source: Path, folder: Path) -> Unpacked:
    """Lay out a backup in an empty folder; everything is checked against the manifest.

    First the file as a whole: bytes that changed on a disk are told apart from an archive that
    somebody packed anew.
    """
    with reading(source):
        sealed = _sealed(source)
        with _members(source) as (tar, members):
            raw = _small(tar, members, MANIFEST)
            manifest = Manifest.decode(raw)
            if manifest.v > 1 and not sealed:
                raise damaged(_BROKEN)
            signature = _small(tar, members, SIGNATURE)
            for name, (size, expected) in manifest.files.items():
                _lay_out(tar, members, folder, name, size, expected)
    return Unpacked(manifest, raw, signature, folder)


def contents_of(source: Path) -> bytes:
    """The list of contents alone, without what comes after it; empty where an archive has none."""
    with reading(source), _members(source) as (tar, members):
        manifest = Manifest.decode(_small(tar, members, MANIFEST))
        _small(tar, members, SIGNATURE)
        if CONTENTS not in manifest.files:
            return b""
        size, expected = manifest.files[CONTENTS]
        raw = _next(tar, members, CONTENTS).read(size + 1)
    if (len(raw), hashlib.sha256(raw).hexdigest()) != (size, expected):
        raise damaged(f"备份中的 {CONTENTS} 与清单不符。")
    return raw


@contextmanager
def _members(source: Path) -> Iterator[tuple[tarfile.TarFile, Iterator[tarfile.TarInfo]]]:
    """The files of an archive one after the other."""
    with source.open("rb") as stream:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream)
        try:
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                yield tar, iter(tar)
        except (tarfile.TarError, zstandard.ZstdError, EOFError) as bad:
            raise damaged(_BROKEN) from bad


def _sealed(source: Path) -> bool:
    """Whether the hash at the end fits all before it; False for an archive of before there was one.

    Raises :class:`BackupDamaged` when it does not fit.
    """
    hasher = hashlib.sha256()
    with source.open("rb") as stream:
        left = stream.seek(0, os.SEEK_END) - len(_END) - hasher.digest_size
        stream.seek(0)
        while left > 0 and (piece := stream.read(min(_PIECE, left))):
            hasher.update(piece)
            left -= len(piece)
        end = stream.read()
    if not end.startswith(_END):
        return False
    if end != _END + hasher.digest():
        raise damaged(_BROKEN)
    return True


def seal(archive: BinaryIO) -> None:
    """Put the hash of all that stands in a file at its end."""
    archive.seek(0)
    hasher = hashlib.sha256()
    while piece := archive.read(_PIECE):
        hasher.update(piece)
    archive.write(_END + hasher.digest())


def _next(tar: tarfile.TarFile, members: Iterator[tarfile.TarInfo], name: str) -> IO[bytes]:
    info = next(members, None)
    found = tar.extractfile(info) if info is not None and info.name == name and info.isfile() else None
    if found is None:
        raise damaged(f"备份文件不完整：缺少 {name}。")
    return found


def _small(tar: tarfile.TarFile, members: Iterator[tarfile.TarInfo], name: str) -> bytes:
    data = _next(tar, members, name).read(_MOST_MANIFEST + 1)
    if len(data) > _MOST_MANIFEST:
        raise damaged("备份的清单过大。")
    return data


def _lay_out(
    tar: tarfile.TarFile,
    members: Iterator[tarfile.TarInfo],
    folder: Path,
    name: str,
    size: int,
    expected: str,
) -> None:
    if name not in NAMES:
        raise damaged("备份中有来历不明的文件。")
    stream, hasher, done = _next(tar, members, name), hashlib.sha256(), 0
    handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        while piece := stream.read(_PIECE):
            out.write(piece)
            hasher.update(piece)
            done += len(piece)
        out.flush()
        os.fsync(out.fileno())
    if (done, hasher.hexdigest()) != (size, expected):
        raise damaged(f"备份中的 {name} 与清单不符。")


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """What the system says about reading a backup, or laying it out."""
    if source.exists() and not source.is_file():
        raise InputError(f"“{source}”不是文件，不能当作备份。", "请写明备份文件的路径。")
    try:
        yield
    except OSError as bad:
        if bad.errno in _FULL:
            raise no_room() from bad
        raise InputError(
            f"备份文件“{source}”不能使用（{why(bad)}）。", "请检查路径、介质和权限；原来的数据没有变动。"
        ) from bad


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """What the system says about writing a backup."""
    try:
        yield
    except OSError as bad:
        if bad.errno in _FULL:
            raise no_room() from bad
        raise InputError(
            f"不能把备份写到“{target}”（{why(bad)}），没有留下备份。", "请检查路径和权限，或换一个位置。"
        ) from bad


def no_room() -> DiskFull:
    """The disk of the backup is full."""
    return DiskFull(
        "磁盘空间不足，没有做成，也没有留下半份文件。", "请清理磁盘或换一个位置；中心的数据没有变动。"
    )
