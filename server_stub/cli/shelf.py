"""Files for the volumes of an answer: ``answer.yzp``, or ``answer-第1卷.yzp`` and so on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from server_stub.loads import FULL, LEAST
from shared.errors import InputError
from sync.layout import MAX_VOLUME


def volume_bytes(megabytes: int) -> int:
    """The size of a volume as typed; 0 for the largest. Raises :class:`InputError`."""
    if not megabytes:
        return FULL
    size = megabytes * 1_000_000
    if not LEAST <= size <= MAX_VOLUME:
        raise InputError(
            f"分卷大小应在 {LEAST // 1_000_000 + 1} 到 {MAX_VOLUME // 1_000_000} MB 之间。",
            "按介质的剩余空间填写，例如 --volume-size 900。",
        )
    return size


class FileShelf:
    """Volumes of one answer, each under its name only when all are written and flushed.

    :param answer: what the whole would be called; :param limit: bytes one volume may have.
    """

    waits = True

    def __init__(self, answer: Path, limit: int) -> None:
        self.limit = limit
        self._answer = answer
        self._drafts: list[Path] = []
        self._open: list[BinaryIO] = []

    def open(self, index: int) -> BinaryIO:
        """A file for volume ``index``, from 1."""
        draft = self._answer.with_name(f"{self._answer.name}.{index}.part")
        stream = draft.open("w+b")
        self._drafts.append(draft)
        self._open.append(stream)
        return stream

    def finish(self) -> list[Path]:
        """Give the volumes their names; returns them in order."""
        for stream in self._open:
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
        several = len(self._drafts) > 1
        names = []
        for i, draft in enumerate(self._drafts, 1):
            name = f"{self._answer.stem}-第{i}卷{self._answer.suffix}" if several else self._answer.name
            os.replace(draft, self._answer.with_name(name))
            names.append(self._answer.with_name(name))
        return names

    def drop(self) -> None:
        """Close and remove what has no name yet."""
        for stream in self._open:
            stream.close()
        for draft in self._drafts:
            draft.unlink(missing_ok=True)
