"""A file on its way to become an attachment: read, recognised, turned upright, hashed."""

from __future__ import annotations

import hashlib
import re
import stat
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

    :param small: a small picture as JPEG, for photos.
    """

    content: bytes
    sha256: str
    media_type: str
    taken_at: str | None
    small: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


def prepare(source: Source) -> Prepared:
    """Read a file whole (at most 50 MB) and make it what is kept; raises :class:`InputError`."""
    content, modified = _read(source)
    media_type = kinds.recognise(BytesIO(content))
    if not media_type:
        raise InputError(
            "这种文件不能作为附件。", f"可以附 {kinds.ALLOWED_WORDS}；带宏的文档请另存后再附。"
        )
    if media_type not in kinds.IMAGES:
        return Prepared(content, hashlib.sha256(content).hexdigest(), media_type, modified)
    when = pictures.taken_at(content) or modified
    content = pictures.upright(content, media_type)
    _fits(len(content))
    digest = hashlib.sha256(content).hexdigest()
    return Prepared(content, digest, media_type, when, pictures.thumbnail(content))


def megabytes(size: int) -> str:
    """Bytes as a line says them."""
    return f"{max(size, 1) / MEGABYTE:,.1f} MB"


def _read(source: Source) -> tuple[bytes, str | None]:
    """The bytes and when the file was last written; refuses what is too big before reading it."""
    if source.path is None:
        content, modified = source.data, None
    else:
        try:
            found = source.path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise InputError("所选的不是文件。", "请选择一个文件。")
            _fits(found.st_size)
            with source.path.open("rb") as stream:
                content = stream.read(kinds.MAX_FILE + 1)
        except OSError as bad:
            raise InputError(f"文件读不出来（{why(bad)}）。", "请检查文件是否还在、能否打开。") from bad
        modified = datetime.fromtimestamp(found.st_mtime, CHINA).replace(microsecond=0).isoformat()
    _fits(len(content))
    return content, modified


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
