"""Identifiers of records: derived from a key where one exists, else time-ordered.

An id is 32 lower-case hexadecimal digits (a UUID without hyphens).
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Sequence

_NAMESPACE = uuid.UUID("6f1c4bd0-2a3b-5f0e-9d57-79697a68616e")


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random; sorts by time."""
    millis = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10), "big")
    value = (millis & (1 << 48) - 1) << 80 | noise
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return f"{value:032x}"


def key_id(type_name: str, key: Sequence[str]) -> str:
    """The id that a declared key yields: the same fact entered twice is one record."""
    # uuid.uuid5() spends most of its time on an object nobody looks at
    name = "\x1f".join((type_name, *key)).encode()
    value = int.from_bytes(hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16], "big")
    value = value & ~(0xF << 76) | 5 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return f"{value:032x}"
