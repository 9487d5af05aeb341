"""A file on its way to become an attachment: recognised, hashed, read in pieces."""

from __future__ import annotations

import hashlib
import io
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from desktop.work import pictures
from shared import attachments as kinds
from shared.clock import CHINA
from shared.errors import InputError, why

MEGABYTE = 1_000_000
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')


@dataclass(frozen=True, slots=True)
class Source:
    """Something to attach: a file, or bytes from the clipboard."""

    name: str
    path: Path | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will be kept.

    :param held: the bytes, where they come from no file.
    :param small: a small picture as JPEG, for photos.
    """

    sha256: str
    size: int
    media_type: str
    taken_at: str | None
    small: bytes | None = None
    path: Path | None = None
    held: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """The content in pieces; raises :class:`InputError` when the file is another one by now."""
        hasher, size = hashlib.sha256(), 0
        with _opened(self.path, self.held) as stream:
            while size <= self.size and (data := stream.read(kinds.PIECE)):
                hasher.update(data)
                size += len(data)
                yield data
        if (size, hasher.hexdigest()) != (self.size, self.sha256):
            raise InputError("文件在添加的时候被改动了。", "请等它写完后再添加。")


def prepare(source: Source) -> Prepared:
    """Look at a file (at most 50 MB); raises :class:`InputError`.

    What is kept are its very bytes, a photo's with time, place and camera (R238): evidence is not
    edited. The small picture carries nothing of that.
    """
    size, modified = _look(source)
    with _opened(source.path, source.data) as stream:
        media_type = kinds.recognise(stream)
        if not media_type:
            raise InputError(
                "这种文件不能作为附件。", f"可以附 {kinds.ALLOWED_WORDS}；带宏的文档请另存后再附。"
            )
        stream.seek(0)
        start = stream.read(pictures.EXIF_HEAD)
    if media_type not in kinds.IMAGES:
        return Prepared(_hash(source), size, media_type, modified, path=source.path, held=source.data)
    when = pictures.taken_at(start) or modified
    with _reading():
        pictures.require_readable(source.path or source.data)
        small = pictures.thumbnail(source.path or source.data)
    return Prepared(_hash(source), size, media_type, when, small, source.path, source.data)


def megabytes(size: int) -> str:
    """Bytes as a line says them."""
    return f"{max(size, 1) / MEGABYTE:,.1f} MB"


def _look(source: Source) -> tuple[int, str | None]:
    """Bytes, and when the file was last written; refuses what is too big before anything is read."""
    if source.path is None:
        size, modified = len(source.data), None
    else:
        with _reading():
            found = source.path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError("所选的不是文件。", "请选择一个文件。")
        size = found.st_size
        modified = datetime.fromtimestamp(found.st_mtime, CHINA).replace(microsecond=0).isoformat()
    _fits(size)
    return size, modified


def _hash(source: Source) -> str:
    hasher = hashlib.sha256()
    with _opened(source.path, source.data) as stream:
        while data := stream.read(kinds.PIECE):
            hasher.update(data)
    return hasher.hexdigest()


@contextmanager
def _opened(path: Path | None, data: bytes) -> Iterator[io.BufferedIOBase]:
    with _reading(), (BytesIO(data) if path is None else path.open("rb")) as stream:
        yield stream


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as bad:
        raise InputError(f"文件读不出来（{why(bad)}）。", "请检查文件是否还在、能否打开。") from bad


def _fits(size: int) -> None:
    if size == 0:
        raise InputError("文件是空的。", "请换一个文件。")
    if size > kinds.MAX_FILE:
        raise InputError(
            f"文件有 {megabytes(size)}，超过 {kinds.MAX_FILE_WORDS} 的上限。",
            "请压缩、拆分或降低分辨率后再添加。",
        )


def safe_name(name: str, media_type: str) -> str:
    """A file name that is no path and ends as its content is, whatever the record says."""
    stem, _, suffix = name.rpartition(".")
    allowed = kinds.SUFFIXES.get(media_type, (".bin",))
    ending = f".{suffix.lower()}"
    plain = _UNSAFE.sub("_", stem if stem and ending in allowed else name).strip(". ")[:80] or "附件"
    return plain + (ending if ending in allowed else allowed[0])
