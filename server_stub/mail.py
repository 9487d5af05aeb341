"""The hub's mail: answers nobody has asked for just now, sealed to several devices of a bureau.

A bureau without a network hears of the hub only by what somebody carries. The hub
remembers the last ask of every device and can seal what stands after it at any time,
as files (``yizhan-hub export``) or in pieces through another bureau's client, the
*courier*, which holds no key to it (N14). Making it anew is harmless: a device skips
what it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from server_stub import lines
from server_stub.answers import Answers, Post
from server_stub.devices import REVOKED
from server_stub.keys import HubKeys
from server_stub.ledger import Ledger
from server_stub.loads import Load
from server_stub.loads_under_way import due_loads
from server_stub.parcels import Letter as Parcel
from server_stub.parcels import Parcels
from server_stub.partitions import streams_of
from server_stub.postal import (
    MOST_SETS,
    Asked,
    Reached,
    Recipient,
    Waiting,
    about_of,
    asked_of,
    made_as,
    sets_of,
    together,
    words_of,
)
from server_stub.receipts import Intake
from shared.durable import sync_file, sync_folder
from shared.errors import InputError
from shared.ids import new_id
from shared.store import sql
from shared.store.store import Store
from sync import messages, package
from sync.entries import Entry, part
from sync.layout import Core, Kind, Prereq, Volume
from sync.messages import (
    DOWN,
    MAIL,
    PROTOCOL,
    RECEIPT,
    REFRESH,
    STATE,
    Ask,
    Cursor,
    Down,
    Letter,
    PieceAsk,
    Refresh,
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
KEPT_IDS = 40
_WAITING = "package_id, bureau, fingerprint, size, made_at"


@dataclass(slots=True)
class Posted:
    """One sealed package.

    :param more: whether the devices' streams go on after it.
    """

    sealed: Sealed
    recipients: list[Recipient]
    more: bool = False
    reached: Reached = field(default_factory=Reached)


class Mailroom:
    """Remembers asks, seals what stands after them, and keeps it until somebody carries it.

    :param folder: where sealed packages wait; losing it loses nothing.
    """

    def __init__(
        self, store: Store, keys: HubKeys, ledger: Ledger, answers: Answers, parcels: Parcels, epoch: str,
        folder: Path,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._keys = keys
        self._ledger = ledger
        self._answers = answers
        self._folder = folder
        self._parcels = parcels
        self._loads = partial(due_loads, store, parcels)

    # --- what devices said -----------------------------------------------------
    def before(self, device: str) -> tuple[str, int]:
        """Time, and how many change sets of the device are here, before its next package is taken."""
        with self._store.read() as connection:
            return self._store.clock.stamp(), sets_of(connection, device)

    def note(self, device: str, ask: Ask, package_id: str, before: tuple[str, int]) -> list[str]:
        """Remember a device's ask; returns ids of its latest packages, this one last.

        The last to arrive counts, also when it is older: too much sent is skipped, too
        little would not fit.
        """
        kept = Ask(
            v=ask.v, incarnation=ask.incarnation, cursors=ask.cursors, waiting=ask.waiting,
            pieces=PieceAsk(want=ask.pieces.want) if ask.pieces is not None else None,
            snapshot=ask.snapshot, refresh=ask.refresh, epoch=ask.epoch,
        )  # fmt: skip
        said = messages.encode(kept)
        with self._store.write() as connection:
            lines.lock(connection, device)  # its next package may be under way in another process
            earlier = asked_of(connection, [device]).get(device)
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
            lines.lock(connection, device)
            said = asked_of(connection, [device]).get(device)
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

        Devices of one bureau share their streams, so they are one group, but for those whose first
        load is due. A device of a hub administrator, which follows more, is a group of its own, and
        so is a revoked one, which only hears that it is (N10).
        """
        with self._store.read() as connection:
            where, value = ("device", device) if device else ("bureau", bureau)
            found = sql.execute(
                connection, f"SELECT device FROM device_key WHERE {where} = ? ORDER BY device", (value,)
            ).fetchall()
        rows = [row for f in found if (row := self._ledger.device(f[0]))]
        if not rows:
            raise InputError("没有可以接收的席位。", "请核对单位代码或设备号。")
        groups: dict[tuple[str, ...], list[Recipient]] = defaultdict(list)
        with self._store.read() as connection:
            asked = asked_of(connection, [r.device for r in rows])
            names = dict(sql.fetch(connection, "device", ("id", "name"), [r.device for r in rows]))
            for row in rows:
                streams = tuple(streams_of(connection, row.bureau, admin=row.admin))
                said = asked.get(row.device) or Asked(Ask(v=PROTOCOL, incarnation=1, cursors={}))
                key = (REVOKED, row.device) if row.revoked else streams
                groups[key].append(Recipient(row, str(names.get(row.device) or ""), said, streams))
        return [part for group in groups.values() for part in self._parcels.divided(group)]

    def seal(
        self, recipients: Sequence[Recipient], out: BinaryIO, limit: int,
        after: Reached | None = None,
    ) -> Posted:
        """One package for all of them: each one's receipt, and what the furthest behind has not.

        :param after: begin there instead, for a package that follows another.
        """
        made = Posted(Sealed("", b"", 0, 0, 0), list(recipients))
        draft = self._draft({})
        made.sealed = package.seal(
            out, draft, _audience(recipients), self._keys.sign,
            self._entries(made, draft.package_id, limit, after),
        )
        return made

    def seal_letter(self, recipients: Sequence[Recipient], out: BinaryIO, one: Parcel) -> Posted:
        """A letter of a first load or of contents."""
        made = Posted(Sealed("", b"", 0, 0, 0), list(recipients))
        if one.load is None:
            draft = self._draft({"letter": one.kind})
            entries = self._parcels.entries(one)
        else:
            several = {"volumes": one.of} if one.of > 1 else {}
            volume = Volume(one.start + 1, one.about.partition(":")[2][:32]) if several else None
            draft = self._draft({"letter": one.kind, **several}, volume)
            after = None if one.start == 0 else Reached()  # receipts in the first alone
            entries = self._entries(made, draft.package_id, LETTER_RAW, after, one.load)
        earlier = None if draft.volume is not None else ()
        made.sealed = package.seal(
            out, draft, _audience(recipients), self._keys.sign, entries, earlier
        )
        return made

    def for_medium(
        self, group: list[Recipient], limit: int, larger: int
    ) -> Iterator[Callable[[BinaryIO], Posted]]:
        """Everything that is due for a group, package by package; each must be sealed before the next.

        :param limit: uncompressed bytes of streams in one; :param larger: bytes of first loads and
            contents to take along.
        """
        alone = group[0].device.revoked
        volumes = self._parcels.loads(group, at_once=True) if larger and not alone else None
        after: Reached | None = None
        while not volumes:
            made: list[Posted] = []

            def seal(out: BinaryIO, made: list[Posted], after: Reached | None) -> Posted:
                made.append(self.seal(group, out, limit, after))
                return made[0]

            yield partial(seal, made=made, after=after)
            if not made[0].more:
                break
            after = made[0].reached
        for one in chain(volumes or (), () if alone else self._parcels.contents(group)):
            if one.size > larger:
                return
            larger -= one.size
            yield partial(self.seal_letter, group, one=one)

    def _draft(self, said: Mapping[str, Prereq], volume: Volume | None = None) -> CoreDraft:
        return CoreDraft(
            Kind.ANSWER, self._keys.hub_id, self._keys.hub_id, self._store.clock.stamp(),
            prereqs={"mail": 1, **said, **self._keys.said(0)}, trust_version=self._keys.version,
            volume=volume,
        )  # fmt: skip

    def _entries(
        self, made: Posted, package_id: str, limit: int, after: Reached | None,
        load: Load | None = None,
    ) -> Iterator[Entry]:
        one = made.recipients[0]
        if one.device.revoked:
            yield from self._answers.farewell(one.device, self._receipt(one, package_id))
            return
        arrived = sorted({i for r in made.recipients for i in r.asked.arrived})
        if after is None:
            for one in made.recipients:
                yield Entry(RECEIPT, {"envelope": self._receipt(one, package_id)})
        begun = after or together(made.recipients, self._answers)
        made.reached = at = begun.copy()
        incarnation = made.recipients[0].asked.ask.incarnation
        ask = Ask(v=PROTOCOL, incarnation=incarnation, cursors=begun.cursors, refresh=begun.wanted)
        for entry in self._answers.entries(one.device, None, ask, limit=limit, load=load):
            if entry.kind == DOWN:
                down = messages.decode(Envelope.decode(part(entry, "envelope")).payload, Down)
                at.cursors[down.stream] = Cursor(down.epoch, down.to, down.head)
            elif entry.kind == REFRESH:
                at.answered(messages.decode(part(entry, "refresh"), Refresh))
            elif entry.kind == STATE:
                state = messages.decode(part(entry, "state"), State)
                made.more = state.more
                said = msgspec.structs.replace(state, arrived=arrived, rewound=begun.rewound)
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
            rows += [row for row in words_of(connection, names, ask.waiting) if row not in rows]
        sets = [SetReceipt(*row) for row in reversed(rows)]
        named = f"{package_id}/{device}"  # a receipt of its own for each of several
        return self._ledger.receipts.sign(device, ask, Intake(sets=sets), named)

    # --- for couriers ----------------------------------------------------------
    def waiting(self, bureau: str, *, larger: bool = False) -> list[Waiting]:
        """Packages for a bureau as of now, made when there is something new; ``[]`` for nothing.

        :param larger: a first load goes in letters of its own, so streams from the start do not.
        """
        try:
            groups = self.recipients(bureau=bureau)
        except InputError:
            return []
        found: list[Waiting] = []
        for group in groups:
            if larger and not group[0].device.revoked and self._loads(group) is not None:
                continue
            with self._store.read() as connection:
                about = about_of(connection, group, self._answers, self._epoch)
                ready = made_as(connection, about) if about else None
            if not about:
                continue  # they have it all
            if ready is None or not self._lies(ready):
                ready = self._make(group, bureau, about)
            found.append(ready)
        return found

    def letters(self, bureau: str, has: Collection[str], room: int) -> Iterator[Waiting]:
        """Larger mail a courier may take along now, after what it has of it, while there is room.

        :param has: ids of packages it holds or has delivered; :param room: bytes.
        """
        try:
            groups = self.recipients(bureau=bureau)
        except InputError:
            return
        for group in groups:
            if group[0].device.revoked:
                continue
            for due in (self._loads(group) or [], self._parcels.contents(group)):
                for one in due:
                    about = f"{one.about}:{one.start}"
                    with self._store.read() as connection:
                        made = made_as(connection, about)
                    if made is not None and made.package_id in has:
                        continue
                    if one.size > room:
                        return
                    if made is None or not self._lies(made):
                        made = self._make(group, bureau, about, one)
                    room -= made.size
                    yield made

    def held(self, bureau: str, package_id: str) -> Waiting | None:
        """A package a courier has begun to fetch, while it still lies here."""
        with self._store.read() as connection:
            row = sql.execute(
                connection,
                f"SELECT {_WAITING} FROM mail WHERE package_id = ? AND bureau = ?",
                (package_id, bureau),
            ).fetchone()
        found = Waiting(*row) if row else None
        return found if found is not None and self._lies(found) else None

    def pieces(self, ask: Ask, post: Post) -> Iterator[Entry]:
        """What a courier asked to carry, from where it has it; stops when ``post.left`` is used up."""
        for bureau in sorted(ask.mail)[:MOST_BUREAUS]:
            has = {h.package_id: h.have for h in ask.mail[bureau]}
            begun = [w for i, n in has.items() if (w := self.held(bureau, i)) and 0 < n < w.size]
            for one in begun or self.waiting(bureau, larger=ask.mail_room > 0):
                yield from self._pieces(one, has.get(one.package_id, 0), post)
            for one in self.letters(bureau, has, ask.mail_room) if ask.mail_room and not begun else ():
                if post.left <= 0:
                    post.more = True
                    break
                yield from self._pieces(one, has.get(one.package_id, 0), post)
            post.more = post.more or (bool(begun) and ask.mail_room > 0)

    def _pieces(self, one: Waiting, have: int, post: Post) -> Iterator[Entry]:
        if have >= one.size:
            return
        try:
            stream = self.path(one.package_id).open("rb")
        except FileNotFoundError:  # swept just now; made anew for whoever asks again
            return
        with stream:
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

    def _lies(self, one: Waiting) -> bool:
        """Whether a package is there, whole: one that is not would be waited for without end."""
        path = self.path(one.package_id)
        return path.exists() and path.stat().st_size == one.size

    def _make(self, group: list[Recipient], bureau: str, about: str, one: Parcel | None = None) -> Waiting:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{new_id()}.part"
        try:
            with draft.open("w+b") as out:
                posted = self.seal_letter(group, out, one) if one else self.seal(group, out, LETTER_RAW)
            sync_file(draft)
            draft.replace(self.path(posted.sealed.package_id))
            sync_folder(self._folder)
        finally:
            draft.unlink(missing_ok=True)
        sealed, at = posted.sealed, self._store.clock.stamp()
        with self._store.write() as connection:
            # What was made before and is not there any more counts no longer, whatever its time says.
            same = sql.execute(connection, f"SELECT {_WAITING} FROM mail WHERE about = ?", (about,))
            for row in same.fetchall():
                if not self._lies(Waiting(*row)):
                    sql.execute(connection, "DELETE FROM mail WHERE package_id = ?", (row[0],))
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


def _audience(recipients: Sequence[Recipient]) -> list[SealPublic]:
    return [SealPublic.from_bytes(r.device.seal) for r in recipients]


__all__ = ["Mailroom", "Posted", "Recipient", "Waiting"]
