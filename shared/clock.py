"""Clocks: wall time in the bureau's zone, and a hybrid logical clock.

Versions decide, clocks only inform (sync.md, Order): the HLC is shown and breaks
ties, it never rejects and never pulls another clock forward by more than
``MAX_DRIFT_MS``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "CST")
MAX_DRIFT_MS = 10 * 60 * 1000

Millis = Callable[[], int]


def system_millis() -> int:
    """Milliseconds since the epoch by this machine's clock."""
    return time.time_ns() // 1_000_000


def system_uptime() -> float:
    """Seconds this machine has been running: nobody sets it, it begins anew with each start.

    Linux counts the time asleep, too; elsewhere it may be left out, never the other way round.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Clock:
    """Wall time plus hybrid logical time of one device.

    :param millis: source of wall time; tests pass their own.
    :param uptime: see :func:`system_uptime`; without it a clock of one's own tells that too.
    """

    def __init__(
        self, millis: Millis = system_millis, last: int = 0, uptime: Callable[[], float] | None = None
    ) -> None:
        self._millis = millis
        self._last = last
        own = system_uptime if millis is system_millis else lambda: millis() / 1000
        self.uptime: Callable[[], float] = uptime or own

    def now(self) -> datetime:
        """Wall time, aware, UTC+8, whole seconds."""
        return datetime.fromtimestamp(self._millis() / 1000, CHINA).replace(microsecond=0)

    def today(self) -> date:
        """Calendar day in UTC+8."""
        return self.now().date()

    def stamp(self) -> str:
        """Wall time as stored: ISO 8601 with offset, whole seconds."""
        return self.now().isoformat()

    def tick(self) -> int:
        """Next HLC value: milliseconds × 2¹⁶ + counter; always grows."""
        wall = self._millis() << 16
        self._last = wall if wall > self._last else self._last + 1
        return self._last

    def observe(self, hlc: int) -> bool:
        """Take note of another clock; False when it is too far ahead to follow."""
        if (hlc >> 16) > self._millis() + MAX_DRIFT_MS:
            return False
        self._last = max(self._last, hlc)
        return True


def hlc_time(hlc: int) -> datetime:
    """The wall time inside an HLC value, aware, UTC."""
    return datetime.fromtimestamp((hlc >> 16) / 1000, UTC)
