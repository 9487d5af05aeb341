"""Changes of devices whose clocks are ahead: taken, told, and of no weight where time decides (N9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from shared.clock import MAX_DRIFT_MS
from shared.store.incoming import Incoming


def in_time(one: Incoming, sealed_at: str, now: datetime) -> Incoming:
    """The run with a time that can be: never later than ``now``.

    The device sealed the set by the same clock, so its time is put back by what that clock
    was ahead when the set arrived. Put back, it never wins where the later one does.
    """
    latest = int(now.timestamp() * 1000)
    wall = one.run.hlc >> 16
    if wall <= latest + MAX_DRIFT_MS:
        return one
    try:
        wrong = max(0, int(datetime.fromisoformat(sealed_at).timestamp() * 1000) - latest)
    except (ValueError, TypeError, OverflowError):
        wrong = 0
    put_back = min(wall - wrong, latest) << 16 | one.run.hlc & 0xFFFF
    return replace(one, run=msgspec.structs.replace(one.run, hlc=max(0, put_back)), doubtful=True)


__all__ = ["in_time"]
