"""What a device need not keep any more (sync.md: it discards a change set only after ``archived``).

Of a change set that has lain in a verified backup of the hub for 90 days one row stays
in the journal, without content: its numbers and the chain head at its end, which the
kept signed statement names too. Statements, receipts and records stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from shared.store import audit, exchange, sql
from shared.store.facts import read_text
from shared.store.store import Store

KEEP_DAYS = 90
"""So long after the backup was first heard of the blocks stay, should the hub fall back behind it."""
TAIL_DAYS = 400
"""So far back a device can say which records it touched; behind it asks about all of them."""
MOST_CHANGES = 50_000
"""At one go; others may write in between."""
MOST_TAILS = 2_000
_DONE = ("archived", "conflicted", "rejected")
"""The last word is spoken; what is still quarantined may have to be looked at."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """What went: changes whose blocks are kept no longer, and stretches of streams."""

    changes: int = 0
    tails: int = 0


def discard(store: Store, check: Callable[[], None] = lambda: None) -> Discarded:
    """Let go what may go, in short transactions; ``check`` is called between and may raise."""
    with store.read() as connection:
        now = _now(connection, store.clock.now())
    changes = tails = 0
    while done := _blocks(store, (now - timedelta(days=KEEP_DAYS)).isoformat()):
        changes += done
        check()
    while done := _tails(store, (now - timedelta(days=TAIL_DAYS)).isoformat()):
        tails += done
        check()
    return Discarded(changes, tails)


def _now(connection: sa.Connection, clock: datetime) -> datetime:
    """A clock that runs ahead makes nothing old: never later than the hub's last signed word."""
    said = read_text(connection, "evidence_at")
    return min(clock, datetime.fromisoformat(said)) if said else clock


def _blocks(store: Store, before: str) -> int:
    """The oldest change sets that may go, up to some amount; how many changes that were."""
    with store.write() as connection:
        due = _due(connection, before)
        if not due:
            return 0
        sql.executemany(
            connection, "DELETE FROM journal WHERE first_seq >= ? AND first_seq <= ? AND last_seq < ?",
            [(first, last, last) for first, last in due],
        )
        sql.executemany(
            connection,
            "UPDATE journal SET first_seq = ?, raw_len = 0, payload = x''"
            " WHERE first_seq >= ? AND first_seq <= ? AND last_seq = ?",
            [(first, first, last, last) for first, last in due],
        )
        audit.note(connection, store.clock.stamp(), "", "discard", f"{due[0][0]}–{due[-1][1]}")
        return due[-1][1] - due[0][0] + 1


def _due(connection: sa.Connection, before: str) -> list[tuple[int, int]]:
    """First and last number of each set; always from the beginning of what is kept, without a gap."""
    expected = exchange.kept_from(connection)
    out: list[tuple[int, int]] = []
    rows = sql.execute(
        connection,
        "SELECT from_seq, to_seq, status, archived_at, apart FROM change_set WHERE from_seq >= ?"
        " ORDER BY from_seq LIMIT 500",
        (expected,),
    )
    for first, last, status, archived_at, apart in rows:
        settled = status in _DONE and archived_at and archived_at < before and not apart
        if not settled or first != expected or (out and last - out[0][0] >= MOST_CHANGES):
            break
        out.append((first, last))
        expected = last + 1
    return out


def _tails(store: Store, before: str) -> int:
    with store.write() as connection:
        gone = sql.execute(
            connection,
            "DELETE FROM stream_tail WHERE (stream, last) IN"
            " (SELECT stream, last FROM stream_tail WHERE at < ? LIMIT ?)",
            (before, MOST_TAILS),
        )
        return int(gone.rowcount)


__all__ = ["KEEP_DAYS", "TAIL_DAYS", "Discarded", "discard"]
