"""The answer to somebody's package, volume by volume: a first load may be more than one file holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sync import package
from sync.carrier import Carrier, Progress
from sync.layout import Core
from sync.media import disk_errors


class Fetching(Carrier, Protocol):
    """A way that also brings the further volumes of an answer."""

    def further(self, package_id: str, volume: int, answer: Path, progress: Progress) -> None:
        """Write volume ``volume``, from 2, of the answer to ``package_id`` to ``answer``."""


def bring(
    carrier: Fetching, sealed: Path, package_id: str, answer: Path, progress: Progress
) -> Iterator[Path]:
    """Carry a package to the hub; yields every volume of its answer as ``answer``, one after the other.

    Only one lies there at a time; it may be moved away. Raises an ``ExchangeError``, also between two.
    """
    with disk_errors():
        carrier.exchange(sealed, package_id, answer, progress)
        with answer.open("rb") as stream:
            of = volumes_of(package.inspect(stream).core)
    yield answer
    for volume in range(2, of + 1):
        with disk_errors():
            answer.unlink(missing_ok=True)
            carrier.further(package_id, volume, answer, progress)
        yield answer


def volumes_of(core: Core) -> int:
    """How many volumes an answer has."""
    of = core.prereqs.get("volumes")
    return of if isinstance(of, int) and of > 1 else 1


def volume_words(core: Core) -> str:
    """Which volume this is, as in 第 2/3 卷; ``""`` for a package alone."""
    of = volumes_of(core)
    return f"第 {core.volume.index}/{of} 卷" if of > 1 else ""


__all__ = ["Fetching", "bring", "volume_words", "volumes_of"]
