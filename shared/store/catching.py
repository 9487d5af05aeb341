"""Own changes younger than a first load that was swapped in, until the streams have brought them again.

The hub has signed for them, but the snapshot was taken before. Without this the screen
would go back to what stood then, and forward again when the streams catch up. Such a
value stays on screen like one that is pending: what the hub says meanwhile waits in
``shadow``; our own change coming back by the stream settles it, and what is left when
the streams are at their end is what the hub decided.
"""

from __future__ import annotations

import sqlalchemy as sa

from shared.changes import SEQ_MASK
from shared.store import sql
from shared.store.facts import read_fact
from shared.store.incarnations import OwnChanges

UNSEEN = "own_unseen_after"
"""Fact: own changes above this number may not be in the rows the hub sent; absent when none are awaited."""


class CatchingUp:
    """What is still awaited; empty but for the time after a first load."""

    def __init__(self, connection: sa.Connection, mine: OwnChanges) -> None:
        self._connection = connection
        self._mine = mine
        raw = read_fact(connection, UNSEEN)
        self.after = None if raw is None else int.from_bytes(raw, "big")
        self._covered: set[tuple[str, str, int]] = set()
        if self.after is not None:
            rows = sql.execute(connection, "SELECT type, record_id, field FROM shadow")
            self._covered = {(str(r[0]), str(r[1]), int(r[2])) for r in rows}

    def recent(self, reference: int) -> bool:
        """Whether it is an own change the snapshot may not hold."""
        return self.after is not None and self._mine.own(reference) and reference & SEQ_MASK > self.after

    def covers(self, type_name: str, record_id: str, number: int, current: int) -> bool:
        """Whether an own value stands over what the hub says of this field."""
        return (type_name, record_id, number) in self._covered and self.recent(current)

    def settled(self, type_name: str, record_id: str, number: int) -> None:
        """The own change has come back."""
        self._covered.discard((type_name, record_id, number))

    def outdated(self, current: int, writer: int) -> bool:
        """Whether a change that arrives is an own one, and an own newer one stands already."""
        if not self.recent(current) or current == writer:
            return False
        return self._mine.own(writer) and writer & SEQ_MASK < current & SEQ_MASK

    def end(self) -> None:
        """The streams are at their end: nothing is awaited any more."""
        sql.execute(self._connection, "DELETE FROM fact WHERE name = ?", (UNSEEN,))
        self.after = None
        self._covered.clear()
