"""What every carrier does: take a sealed package there, bring the sealed answer back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

DOWNLOADING = "正在下载"
"""What a carrier says while the answer comes."""
Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all, and a Chinese word; may raise ``Cancelled``."""


class Carrier(Protocol):
    """One way to the hub."""

    name: str

    def exchange(self, sealed: Path, package_id: str, answer: Path, progress: Progress) -> None:
        """Carry ``sealed`` to the hub and write its answer to ``answer``.

        Raises an ``ExchangeError``; what was already carried is not carried again.
        """
