"""Time, ids and random bytes from the seed, so that a history happens the same way again."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

DAY = 24 * 3600 * 1000
START = 1_778_040_000_000
"""2026-05-06 12:00 in China."""


_OURS = ("shared", "sync", "server_stub")


class Time:
    """True time of the simulated world, in milliseconds; moves only when told."""

    def __init__(self, start: int = START) -> None:
        self.now = start

    def pass_by(self, millis: int) -> None:
        """Let time go on."""
        self.now += millis


class Wall:
    """What a machine's clock shows: true time, and how wrong it is.

    :param wrong: milliseconds it is ahead; negative for behind.
    """

    def __init__(self, time_: Time, wrong: int = 0) -> None:
        self._time = time_
        self.wrong = wrong

    def __call__(self) -> int:
        return self._time.now + self.wrong


class _Instead:
    """A module of which some names are ours."""

    def __init__(self, real: ModuleType, **ours: Any) -> None:
        self.__dict__.update(ours)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextmanager
def determined(time_: Time, rng: random.Random) -> Iterator[None]:
    """While inside, ids, file keys and durations come from ``time_`` and ``rng``.

    What stays random: the key encapsulation of HPKE, inside OpenSSL. So ciphertext, and the
    fingerprints of packages, differ from run to run; nothing else may.
    """
    ours_os = _Instead(os, urandom=rng.randbytes)
    ours_time = _Instead(
        time,
        time_ns=lambda: time_.now * 1_000_000,
        monotonic=lambda: time_.now / 1000,
        time=lambda: time_.now / 1000,
    )
    with ExitStack() as stack:
        for name, module in sorted(sys.modules.items()):
            if name.split(".")[0] not in _OURS:
                continue
            for what, real, instead in (("os", os, ours_os), ("time", time, ours_time)):
                if getattr(module, what, None) is real:
                    stack.enter_context(patch.object(module, what, instead))
        yield
