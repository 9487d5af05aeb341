"""Photos: made small, freed of what they tell of place and camera, never decoded beyond a limit of pixels."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter

from desktop.work.odd_names import is_text
from shared.attachments import JPEG, MAX_PIXELS
from shared.clock import CHINA
from shared.errors import InputError

THUMB_SIDE = 256
"""Pixels of the longer side of a small picture."""
_QUALITY = 92
_THUMB_QUALITY = 80
_ALLOCATION_MB = 512
EXIF_HEAD = 128 << 10
"""Bytes at the beginning of a photo in which its camera tells of it."""
_TAKEN = re.compile(rb"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)\x00")


def require_readable(content: bytes | Path) -> None:
    """Raise :class:`InputError` for a picture that cannot be read, or has too many pixels."""
    reader, held = _reader(content)
    size = reader.size()
    readable = size.isValid() and reader.canRead()
    held.close()
    if not readable:
        raise InputError("图片已损坏或不完整，打不开。", "请换一张，或重新拍摄。")
    if size.width() * size.height() > MAX_PIXELS:
        raise InputError(
            f"图片有 {size.width():,}×{size.height():,} 点，超出上限。", "请缩小后再添加。"
        )


def without_traces(content: bytes | Path, media_type: str) -> bytes | None:
    """The picture alone, upright: no place, no camera, no serial number; None when it cannot be read."""
    reader, held = _reader(content)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > MAX_PIXELS:
        return None
    image = reader.read()
    held.close()
    return None if image.isNull() else encoded(image, b"JPEG" if media_type == JPEG else b"PNG", _QUALITY)


def thumbnail(content: bytes | Path) -> bytes | None:
    """A small picture as JPEG, at most :data:`THUMB_SIDE` wide and high; None when there is none."""
    reader, held = _reader(content)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > MAX_PIXELS:
        return None
    if max(size.width(), size.height()) > THUMB_SIDE:
        reader.setScaledSize(size.scaled(QSize(THUMB_SIDE, THUMB_SIDE), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    held.close()
    return None if image.isNull() else encoded(image, b"JPEG", _THUMB_QUALITY)


def taken_at(content: bytes) -> str | None:
    """When a photo was taken, as its camera wrote it (EXIF), ISO with offset; None when it did not."""
    found = [m.groups() for m in _TAKEN.finditer(content[:EXIF_HEAD])]
    for parts in reversed(found):  # the last is DateTimeOriginal or DateTimeDigitized
        try:
            return datetime(*(int(p) for p in parts), tzinfo=CHINA).isoformat()  # type: ignore[misc,arg-type]
        except ValueError:
            continue
    return None


def encoded(image: QImage, form: bytes, quality: int = -1) -> bytes:
    """A picture as bytes of a file, without any text that came with it."""
    for key in image.textKeys():
        image.setText(key, "")
    out = QBuffer()
    out.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(out, QByteArray(form))
    writer.setQuality(quality)
    writer.write(image)
    return bytes(out.data().data())


def _reader(content: bytes | Path) -> tuple[QImageReader, QIODevice]:
    QImageReader.setAllocationLimit(_ALLOCATION_MB)
    held: QBuffer | QFile
    if isinstance(content, Path) and not is_text(str(content)):
        content = content.read_bytes()  # Qt finds no file whose name is no text
    if isinstance(content, Path):
        held = QFile(str(content))
    else:
        held = QBuffer()
        held.setData(QByteArray(content))
    held.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(held)
    reader.setAutoTransform(True)
    return reader, held
