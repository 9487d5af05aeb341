"""Revocations a restored hub has forgotten: whoever had heard of one remembers it for an administrator.

A backup knows nothing of what came after it. The records of devices then stand again as they
did, also here; that a seat had been revoked would be lost with the hub's own memory of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from shared.store import sql
from shared.store.facts import read_fact, write_fact

_FACT = "revocations_forgotten"
_REVOKED = """SELECT id, revoked_at, revoke_reason FROM device WHERE state = 'revoked' AND "_deleted" = 0"""
_ACTIVE = """SELECT id FROM device WHERE state = 'active' AND "_deleted" = 0"""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A device that had been revoked, when and why."""

    device: str
    at: str
    reason: str


def revoked(connection: sa.Connection) -> dict[str, Revocation]:
    """Devices that are revoked as things stand here."""
    rows = sql.execute(connection, _REVOKED).fetchall()
    return {str(r[0]): Revocation(str(r[0]), str(r[1] or ""), str(r[2] or "")) for r in rows}


def compare(connection: sa.Connection, before: Mapping[str, Revocation]) -> None:
    """Remember whose revocation is gone since."""
    in_use = _active(connection) if before else set()
    gone = [one for device, one in before.items() if device in in_use]
    if gone:
        known = {one.device: one for one in [*_kept(connection), *gone]}
        write_fact(connection, _FACT, msgspec.msgpack.encode(list(known.values())))


def forgotten(connection: sa.Connection) -> list[Revocation]:
    """Those that have not been made again."""
    in_use = _active(connection)
    return [one for one in _kept(connection) if one.device in in_use]


def _kept(connection: sa.Connection) -> list[Revocation]:
    kept = read_fact(connection, _FACT)
    return msgspec.msgpack.decode(kept, type=list[Revocation]) if kept else []


def _active(connection: sa.Connection) -> set[Any]:
    return {row[0] for row in sql.execute(connection, _ACTIVE).fetchall()}


__all__ = ["Revocation", "compare", "forgotten", "revoked"]
