"""``make run``: an embedded hub on the loopback, three demonstration accounts, the real window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop.bootstrap import CrashReports, Program, application, doors_of
from desktop.demo.cast import ENTITIES, PLAYERS
from desktop.demo.hub_process import NAME, HubProcess
from desktop.ui.welcome.doors import Doors
from desktop.work.enrolment import Enrolment
from desktop.work.events import Events
from desktop.work.highwater import STATE_VARIABLE
from desktop.work.jobs import Progress
from desktop.work.keys import KeyFile
from desktop.work.settings import Settings


def run(folder: Path) -> int:
    """Make the demonstration once, then open it; returns when the window is closed."""
    os.environ[STATE_VARIABLE] = str((folder / "state").absolute())
    hub = HubProcess(folder / "hub")
    places = {p.account: Settings(folder / p.account) for p in PLAYERS}
    if not hub.exists:
        print("第一次运行：建立演示中心，装入代码表、142 项目录和虚构的市场主体……", flush=True)
        hub.command("init", "--name", NAME)
        hub.command("load", "demo", "--entities", str(ENTITIES))
    hub.start()
    try:
        for player in PLAYERS:
            settings = places[player.account]
            if not (settings.folder / "keys.json").exists():
                code = hub.invite(player.bureau, player.account, player.name, player.roles)
                Enrolment(settings).enrol_online(
                    hub.url, code, player.label, player.password, Progress()
                )
            settings.set("hub_url", hub.url)
        return _window(places)
    finally:
        hub.stop()


def _window(places: dict[str, Settings]) -> int:
    first = next(iter(places.values()))
    app = application(first)
    events = Events()
    hints = [(p.account, p.password, p.words) for p in PLAYERS]
    program = Program(first, events, _doors(places, events), hints)
    sys.excepthook = CrashReports(first.folder, lambda: program)
    program.start()
    code = app.exec()
    program.close()
    return code


def _doors(places: dict[str, Settings], events: Events) -> Doors:
    """One sign-in page for three installations; each account opens its own."""
    doors = {account: doors_of(settings, events) for account, settings in places.items()}

    def accounts() -> Sequence[Any]:
        return [one for s in places.values() for one in KeyFile(s.folder).accounts()]

    def sign_in(account: str, password: str, chosen: str, progress: Progress) -> object:
        return doors.get(account, next(iter(doors.values()))).sign_in(account, password, chosen, progress)

    first = next(iter(doors.values()))
    return Doors(lambda: True, accounts, sign_in, first.enrolment, first.recovering)
