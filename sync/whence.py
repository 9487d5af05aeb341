"""From which bureau a package on a stick comes.

Who carries it for others has no record of their seats: without this a courier could only
name a number. Bureaus are common data, and the file's name says as much. It is a word to
people: the hub goes by the seat, and nothing is decided by it.
"""

from __future__ import annotations

import re

from sync.layout import Core, Prereq

BUREAU = "bureau"
MEDIA = "media"
_ID = re.compile(r"[0-9a-f]{32}")


def said_whence(carrier: str, bureau: str) -> dict[str, Prereq]:
    """What a cover says of it; over the network nobody in between needs it."""
    return {BUREAU: bureau} if carrier == MEDIA and bureau else {}


def whence(core: Core) -> str:
    """Id of the bureau a cover names; ``""`` for one that names none, or says it wrongly."""
    found = core.prereqs.get(BUREAU)
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


__all__ = ["said_whence", "whence"]
