"""Actions as data: what can be done, from a button, a shortcut or the palette alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from desktop.ui.plain import caption, tip
from desktop.ui.theme import icon
from desktop.work.jobs import Job


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    :param run: may return the :class:`Job` it started; until that is over the
        action is disabled, so that a double click never submits twice.
    :param enabled: asked when the palette opens, and by :func:`refresh_action`.
    """

    name: str
    title: str
    run: Callable[[], Job | None]
    shortcut: str = ""
    icon: str = ""
    enabled: Callable[[], bool] = lambda: True

    @property
    def hint(self) -> str:
        """Title with its shortcut, for tooltips."""
        return f"{self.title}（{self.shortcut}）" if self.shortcut else self.title


_BUSY = "busy"


def to_qaction(action: Action, owner: QWidget, *, everywhere: bool = False) -> QAction:
    """A QAction added to ``owner``; its shortcut works there, or in the whole window."""
    made = QAction(action.title, owner)
    made.setObjectName(action.name)
    made.setToolTip(action.hint)
    if action.icon:
        made.setIcon(icon(action.icon))
        made.setProperty("icon_name", action.icon)
    if action.shortcut:
        made.setShortcut(QKeySequence(action.shortcut))
        made.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut if everywhere else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
    made.setEnabled(action.enabled())
    made.triggered.connect(lambda: _trigger(action, made))
    owner.addAction(made)
    return made


def refresh_action(action: Action, made: QAction) -> None:
    """Ask again whether it may be done now; a running one stays disabled."""
    if not made.property(_BUSY):
        made.setEnabled(action.enabled())


def _trigger(action: Action, made: QAction) -> None:
    job = action.run()
    if job is None or job.over:
        return
    made.setProperty(_BUSY, True)
    made.setEnabled(False)

    def release() -> None:
        made.setProperty(_BUSY, False)
        made.setEnabled(action.enabled())

    job.on_end(release)


def button(made: QAction, *, primary: bool = False) -> QPushButton:
    """A push button that follows a QAction: text, icon, tooltip, enabled state."""
    push = QPushButton(made.text())
    push.setAccessibleName(made.text())
    push.setProperty("primary", primary)
    push.setAutoDefault(False)
    if not made.icon().isNull():
        name = made.property("icon_name")
        push.setIcon(icon(str(name), "paper") if primary and name else made.icon())
    _follow(push, made)
    return push


def tool_button(made: QAction, *, words: bool = False, link: bool = False) -> QToolButton:
    """A flat button for tool rows; ``words`` shows the title beside the icon."""
    tool = QToolButton()
    tool.setDefaultAction(made)
    tool.setAccessibleName(made.text())
    tool.setProperty("link", link)
    tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    tool.setToolButtonStyle(
        Qt.ToolButtonStyle.ToolButtonTextOnly
        if link
        else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        if words
        else Qt.ToolButtonStyle.ToolButtonIconOnly
    )
    return tool


def link_button(text: str, run: Callable[[], object], hint: str = "") -> QToolButton:
    """A word in accent colour that does something small in place."""
    tool = QToolButton()
    tool.setText(caption(text))
    tool.setAccessibleName(text)
    tool.setToolTip(tip(hint or text))
    tool.setProperty("link", True)
    tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    tool.clicked.connect(lambda: run())
    return tool


def _follow(push: QPushButton, made: QAction) -> None:
    def update() -> None:
        push.setEnabled(made.isEnabled())
        push.setToolTip(made.toolTip())

    update()
    made.changed.connect(update)
    push.clicked.connect(made.trigger)
