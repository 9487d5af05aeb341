"""The line of one device's changes across its incarnations, seen from the device (ADR 0012).

A database can be restored from an old copy, or go on in two places at once. Both
are found out in two ways: by a mark kept outside the database, and by a receipt
whose chain is not the one this database holds. Either way a new incarnation
begins, and nothing that was pending is given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from shared import gaps
from shared.access import HUB_ACTOR
from shared.errors import PackageTampered
from shared.gaps import Span
from shared.store import audit, evidence, exchange, incarnations, rewinding
from shared.store.facts import read_number, read_text, write_number, write_text
from sync import messages
from sync.layout import ASK_AGAIN
from sync.messages import Receipt, State
from sync.signing import Envelope

ROLLED_BACK = "rolled_back"
"""The database is older than what it has already sealed."""
MOVED = "moved"
"""Nothing outside the database knows it: copied to another computer, or the keystore was lost."""
COPIED = "copied"
"""The hub has other changes of this device than this database: two copies were at work."""

SUPERSEDED = "superseded"
"""A copy of this database went on under a newer incarnation: this one's work waits for a person."""
STANDS = "stands"
"""The hub came back from a backup made before it revoked this device: the device stands again."""
REVOKED_IN = "revoked_epoch"
"""Fact: the hub's epoch that revoked this device."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an installation has come: its incarnation, last number, and chain head there."""

    incarnation: int
    seq: int
    head: bytes


def unmarked(_mark: Mark) -> None:
    """For an engine whose installation keeps no mark: only the hub then finds a copy out."""


class Reading(Enum):
    """What a receipt's number means here."""

    OURS = "ours"
    """It speaks of the line of this database."""
    OLDER = "older"
    """It speaks of an earlier incarnation: only what it says of single sets counts."""
    ELSEWHERE = "elsewhere"
    """The hub has something else under this incarnation: a copy went on elsewhere."""


def read(connection: Any, receipt: Receipt, hub_id: str, device: str) -> Reading:
    """How to take a verified receipt; raises :class:`PackageTampered` when it is not for us."""
    if (receipt.hub_id, receipt.device) != (hub_id, device):
        raise PackageTampered("回执不是给本机的。", ASK_AGAIN)
    if receipt.incarnation != read_number(connection, "incarnation"):
        return Reading.OLDER
    if _begun_elsewhere(connection, receipt):
        return Reading.ELSEWHERE
    at = exchange.reach(connection)
    if receipt.contiguous_to <= at.receipted:
        return Reading.OURS
    if receipt.contiguous_to > at.written:
        return Reading.ELSEWHERE
    if receipt.head and incarnations.head_at(connection, receipt.contiguous_to) != receipt.head:
        return Reading.ELSEWHERE
    return Reading.OURS


def _begun_elsewhere(connection: Any, receipt: Receipt) -> bool:
    """Whether the hub has heard from another copy where this incarnation begins.

    It has what this line continues, and would stand where the incarnation starts: what is between is apart.
    """
    begun = incarnations.branches(connection)
    return bool(begun) and begun[-1].parent_seq <= receipt.contiguous_to < begun[-1].start


def lacking(connection: Any) -> list[Span]:
    """Own numbers the hub missed before what it had parked, as its last receipt says."""
    last = exchange.last_receipt(connection)
    if last is None:
        return []
    receipt = messages.decode(Envelope.decode(last[0]).payload, Receipt)
    if receipt.incarnation != read_number(connection, "incarnation"):
        return []
    at = exchange.reach(connection)
    return [(first, end) for first, end in gaps.beyond(receipt.gaps, at.receipted) if end <= at.written]


def goes_no_further(receipt: Receipt) -> bool:
    """Whether the hub has put a set aside that begins with what it has and ends beyond: a copy had sent the
    beginning, cut otherwise. This line cannot go on there."""
    to = receipt.contiguous_to
    return any(one.first <= to < one.last and one.status != "parked" for one in receipt.sets)


def note_superseded(connection: Any, receipt: Receipt) -> None:
    """Remember, once for each, that a newer incarnation than this one is at work."""
    if receipt.newest > max(
        read_number(connection, "incarnation"), read_number(connection, "superseded_by")
    ):
        write_number(connection, "superseded_by", receipt.newest)
        write_text(connection, incarnations.NEWS, SUPERSEDED)


def note_revoked(connection: Any, state: State) -> None:
    """The hub has revoked this device: from now on it only sends and exports."""
    write_text(connection, "revoked_at", state.revoked_at)
    write_text(connection, "revoke_reason", state.revoke_reason)
    write_text(connection, REVOKED_IN, max(state.epoch, read_text(connection, REVOKED_IN)))


def note_standing(connection: Any, state: State, now: str) -> None:
    """The hub speaks to this device as to one in use: a revocation it forgot by a restore is taken back.

    Only a newer epoch than the one that revoked can have forgotten it; anything of the same
    epoch was said before the revocation, however late it arrives. Where an earlier program
    noted no epoch, the restore must have been heard of after the revocation, and nothing later.
    """
    at = read_text(connection, "revoked_at")
    if not at or not state.streams:
        return
    epoch = read_text(connection, REVOKED_IN)
    if epoch:
        forgotten = state.epoch > epoch
    else:
        newest = state.at >= read_text(connection, evidence.AT)
        forgotten = newest and read_text(connection, rewinding.REWOUND_AT) >= at
    if not forgotten:
        return
    for fact in ("revoked_at", "revoke_reason", REVOKED_IN):
        write_text(connection, fact, "")
    audit.note(connection, now, HUB_ACTOR.user, "revocation_forgotten", f"{at} {state.epoch}")
    if not read_text(connection, incarnations.NEWS):
        write_text(connection, incarnations.NEWS, STANDS)


def contradiction(connection: Any, mark: Mark | None) -> str:
    """Why this database cannot go on as it is; ``""`` when it fits the mark outside it.

    :param mark: None when nothing is kept outside, or what is kept is not genuine.
    """
    known = read_number(connection, "marked")
    if mark is None:
        return MOVED if known else ""
    incarnation = read_number(connection, "incarnation")
    if mark.incarnation > incarnation:
        return ROLLED_BACK
    if mark.incarnation < incarnation:
        return MOVED
    at = exchange.reach(connection)
    if mark.seq > at.written:
        return ROLLED_BACK
    if mark.seq == at.written:
        return "" if incarnations.line_head(connection) == mark.head else ROLLED_BACK
    head = incarnations.head_at(connection, mark.seq)
    if head is None and mark.seq < max(at.receipted + 1, exchange.kept_from(connection)):
        return ""  # archived long since, and its journal cleaned away
    return "" if head == mark.head else ROLLED_BACK


__all__ = [
    "COPIED", "MOVED", "ROLLED_BACK", "STANDS", "SUPERSEDED", "Mark", "Reading", "contradiction", "lacking",
    "read", "unmarked",
]
