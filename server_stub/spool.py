"""Packages under way at the hub: bytes arrive in ranges, answers wait to be fetched.

Both are sealed; losing the folder loses nothing, the devices send again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server_stub.loads import FULL
from shared.errors import HubRefused

MAX_PACKAGE = 7 << 29
BUSY = "中心正在接收的交换包太多。", "数据仍在本机，请过一会儿再同步，或改用介质交换。"
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may lie here unfinished: packages of which some bytes are still to come.

    :param packages: how many; :param total: their bytes together.
    :param volume: bytes one file of an answer may have that goes on by stick.
    """

    packages: int = 1000
    total: int = 64 << 30
    volume: int = FULL


class Spool:
    """Files named by package id, nothing else becomes a path."""

    def __init__(self, folder: Path, limits: Limits = Limits()) -> None:
        self._folder = folder
        self._limits = limits
        folder.mkdir(parents=True, exist_ok=True)

    def offset(self, package_id: str) -> int | None:
        """How many bytes have arrived; None when none have."""
        path = self._path(package_id, "part")
        if self.answered(package_id):
            return self.size(package_id)
        try:
            return path.stat().st_size
        except FileNotFoundError:  # none has, or another process has just handled it
            return self.size(package_id) if self.answered(package_id) else None

    def append(self, package_id: str, offset: int, data: bytes) -> int:
        """Write bytes at ``offset``; returns the new length.

        Bytes that are there already are written again, harmless; a gap is refused, and
        so is what would make more than the limits lie here unfinished.
        """
        path = self._path(package_id, "part")
        have = path.stat().st_size if path.exists() else 0
        if offset > have:
            raise HubRefused("上传的位置不连续。", "程序会从断点继续。")
        if offset + len(data) > MAX_PACKAGE:
            raise HubRefused("交换包超过 3.5 GB。", "请分几次导出。")
        if offset + len(data) > have:
            self._check_room(offset + len(data) - have, new=not path.exists())
        with path.open("r+b" if path.exists() else "wb") as out:
            out.seek(offset)
            out.write(data)
        return max(have, offset + len(data))

    def whole(self, package_id: str) -> Path:
        """Where the package itself lies."""
        return self._path(package_id, "part")

    def finish(self, package_id: str, volumes: int) -> None:
        """Keep the answer, which is whole in so many drafts, and drop the package."""
        part = self._path(package_id, "part")
        with self._path(package_id, "size").open("w") as size:
            size.write(str(part.stat().st_size))
            _flush(size.fileno(), size.flush)
        for volume in range(volumes, 0, -1):  # where the first is, all are
            draft = self.answer_draft(package_id, volume)
            with draft.open("rb+") as whole:  # after a power cut it must not be there half
                _flush(whole.fileno(), whole.flush)
            os.replace(draft, self.answer(package_id, volume))
        part.unlink()

    def drop(self, package_id: str) -> None:
        """Forget a refused package."""
        self._path(package_id, "part").unlink(missing_ok=True)

    def answer_draft(self, package_id: str, volume: int = 1) -> Path:
        """Where an answer is written before it is whole."""
        return self._path(package_id, "draft" if volume == 1 else f"draft-{volume}")

    def answer(self, package_id: str, volume: int = 1) -> Path:
        """Where a finished answer lies."""
        return self._path(package_id, "answer" if volume == 1 else f"answer-{volume}")

    def answered(self, package_id: str) -> bool:
        """Whether the package was handled."""
        return self._path(package_id, "answer").exists()

    def sweep(self, before: float) -> int:
        """Remove what was last touched before a time; returns how many files."""
        old = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process sweeps too
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()
                    old.append(path)
        return len(old)

    def turn(self, package_id: str) -> Path:
        """The file whose lock is the package's turn among processes."""
        return self._path(package_id, "turn")

    def check_name(self, package_id: str) -> None:
        """Raise :class:`HubRefused` unless this can be the id of a package."""
        self._path(package_id, "part")

    def _check_room(self, more: int, *, new: bool) -> None:
        sizes = [_size(entry) for entry in os.scandir(self._folder) if entry.name.endswith(".part")]
        if (new and len(sizes) >= self._limits.packages) or sum(sizes) + more > self._limits.total:
            raise HubRefused(*BUSY)

    def size(self, package_id: str) -> int:
        """Length of a handled package."""
        return int(self._path(package_id, "size").read_text())

    def _path(self, package_id: str, suffix: str) -> Path:
        if not _NAME.fullmatch(package_id):
            raise HubRefused("交换包编号的格式不对。", "请升级客户端后重试。")
        return self._folder / f"{package_id}.{suffix}"


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # another process has just handled it
        return 0


def _flush(handle: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(handle)
