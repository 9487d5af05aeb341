"""A gate in front of a database: open to all, closed while its file is exchanged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import DatabaseBusy

PATIENCE = 20.0
"""Seconds to wait until everybody is out; new ones wait in front meanwhile."""


class Gate:
    """Lets threads pass, again and again within one passage, unless one thread has it to itself."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._inside = 0
        self._owner = 0
        self._own = threading.local()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Be inside; waits while the gate is closed."""
        depth: int = getattr(self._own, "depth", 0)
        counted = depth == 0 and self._owner != threading.get_ident()
        if counted:
            with self._moved:
                self._moved.wait_for(lambda: not self._owner)
                self._inside += 1
        self._own.depth = depth + 1
        try:
            yield
        finally:
            self._own.depth = depth
            if counted:
                with self._moved:
                    self._inside -= 1
                    self._moved.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Have it alone; raises :class:`DatabaseBusy` when somebody stays inside too long."""
        if getattr(self._own, "depth", 0):
            raise RuntimeError("who is inside cannot close the gate")
        with self._moved:
            self._moved.wait_for(lambda: not self._owner)
            self._owner = threading.get_ident()
            empty = self._moved.wait_for(lambda: not self._inside, PATIENCE)
        try:
            if not empty:
                raise DatabaseBusy(
                    "本机数据正在被其他操作使用。", "请等它完成后再同步一次；已收到的部分都在。"
                )
            yield
        finally:
            with self._moved:
                self._owner = 0
                self._moved.notify_all()
