"""Who mail is for: devices of a bureau, what each last asked, and where all of them stand together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from server_stub.devices import REVOKED, DeviceRow, revocation
from shared.store import sql
from sync import messages
from sync.messages import Ask, Cursor

MOST_SETS = 2_000
"""How many change sets a receipt in the mail names; the others are covered by its reach."""
UNDECIDED = ("parked", "quarantined")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device last said, and when (hub's time; ``""`` when it never did).

    :param sets: how many of its change sets were here before that.
    """

    ask: Ask
    at: str = ""
    sets: int = 0
    arrived: tuple[str, ...] = ()


@dataclass(slots=True)
class Recipient:
    """One device a package is made for."""

    device: DeviceRow
    name: str
    asked: Asked
    streams: tuple[str, ...]


def furthest_behind(recipients: Sequence[Recipient], epoch: str) -> dict[str, Cursor]:
    """Per stream the least any of them has; nothing for a stream one of them never followed.

    :param epoch: of the hub.
    """
    found: dict[str, Cursor] = {}
    for name in recipients[0].streams:
        known = [r.asked.ask.cursors.get(name) for r in recipients]
        here = [c for c in known if c is not None]
        if len(here) < len(known):
            continue
        epochs = {c.epoch for c in here}
        if len(epochs) > 1:  # those before the hub was restored decide
            here = [c for c in here if c.epoch != epoch] or here
        found[name] = min(here, key=lambda c: c.n)
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package that lies at the hub for whoever carries it."""

    package_id: str
    bureau: str
    fingerprint: str
    size: int
    created: str


def asked_of(connection: sa.Connection, devices: Iterable[str]) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for device in devices:
        row = sql.execute(
            connection, "SELECT ask, at, sets, arrived FROM device_asked WHERE device = ?", (device,)
        ).fetchone()
        if row is not None:
            ids = tuple(i for i in str(row[3]).split(",") if i)
            found[device] = Asked(messages.decode(bytes(row[0]), Ask), str(row[1]), int(row[2]), ids)
    return found


def sets_of(connection: sa.Connection, device: str) -> int:
    found = sql.execute(connection, "SELECT count(*) FROM accepted_set WHERE device = ?", (device,)).scalar()
    return int(found or 0)


def about_of(connection: sa.Connection, group: Sequence[Recipient]) -> str:
    """Names what a package for them would say now; ``""`` when they lack nothing."""
    if group[0].device.revoked:
        at, _ = revocation(connection, group[0].device.device)
        return hashlib.sha256(f"{REVOKED} {group[0].device.device} {at}".encode()).hexdigest()
    said: list[object] = []
    lacking = False
    tops = dict(sql.execute(connection, "SELECT name, n FROM stream").fetchall())
    for one in group:
        ask, device = one.asked.ask, one.device.device
        news = sets_of(connection, device) - one.asked.sets
        ends = [(name, int(tops.get(name, 0))) for name in one.streams]
        behind = any(n > (c.n if (c := ask.cursors.get(name)) else 0) for name, n in ends)
        stands = [tuple(row) for row in words_of(connection, "cs_id, status", ask.waiting)]
        decided = any(status not in UNDECIDED for _, status in stands)
        lacking = lacking or behind or news > 0 or decided
        said.append((device, one.asked.at, ask.incarnation, news, ends, stands))
    return hashlib.sha256(msgspec.msgpack.encode(said)).hexdigest() if lacking else ""


def words_of(connection: sa.Connection, names: str, cs_ids: Sequence[str]) -> list[Any]:
    """Columns of these change sets, those that are here."""
    found = (
        sql.execute(connection, f"SELECT {names} FROM accepted_set WHERE cs_id = ?", (i,)).fetchone()
        for i in cs_ids[:MOST_SETS]
    )
    return [row for row in found if row is not None]


def made_as(connection: sa.Connection, about: str) -> Waiting | None:
    row = sql.execute(
        connection,
        "SELECT package_id, bureau, fingerprint, size, made_at FROM mail WHERE about = ?"
        " ORDER BY made_at DESC",
        (about,),
    ).fetchone()
    return Waiting(*row) if row else None


__all__ = [
    "MOST_SETS", "Asked", "Recipient", "Waiting", "about_of", "asked_of", "furthest_behind", "made_as",
    "sets_of", "words_of",
]  # fmt: skip
