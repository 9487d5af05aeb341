"""The UI kit: actions, palette, shell, tones and icons."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.actions import Action, button, to_qaction
from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.palette import Palette
from desktop.ui.shell import Shell
from desktop.ui.theme import STANDING_TONES, TONES, icon
from desktop.work.jobs import Job, Jobs
from shared.errors import InputError
from shared.standing import Standing
from tests.gui.kit import on_screen


# --- actions, palette, shell ---------------------------------------------------
def test_a_double_click_submits_once(jobs: Jobs, qtbot: QtBot) -> None:
    go_on = threading.Event()
    begun: list[Job] = []

    def save() -> Job:
        job = jobs.run("保存", lambda _: go_on.wait(5), lane="write")
        begun.append(job)
        return job

    owner = QWidget()
    qtbot.addWidget(owner)
    push = button(to_qaction(Action("save", "保存", save, "Ctrl+S", "save"), owner), primary=True)
    qtbot.addWidget(push)
    push.click()
    push.click()
    assert len(begun) == 1 and not push.isEnabled()
    go_on.set()
    assert jobs.wait_idle()
    assert push.isEnabled()


def test_palette_finds_by_initials(themed: QApplication, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    ran: list[str] = []
    made = []
    for title in ("立即同步", "导出介质", "查找命令"):
        action = QAction(title, parent)
        action.triggered.connect(lambda _=False, t=title: ran.append(t))
        made.append(action)
    made[2].setEnabled(False)
    palette = Palette(parent)
    palette.open_with(made)
    assert palette.titles() == ["立即同步", "导出介质"]
    palette.search("dcjz")
    assert palette.titles() == ["导出介质"]
    qtbot.keyClick(palette.focusWidget(), Qt.Key.Key_Return)
    assert ran == ["导出介质"]
    palette.search("xyz")
    assert palette.titles() == []


class Notes(Page):
    def __init__(self, name: str) -> None:
        super().__init__(name, name)
        self.came: list[dict[str, Any]] = []
        self.told: list[frozenset[str]] = []

    def shown(self, params: dict[str, Any]) -> None:
        self.came.append(params)

    def refresh(self, types: frozenset[str]) -> None:
        self.told.append(types)


def test_shell_opens_lazily_refreshes_what_is_seen_and_keeps_the_rest(jobs: Jobs, qtbot: QtBot) -> None:
    made: list[str] = []

    def factory(name: str) -> Callable[[], Page]:
        def make() -> Page:
            made.append(name)
            return Notes(name)

        return make

    shell = Shell(
        [
            PageSpec("home", "工作台", "home", factory("home")),
            PageSpec("sync", "同步", "sync", factory("sync")),
            PageSpec("log", "同步日志", "log", factory("log"), allowed=lambda: False),
        ],
        jobs,
    )
    on_screen(qtbot, shell)
    home = shell.open("home", {"a": 1})
    assert isinstance(home, Notes) and made == ["home"] and home.came == [{"a": 1}]
    assert shell.open("log") is None
    qtbot.keyClick(shell, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    sync = shell.current
    assert isinstance(sync, Notes) and sync.name == "sync"
    shell.refresh(frozenset({"permit"}), "sync")
    assert sync.told == [frozenset({"permit"})] and home.told == []
    sync.open_page.emit("home", {"b": 2})
    assert home.told == [frozenset({"permit"})] and home.came[-1] == {"b": 2}
    shell.set_pending(1234)
    assert shell.status_text("pending") == "待同步 1,234"
    shell.set_pending(0, conflicts=2)
    assert shell.status_text("pending") == "全部已入库，2 处冲突待处理"
    jobs.failed.emit(None, InputError("没有网络。", "稍后再试。"))
    assert home.messages.text() == "没有网络。稍后再试。"


def test_every_standing_has_a_tone_and_every_icon_draws(themed: QApplication) -> None:
    assert {str(s) for s in Standing} == set(STANDING_TONES)
    assert set(STANDING_TONES.values()) <= set(TONES)
    image = icon("save").pixmap(16, 16).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(16) for y in range(16))
