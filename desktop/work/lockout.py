"""Delays after wrong passwords: kept in the key file, so that a restart does not help.

Time is the machine's, which a person can set. Set back, it begins the delay anew: a
clock in the past never shortens it, and never locks out for longer than the delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock

FREE_FAILURES = 3
FIRST_DELAY = 5
LONGEST_DELAY = 15 * 60
KEPT = 50
"""So many times of wrong passwords are kept for the audit chain."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the delay stands.

    :param retry_at: when the next attempt is allowed; None = at once.
    :param failed_at: what must be kept when the clock was set back; ``""`` = nothing changed.
    """

    retry_at: datetime | None
    failed_at: str = ""


def delay_after(failures: int) -> int:
    """Seconds to wait after so many wrong passwords in a row."""
    if failures < FREE_FAILURES:
        return 0
    return min(FIRST_DELAY << min(failures - FREE_FAILURES, 20), LONGEST_DELAY)


def standing(failures: int, failed_at: str, clock: Clock) -> Standing:
    """Whether an attempt is allowed now."""
    delay = delay_after(failures)
    if not delay or not failed_at:
        return Standing(None)
    now = clock.now()
    try:
        at = datetime.fromisoformat(failed_at).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        at = now + timedelta(days=1)  # somebody has been at the file
    if at > now:  # set back: from here on once more
        return Standing(now + timedelta(seconds=delay), now.isoformat())
    retry_at = at + timedelta(seconds=delay)
    return Standing(retry_at if retry_at > now else None)
