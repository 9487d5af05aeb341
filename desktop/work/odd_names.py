"""Files whose names are no text: on Linux a name is bytes, and an old camera or archive wrote them otherwise.

Python carries such bytes as lone surrogates, Qt cannot carry them at all. A file is taken by
its bytes and kept under a name people can read.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

_LOST = "\N{REPLACEMENT CHARACTER}"


def is_text(name: str) -> bool:
    """Whether a name can be shown, stored, and given to Qt."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def readable(name: str) -> str:
    """The name as text: bytes that are no UTF-8 are read as GB 18030, as Chinese systems wrote them."""
    if is_text(name):
        return name
    try:
        raw = os.fsencode(name)
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").replace(_LOST, "_")
    except UnicodeEncodeError:  # surrogates of no file system
        return name.encode("utf-8", "replace").decode("utf-8").replace("?", "_")


def of_address(encoded: str) -> Path:
    """The file of a ``file:`` address, from its path with every odd byte still escaped."""
    return Path(os.fsdecode(unquote_to_bytes(encoded)))


def really(path: Path) -> Path:
    """The file a dialog meant: of a name that is no text it gives a name with holes, which nothing has."""
    if _LOST not in path.name or path.exists():
        return path
    with_holes = [p for p in _beside(path) if not is_text(p.name) and _holed(p.name) == path.name]
    return with_holes[0] if len(with_holes) == 1 else path


def _beside(path: Path) -> list[Path]:
    try:
        return list(path.parent.iterdir())
    except OSError:
        return []


def _holed(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


__all__ = ["is_text", "of_address", "readable", "really"]
