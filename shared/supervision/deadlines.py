"""Working days, and how urgent a thing is (R95).

The State Council publishes the days off of a year in the autumn before it. For a
year without a published table only weekends are known, and every answer that
touches such a year says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

ONE_DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was counted; ``certain`` is False when a year's table was missing."""

    day: date
    certain: bool


@dataclass(frozen=True, slots=True)
class Count:
    """A number of working days."""

    days: int
    certain: bool


class Workdays:
    """The calendar of working days.

    :param exceptions: True = a day off, False = a working weekend
        (``shared.resource_files.holidays``).
    """

    def __init__(self, exceptions: Mapping[date, bool]) -> None:
        self._exceptions = exceptions
        self._published = frozenset(day.year for day in exceptions)

    def is_workday(self, day: date) -> bool:
        """Whether offices are open, as far as is known."""
        off = self._exceptions.get(day)
        return day.weekday() < SATURDAY if off is None else not off

    def certain(self, first: date, last: date) -> bool:
        """Whether the table of every year from ``first`` to ``last`` is published."""
        return all(year in self._published for year in range(first.year, last.year + 1))

    def add_workdays(self, day: date, n: int) -> Day:
        """The ``n``-th working day after ``day`` (before it when negative); 0 is the day itself."""
        at, left = day, abs(n)
        step = ONE_DAY if n > 0 else -ONE_DAY
        while left:
            at += step
            left -= self.is_workday(at)
        return Day(at, self.certain(min(day, at), max(day, at)))

    def workdays_between(self, first: date, last: date) -> Count:
        """Working days after ``first`` up to and including ``last``; negative when it lies before."""
        start, end = min(first, last), max(first, last)
        days = sum(self.is_workday(start + timedelta(days=i)) for i in range(1, (end - start).days + 1))
        return Count(days if first <= last else -days, self.certain(start, end))


class Stage(StrEnum):
    """How far a task with three deadlines has come (R95): who must see it."""

    CALM = "calm"
    REMIND = "remind"  # the person's own pages
    WARN = "warn"  # and those in charge of the bureau
    TODAY = "today"  # the last day
    OVERDUE = "overdue"  # and those above
    OVER = "over"  # nothing is due any more


@dataclass(frozen=True, slots=True)
class Deadline:
    """An urgency as word and tone; tones are those of ``shared.lifecycle.State``.

    :param workdays: working days left; negative = days late.
    """

    stage: Stage
    word: str
    tone: str
    workdays: int
    certain: bool = True


def deadline(
    calendar: Workdays,
    today: date,
    *,
    due: date | None,
    warn: date | None = None,
    remind: date | None = None,
    done: bool = False,
) -> Deadline:
    """Where something stands between its deadlines today."""
    if done:
        return Deadline(Stage.OVER, "已办结", "off", 0)
    if due is None:
        return Deadline(Stage.CALM, "无时限", "plain", 0)
    left = calendar.workdays_between(today, due)
    about = " " if left.certain else "约 "
    if today > due:
        late = f"超期{about}{-left.days} 个工作日" if left.days else "已超期"
        return Deadline(Stage.OVERDUE, late, "bad", left.days, left.certain)
    if today == due:
        return Deadline(Stage.TODAY, "今日截止", "bad", 0)
    rest = f"剩{about}{left.days} 个工作日"
    if warn is not None and today >= warn:
        return Deadline(Stage.WARN, f"警示，{rest}", "bad", left.days, left.certain)
    if remind is not None and today >= remind:
        return Deadline(Stage.REMIND, f"提醒，{rest}", "wait", left.days, left.certain)
    return Deadline(Stage.CALM, rest, "plain", left.days, left.certain)
