"""Cells of an .xlsx sheet whose formula failed (#N/A, #REF!): the fast reader shows them as blank."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

FAULTS = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
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
    except (zipfile.BadZipFile, ElementTree.ParseError):
        return {}


def _part(packed: zipfile.ZipFile, sheet: str) -> str | None:
    """Name of the part that holds a sheet."""
    names = set(packed.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    book = ElementTree.fromstring(packed.read("xl/workbook.xml"))
    rid = next((x.get(f"{_REL}id") for x in book.iter(f"{_MAIN}sheet") if x.get("name") == sheet), None)
    for one in ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels")):
        if one.get("Id") == rid:
            target = one.get("Target", "")
            part = target[1:] if target.startswith("/") else f"xl/{target}"
            return part if part in names else None
    return None


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
