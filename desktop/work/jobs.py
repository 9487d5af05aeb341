"""The one module that makes threads.

A job is a function that takes a :class:`Progress` and returns what it found or
changed. It runs in a lane; its callbacks run on the thread that owns :class:`Jobs`, the GUI's.

- ``"read"``: a few threads.
- ``"write"``: one thread, what a person enters and decides.
- ``"exchange"``: one thread, what may wait for the network. Nobody who saves waits for it: it
  writes in short transactions of its own, and the store lets one writer in at a time.
- ``"alone"``: in the thread of ``"exchange"``, and no writer beside it: sticks and keys.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal

from shared.errors import Cancelled, YizhanError

T = TypeVar("T")
Report = Callable[[int, int, str], None]

THROTTLE_SECONDS = 0.08
READERS = 3
ALONE = "alone"


class Progress:
    """Handed to the work: reports how far it is and raises when it was cancelled.

    ``Progress()`` alone is good for scripts and tests: it reports nowhere.
    """

    def __init__(self, report: Report | None = None, cancel: threading.Event | None = None) -> None:
        self._report = report
        self._cancel = cancel or threading.Event()
        self._last = 0.0

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Report ``done`` of ``total`` (0 = unknown); call it between batches.

        :raises Cancelled: when the person asked to stop.
        """
        self.check()
        if self._report is None:
            return
        now = time.monotonic()
        if now - self._last >= THROTTLE_SECONDS or (total and done >= total):
            self._last = now
            self._report(done, total, text)

    def check(self) -> None:
        """Raise :class:`Cancelled` when asked to stop, without reporting."""
        if self._cancel.is_set():
            raise Cancelled("操作已取消。")


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One piece of work; read on the GUI thread only."""

    def __init__(self, title: str, lane: str, *, cancellable: bool, quiet: bool) -> None:
        self.title = title
        self.lane = lane
        self.cancellable = cancellable
        self.quiet = quiet
        self.state = JobState.QUEUED
        self.overtaken = False
        """A newer one has been asked for the same: this answer is not shown."""
        self.done = 0
        self.total = 0
        self.text = ""
        self._cancel = threading.Event()
        self._on_end: list[Callable[[], None]] = []

    @property
    def over(self) -> bool:
        """Neither waiting nor running."""
        return self.state not in (JobState.QUEUED, JobState.RUNNING)

    def cancel(self) -> None:
        """Ask it to stop at its next report; without effect when it must not be cancelled."""
        if self.cancellable:
            self._cancel.set()

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call when it is over, however it ended; at once when it already is."""
        if self.over:
            callback()
        else:
            self._on_end.append(callback)


class Jobs(QObject):
    """Runs jobs and tells about them.

    ``failed(job, error)`` is sent for expected errors nobody else took (no
    ``failed`` callback given); a cancelled job is no failure. Unexpected
    exceptions go to ``sys.excepthook``.
    """

    started = Signal(object)
    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object, object)
    idle = Signal()

    _reported = Signal(object, int, int, str)
    _begun = Signal(object)
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._closed = False
        self._active: dict[Job, Callable[[Any, BaseException | None], None]] = {}
        self._owners: dict[Job, QObject | None] = {}
        self._lanes = {
            "read": ThreadPoolExecutor(READERS, thread_name_prefix="read"),
            "write": ThreadPoolExecutor(1, thread_name_prefix="write"),
            "exchange": ThreadPoolExecutor(1, thread_name_prefix="exchange"),
        }
        self._writing = threading.Lock()
        queued = Qt.ConnectionType.QueuedConnection
        self._reported.connect(self._report, queued)
        self._begun.connect(self._begin, queued)
        self._ended.connect(self._end, queued)

    def run(
        self,
        title: str,
        work: Callable[[Progress], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[YizhanError], None] | None = None,
        *,
        lane: str = "read",
        cancellable: bool = True,
        quiet: bool = False,
        owner: QObject | None = None,
        newest: bool = False,
    ) -> Job:
        """Start ``work`` in a lane; exactly one of ``done`` and ``failed`` follows on the GUI thread.

        :param failed: takes expected errors, :class:`Cancelled` included.
        :param quiet: not shown in the status bar.
        :param owner: callbacks are dropped when this object is gone by then.
        :param newest: callbacks are dropped when the owner has started this title again since:
            readers run side by side, and an older answer must not paint over a newer one.
        """
        job = Job(title, lane, cancellable=cancellable, quiet=quiet)
        if self._closed:  # the program is ending: late news start nothing any more
            job.state = JobState.CANCELLED
            return job

        def deliver(result: Any, error: BaseException | None) -> None:
            if owner is not None and not shiboken6.isValid(owner):
                return
            if job.overtaken:
                return
            if error is None:
                if done is not None:
                    done(result)
            elif not isinstance(error, YizhanError):
                sys.excepthook(type(error), error, error.__traceback__)
            elif failed is not None:
                failed(error)
            elif not isinstance(error, Cancelled):
                self.failed.emit(job, error)

        if newest:
            for older in self._active:
                older.overtaken |= self._owners[older] is owner and older.title == title
        self._active[job] = deliver
        self._owners[job] = owner
        self._lanes["exchange" if lane == ALONE else lane].submit(self._execute, job, work)
        return job

    @property
    def active(self) -> list[Job]:
        """Jobs that wait or run, oldest first."""
        return list(self._active)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Process events until no job is left; False when ``timeout`` seconds were not enough."""
        if not self._active:
            return True
        loop = QEventLoop()
        timer = QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(loop.quit)
        self.idle.connect(loop.quit)
        timer.start(int(timeout * 1000))
        loop.exec()
        self.idle.disconnect(loop.quit)
        return not self._active

    def shutdown(self, timeout: float = 10.0) -> bool:
        """Cancel what can be cancelled, let the rest finish; no job runs afterwards."""
        for job in self.active:
            job.cancel()
        calm = self.wait_idle(timeout)
        self._closed = True
        for lane in self._lanes.values():
            lane.shutdown(wait=calm, cancel_futures=True)
        return calm

    def _execute(self, job: Job, work: Callable[[Progress], Any]) -> None:
        progress = Progress(lambda d, t, s: self._reported.emit(job, d, t, s), job._cancel)
        try:
            progress.check()
            turn: AbstractContextManager[object] = (
                self._writing if job.lane in ("write", ALONE) else nullcontext()
            )
            with turn:
                self._begun.emit(job)
                result = work(progress)
        except BaseException as error:  # noqa: BLE001 handed to the GUI thread, where it surfaces
            self._ended.emit(job, None, error)
        else:
            self._ended.emit(job, result, None)

    def _begin(self, job: Job) -> None:
        job.state = JobState.RUNNING
        self.started.emit(job)

    def _report(self, job: Job, done: int, total: int, text: str) -> None:
        job.done, job.total, job.text = done, total, text
        self.progressed.emit(job)

    def _end(self, job: Job, result: Any, error: BaseException | None) -> None:
        deliver = self._active.pop(job)
        del self._owners[job]
        job.state = (
            JobState.DONE
            if error is None
            else JobState.CANCELLED
            if isinstance(error, Cancelled)
            else JobState.FAILED
        )
        try:
            self.finished.emit(job)
            for callback in job._on_end:
                callback()
            deliver(result, error)
        finally:
            if not self._active:
                self.idle.emit()
