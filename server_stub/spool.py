"""Packages under way at the hub: bytes arrive in ranges, answers wait to be fetched.

Both are sealed; losing the folder loses nothing, the devices send again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from shared.errors import HubRefused

MAX_PACKAGE = 7 << 29
_NAME = re.compile(r"[0-9a-f]{32}")


class Spool:
    """Files named by package id, nothing else becomes a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def offset(self, package_id: str) -> int | None:
        """How many bytes have arrived; None when none have."""
        path = self._path(package_id, "part")
        if self.answered(package_id):
            return self.size(package_id)
        return path.stat().st_size if path.exists() else None

    def append(self, package_id: str, offset: int, data: bytes) -> int:
        """Write bytes at ``offset``; returns the new length.

        Bytes that are there already are written again, harmless; a gap is refused.
        """
        path = self._path(package_id, "part")
        have = path.stat().st_size if path.exists() else 0
        if offset > have:
            raise HubRefused("上传的位置不连续。", "程序会从断点继续。")
        if offset + len(data) > MAX_PACKAGE:
            raise HubRefused("交换包超过 3.5 GB。", "请分几次导出。")
        with path.open("r+b" if path.exists() else "wb") as out:
            out.seek(offset)
            out.write(data)
        return max(have, offset + len(data))

    def whole(self, package_id: str) -> Path:
        """Where the package itself lies."""
        return self._path(package_id, "part")

    def finish(self, package_id: str, answer: Path) -> None:
        """Keep the answer, drop the package."""
        part = self._path(package_id, "part")
        self._path(package_id, "size").write_text(str(part.stat().st_size))
        os.replace(answer, self._path(package_id, "answer"))
        part.unlink()

    def drop(self, package_id: str) -> None:
        """Forget a refused package."""
        self._path(package_id, "part").unlink(missing_ok=True)

    def answer_draft(self, package_id: str) -> Path:
        """Where an answer is written before it is whole."""
        return self._path(package_id, "draft")

    def answer(self, package_id: str) -> Path:
        """Where a finished answer lies."""
        return self._path(package_id, "answer")

    def answered(self, package_id: str) -> bool:
        """Whether the package was handled."""
        return self._path(package_id, "answer").exists()

    def sweep(self, before: float) -> int:
        """Remove what was last touched before a time; returns how many files."""
        old = [p for p in self._folder.iterdir() if p.is_file() and p.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def size(self, package_id: str) -> int:
        """Length of a handled package."""
        return int(self._path(package_id, "size").read_text())

    def _path(self, package_id: str, suffix: str) -> Path:
        if not _NAME.fullmatch(package_id):
            raise HubRefused("交换包编号的格式不对。", "请升级客户端后重试。")
        return self._folder / f"{package_id}.{suffix}"
