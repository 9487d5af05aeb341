"""The sealed package ``.yzp``: one object, whichever carrier moves it.

``seal`` writes it, ``inspect`` reads its cover, ``verify`` checks it without keys,
``open_package`` verifies and then decrypts. See ``layout`` for the bytes.
"""

from __future__ import annotations

from sync.entries import Entry
from sync.layout import (
    CHUNK,
    MAX_ENTRY,
    MAX_VOLUME,
    Core,
    Header,
    Kind,
    Range,
    Trailer,
    Volume,
    fingerprint_text,
)
from sync.opening import Opened, Trust, Verified, inspect, intact, open_package, self_signed, verify
from sync.sealing import CoreDraft, Sealed, seal, seal_bytes

__all__ = [
    "CHUNK",
    "MAX_ENTRY",
    "MAX_VOLUME",
    "Core",
    "CoreDraft",
    "Entry",
    "Header",
    "Kind",
    "Opened",
    "Range",
    "Sealed",
    "Trailer",
    "Trust",
    "Verified",
    "Volume",
    "fingerprint_text",
    "inspect",
    "intact",
    "open_package",
    "seal",
    "seal_bytes",
    "self_signed",
    "verify",
]
