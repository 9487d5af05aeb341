"""介质交换: out and in by stick or disc, each in four plain steps (R31, R32)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedWidget

from desktop.ui.actions import Action
from desktop.ui.media.courier_view import CourierView
from desktop.ui.media.export_flow import ExportFlow
from desktop.ui.media.import_flow import ImportFlow
from desktop.ui.media.register import Register
from desktop.ui.pages.page import Page
from desktop.ui.queues.segments import Segments

if TYPE_CHECKING:
    from desktop.work.desk import Desk

EXPORT, IMPORT, COURIER, REGISTER = "export", "import", "courier", "register"
_TABS = ((EXPORT, "导出到介质"), (IMPORT, "从介质导入"), (COURIER, "代转"), (REGISTER, "往来登记"))


class MediaPage(Page):
    """``shown``: {"tab": "export" | "import" | "courier" | "register"}, {"file": path} to import one,
    {"lacking": numbers} to export what the hub lacks."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("media", "介质交换", "media")
        self.exporting, self.importing = ExportFlow(desk), ImportFlow(desk)
        self.courier = CourierView(desk, self.messages)
        self.register = Register(desk, self.messages)
        self.tabs = Segments(_TABS, "介质交换的办理事项")
        self._stack = QStackedWidget()
        for widget in (self.exporting, self.importing, self.courier, self.register):
            self._stack.addWidget(widget)
        self.body.addWidget(self.tabs)
        self.body.addWidget(self._stack, 1)
        self._begun: set[str] = set()
        for number, (name, title) in enumerate(_TABS, 1):
            self.offer(Action(name, title, partial(self._go, name), f"Ctrl+{number}", "media"))
        self.tabs.chosen.connect(self._turned)
        self.importing.problems_wanted.connect(lambda: self.open_page.emit("problems", {}))
        self.importing.conflicts_wanted.connect(lambda: self.open_page.emit("conflicts", {}))
        self.importing.sync_wanted.connect(lambda: self.open_page.emit("sync", {}))
        self.importing.courier_wanted.connect(lambda: self._go(COURIER))

    def shown(self, params: dict[str, Any]) -> None:
        wanted = IMPORT if params.get("file") else str(params.get("tab") or self.tabs.current)
        self.tabs.choose(wanted)
        if params.get("lacking"):
            self.exporting.start(tuple(params["lacking"]))
        else:
            self._turned(wanted)
        if params.get("file"):
            self.importing.start()
            self.importing.file.set_path(str(params["file"]))

    def refresh(self, types: frozenset[str]) -> None:
        here = self.tabs.current
        if here == REGISTER:
            self.register.start()
        elif here == COURIER:
            self.courier.start()
        elif here == EXPORT and self.exporting.page_index == 0:
            self.exporting.start()

    def _go(self, name: str) -> None:
        self.tabs.choose(name)

    def _turned(self, name: str) -> None:
        """What is under way stays as it was left; the register is always read again."""
        self._stack.setCurrentIndex([n for n, _ in _TABS].index(name))
        if name == REGISTER:
            self.register.start()
        elif name == COURIER:
            self.courier.start()
        elif name == EXPORT and self.exporting.page_index == 0:
            self.exporting.start()
        elif name == IMPORT and name not in self._begun:
            self.importing.start()
        self._begun.add(name)
