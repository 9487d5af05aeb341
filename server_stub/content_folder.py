"""A folder of contents of attachments: each under its SHA-256, written once, never changed.

The hub's own store lies like this, and so do the contents beside its backups. Bytes are hashed
on the way in and again as they were written: what stands under a name is what the name says.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_stub.holding import FILE, lock, release
from shared.durable import sync_folder
from shared.errors import InputError
from shared.ids import new_id

_PIECE = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Content:
    """A content by its hash, and its bytes."""

    sha256: str
    size: int


class ContentFolder:
    """Contents by their hash, as they lie beside archives, and at the hub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a content lies."""
        return self.folder / sha256[:2] / sha256

    def has(self, one: Content) -> bool:
        """Whether it is there, as long as it should be."""
        try:
            return self.path(one.sha256).stat().st_size == one.size
        except FileNotFoundError:
            return False

    def right(self, one: Content) -> bool:
        """Whether its bytes are what its name says."""
        return self.has(one) and digest_of(self.path(one.sha256)) == one.sha256

    def take(self, one: Content, source: Path) -> bool:
        """Copy a content here and read it back; False when ``source`` is missing or is not it."""
        final = self.path(one.sha256)
        draft = final.with_name(f"{one.sha256}.{new_id()[-12:]}.part")
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if not _copied(source, draft, one) or digest_of(draft) != one.sha256:
                return False
            os.replace(draft, final)
            sync_folder(final.parent)
            return True
        finally:
            draft.unlink(missing_ok=True)

    def every(self) -> Iterator[Path]:
        """Every file in it that is a content by its name."""
        for inner in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from (p for p in sorted(inner.iterdir()) if _NAME.fullmatch(p.name))

    def leftovers(self) -> Iterator[Path]:
        """What a copy that was broken off has left."""
        yield from self.folder.glob("[0-9a-f][0-9a-f]/*.part")

    @contextmanager
    def held(self, *, alone: bool = False) -> Iterator[None]:
        """Several may add at once; who takes away is alone. Raises :class:`InputError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = lock(self.folder / FILE, alone=alone)
        except BlockingIOError:
            raise InputError(
                "这个备份文件夹正在被另一个备份命令使用。", "请等它完成后再试。"
            ) from None
        try:
            yield
        finally:
            release(handle)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def _copied(source: Path, draft: Path, one: Content) -> bool:
    """Copy and flush; False when the source is missing or is something else."""
    hasher, size = hashlib.sha256(), 0
    try:
        stream = source.open("rb")
    except FileNotFoundError:
        return False
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with stream, os.fdopen(handle, "wb") as out:
        while piece := stream.read(_PIECE):
            hasher.update(piece)
            size += len(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return (size, hasher.hexdigest()) == (one.size, one.sha256)
