"""The one place that sees everything and wires it: settings, windows, session, pages."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from desktop.ui.theme import apply_theme
from desktop.ui.welcome.doors import Doors
from desktop.ui.welcome.window import WelcomeWindow
from desktop.work.collecting import GarbageCollector
from desktop.work.events import Events
from desktop.work.jobs import Job, Jobs
from desktop.work.settings import DAMAGED_NAME, Settings
from shared.errors import Cancelled, Interrupted, StoreError, Unreachable, YizhanError

if TYPE_CHECKING:
    from desktop.ui.lock import IdleLock
    from desktop.ui.notify import MessageBar
    from desktop.ui.shell import Shell
    from desktop.work.desk import Desk
    from desktop.work.lease import Lease
    from desktop.work.session import Session
    from desktop.work.syncing import RoundReport, SyncState

Hint = tuple[str, str, str]
CRASH_FOLDER = "crash"
FIRST_SYNC_MS = 500
MINUTE_MS = 60_000
_SYNC, _TRANSFER = "同步", "附件传输"
_ASKS_THE_HUB = {"同步", "检测与中心的连接"}
"""Titles of the jobs that learn whether the hub answers."""
HUB_KEY_FILE = "hub.pub"
"""The hub's public signing key, for ``yizhan package verify`` without a password."""
_SETTINGS_LOST = StoreError(
    "本机的设置文件读不出来，已改用默认设置。",
    f"数据没有受影响；登录后请在设置中重新填写中心地址等，原文件留作 {DAMAGED_NAME}。",
)


def doors_of(settings: Settings, events: Events) -> Doors:
    """The ways into one data folder; what is slow to load is loaded when somebody knocks."""

    def accounts() -> Sequence[Any]:
        from desktop.work.keys import KeyFile

        return KeyFile(settings.folder).accounts()

    def sign_in(account: str, password: str, chosen: str, progress: Callable[..., None]) -> object:
        from desktop.work import session

        progress(0, 0, "正在打开本机数据")
        return session.sign_in(
            settings, account, password, chosen=chosen, changed=events.records_changed.emit
        )

    def enrolment() -> Any:
        from desktop.work.enrolment import Enrolment

        return Enrolment(settings)

    def recovering() -> Any:
        from desktop.work.recovering import Recovering

        return Recovering(settings)

    return Doors(
        enrolled=(settings.folder / "keys.json").exists,
        accounts=accounts,
        sign_in=sign_in,
        enrolment=enrolment,
        recovering=recovering,
    )


class Program(QObject):
    """Opens the first window, and after sign-in the main window over one session.

    :param hints: demonstration accounts to show on the sign-in page.
    """

    opened = Signal(object)
    """The :class:`Shell`, once it stands."""

    def __init__(
        self, settings: Settings, events: Events, doors: Doors | None = None, hints: Sequence[Hint] = ()
    ) -> None:
        super().__init__()
        self.settings = settings
        self.events = events
        self.jobs = Jobs(self)
        self.doors = doors or doors_of(settings, events)
        self.welcome: WelcomeWindow | None = None
        self.shell: Shell | None = None
        self.desk: Desk | None = None
        self.idle_lock: IdleLock | None = None
        self._hints = hints
        self._over = False
        """The person was told that nothing can be entered."""
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._sync_quietly)
        self._moment = QTimer(self)
        self._moment.setSingleShot(True)
        self._moment.timeout.connect(self.look_at_state)
        events.records_changed.connect(self._changed)
        self.jobs.finished.connect(self._job_over)

    def start(self) -> WelcomeWindow:
        """Show who may sign in."""
        notice = _SETTINGS_LOST if self.settings.damaged else None
        self.welcome = WelcomeWindow(self.doors, self.jobs, self.settings, self._hints, notice)
        self.welcome.signed_in.connect(self.enter)
        self.welcome.show()
        return self.welcome

    def enter(self, session: Session) -> Shell:
        """Open the main window for a signed-in person."""
        from desktop.ui.actions import Action
        from desktop.ui.lock import IdleLock
        from desktop.ui.pages.catalog import specs
        from desktop.ui.shell import Shell
        from desktop.work.desk import Desk
        from desktop.work.files import write_atomic

        self.desk = desk = Desk.of(session, self.jobs, self.events)
        with suppress(StoreError):  # a full disk keeps nobody out
            write_atomic(
                session.settings.folder / HUB_KEY_FILE, session.hub_trust.sign.to_bytes().hex().encode()
            )
        self.shell = shell = Shell(specs(desk), self.jobs)
        self.events.records_changed.connect(shell.refresh)
        shell.set_person(session.actor.name, session.bureau.name)
        shell.add_action(Action("sync_now", "立即同步", self.sync_now, "F9", "sync"))
        shell.status_clicked.connect(partial(self._status_clicked, shell))
        shell.resize(1366, 740)
        shell.show()
        shell.open("home")
        if self.welcome is not None:
            self.welcome.close()
            self.welcome = None
        lease = session.lease
        if lease.message and shell.current is not None:
            self._over = lease.state == "over"
            shell.current.messages.say("error" if self._over else "warning", lease.message, "")
        self._tell_news()
        self.idle_lock = IdleLock(
            shell, self.jobs, session.actor.name, lambda: session.settings.idle_lock_minutes, session.confirm,
            lambda idle: session.presence.locked(idle=idle),
        )  # fmt: skip
        shell.add_action(Action("lock", "锁定", self.idle_lock.lock, "Ctrl+L", "lock"))
        self.jobs.run(
            "整理附件", lambda _: desk.attachments.tidy(), lane="write", quiet=True, cancellable=False,
            owner=self,
        )  # fmt: skip
        self.jobs.run(
            "整理交接", lambda _: desk.media.register.withdraw_interrupted(), lane="alone", quiet=True,
            cancellable=False, owner=self,
        )  # fmt: skip
        self._discard()
        self.look_at_state()
        if self.settings.auto_sync_minutes:
            self._clock.start(self.settings.auto_sync_minutes * MINUTE_MS)
            QTimer.singleShot(FIRST_SYNC_MS, self._sync_quietly)
        self.opened.emit(shell)
        return shell

    @property
    def messages(self) -> MessageBar | None:
        """Where the person reads now."""
        if self.shell is not None and self.shell.current is not None:
            return self.shell.current.messages
        return self.welcome.sign_in.messages if self.welcome is not None else None

    def sync_now(self) -> Job:
        """F9 from anywhere; the page 同步 shows the same job."""
        assert self.desk is not None
        return self.jobs.run(
            "同步", self.desk.syncing.sync_now, self._synced, self._sync_failed, lane="exchange", owner=self
        )

    def close(self) -> None:
        """End threads, close the database, let the windows go."""
        self._clock.stop()
        self._moment.stop()
        windows = [one for one in (self.shell, self.welcome) if one is not None]
        for one in windows:
            one.close()
        self.jobs.shutdown()
        if self.desk is not None:
            self.desk.session.close()
            self.desk = None
        self.shell = self.welcome = None
        for one in windows:
            one.deleteLater()

    # --- inside --------------------------------------------------------------
    def _changed(self, types: frozenset[str], initiator: str) -> None:
        if self.desk is not None:
            self._moment.start(50)

    def _sync_quietly(self) -> None:
        desk = self.desk
        if desk is None or not desk.settings.hub_url or any(j.title == "同步" for j in self.jobs.active):
            return

        def work(progress: Callable[..., None]) -> RoundReport | None:
            return desk.syncing.sync_now(progress) if desk.syncing.check_online() else None

        self.jobs.run("同步", work, self._synced, lambda _: self.look_at_state(), lane="exchange", owner=self)

    def _synced(self, report: RoundReport | None) -> None:
        if report is not None and self.shell is not None and self.shell.current is not None:
            level = "warning" if report.trouble else "success"
            if report.sent_sets or report.received_changes or report.trouble:
                self.shell.current.messages.say(level, f"同步完成：{report.summary}", "")
        if self.desk is not None and self.shell is not None:
            session = self.desk.session
            try:
                session.refresh()
            except YizhanError as closed:
                self._report(closed)
            self.shell.set_person(session.actor.name, session.bureau.name)
            self.shell.update_allowed()
        self._tell_news()
        self.look_at_state()

    def _tell_news(self) -> None:
        """A sentence about this copy of the data, where the person reads now."""
        news = self.desk.session.take_news() if self.desk is not None else ""
        if news and self.messages is not None:
            self.messages.say("warning", news, "")

    def _sync_failed(self, error: YizhanError) -> None:
        if not isinstance(error, Cancelled):
            self._report(error)
        elif self.messages is not None:
            self.messages.say("info", "同步已取消。", "数据都在本机，已传的部分不会重传。")
        self.look_at_state()

    def _report(self, error: YizhanError) -> None:
        if self.shell is not None and self.shell.current is not None:
            self.shell.current.report(error)

    def _job_over(self, job: Job) -> None:
        """Whoever asked the hub, on whatever page: the status bar knows it too."""
        if job.title in _ASKS_THE_HUB:
            self._moment.start(0)
        if job.title == _SYNC and job.state == "done":
            self._transfer()
            self._discard()

    def _discard(self) -> None:
        """What has long been archived at the hub goes from here, when there is nothing else to do."""
        desk = self.desk
        if desk is not None:
            self.jobs.run("清理变更日志", desk.syncing.discard, lane="exchange", quiet=True, owner=self)

    def _transfer(self) -> None:
        """Contents of attachments follow their records, beside the work: saving never waits for them."""
        desk = self.desk
        if desk is not None and not any(j.title == _TRANSFER for j in self.jobs.active):
            self.jobs.run(_TRANSFER, desk.attachments.transfer, failed=self._transfer_failed, owner=self)

    def _transfer_failed(self, error: YizhanError) -> None:
        if not isinstance(error, Cancelled | Unreachable | Interrupted):  # those go on with the next sync
            self._report(error)

    def look_at_state(self) -> None:
        """Bring the status bar up to date."""
        if self.desk is not None:
            desk = self.desk
            self.jobs.run(
                "状态", lambda _: (desk.syncing.state(), desk.session.lease),
                lambda found: self._show_state(*found), quiet=True, owner=self, newest=True,
            )  # fmt: skip

    def _show_state(self, state: SyncState, lease: Lease) -> None:
        if self.shell is None:
            return
        over = lease.state == "over"
        self.shell.set_lease(lease.brief, over=over)
        if over and not self._over and self.messages is not None:  # it has just become so
            self.messages.say("error", lease.message, "")
        self._over = over
        self.shell.set_pending(state.work, state.held_back, state.paper, state.conflicts)
        self.shell.set_last_receipt(state.last_receipt_at[:16].replace("T", " "))
        self.shell.set_online(bool(self.desk and self.desk.syncing.online))

    def _status_clicked(self, shell: Shell, field: str) -> None:
        shell.open("settings" if field == "person" else "sync")


class CrashReports:
    """Unexpected errors become a file the user can send, and a sentence on the screen."""

    def __init__(self, folder: Path, program: Callable[[], Program | None]) -> None:
        self._folder = folder / CRASH_FOLDER
        self._program = program

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """An ``excepthook``; values of variables are not written, they may be personal."""
        sys.__excepthook__(kind, error, trace)
        path = self._folder / f"crash-{datetime.now():%Y%m%d-%H%M%S-%f}.txt"
        hint = f"请把报告文件交给管理员：{path}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(traceback.format_exception(kind, error, trace)), encoding="utf-8")
        except OSError:  # a full disk, most likely the reason of all this
            hint = "错误报告没有写成，请检查磁盘空间；仍不行请联系管理员。"
        program = self._program()
        messages = program.messages if program is not None else None
        if messages is not None:
            messages.say("error", "程序出现意外错误，已保存的数据没有受影响。", hint)


def application(settings: Settings) -> QApplication:
    """The Qt application in the program's look."""
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(["yizhan"])
    app.setApplicationName("yizhan")
    app.setApplicationDisplayName("驿站")
    if app.findChild(GarbageCollector) is None:
        GarbageCollector(app)
    apply_theme(app, settings.font_size)
    return app


def run_window(*, measure_start: bool = False) -> int:
    """``yizhan``: the window, until it is closed."""
    settings = Settings()
    app = application(settings)
    program = Program(settings, Events())
    sys.excepthook = CrashReports(settings.folder, lambda: program)
    window = program.start()
    if measure_start:
        app.processEvents()
        window.grab()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        program.close()
        return 0
    code = app.exec()
    program.close()
    return code
