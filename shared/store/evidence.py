"""When the hub was last heard of, by its clock and by ours (N9).

The hub's signature says when *it* signed. How far our clock was ahead of that is known
at once when the answer came over the network. An answer on a stick was on its way for
some time that nobody measured; but the package it answers was sealed before the hub signed,
so what our clock said then beyond the hub's time is error, whatever the journey took.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from shared.store import exchange
from shared.store.facts import read_number, read_text, write_number, write_text

AT, AHEAD = "evidence_at", "evidence_ahead"
SEEN, SKEW, LEAPT = "clock_seen", "clock_skew", "clock_leapt"
LEAP = timedelta(days=90)
"""Longer than a stick is on its way, or a seat in use stays switched off."""
APART = timedelta(days=1)
"""How far a clock may stand from the hub's without a word."""


def note(connection: sa.Connection, at: str, now: datetime, *, fresh: bool) -> None:
    """Note when the hub signed something; never backwards.

    :param now: by our clock; :param fresh: whether it was signed just now.
    """
    known = read_text(connection, AT)
    if at < known or (at == known and not fresh):
        return
    write_text(connection, AT, at)
    passed = now - datetime.fromisoformat(at)
    before = timedelta(seconds=read_number(connection, AHEAD))
    ahead = passed if passed > (timedelta() if fresh else LEAP) else timedelta()
    if not fresh and passed >= before:
        ahead = max(ahead, before)  # nothing says that the clock was set right
    _write(connection, ahead, now)


def prove(connection: sa.Connection, packages: Collection[str], at: str, now: datetime) -> None:
    """The hub had these packages of ours when it signed: what our clock said beyond that then was wrong."""
    signed = datetime.fromisoformat(at)
    sealed = [datetime.fromisoformat(s) for s in exchange.sealed_at(connection, packages)]
    ahead = max((s - signed for s in sealed), default=timedelta())
    known = timedelta(seconds=read_number(connection, AHEAD))
    better = ahead > known or (ahead > APART and known > LEAP)  # what is put down to the clock is a guess
    if better and at >= read_text(connection, AT) and now - signed >= ahead:
        _write(connection, ahead, now)


def _write(connection: sa.Connection, ahead: timedelta, now: datetime) -> None:
    write_number(connection, AHEAD, int(ahead.total_seconds()))
    write_text(connection, SEEN, now.isoformat())
    write_number(connection, SKEW, 0)
    write_text(connection, LEAPT, "")


@dataclass(frozen=True, slots=True)
class Error:
    """How far our clock is ahead of the hub's.

    :param known: as the hub's word proves; :param leapt: beyond it, the date jumped while nobody looked.
    :param since: our clock right after that jump; :param before: and before it. None for no jump.
    """

    known: timedelta = timedelta()
    leapt: timedelta = timedelta()
    since: datetime | None = None
    before: datetime | None = None

    @property
    def whole(self) -> timedelta:
        """Both together."""
        return self.known + self.leapt


class Watch:
    """Tells days that passed from a clock that leapt.

    The clock is looked at whenever somebody works. A step of more than :data:`LEAP` from one
    look to the next is a wrong date or a seat that was off for long: it does not count, what passes
    after it does. Set back as far, the clock is right again.
    """

    def __init__(self) -> None:
        self._of = ""
        self._seen: datetime | None = None
        self._skew = timedelta()
        self._leapt: tuple[datetime, datetime] | None = None
        self._righted = False

    def look(self, connection: sa.Connection, evidence: str, now: datetime) -> Error:
        """How far our clock is ahead, as far as that is known from the hub's word of ``evidence``."""
        if self._of != evidence or self._seen is None:
            self._of = evidence
            self._seen = datetime.fromisoformat(read_text(connection, SEEN) or evidence)
            self._skew = timedelta(seconds=read_number(connection, SKEW))
            before, _, after = read_text(connection, LEAPT).partition(" ")
            self._leapt = (datetime.fromisoformat(before), datetime.fromisoformat(after)) if after else None
            self._righted = False
        step = now - self._seen
        if abs(step) > LEAP:
            self._skew = max(timedelta(), self._skew + step)
            self._leapt = (self._seen, now) if self._skew and step > timedelta() else None
        self._seen = now
        known = timedelta(seconds=read_number(connection, AHEAD))
        if known and now < datetime.fromisoformat(evidence) + known - APART:
            self._righted = True  # a clock that were still ahead could not show this
        if self._righted:
            known = timedelta()
        before_, since = self._leapt or (None, None)
        return Error(known, self._skew, since, before_)

    def keep(self, connection: sa.Connection) -> None:
        """For the next time somebody signs in."""
        if self._seen is None or self._of != read_text(connection, AT):
            return
        write_text(connection, SEEN, self._seen.isoformat())
        write_number(connection, SKEW, int(self._skew.total_seconds()))
        write_text(connection, LEAPT, " ".join(t.isoformat() for t in self._leapt or ()))
        if self._righted:
            write_number(connection, AHEAD, 0)


__all__ = ["AHEAD", "APART", "AT", "LEAP", "Error", "Watch", "note", "prove"]
