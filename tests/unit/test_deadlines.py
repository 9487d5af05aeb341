"""Working days with published holidays, and how urgent a task is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.resource_files import holidays
from shared.supervision.deadlines import Stage, Workdays, deadline

CALENDAR = Workdays(holidays())
WEEKENDS = Workdays({})


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("2026-05-06", True),
        ("2026-05-05", False),  # 劳动节, a Tuesday
        ("2026-05-09", True),  # a Saturday made up for
        ("2026-05-10", False),
        ("2026-10-10", True),
        ("2026-02-23", False),
    ],
)
def test_published_days_win_over_weekends(day: str, open_: bool) -> None:
    assert CALENDAR.is_workday(date.fromisoformat(day)) is open_


def test_adding_passes_over_holidays_and_counts_made_up_saturdays() -> None:
    found = CALENDAR.add_workdays(date(2026, 4, 30), 4)
    assert (found.day, found.certain) == (date(2026, 5, 9), True)
    assert CALENDAR.add_workdays(date(2026, 5, 9), -4).day == date(2026, 4, 30)
    assert CALENDAR.add_workdays(date(2026, 5, 2), 0).day == date(2026, 5, 2)


def test_between_is_the_inverse_of_adding() -> None:
    start = date(2026, 1, 28)
    for n in range(1, 40):
        day = CALENDAR.add_workdays(start, n).day
        assert CALENDAR.workdays_between(start, day).days == n
        assert CALENDAR.workdays_between(day, start).days == -n
    assert CALENDAR.workdays_between(start, start).days == 0


def test_a_year_without_table_counts_weekends_and_says_so() -> None:
    last = max(holidays())
    unpublished = date(last.year + 1, 1, 1)
    assert CALENDAR.is_workday(unpublished) is (unpublished.weekday() < 5)
    assert not CALENDAR.add_workdays(date(last.year, 12, 28), 10).certain
    assert not CALENDAR.workdays_between(date(last.year, 12, 28), unpublished).certain
    assert CALENDAR.workdays_between(date(last.year, 1, 4), date(last.year, 12, 28)).certain
    assert WEEKENDS.add_workdays(date(2026, 4, 30), 1).day == date(2026, 5, 1)


def test_three_deadlines_tell_who_must_look() -> None:
    dates = {"remind": date(2026, 5, 6), "warn": date(2026, 5, 8), "due": date(2026, 5, 11)}

    def at(day: int, **more: bool) -> tuple[Stage, str, str]:
        one = deadline(CALENDAR, date(2026, 5, day), **dates, **more)  # type: ignore[arg-type]
        return one.stage, one.word, one.tone

    assert at(5) == (Stage.CALM, "剩 5 个工作日", "plain")
    assert at(6) == (Stage.REMIND, "提醒，剩 4 个工作日", "wait")
    assert at(8) == (Stage.WARN, "警示，剩 2 个工作日", "bad")
    assert at(11) == (Stage.TODAY, "今日截止", "bad")
    assert at(13) == (Stage.OVERDUE, "超期 2 个工作日", "bad")
    assert at(13, done=True) == (Stage.OVER, "已办结", "off")
    assert deadline(CALENDAR, date(2026, 5, 6), due=None).stage is Stage.CALM


def test_a_count_over_an_unpublished_year_is_marked() -> None:
    one = deadline(WEEKENDS, date(2026, 5, 6), due=date(2026, 5, 6) + timedelta(days=7))
    assert (one.word, one.certain) == ("剩约 5 个工作日", False)
