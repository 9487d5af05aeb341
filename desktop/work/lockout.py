"""Delays after wrong passwords: kept in the key file, so that a restart does not help.

They are measured by how long the machine has been running, which nobody can set; the wall
clock only says the hour at which the delay ends. Since a wrong password at least as much time
has passed as the machine has run on, or, when it was started again, as it has run since. The
first is also right for a start that nobody noticed: it is less than the second.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.clock import Clock

FREE_FAILURES = 3
FIRST_DELAY = 5
LONGEST_DELAY = 15 * 60
KEPT = 50
"""So many times of wrong passwords are kept for the audit chain."""
UNKNOWN = -1.0
"""When the machine's age was not noted: by a program that went by the wall clock."""


def delay_after(failures: int) -> int:
    """Seconds to wait after so many wrong passwords in a row."""
    if failures < FREE_FAILURES:
        return 0
    return min(FIRST_DELAY << min(failures - FREE_FAILURES, 20), LONGEST_DELAY)


def unmeasured(failures: int, failed_up: float) -> bool:
    """Whether a delay has no beginning by the machine's age, and begins anew."""
    return delay_after(failures) > 0 and failed_up < 0


def retry_at(failures: int, failed_up: float, clock: Clock) -> datetime | None:
    """When the next attempt is allowed; None = at once.

    :param failed_up: how old the machine's run was at the last wrong one, in seconds.
    """
    delay, up = delay_after(failures), clock.uptime()
    passed = 0.0 if failed_up < 0 else up - failed_up if up >= failed_up else up
    left = delay - passed
    return clock.now() + timedelta(seconds=left) if left > 0 else None
