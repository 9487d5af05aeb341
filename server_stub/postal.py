"""Who mail is for: devices of a bureau, what each last asked, and where all of them stand together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from server_stub.answers import Answers
from server_stub.devices import REVOKED, DeviceRow, revocation
from server_stub.epochs import heard
from shared.store import sql
from sync import messages
from sync.messages import Ask, Cursor, Refresh

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


@dataclass(slots=True)
class Reached:
    """From where a package for several devices goes on, and what they want besides.

    :param rewound: streams that go on before the place one of them has come to.
    :param wanted: records one of them has in doubt, not answered yet: type number → 16 bytes each.
    """

    cursors: dict[str, Cursor] = field(default_factory=dict)
    rewound: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    wanted: dict[int, bytes] = field(default_factory=dict)

    def copy(self) -> Reached:
        return Reached(dict(self.cursors), dict(self.rewound), dict(self.wanted))

    def answered(self, said: Refresh) -> None:
        """These records have been said anew."""
        for number in said.answered.keys() | said.absent.keys():
            done = {*ids_of(said.answered.get(number, b"")), *ids_of(said.absent.get(number, b""))}
            left = b"".join(i for i in ids_of(self.wanted.pop(number, b"")) if i not in done)
            if left:
                self.wanted[number] = left


def together(recipients: Sequence[Recipient], answers: Answers) -> Reached:
    """Where the one furthest behind goes on; who is beyond the fork of a restore goes back to it."""
    said = [r.asked.ask for r in recipients]
    names = recipients[0].streams
    starts = [answers.stands(ask, names) for ask in said]
    cursors = {name: min((one[name] for one in starts), key=lambda c: c.n) for name in names}
    beyond = {name for ask in said for name in answers.rewound(ask, names)}
    wanted: dict[int, bytes] = {}
    for ask in said:
        for number, packed in (ask.refresh or {}).items():
            wanted[number] = wanted.get(number, b"") + b"".join(ids_of(packed))
    return Reached(cursors, {name: (cursors[name].n, cursors[name].head) for name in beyond}, wanted)


def ids_of(packed: bytes) -> list[bytes]:
    """Record ids that travel as 16 bytes each."""
    return [packed[i : i + 16] for i in range(0, len(packed) // 16 * 16, 16)]


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


def about_of(connection: sa.Connection, group: Sequence[Recipient], answers: Answers, epoch: str) -> str:
    """Names what a package for them would say now; ``""`` when they lack nothing.

    After a restore equal numbers are no equal streams: who has not heard of the new epoch, has come beyond
    its fork, or holds records in doubt, lacks something though no number is greater than his.

    :param epoch: of the hub.
    """
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
        starts = answers.stands(ask, one.streams)
        behind = heard(ask) < epoch or any(n > starts[name].n for name, n in ends)
        astray = bool(ask.refresh) or bool(answers.rewound(ask, one.streams))
        stands = [tuple(row) for row in words_of(connection, "cs_id, status", ask.waiting)]
        decided = any(status not in UNDECIDED for _, status in stands)
        lacking = lacking or behind or astray or news > 0 or decided
        said.append((device, one.asked.at, messages.encode(ask), news, epoch, ends, stands))
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
    "MOST_SETS", "Asked", "Reached", "Recipient", "Waiting", "about_of", "asked_of", "made_as", "sets_of",
    "together", "words_of",
]  # fmt: skip
