"""Receipts: what became of the sets of one package, and where the device stands, signed and chained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import sqlalchemy as sa

from server_stub import epochs, lines
from server_stub.keys import HubKeys
from server_stub.review import words_on
from shared import gaps
from shared.gaps import Span
from shared.store import sql
from shared.store.store import Store
from sync import messages, signing
from sync.messages import PROTOCOL, Ask, Receipt, SetReceipt

APPLIED = "applied"
PARKED = "parked"
CONFLICTED = "conflicted"
QUARANTINED = "quarantined"
DUPLICATE = "duplicate"
EMPTY = "empty"
MOST_ASKED = 1000
MOST_ANEW = 2000


@dataclass(slots=True)
class Intake:
    """What became of the change sets of one package.

    :param freed: sets put aside before, which lacked what it brought.
    """

    sets: list[SetReceipt] = field(default_factory=list)
    changes: int = 0
    repeated: int = 0
    freed: int = 0

    @property
    def outcome(self) -> str:
        """The worst status among them; ``duplicate`` when all were known, ``empty`` for none."""
        if self.sets and self.repeated == len(self.sets):
            return DUPLICATE
        for status in (QUARANTINED, CONFLICTED, PARKED):
            if any(s.status == status for s in self.sets):
                return status
        return APPLIED if self.sets else EMPTY

    def add(self, said: SetReceipt, *, repeated: bool = False) -> None:
        """Count one set."""
        self.sets.append(said)
        self.repeated += repeated
        if not repeated and said.status != PARKED:
            self.changes += said.last - said.first + 1


class Receipts:
    """Signs receipts; each names the one before it."""

    def __init__(self, store: Store, keys: HubKeys, epoch: str) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch

    def sign(self, device: str, ask: Ask, intake: Intake, package_id: str) -> bytes:
        """Sign where the device stands; chained to the receipt before it.

        A package that brings nothing new gets the very receipt it got before (N2).

        :param ask: it names sets whose fate the device does not know; one who has not heard of this epoch
            is told of all that came since the one it knows had ended.
        """
        incarnation = ask.incarnation
        with self._store.write() as connection:
            lines.lock(connection, device)
            named = {s.cs_id for s in intake.sets}
            asked = [i for i in ask.waiting[:MOST_ASKED] if i not in named]
            told = [SetReceipt(*row) for row in words_on(connection, device, asked)]
            told = [*intake.sets, *told]
            if (known := epochs.heard(ask)) < self._epoch:
                named |= {s.cs_id for s in told}
                anew = epochs.come_since(connection, device, known, MOST_ANEW)
                told += [s for s in anew if s.cs_id not in named]
            again = sql.execute(
                connection, "SELECT receipt FROM package_seen WHERE package_id = ?", (package_id,)
            ).fetchone()
            archived = lines.archived(connection, device, incarnation)
            if again is not None and _says(bytes(again[0]), told, self._epoch, archived):
                return bytes(again[0])
            raw = self._body(connection, device, incarnation, told)
            envelope = signing.sign(self._keys.sign, signing.RECEIPT, raw).encode()
            if told:
                sql.execute(
                    connection,
                    "INSERT INTO package_seen (package_id, receipt, at) VALUES (?, ?, ?)"
                    " ON CONFLICT (package_id) DO UPDATE SET receipt = excluded.receipt",
                    (package_id, envelope, self._store.clock.stamp()),
                )
        return envelope

    # --- inside --------------------------------------------------------------
    def _body(
        self, connection: sa.Connection, device: str, incarnation: int, sets: list[SetReceipt]
    ) -> bytes:
        at = lines.reach(connection, device, incarnation)
        body = Receipt(
            v=PROTOCOL,
            hub_id=self._keys.hub_id,
            epoch=self._epoch,
            device=device,
            incarnation=incarnation,
            contiguous_to=at.contiguous_to,
            gaps=missing(connection, device, incarnation),
            sets=sets,
            at=self._store.clock.stamp(),
            prev_receipt=at.last_receipt,
            archived_to=lines.archived(connection, device, incarnation),
            head=at.head,
            newest=lines.newest(connection, device),
        )
        raw = messages.encode(body)
        lines.remember_receipt(connection, device, incarnation, hashlib.sha256(raw).hexdigest())
        return raw


def missing(connection: sa.Connection, device: str, incarnation: int) -> list[Span]:
    """Numbers of a device's line that must come before what is parked."""
    within = lines.line(connection, device, incarnation)
    parked = sql.execute(
        connection,
        "SELECT first, last, incarnation FROM accepted_set WHERE device = ? AND status = ? ORDER BY first",
        (device, PARKED),
    ).fetchall()
    reached = lines.reach(connection, device, incarnation).contiguous_to
    return gaps.between(reached, [(p[0], p[1]) for p in parked if p[2] in within])


def _says(envelope: bytes, sets: list[SetReceipt], epoch: str, archived_to: int) -> bool:
    """Whether an earlier receipt says the same about these sets, and how safe they are."""
    before = messages.decode(signing.Envelope.decode(envelope).payload, Receipt)
    if (before.epoch, before.archived_to) != (epoch, archived_to):
        return False
    return {s.cs_id: s.status for s in sets}.items() <= {s.cs_id: s.status for s in before.sets}.items()
