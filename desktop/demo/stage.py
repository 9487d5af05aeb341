"""What the acts play on, and the small things every act does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from desktop.bootstrap import Program
from desktop.demo.camera import photograph
from desktop.demo.hub_process import HubProcess
from desktop.demo.station import PATIENCE, Station
from desktop.ui.choosing import Files
from desktop.ui.pages.page import Page
from desktop.ui.pages.records import RecordsPage
from desktop.ui.welcome.window import WelcomeWindow
from desktop.work.events import Events
from desktop.work.media import MediumInfo
from desktop.work.paper import Watermark
from shared.filters import Filter, Op

if TYPE_CHECKING:
    from desktop.demo.story import Story

T = TypeVar("T")
P = TypeVar("P", bound=Page)
STICK = MediumInfo("1", "U-2026-007")
SPARE = MediumInfo("1", "U-2026-008")
FIRST_WINDOW = (900, 640)


@dataclass
class Stage:
    """Everything the acts play on."""

    story: Story
    hub: HubProcess
    a: Station
    b: Station
    centre: Station
    folder: Path

    @property
    def stick(self) -> Path:
        """The USB stick."""
        return self._made("packages")

    @property
    def sheets(self) -> Path:
        """Printed sheets and workbooks."""
        return self._made("sheets")

    def shot(self, station: Station, name: str, scale: float = 1.0) -> None:
        """Photograph a station's window."""
        assert station.program.shell is not None
        station.program.look_at_state()
        station.settle()
        photograph(station.program.shell, self._picture(name), scale=scale)

    def shot_of(self, window: QWidget, name: str, size: tuple[int, int] = FIRST_WINDOW) -> None:
        """Photograph another window."""
        photograph(window, self._picture(name), size)

    def _picture(self, name: str) -> Path:
        return self.story.pictures / f"{name}.png"

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


class Chosen(Files):
    """Answers the file dialogs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def to_open(self, *_: Any, **__: Any) -> Path:
        """The file to read."""
        return self.path

    def to_save(self, *_: Any, **__: Any) -> Path:
        """The file to write."""
        return self.path


def check(fact: bool, words: str) -> None:
    """What must be so for the story to go on."""
    if not fact:
        raise AssertionError(words)


def given(thing: T | None, words: str) -> T:
    """What must be there for the story to go on."""
    if thing is None:
        raise AssertionError(words)
    return thing


def page_of(kind: type[P], station: Station, name: str, **params: Any) -> P:
    """A page of the window, as what it is."""
    page = station.page(name, **params)
    assert isinstance(page, kind)
    return page


def records_page(station: Station, **params: Any) -> RecordsPage:
    """The page 信息录入."""
    return page_of(RecordsPage, station, "records", **params)


def press(station: Station, widget: QWidget, action: str) -> None:
    """Do what a button or shortcut of a page does, and wait until it is done."""
    found: QAction = given(widget.findChild(QAction, action), f"no action {action}")
    check(found.isEnabled(), f"{action} cannot be done now")
    found.trigger()
    station.settle()


@contextmanager
def first_window(station: Station) -> Iterator[tuple[WelcomeWindow, Program]]:
    """The window before the window: sign-in, or a first start."""
    program = Program(station.settings, Events())
    window = program.start()
    program.jobs.wait_idle(PATIENCE)
    try:
        yield window, program
    finally:
        window.close()
        program.close()


def count(station: Station, name: str) -> int:
    """Records of a type on a station."""
    records = station.desk.records
    return records.count(records.type(name), Filter())


def entity(station: Station, number: int) -> dict[str, Any]:
    """The n-th entity in business by credit code; the same on every station."""
    records = station.desk.records
    declared = records.type("market_entity")
    rids = records.row_ids(declared, Filter(order="uscc").where("status", Op.EQ, "1"))
    row = records.rows(declared, rids[number : number + 1])[0]
    return {**row.values, "id": row.id}


def mark(station: Station) -> Watermark:
    """Who prints, and when."""
    desk = station.desk
    return Watermark(desk.records.actor.name, desk.store.clock.stamp())
