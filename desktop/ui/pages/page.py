"""What a page is to the shell, and the little every page shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from desktop.ui.actions import Action, refresh_action, to_qaction
from desktop.ui.notify import MessageBar
from shared.errors import YizhanError

NARROW = 980
"""Below this width (in 1/96 inch) two panes stand above each other."""


class Page(QWidget):
    """Base of all pages: a message bar on top, ``self.body`` for the rest.

    A subclass builds its widgets in ``__init__``, reacts to :meth:`shown` and
    :meth:`refresh`, and asks for other pages by ``open_page`` only.
    """

    open_page = Signal(str, object)
    """Name of a page and a dict of parameters for its :meth:`shown`."""

    def __init__(self, name: str, title: str, icon_name: str = "", group: str = "") -> None:
        super().__init__()
        self.name = name
        self.title = title
        self.icon_name = icon_name
        self.group = group
        self.setAccessibleName(title)
        self._made: list[tuple[Action, QAction]] = []
        self.messages = MessageBar()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 8, 12, 8)
        outer.setSpacing(8)
        outer.addWidget(self.messages)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        outer.addLayout(self.body, 1)

    def shown(self, params: dict[str, Any]) -> None:
        """The person came here; ``params`` say what to look at (a filter, a record id)."""

    def refresh(self, types: frozenset[str]) -> None:
        """Records of these types changed; called only while the page is visible."""

    def offer(self, action: Action) -> QAction:
        """Make an action available here: shortcut and palette; give the QAction to buttons."""
        made = to_qaction(action, self)
        self._made.append((action, made))
        return made

    def update_actions(self) -> None:
        """Ask every offered action again whether it may run now."""
        for action, made in self._made:
            refresh_action(action, made)

    def offered(self) -> list[QAction]:
        """What can be done here now, for the palette."""
        self.update_actions()
        return [made for _, made in self._made]

    def report(self, error: YizhanError) -> None:
        """Show an expected error; fits as the ``failed`` callback of a job."""
        self.messages.error(error)


@dataclass(frozen=True, slots=True)
class PageSpec:
    """How the shell knows a page before it is made.

    :param allowed: asked again on every change of person; hidden pages cannot be opened.
    :param group: heading in the rail; pages of one group stand together.
    :param in_rail: False for pages reached only from others (one record's file).
    """

    name: str
    title: str
    icon: str
    factory: Callable[[], Page]
    allowed: Callable[[], bool] = lambda: True
    group: str = ""
    in_rail: bool = True


class Panes(QSplitter):
    """List left and detail right; below each other when the window is narrow."""

    def __init__(self, first: QWidget, second: QWidget, share: float = 0.55) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.addWidget(first)
        self.addWidget(second)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(13)
        self.setStretchFactor(0, round(share * 100))
        self.setStretchFactor(1, round((1 - share) * 100))
        self.setSizes([round(share * 1000), round((1 - share) * 1000)])

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        wanted = Qt.Orientation.Vertical if event.size().width() < NARROW else Qt.Orientation.Horizontal
        if self.orientation() != wanted:
            self.setOrientation(wanted)
        super().resizeEvent(event)
