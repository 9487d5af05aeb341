"""Where records stand, told from their last change and the receipts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection

import sqlalchemy as sa

from shared.changes import SEQ_BITS, SEQ_MASK
from shared.standing import Standing
from shared.store import sql
from shared.store.facts import read_number, read_text

_OF_STATUS = {
    "sealed": Standing.SEALED,
    "parked": Standing.PARKED,
    "applied": Standing.APPLIED,
    "conflicted": Standing.APPLIED,
    "quarantined": Standing.QUARANTINED,
    "rejected": Standing.REJECTED,
    "archived": Standing.ARCHIVED,
}


class Standings:
    """A snapshot of change sets and open conflicts, asked per record."""

    def __init__(self, connection: sa.Connection) -> None:
        mine = sql.execute(
            connection,
            "SELECT no, incarnation FROM origin WHERE device = ?",
            (read_text(connection, "device"),),
        )
        self._own = {r[0]: r[1] for r in mine}
        self._current = read_number(connection, "origin")
        rows = sql.execute(
            connection, "SELECT from_seq, to_seq, status, incarnation FROM change_set ORDER BY from_seq"
        ).fetchall()
        self._starts = [r[0] for r in rows]
        self._sets = [(r[1], _OF_STATUS[r[2]], r[3]) for r in rows]
        disputed = sql.execute(
            connection, "SELECT record_id FROM conflict WHERE state = 'open' AND \"_deleted\" = 0"
        )
        self._disputed: Collection[str] = {r[0] for r in disputed}

    def of(self, record_id: str, tag: int) -> Standing:
        """Standing of a record whose last change is ``tag``."""
        if record_id in self._disputed:
            return Standing.CONFLICT
        origin, seq = tag >> SEQ_BITS, tag & SEQ_MASK
        if origin not in self._own:
            return Standing.APPLIED
        at = bisect_right(self._starts, seq) - 1
        if at < 0 or seq > self._sets[at][0]:
            return Standing.PENDING if origin == self._current else Standing.APPLIED
        _, standing, incarnation = self._sets[at]
        # The same number of another incarnation: a copy of this database went on elsewhere.
        return standing if incarnation == self._own[origin] else Standing.APPLIED
