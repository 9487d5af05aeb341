"""同步日志: the centre's control room – where everybody stands, every exchange, the proof of it (R42)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedWidget

from desktop.ui.actions import Action
from desktop.ui.control.log import ExchangeLog
from desktop.ui.control.overview import SeatOverview
from desktop.ui.control.proofs import Proofs
from desktop.ui.control.traces import Traces
from desktop.ui.pages.page import Page
from desktop.ui.queues.segments import Segments
from shared.filters import Condition, Filter, Op

if TYPE_CHECKING:
    from desktop.work.control import Seat
    from desktop.work.desk import Desk

SEATS, LOG, TRACES, PROOFS = "seats", "log", "traces", "proofs"
_TABS = ((SEATS, "单位与席位"), (LOG, "交换记录"), (TRACES, "查找交换包"), (PROOFS, "审计核验"))


class SyncLogPage(Page):
    """``shown``: {"tab": "seats" | "log" | "traces" | "proofs"}, {"filter": Filter} for the log."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("sync_log", "同步日志", "log")
        self.seats = SeatOverview(desk, self)
        self.log = ExchangeLog(desk, self)
        self.traces = Traces(desk, self)
        self.proofs = Proofs(desk, self)
        self.tabs = Segments(_TABS, "同步日志的内容")
        self._stack = QStackedWidget()
        for widget in (self.seats, self.log, self.traces, self.proofs):
            self._stack.addWidget(widget)
        self.body.addWidget(self.tabs)
        self.body.addWidget(self._stack, 1)
        for number, (name, title) in enumerate(_TABS, 1):
            self.offer(Action(name, title, partial(self.tabs.choose, name), f"Ctrl+{number}", "log"))
        self.tabs.chosen.connect(self._turned)
        self.seats.log_wanted.connect(self._show_seat_in_log)

    def shown(self, params: dict[str, Any]) -> None:
        wanted = params.get("filter")
        if isinstance(wanted, Filter):
            self._stack.setCurrentWidget(self.log)
            self.tabs.choose(LOG)
            self.log.start(wanted)
            return
        name = str(params.get("tab") or self.tabs.current)
        self.tabs.choose(name)
        self._turned(name)

    def refresh(self, types: frozenset[str]) -> None:
        if self.tabs.current == LOG and "exchange" in types:
            self.log.reload()
        elif self.tabs.current == SEATS and types & {"seat_state", "device", "exchange", "conflict"}:
            self.seats.start()
        elif self.tabs.current == PROOFS and types & {"seat_state", "exchange"}:
            self.proofs.start()

    def _turned(self, name: str) -> None:
        self._stack.setCurrentIndex([n for n, _ in _TABS].index(name))
        if name == SEATS:
            self.seats.start()
        elif name == LOG:
            self.log.start()
        elif name == TRACES:
            self.traces.start()
        else:
            self.proofs.start()

    def _show_seat_in_log(self, seat: Seat) -> None:
        self._stack.setCurrentWidget(self.log)
        self.tabs.choose(LOG)
        self.log.start(Filter((Condition("device", Op.EQ, seat.log_name),)))
