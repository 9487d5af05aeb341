"""How often something may happen: so many times in so long, counted in this process.

Where several processes serve one hub each keeps its share, so that together they stay within what
was said. Connections are not dealt out evenly: in all it may be less, never more.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Pace:
    """A sliding window.

    :param most: times; :param seconds: within; :param now: a clock that only goes forward.
    :param processes: among so many this is divided; where there is less than one for each, it takes longer.
    """

    def __init__(
        self, most: int, seconds: float, now: Callable[[], float] = time.monotonic, *, processes: int = 1
    ) -> None:
        self._most = max(1, most // processes)
        self._seconds = seconds * max(1.0, processes / most)
        self._now = now
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def take(self) -> bool:
        """Count one more time; False, and nothing counted, when there were too many."""
        with self._lock:
            if self._full():
                return False
            self._times.append(self._now())
            return True

    @property
    def full(self) -> bool:
        """Whether there were too many by now."""
        with self._lock:
            return self._full()

    @property
    def wait(self) -> int:
        """Whole seconds until one more may happen, at least 1."""
        with self._lock:
            left = self._times[0] + self._seconds - self._now() if self._times else 0.0
            return max(1, int(left) + 1)

    def _full(self) -> bool:
        old = self._now() - self._seconds
        while self._times and self._times[0] <= old:
            self._times.popleft()
        return len(self._times) >= self._most
