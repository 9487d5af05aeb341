"""Where records stand, told from their last change and the receipts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection

import sqlalchemy as sa

from shared.changes import SEQ_BITS, SEQ_MASK
from shared.standing import Standing
from shared.store import sql
from shared.store.facts import read_number

_OF_STATUS = {
    "sealed": Standing.SEALED,
    "parked": Standing.PARKED,
    "applied": Standing.APPLIED,
    "conflicted": Standing.APPLIED,
    "quarantined": Standing.QUARANTINED,
    "archived": Standing.ARCHIVED,
}


class Standings:
    """A snapshot of change sets and open conflicts, asked per record."""

    def __init__(self, connection: sa.Connection) -> None:
        self._own = read_number(connection, "origin")
        rows = sql.execute(
            connection, "SELECT from_seq, to_seq, status FROM change_set ORDER BY from_seq"
        ).fetchall()
        self._starts = [r[0] for r in rows]
        self._sets = [(r[1], _OF_STATUS[r[2]]) for r in rows]
        disputed = sql.execute(
            connection, "SELECT record_id FROM conflict WHERE state = 'open' AND \"_deleted\" = 0"
        )
        self._disputed: Collection[str] = {r[0] for r in disputed}

    def of(self, record_id: str, tag: int) -> Standing:
        """Standing of a record whose last change is ``tag``."""
        if record_id in self._disputed:
            return Standing.CONFLICT
        if tag >> SEQ_BITS != self._own:
            return Standing.APPLIED
        seq = tag & SEQ_MASK
        at = bisect_right(self._starts, seq) - 1
        if at < 0 or seq > self._sets[at][0]:
            return Standing.PENDING
        return self._sets[at][1]
