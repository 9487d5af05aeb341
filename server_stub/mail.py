"""The hub's mail: answers nobody has asked for just now, sealed to several devices of a bureau.

A bureau without a network hears of the hub only by what somebody carries. The hub
remembers the last ask of every device and can seal what stands after it at any time,
as files (``yizhan-hub export``) or in pieces through another bureau's client, the
*courier*, which holds no key to it (N14). Making it anew is harmless: a device skips
what it has.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import sqlalchemy as sa

from server_stub.answers import Answers, Post
from server_stub.devices import REVOKED, DeviceRow
from server_stub.keys import HubKeys
from server_stub.ledger import Ledger
from server_stub.partitions import streams_of
from server_stub.receipts import Intake
from shared.errors import InputError
from shared.store import sql
from shared.store.store import Store
from sync import messages, package
from sync.entries import Entry, part
from sync.layout import Core, Kind
from sync.messages import (
    DOWN,
    MAIL,
    PROTOCOL,
    RECEIPT,
    STATE,
    Ask,
    Cursor,
    Down,
    Letter,
    SetReceipt,
    State,
)
from sync.package import CoreDraft, Sealed
from sync.signing import Envelope
from sync.suite import SealPublic

LETTER_RAW = 256 << 20
"""Uncompressed bytes a package for a courier holds at most; the rest follows with the next."""
PIECE = 4 << 20
MOST_BUREAUS = 50
"""How many bureaus one courier may ask for at once."""
MOST_SETS = 2_000
"""How many change sets a receipt in the mail names; the others are covered by its reach."""
KEPT_IDS = 40
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
class Posted:
    """One sealed package.

    :param more: whether the devices' streams go on after it.
    """

    sealed: Sealed
    recipients: list[Recipient]
    more: bool = False
    reached: dict[str, Cursor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package that lies at the hub for whoever carries it."""

    package_id: str
    bureau: str
    fingerprint: str
    size: int
    created: str


class Mailroom:
    """Remembers asks, seals what stands after them, and keeps it until somebody carries it.

    :param folder: where sealed packages wait; losing it loses nothing.
    """

    def __init__(
        self, store: Store, keys: HubKeys, ledger: Ledger, answers: Answers, epoch: str, folder: Path
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._keys = keys
        self._ledger = ledger
        self._answers = answers
        self._folder = folder

    # --- what devices said -----------------------------------------------------
    def before(self, device: str) -> tuple[str, int]:
        """Time, and how many change sets of the device are here, before its next package is taken."""
        with self._store.read() as connection:
            return self._store.clock.stamp(), _sets(connection, device)

    def note(self, device: str, ask: Ask, package_id: str, before: tuple[str, int]) -> list[str]:
        """Remember a device's ask; returns ids of its latest packages, this one last.

        The last to arrive counts, also when it is older: too much sent is skipped, too
        little would not fit.
        """
        kept = Ask(v=ask.v, incarnation=ask.incarnation, cursors=ask.cursors, waiting=ask.waiting)
        said = messages.encode(kept)
        with self._store.write() as connection:
            earlier = _asked(connection, [device]).get(device)
            known = [i for i in (earlier.arrived if earlier else ()) if i != package_id]
            arrived = [*known, package_id][-KEPT_IDS:]
            sql.execute(
                connection,
                "INSERT INTO device_asked (device, ask, arrived, at, sets) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (device) DO UPDATE SET ask = excluded.ask, arrived = excluded.arrived,"
                " at = excluded.at, sets = excluded.sets",
                (device, said, ",".join(arrived), *before),
            )
        return arrived

    def note_beside(self, device: str, core: Core) -> tuple[str, ...]:
        """Remember a package of attachments that came; returns ids of the device's latest packages."""
        with self._store.write() as connection:
            said = _asked(connection, [device]).get(device)
            arrived = said.arrived if said is not None else ()
            if said is not None and core.kind is Kind.ATTACHMENTS and core.package_id not in arrived:
                arrived = (*arrived, core.package_id)[-KEPT_IDS:]
                sql.execute(
                    connection, "UPDATE device_asked SET arrived = ? WHERE device = ?",
                    (",".join(arrived), device),
                )  # fmt: skip
        return arrived

    # --- packages --------------------------------------------------------------
    def recipients(self, *, bureau: str = "", device: str = "") -> list[list[Recipient]]:
        """Who a package would be for, in groups that may read the same; raises :class:`InputError`.

        Devices of one bureau share their streams, so they are one group; a device of a
        hub administrator, which follows more, is a group of its own.
        """
        with self._store.read() as connection:
            where, value = ("device", device) if device else ("bureau", bureau)
            found = sql.execute(
                connection, f"SELECT device FROM device_key WHERE {where} = ? ORDER BY device", (value,)
            ).fetchall()
        rows = [row for f in found if (row := self._ledger.device(f[0])) and row.state != REVOKED]
        if not rows:
            raise InputError(
                "没有可以接收的席位。", "请核对单位代码或设备号；已吊销的席位不再收到数据。"
            )
        groups: dict[tuple[str, ...], list[Recipient]] = defaultdict(list)
        with self._store.read() as connection:
            asked = _asked(connection, [r.device for r in rows])
            names = dict(sql.fetch(connection, "device", ("id", "name"), [r.device for r in rows]))
            for row in rows:
                streams = tuple(streams_of(connection, row.bureau, admin=row.admin))
                said = asked.get(row.device) or Asked(Ask(v=PROTOCOL, incarnation=1, cursors={}))
                groups[streams].append(Recipient(row, str(names.get(row.device) or ""), said, streams))
        return list(groups.values())

    def seal(
        self, recipients: Sequence[Recipient], out: BinaryIO, limit: int,
        after: Mapping[str, Cursor] | None = None,
    ) -> Posted:
        """One package for all of them: each one's receipt, and what the furthest behind has not.

        :param after: begin there instead, for a package that follows another.
        """
        made = Posted(Sealed("", b"", 0, 0, 0), list(recipients))
        draft = CoreDraft(
            Kind.ANSWER, self._keys.hub_id, self._keys.hub_id, self._store.clock.stamp(),
            prereqs={"mail": 1, **self._keys.said(0)}, trust_version=self._keys.version,
        )
        audience = [SealPublic.from_bytes(r.device.seal) for r in recipients]
        made.sealed = package.seal(
            out, draft, audience, self._keys.sign,
            self._entries(made, draft.package_id, limit, after),
        )
        return made

    def _entries(
        self, made: Posted, package_id: str, limit: int, after: Mapping[str, Cursor] | None
    ) -> Iterator[Entry]:
        first = after is None
        arrived = sorted({i for r in made.recipients for i in r.asked.arrived})
        if first:
            for one in made.recipients:
                yield Entry(RECEIPT, {"envelope": self._receipt(one, package_id)})
        cursors = dict(after) if after is not None else self._furthest_behind(made.recipients)
        made.reached.update(cursors)
        incarnation = made.recipients[0].asked.ask.incarnation
        ask = Ask(v=PROTOCOL, incarnation=incarnation, cursors=cursors, refresh={})
        for entry in self._answers.entries(made.recipients[0].device, None, ask, limit=limit):
            if entry.kind == DOWN:
                down = messages.decode(Envelope.decode(part(entry, "envelope")).payload, Down)
                made.reached[down.stream] = Cursor(down.epoch, down.to, down.head)
            elif entry.kind == STATE:
                state = messages.decode(part(entry, "state"), State)
                made.more = state.more
                said = msgspec.structs.replace(state, arrived=arrived)
                entry = Entry(STATE, {"state": messages.encode(said)})
            yield entry

    def _receipt(self, one: Recipient, package_id: str) -> bytes:
        """Where this device stands; names what came since its last ask and what is not simply in."""
        ask, device = one.asked.ask, one.device.device
        names = "cs_id, first, last, status, reason"
        with self._store.read() as connection:
            rows = sql.execute(
                connection,
                f"SELECT {names} FROM accepted_set WHERE device = ?"
                " AND (received_at >= ? OR status NOT IN ('applied', 'archived'))"
                " ORDER BY incarnation DESC, first DESC LIMIT ?",
                (device, one.asked.at, MOST_SETS),
            ).fetchall()
            rows += [row for row in _of(connection, names, ask.waiting) if row not in rows]
        sets = [SetReceipt(*row) for row in reversed(rows)]
        named = f"{package_id}/{device}"  # a receipt of its own for each of several
        return self._ledger.receipts.sign(device, ask.incarnation, Intake(sets=sets), named, ask.waiting)

    def _furthest_behind(self, recipients: Sequence[Recipient]) -> dict[str, Cursor]:
        """Per stream the least any of them has; nothing for a stream one of them never followed."""
        found: dict[str, Cursor] = {}
        for name in recipients[0].streams:
            known = [r.asked.ask.cursors.get(name) for r in recipients]
            here = [c for c in known if c is not None]
            if len(here) < len(known):
                continue
            epochs = {c.epoch for c in here}
            if len(epochs) > 1:  # those before the hub was restored decide
                here = [c for c in here if c.epoch != self._epoch] or here
            found[name] = min(here, key=lambda c: c.n)
        return found

    # --- for couriers ----------------------------------------------------------
    def waiting(self, bureau: str) -> list[Waiting]:
        """Packages for a bureau as of now, made when there is something new; ``[]`` for nothing."""
        try:
            groups = self.recipients(bureau=bureau)
        except InputError:
            return []
        found: list[Waiting] = []
        for group in groups:
            with self._store.read() as connection:
                about = _about(connection, group)
                ready = _made(connection, about) if about else None
            if not about:
                continue  # they have it all
            if ready is None or not self.path(ready.package_id).exists():
                ready = self._make(group, bureau, about)
            found.append(ready)
        return found

    def held(self, bureau: str, package_id: str) -> Waiting | None:
        """A package a courier has begun to fetch, while it still lies here."""
        with self._store.read() as connection:
            row = sql.execute(
                connection,
                "SELECT package_id, bureau, fingerprint, size, made_at FROM mail"
                " WHERE package_id = ? AND bureau = ?",
                (package_id, bureau),
            ).fetchone()
        found = Waiting(*row) if row else None
        return found if found is not None and self.path(found.package_id).exists() else None

    def pieces(self, ask: Ask, post: Post) -> Iterator[Entry]:
        """What a courier asked to carry, from where it has it; stops when ``post.left`` is used up."""
        for bureau in sorted(ask.mail)[:MOST_BUREAUS]:
            has = {h.package_id: h.have for h in ask.mail[bureau]}
            begun = [w for i, n in has.items() if (w := self.held(bureau, i)) and 0 < n < w.size]
            for one in begun or self.waiting(bureau):
                yield from self._pieces(one, has.get(one.package_id, 0), post)

    def _pieces(self, one: Waiting, have: int, post: Post) -> Iterator[Entry]:
        if have >= one.size:
            return
        with self.path(one.package_id).open("rb") as stream:
            stream.seek(have)
            while have < one.size:
                if post.left <= 0:
                    post.more = True
                    return
                data = stream.read(PIECE)
                letter = Letter(
                    package_id=one.package_id, bureau=one.bureau, fingerprint=bytes.fromhex(one.fingerprint),
                    size=one.size, offset=have, created=one.created,
                )
                yield Entry(MAIL, {"letter": messages.encode(letter)}, data)
                post.left -= len(data)
                have += len(data)

    def path(self, package_id: str) -> Path:
        """Where a waiting package lies."""
        return self._folder / f"{package_id}.yzp"

    def _make(self, group: list[Recipient], bureau: str, about: str) -> Waiting:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{about[:32]}.{self._store.clock.now():%H%M%S%f}.part"
        try:
            with draft.open("w+b") as out:
                posted = self.seal(group, out, LETTER_RAW)
            draft.replace(self.path(posted.sealed.package_id))
        finally:
            draft.unlink(missing_ok=True)
        sealed, at = posted.sealed, self._store.clock.stamp()
        with self._store.write() as connection:
            sql.execute(
                connection,
                "INSERT INTO mail (package_id, bureau, about, fingerprint, size, made_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (sealed.package_id, bureau, about, sealed.fingerprint.hex(), sealed.size, at),
            )
        return Waiting(sealed.package_id, bureau, sealed.fingerprint.hex(), sealed.size, at)

    def sweep(self, before: str) -> int:
        """Forget packages made before a time; a device that still needs them gets newer ones."""
        with self._store.write() as connection:
            old = sql.execute(
                connection, "SELECT package_id FROM mail WHERE made_at < ?", (before,)
            ).fetchall()
            sql.execute(connection, "DELETE FROM mail WHERE made_at < ?", (before,))
        for (package_id,) in old:
            self.path(package_id).unlink(missing_ok=True)
        return len(old)


def _asked(connection: sa.Connection, devices: Iterable[str]) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for device in devices:
        row = sql.execute(
            connection, "SELECT ask, at, sets, arrived FROM device_asked WHERE device = ?", (device,)
        ).fetchone()
        if row is not None:
            ids = tuple(i for i in str(row[3]).split(",") if i)
            found[device] = Asked(messages.decode(bytes(row[0]), Ask), str(row[1]), int(row[2]), ids)
    return found


def _sets(connection: sa.Connection, device: str) -> int:
    found = sql.execute(connection, "SELECT count(*) FROM accepted_set WHERE device = ?", (device,)).scalar()
    return int(found or 0)


def _about(connection: sa.Connection, group: Sequence[Recipient]) -> str:
    """Names what a package for them would say now; ``""`` when they lack nothing."""
    said: list[object] = []
    lacking = False
    tops = dict(sql.execute(connection, "SELECT name, n FROM stream").fetchall())
    for one in group:
        ask, device = one.asked.ask, one.device.device
        news = _sets(connection, device) - one.asked.sets
        ends = [(name, int(tops.get(name, 0))) for name in one.streams]
        behind = any(n > (c.n if (c := ask.cursors.get(name)) else 0) for name, n in ends)
        stands = [tuple(row) for row in _of(connection, "cs_id, status", ask.waiting)]
        decided = any(status not in UNDECIDED for _, status in stands)
        lacking = lacking or behind or news > 0 or decided
        said.append((device, one.asked.at, ask.incarnation, news, ends, stands))
    return hashlib.sha256(msgspec.msgpack.encode(said)).hexdigest() if lacking else ""


def _of(connection: sa.Connection, names: str, cs_ids: Sequence[str]) -> list[Any]:
    """Columns of these change sets, those that are here."""
    found = (
        sql.execute(connection, f"SELECT {names} FROM accepted_set WHERE cs_id = ?", (i,)).fetchone()
        for i in cs_ids[:MOST_SETS]
    )
    return [row for row in found if row is not None]


def _made(connection: sa.Connection, about: str) -> Waiting | None:
    row = sql.execute(
        connection,
        "SELECT package_id, bureau, fingerprint, size, made_at FROM mail WHERE about = ?"
        " ORDER BY made_at DESC",
        (about,),
    ).fetchone()
    return Waiting(*row) if row else None


__all__ = ["Mailroom", "Posted", "Recipient", "Waiting"]
