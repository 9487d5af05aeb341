"""Cells of an .xlsx sheet whose formula failed (#N/A, #REF!): the fast reader shows them as blank."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

FAULTS = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})

_BOOK = "xl/workbook.xml"
_LINKS = "xl/_rels/workbook.xml.rels"
_CHUNK = 1 << 20
_SIGN = b't="e"'
_CELL = re.compile(
    rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)([0-9]+)"[^>]*>(?:(?!</c>).)*?<v>([^<]*)</v>', re.DOTALL
)

Faults = dict[int, list[tuple[int, str]]]
"""Column index and error text by row number."""


def faults(data: bytes, sheet: str) -> Faults:
    """Failed cells of the named sheet; empty for other formats and for nearly every workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            part = _part(packed, sheet)
            if part is None or not _has_sign(packed, part):
                return {}
            found: Faults = {}
            for cell in _CELL.finditer(packed.read(part)):
                place = (_index(cell[1].decode()), cell[3].decode())
                found.setdefault(int(cell[2]), []).append(place)
            return found
    except zipfile.BadZipFile:
        return {}


def _part(packed: zipfile.ZipFile, sheet: str) -> str | None:
    """Name of the part that holds a sheet."""
    names = set(packed.namelist())
    if not {_BOOK, _LINKS} <= names:
        return None
    sheets = {one.get("name"): one.get("id") for one in _tags(packed.read(_BOOK), "sheet")}
    for link in _tags(packed.read(_LINKS), "Relationship"):
        if link.get("Id") == sheets.get(sheet, ""):
            target = link.get("Target", "")
            part = target[1:] if target.startswith("/") else f"xl/{target}"
            return part if part in names else None
    return None


def _tags(xml: bytes, name: str) -> Iterator[dict[str, str]]:
    """Attributes of all elements of a name, prefixes left out: no parser meets a stranger's XML."""
    for tag in re.finditer(rf"<(?:\w+:)?{name}\s([^>]*)>", xml.decode("utf-8", "replace")):
        found = re.finditer(r"""(?:\w+:)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag[1])
        yield {one[1]: unescape(one[2] or one[3] or "") for one in found}


def _has_sign(packed: zipfile.ZipFile, part: str) -> bool:
    with packed.open(part) as stream:
        tail = b""
        while chunk := stream.read(_CHUNK):
            if _SIGN in chunk or _SIGN in tail + chunk[: len(_SIGN)]:
                return True
            tail = chunk[-len(_SIGN) :]
    return False


def _index(letters: str) -> int:
    value = 0
    for one in letters:
        value = value * 26 + ord(one) - 64
    return value - 1
