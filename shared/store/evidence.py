"""When the hub was last heard of, by its clock and by ours (N9).

The hub's signature says when *it* signed. How far our clock was ahead of that is known
at once when the answer came over the network. An answer on a stick was on its way for
some time that nobody measured; only what no stick takes is put down to the clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from shared.store.facts import read_number, read_text, write_number, write_text

AT, AHEAD = "evidence_at", "evidence_ahead"
SEEN, SKEW = "clock_seen", "clock_skew"
LEAP = timedelta(days=90)
"""Longer than a stick is on its way, or a seat in use stays switched off."""


def note(connection: sa.Connection, at: str, now: datetime, *, fresh: bool) -> None:
    """Note when the hub signed something; never backwards.

    :param now: by our clock; :param fresh: whether it was signed just now.
    """
    known = read_text(connection, AT)
    if at < known or (at == known and not fresh):
        return
    write_text(connection, AT, at)
    ahead = now - datetime.fromisoformat(at)
    counts = ahead > (timedelta() if fresh else LEAP)
    write_number(connection, AHEAD, int(ahead.total_seconds()) if counts else 0)
    write_text(connection, SEEN, now.isoformat())
    write_number(connection, SKEW, 0)


class Watch:
    """Tells days that passed from a clock that leapt.

    The clock is looked at whenever somebody works. A step of more than :data:`LEAP` from one
    look to the next is a wrong date rather than a quiet time: it does not count, what passes
    after it does. Set back as far, the clock is right again.
    """

    def __init__(self) -> None:
        self._of = ""
        self._seen: datetime | None = None
        self._skew = timedelta()

    def look(self, connection: sa.Connection, evidence: str, now: datetime) -> timedelta:
        """How far our clock leapt ahead since the hub's word of ``evidence``."""
        if self._of != evidence or self._seen is None:
            self._of = evidence
            self._seen = datetime.fromisoformat(read_text(connection, SEEN) or evidence)
            self._skew = timedelta(seconds=read_number(connection, SKEW))
        step = now - self._seen
        if abs(step) > LEAP:
            self._skew = max(timedelta(), self._skew + step)
        self._seen = now
        return self._skew

    def keep(self, connection: sa.Connection) -> None:
        """For the next time somebody signs in."""
        if self._seen is not None and self._of == read_text(connection, AT):
            write_text(connection, SEEN, self._seen.isoformat())
            write_number(connection, SKEW, int(self._skew.total_seconds()))


__all__ = ["AHEAD", "AT", "LEAP", "Watch", "note"]
