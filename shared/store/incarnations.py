"""The incarnations of one database, and where each branched off (ADR 0012).

Numbers run on from one incarnation to the next: a new one continues the line at a
point both this database and the hub agree on. What the database holds beyond that
point under the old incarnation stands *apart*: it is offered until the hub has
named what became of it, and nothing builds on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from shared.changes import GENESIS, SEQ_BITS, SEQ_MASK
from shared.store import sql
from shared.store.facts import (
    read_fact,
    read_number,
    read_text,
    write_fact,
    write_number,
    write_text,
)
from shared.store.references import Origins

NEWS = "incarnation_news"
"""Fact: why a new incarnation began, until the person was told."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Where an incarnation leaves its parent.

    :param start: last number before its own; ``parent_seq`` with ``parent_head`` is the
        point of the parent's chain that it continues. Both are equal unless something
        of the parent stands apart between them.
    """

    no: int
    start: int = 0
    parent: int = 0
    parent_seq: int = 0
    parent_head: bytes = GENESIS
    why: str = ""


def branches(connection: sa.Connection) -> list[Branch]:
    """All but the first incarnation, oldest first; what the hub must know to follow the line."""
    rows = sql.execute(
        connection,
        "SELECT no, start, parent, parent_seq, parent_head, why FROM incarnation ORDER BY no",
    )
    return [Branch(r[0], r[1], r[2], r[3], bytes(r[4]), r[5]) for r in rows]


def head_at(connection: sa.Connection, seq: int) -> bytes | None:
    """Chain head of the line just after the change ``seq``; None when no block ends there.

    Of several incarnations that began at this number, each without anything of its own, the last counts.
    """
    for one in reversed(branches(connection)):
        if one.start == seq:
            return one.parent_head
    if seq == 0:
        return GENESIS
    row = sql.execute(
        connection,
        "SELECT head, last_seq FROM journal WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1", (seq,),
    ).fetchone()
    return bytes(row[0]) if row and row[1] == seq else None


def line_head(connection: sa.Connection) -> bytes:
    """Chain head where the line ends now."""
    return read_fact(connection, "head") or GENESIS


class OwnChanges:
    """Which references are this installation's own, and still without a receipt."""

    def __init__(self, connection: sa.Connection, receipted: int) -> None:
        self._receipted = receipted
        self._tops = _tops(connection)

    def own(self, reference: int) -> bool:
        """Whether this very database made the change: not a copy of it that went on elsewhere."""
        top = self._tops.get(reference >> SEQ_BITS)
        return top is not None and reference & SEQ_MASK <= top

    def pending(self, reference: int) -> bool:
        """Whether it is an own change the hub has not accounted for."""
        return self.own(reference) and reference & SEQ_MASK > self._receipted


def _tops(connection: sa.Connection) -> dict[int, int]:
    """How far each incarnation of the line reaches here, by local origin number."""
    device, no = read_text(connection, "device"), read_number(connection, "incarnation")
    known = {b.no: b for b in branches(connection)}
    tops = {no: SEQ_MASK}
    while (one := known.get(no)) is not None:
        no = one.parent
        tops[no] = one.parent_seq
    rows = sql.execute(connection, "SELECT no, incarnation FROM origin WHERE device = ?", (device,))
    return {number: tops[incarnation] for number, incarnation in rows if incarnation in tops}


def begin(
    connection: sa.Connection, no: int, why: str, at: str, *, agreed: int | None = None
) -> Branch:
    """Start incarnation ``no`` within a transaction; everything sealed must be cut before.

    :param agreed: last number the hub is known to have as it stands here; None when
        nothing here contradicts the hub, so that the line goes on where it ends.
    """
    device = read_text(connection, "device")
    start = read_number(connection, "seq")
    parent, parent_seq, head = _point(connection, start if agreed is None else agreed)
    if agreed is not None:
        sql.execute(connection, "UPDATE change_set SET apart = 1 WHERE from_seq > ?", (agreed,))
    sql.execute(
        connection,
        "INSERT INTO incarnation (no, start, parent, parent_seq, parent_head, why, began_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (no, start, parent, parent_seq, head, why, at),
    )
    write_fact(connection, "head", head)
    write_number(connection, "origin", Origins(connection).number(device, no))
    write_number(connection, "incarnation", no)
    write_text(connection, NEWS, why)
    return Branch(no, start, parent, parent_seq, head, why)


def _point(connection: sa.Connection, seq: int) -> tuple[int, int, bytes]:
    """Where the line stands at a number: incarnation, its number, chain head."""
    owner = read_number(connection, "incarnation")
    for one in reversed(branches(connection)):
        if seq == one.start:  # nothing of its own yet: the same point of the same parent
            return one.parent, one.parent_seq, one.parent_head
        if seq > one.start:
            owner = one.no
            break
        owner = one.parent
    return owner, seq, head_at(connection, seq) or GENESIS


__all__ = ["NEWS", "Branch", "OwnChanges", "begin", "branches", "head_at", "line_head"]
