"""How many problems there are, by bureau or by kind of information, this month and the last (R52)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta

import sqlalchemy as sa

from shared.store import sql

BY_BUREAU, BY_TYPE = "provider", "record_type"


@dataclass(frozen=True, slots=True)
class Counts:
    """One line: ``key`` is a bureau's id or a type's name; months are those of raising and closing."""

    key: str
    open: int = 0
    answered: int = 0
    closed: int = 0
    raised: int = 0
    raised_before: int = 0
    closed_now: int = 0
    closed_before: int = 0


def counts(connection: sa.Connection, by: str, today: date) -> list[Counts]:
    """A line for each value of ``by``, the most open first."""
    if by not in (BY_BUREAU, BY_TYPE):
        raise ValueError(by)
    month = today.isoformat()[:7]
    former = (today.replace(day=1) - timedelta(days=1)).isoformat()[:7]
    rows = sql.execute(
        connection,
        f'SELECT "{by}", sum(state = \'open\'), sum(state IN (\'mended\', \'pleaded\')),'
        " sum(state = 'closed'), sum(substr(entered_at, 1, 7) = ?), sum(substr(entered_at, 1, 7) = ?),"
        " sum(state = 'closed' AND substr(decided_at, 1, 7) = ?),"
        " sum(state = 'closed' AND substr(decided_at, 1, 7) = ?)"
        f' FROM "data_problem" WHERE "_deleted" = 0 GROUP BY "{by}" ORDER BY 2 DESC, 1',
        (month, former, month, former),
    )
    return [Counts(str(key), *(int(n or 0) for n in numbers)) for key, *numbers in rows]


def total(lines: list[Counts]) -> Counts:
    """All of them in one line, its key empty."""
    names = [f.name for f in fields(Counts) if f.name != "key"]
    return Counts("", *(sum(getattr(one, n) for one in lines) for n in names))


__all__ = ["BY_BUREAU", "BY_TYPE", "Counts", "counts", "total"]
