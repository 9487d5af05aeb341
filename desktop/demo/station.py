"""One installation of the demonstration: its folder, its program, its window."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from desktop.bootstrap import Program, application, doors_of
from desktop.demo.cast import Player
from desktop.ui.pages.page import Page
from desktop.work import session as sessions
from desktop.work.desk import Desk
from desktop.work.enrolment import Enrolment
from desktop.work.events import Events
from desktop.work.jobs import Job, Progress
from desktop.work.settings import Settings

PATIENCE = 60.0


class Station:
    """Plays one person at one computer.

    :param folder: data folder of the installation.
    """

    def __init__(self, player: Player, folder: Path) -> None:
        self.player = player
        self.settings = Settings(folder)
        self.app = application(self.settings)
        self._program: Program | None = None

    @property
    def enrolled(self) -> bool:
        """Whether the installation was enrolled before."""
        return (self.settings.folder / "keys.json").exists()

    def enrol_online(self, hub_url: str, code: str) -> None:
        """First start over the network."""
        self.settings.set("auto_sync_minutes", 0)
        Enrolment(self.settings).enrol_online(
            hub_url, code, self.player.label, self.player.password, Progress()
        )
        self.settings.set("hub_url", hub_url)

    def enrolment(self) -> Enrolment:
        """First start by files on a stick."""
        self.settings.set("auto_sync_minutes", 0)
        return Enrolment(self.settings)

    def open(self) -> None:
        """Sign in and open the window."""
        events = Events()
        program = Program(self.settings, events, doors_of(self.settings, events))
        session = sessions.sign_in(
            self.settings, self.player.account, self.player.password, changed=events.records_changed.emit
        )
        program.enter(session)
        self._program = program
        self.settle()

    def start(self) -> None:
        """Stand before the sign-in page."""
        events = Events()
        self._program = Program(self.settings, events, doors_of(self.settings, events))
        self._program.start()
        self.settle()

    def close(self) -> None:
        """Leave."""
        if self._program is not None:
            self._program.close()
            self._program = None

    @property
    def program(self) -> Program:
        """The running program."""
        assert self._program is not None
        return self._program

    @property
    def desk(self) -> Desk:
        """The use cases behind the window."""
        assert self.program.desk is not None
        return self.program.desk

    def page(self, name: str, **params: Any) -> Page:
        """Go to a page of the window and let it load."""
        assert self.program.shell is not None
        found = self.program.shell.open(name, params)
        if found is None:
            raise PermissionError(f"{self.player.name} may not open {name}")
        self.settle()
        return found

    def do(self, job: Job | None) -> None:
        """Wait for what a click began."""
        self.settle()

    def settle(self) -> None:
        """Let jobs end and the window draw; one job may begin the next."""
        jobs = self.program.jobs
        end = time.monotonic() + PATIENCE
        while True:
            jobs.wait_idle(PATIENCE)
            QApplication.processEvents()
            if not jobs.active:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"{self.player.name}: {[j.title for j in jobs.active]}")
