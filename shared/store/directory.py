"""People, bureaus and devices as this database knows them: who may act, who may have sealed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from shared.store import sql


@dataclass(frozen=True, slots=True)
class Person:
    """An account as the hub last described it."""

    name: str
    bureau: str
    roles: frozenset[str]
    active: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A bureau."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A device with its public keys."""

    id: str
    name: str
    bureau: str
    sign_key: bytes
    seal_key: bytes
    active: bool


def person(connection: sa.Connection, user: str) -> Person | None:
    """An account; None before it has arrived here."""
    rows = sql.fetch(connection, "user", ("name", "bureau", "roles", "state", "_deleted"), [user])
    if not rows:
        return None
    name, bureau, roles, state, deleted = rows[0]
    granted = frozenset(r for r in str(roles or "").split(",") if r)
    return Person(str(name), str(bureau), granted, state == "active" and not deleted)


def bureau(connection: sa.Connection, bureau_id: str) -> Place | None:
    """A bureau; None before it has arrived here."""
    rows = sql.fetch(connection, "bureau", ("code", "name"), [bureau_id])
    return Place(str(rows[0][0]), str(rows[0][1])) if rows else None


def subtree(connection: sa.Connection, bureau_id: str) -> frozenset[str]:
    """The bureau and all below it."""
    rows = sql.execute(connection, 'SELECT id, parent FROM bureau WHERE "_deleted" = 0')
    below: dict[str, list[str]] = {}
    for one, parent in rows:
        below.setdefault(str(parent), []).append(str(one))
    found, queue = {bureau_id}, [bureau_id]
    while queue:
        for child in below.get(queue.pop(), []):
            if child not in found:
                found.add(child)
                queue.append(child)
    return frozenset(found)


def seat_bureau(connection: sa.Connection, device: str) -> str:
    """Whose a device is; ``""`` before its record has arrived here."""
    rows = sql.fetch(connection, "device", ("bureau",), [device])
    return str(rows[0][0]) if rows else ""


def seats(connection: sa.Connection) -> list[Seat]:
    """All devices that have arrived here."""
    rows = sql.execute(
        connection, 'SELECT id, name, bureau, sign_key, seal_key, state FROM device WHERE "_deleted" = 0'
    )
    return [
        Seat(r[0], r[1], r[2], bytes.fromhex(r[3]), bytes.fromhex(r[4]), r[5] == "active") for r in rows
    ]
