"""Several processes behind one address: they share the listening socket, the database and the spool.

What keeps them apart: a package's turn (``reception``), and rows of the database that are held
until commit, always in this order: the numbering of the hub's own changes (``Store.take_turn``),
then the device (``lines.lock``), then anything else; who has no turn takes the end of the audit
chain last.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from shared.errors import InputError

MOST = 32


def check(count: int, url: str) -> None:
    """Raise :class:`InputError` where so many processes cannot serve."""
    if not 1 <= count <= MOST:
        raise InputError(f"进程数应为 1 至 {MOST}。", "一般与处理器核数相同。")
    if count > 1 and not url.startswith("postgresql"):
        raise InputError(
            "SQLite 数据库只能由一个进程服务。", "请去掉 --workers，或用 --database 指定 PostgreSQL 数据库。"
        )
    if count > 1 and not hasattr(os, "fork"):
        raise InputError("这个系统上只能用一个进程服务。", "请去掉 --workers。")


def run(count: int, serve: Callable[[], None]) -> None:
    """``serve`` in so many processes of its own, until we are told to end or one of them fails.

    Must be called before there are threads or database connections: children are forks.
    Raises :class:`InputError` when a process ended by itself.
    """
    children: set[int] = set()
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for child in children:
            os.kill(child, signal.SIGTERM)

    before = {s: signal.signal(s, end) for s in (signal.SIGTERM, signal.SIGINT)}
    for _ in range(count):
        child = os.fork()
        if child == 0:
            _as_child(serve)
        children.add(child)
    failed = False
    while children:
        try:
            child, status = os.wait()
        except InterruptedError:
            continue
        children.discard(child)
        if not ending:
            failed = True
            end(signal.SIGTERM, None)
        failed = failed or status != 0
    for one, handler in before.items():
        signal.signal(one, handler)
    if failed:
        raise InputError("一个服务进程意外结束，已全部停止。", "请查看上面的输出，处理后重新启动。")


def _as_child(serve: Callable[[], None]) -> None:
    """Serve, then end without what the parent would still do."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and tells us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        serve()
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
