"""A package on its way over a line that may break: the same bytes go on until they are answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from shared.errors import PackageError
from sync import package
from sync.credentials import Credentials
from sync.package import Sealed


class Underway:
    """One package in the spool with its answer; both survive a crash.

    :param up: where the package lies; :param answer: where its answer is gathered.
    """

    def __init__(self, credentials: Credentials, device: str, up: Path, answer: Path) -> None:
        self._credentials = credentials
        self._device = device
        self.up = up
        self.answer = answer

    def write(self, fill: Callable[[BinaryIO], Sealed]) -> Sealed:
        """A new package, whole on disk before its first byte is sent; raises ``OSError``."""
        self.up.parent.mkdir(parents=True, exist_ok=True)
        draft = self.up.with_suffix(".part")
        self.answer.unlink(missing_ok=True)
        with draft.open("w+b") as out:
            sealed = fill(out)
        draft.replace(self.up)
        return sealed

    def unfinished(self) -> Sealed | None:
        """The package an earlier attempt could not bring to its end; a damaged one is put away."""
        if not self.up.exists():
            return None
        own = self._credentials.ring.sign.public
        try:
            with self.up.open("rb") as stream:
                found = package.verify(
                    stream,
                    lambda core: own if core.exporter == self._device else None,
                    self._credentials.hub.hub_id,
                )
        except PackageError:
            self.clear()
            return None
        return Sealed(
            found.core.package_id, found.fingerprint, found.size, found.n_entries, found.raw_len
        )

    def clear(self) -> None:
        """Answered, or refused for good."""
        self.up.unlink(missing_ok=True)
        self.answer.unlink(missing_ok=True)
