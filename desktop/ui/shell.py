"""The main window: rail, work area, status bar. It knows pages only as :class:`Page`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import Action, to_qaction
from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.palette import Palette
from desktop.ui.statusbar import StatusBar
from desktop.ui.theme import icon
from desktop.work.jobs import Job, Jobs
from shared.errors import YizhanError

_ALT_KEYS = 9


class Shell(QMainWindow):
    """Opens pages by name and keeps them; says what the whole program is doing.

    :param specs: all pages in rail order; made when first opened.
    """

    page_opened = Signal(str)
    status_clicked = Signal(str)

    def __init__(self, specs: Sequence[PageSpec], jobs: Jobs, title: str = "驿站") -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setMinimumSize(960, 560)
        self._specs = {spec.name: spec for spec in specs}
        self._pages: dict[str, Page] = {}
        self._stale: dict[str, frozenset[str]] = {}
        self._stack = QStackedWidget()
        self._rail = _Rail(self._specs.values(), self.open)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addWidget(self._stack, 1)
        self.setCentralWidget(middle)
        self._status = StatusBar(jobs)
        self._status.clicked.connect(self.status_clicked)
        self.setStatusBar(self._status)
        self._palette = Palette(self)
        self._actions: list[QAction] = []
        self._openers: dict[str, QAction] = {}
        self.add_action(Action("palette", "查找命令", self._open_palette, "Ctrl+K", "search"))
        for number in range(1, _ALT_KEYS + 1):
            shortcut = QShortcut(QKeySequence(f"Alt+{number}"), self)
            shortcut.activated.connect(partial(self._open_number, number))
        jobs.failed.connect(self._job_failed)
        self.update_allowed()

    # --- pages -------------------------------------------------------------
    def open(self, name: str, params: Mapping[str, Any] | None = None) -> Page | None:
        """Go to a page, made now if need be; None when the person may not see it."""
        spec = self._specs[name]
        if not spec.allowed():
            return None
        page = self._pages.get(name)
        if page is None:
            page = spec.factory()
            page.open_page.connect(self.open)
            self._pages[name] = page
            self._stack.addWidget(page)
        self._stack.setCurrentWidget(page)
        self._rail.select(name)
        self.setWindowTitle(f"{spec.title} — 驿站")
        page.shown(dict(params or {}))
        stale = self._stale.pop(name, None)
        if stale:
            page.refresh(stale)
        page.update_actions()
        focused = self.focusWidget()
        if focused is None or not page.isAncestorOf(focused):
            page.setFocus()  # or its shortcuts would not be heard
        self.page_opened.emit(name)
        return page

    @property
    def current(self) -> Page | None:
        """The page in front."""
        page = self._stack.currentWidget()
        return page if isinstance(page, Page) else None

    def page(self, name: str) -> Page | None:
        """A page that was opened before."""
        return self._pages.get(name)

    def refresh(self, types: frozenset[str], initiator: str = "") -> None:
        """Connect to ``Events.records_changed``: the page in front now, the others when they come."""
        for name, page in self._pages.items():
            if page is self.current:
                page.refresh(types)
            else:
                self._stale[name] = self._stale.get(name, frozenset()) | types

    def update_allowed(self) -> None:
        """Show in the rail what the person may open now (after sign-in)."""
        self._rail.update_allowed()

    def forget_pages(self) -> None:
        """Drop all pages, for a change of person."""
        for page in self._pages.values():
            self._stack.removeWidget(page)
            page.deleteLater()
        self._pages.clear()
        self._stale.clear()
        self.update_allowed()

    # --- actions -----------------------------------------------------------
    def add_action(self, action: Action) -> QAction:
        """An action of the whole window (F9 同步): shortcut everywhere, and in the palette."""
        made = to_qaction(action, self, everywhere=True)
        self._actions.append(made)
        return made

    def _open_palette(self) -> None:
        here = self.current.offered() if self.current is not None else []
        self._palette.open_with([*here, *self._page_actions(), *self._actions])

    def _page_actions(self) -> list[QAction]:
        for spec in self._specs.values():
            if spec.in_rail and spec.name not in self._openers:
                action = QAction(icon(spec.icon), f"转到{spec.title}", self)
                action.setObjectName(spec.name)
                action.triggered.connect(partial(self._go, spec.name))
                self._openers[spec.name] = action
        return [a for name, a in self._openers.items() if self._specs[name].allowed()]

    def _go(self, name: str, *_: object) -> None:
        self.open(name)

    def _open_number(self, number: int) -> None:
        name = self._rail.name_of(number)
        if name is not None:
            self.open(name)

    def _job_failed(self, job: Job, error: YizhanError) -> None:
        if self.current is not None:
            self.current.report(error)

    # --- status ------------------------------------------------------------
    def set_person(self, name: str, bureau: str) -> None:
        """Who is signed in, and for which bureau."""
        self._status.put("person", f"{name} · {bureau}" if bureau else name, "user")

    def set_lease(self, text: str, *, over: bool) -> None:
        """That nothing can be entered, or soon cannot; ``""`` = nothing to say."""
        self._status.put("lease", text, "warning", "danger" if over else "wait")

    def set_online(self, online: bool, detail: str = "") -> None:
        """Offline is the normal case: shown in grey, not in red."""
        self._status.put(
            "online", detail or ("在线" if online else "离线"), "cloud", "good" if online else "muted"
        )

    def set_pending(self, count: int, held_back: int = 0, paper: int = 0, conflicts: int = 0) -> None:
        """How many changes the hub has not signed for, or signed for without taking them in.

        :param paper: records of the exchange itself that go along with the next one.
        :param conflicts: how many open conflicts there are about what is in.
        """
        more = f"　交换记录 {paper:,}" if paper else ""
        if count:
            self._status.put("pending", f"待同步 {count:,}{more}", "sync", "wait")
        elif held_back:
            self._status.put("pending", f"隔离待审 {held_back:,}{more}", "warning", "danger")
        elif conflicts:
            said = f"全部已入库，{conflicts:,} 处冲突待处理{more}"
            self._status.put("pending", said, "warning", "wait")
        else:
            self._status.put("pending", f"全部已入库{more}", "ok", "good")

    def set_last_receipt(self, text: str) -> None:
        """When the hub last signed; ``""`` = never."""
        self._status.put("receipt", f"最近回执 {text}" if text else "尚无回执", "log", "muted")

    def status_text(self, name: str) -> str:
        """What a status field says (person, lease, online, pending, receipt)."""
        return self._status.text(name)


class _Rail(QWidget):
    """Icons with 2 to 4 characters; scrolls when the window is low."""

    def __init__(self, specs: Sequence[PageSpec] | Any, go: Callable[[str], object]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("页面")
        self._buttons: dict[str, tuple[PageSpec, QToolButton]] = {}
        self._headings: list[tuple[QLabel, list[PageSpec]]] = []
        inner = QWidget()
        inner.setObjectName("railInner")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 4, 0, 8)
        column.setSpacing(0)
        group = ""
        for spec in specs:
            if not spec.in_rail:
                continue
            if spec.group and spec.group != group:
                heading = QLabel(spec.group)
                heading.setProperty("railGroup", True)
                column.addWidget(heading)
                self._headings.append((heading, []))
            if spec.group:
                group = spec.group
                self._headings[-1][1].append(spec)
            button = QToolButton()
            button.setProperty("rail", True)
            button.setText(f" {spec.title}")
            button.setIconSize(QSize(20, 20))
            button.setAccessibleName(spec.title)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._clicked, spec.name))
            column.addWidget(button)
            self._buttons[spec.name] = (spec, button)
        column.addStretch(1)
        self._go = go
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 1, 0)
        outer.addWidget(area)
        for _, button in self._buttons.values():
            button.ensurePolished()
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().verticalPolicy())
        self._fit()

    def _fit(self) -> None:
        widths = [b.fontMetrics().horizontalAdvance(s.title) for s, b in self._buttons.values()]
        self.setFixedWidth(max([*widths, 56]) + 60)
        for spec, button in self._buttons.values():
            button.setIcon(icon(spec.icon, "accent" if button.isChecked() else "ink"))

    def _clicked(self, name: str, *_: object) -> None:
        self._go(name)

    def visible_specs(self) -> list[PageSpec]:
        return [spec for spec, _ in self._buttons.values() if spec.allowed()]

    def name_of(self, number: int) -> str | None:
        specs = self.visible_specs()
        return specs[number - 1].name if number <= len(specs) else None

    def select(self, name: str) -> None:
        found = self._buttons.get(name)
        if found is not None:
            found[1].setChecked(True)
            self._fit()

    def update_allowed(self) -> None:
        shown = self.visible_specs()
        for spec, button in self._buttons.values():
            button.setVisible(spec in shown)
            number = shown.index(spec) + 1 if spec in shown else 0
            key = f"（Alt+{number}）" if 1 <= number <= _ALT_KEYS else ""
            button.setToolTip(f"{spec.title}{key}")
        for heading, members in self._headings:
            heading.setVisible(any(spec in shown for spec in members))
