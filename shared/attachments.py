"""What a photo or scan is made of: kinds that may be attached, limits, pieces.

A file is recognised by its content; its name decides nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable

PIECE = 1 << 20
"""Bytes of a piece; the last one may be shorter."""
MAX_FILE = 50 * 1000 * 1000
MAX_FILE_WORDS = "50 MB"
MAX_PIECES = -(-MAX_FILE // PIECE)
MAX_PIXELS = 80_000_000
"""More than any camera an office has; a picture beyond it would fill the memory."""
MAX_NAMES = 5_000
"""Parts of an office document that are looked at."""

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
OFD = "application/ofd"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
OLE = "application/x-ole-storage"
SUFFIXES: dict[str, tuple[str, ...]] = {
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
    PDF: (".pdf",),
    OFD: (".ofd",),
    DOCX: (".docx",),
    XLSX: (".xlsx",),
    PPTX: (".pptx",),
    OLE: (".doc", ".xls", ".ppt", ".wps", ".et", ".dps"),
}
"""Media types that are taken in, with the suffixes each may be opened under; the first is the usual one."""
KIND_WORDS = {
    JPEG: "照片", PNG: "图片", PDF: "PDF", OFD: "OFD 版式文件", DOCX: "Word 文档", XLSX: "Excel 表格",
    PPTX: "演示文稿", OLE: "Office/WPS 文档",
}  # fmt: skip
ALLOWED_WORDS = "JPEG、PNG 图片，PDF、OFD，Word、Excel、PPT 和 WPS 文档"
IMAGES = frozenset({JPEG, PNG})

_SHA256 = re.compile(r"[0-9a-f]{64}")
_IN_ZIP = (
    ("OFD.xml", OFD), ("word/document.xml", DOCX), ("xl/workbook.xml", XLSX), ("ppt/presentation.xml", PPTX),
)  # fmt: skip


def check_sha256(value: str) -> str | None:
    """Why a text is no SHA-256; None when it is one."""
    return None if _SHA256.fullmatch(value) else "应为 64 位小写十六进制数"


def check_media_type(value: str) -> str | None:
    """Why a media type may not be attached; None when it may."""
    return None if value in SUFFIXES else f"只能附 {ALLOWED_WORDS}"


def pieces_of(size: int) -> int:
    """How many pieces a content of ``size`` bytes has."""
    return -(-size // PIECE)


def piece_size(size: int, no: int) -> int:
    """Bytes of piece ``no`` (from 0) of a content of ``size`` bytes."""
    return min(PIECE, size - no * PIECE)


def recognise(content: io.BufferedIOBase | io.BytesIO) -> str:
    """The media type a content really is; ``""`` when it is none that may be attached.

    Of an archive only the list of names is read. A document with macros is none of them.
    """
    content.seek(0)
    start = content.read(16)
    if start.startswith(b"\xff\xd8\xff"):
        return JPEG
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if start.startswith(b"%PDF-"):
        return PDF
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return OLE
    if start.startswith(b"PK\x03\x04"):
        return _in_archive(content)
    return ""


def _in_archive(content: io.BufferedIOBase | io.BytesIO) -> str:
    try:
        with zipfile.ZipFile(content) as archive:
            names = set(archive.namelist()[:MAX_NAMES])
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError):
        return ""
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return ""
    return next((kind for name, kind in _IN_ZIP if name in names), "")


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers in rising order as stretches ``(first, last)``."""
    out: list[tuple[int, int]] = []
    for no in numbers:
        if out and out[-1][1] == no - 1:
            out[-1] = out[-1][0], no
        else:
            out.append((no, no))
    return out


def numbers(found: Iterable[tuple[int, int]], count: int) -> set[int]:
    """What stretches say, nothing beyond ``count``."""
    return {no for first, last in found for no in range(max(0, first), min(last, count - 1) + 1)}
