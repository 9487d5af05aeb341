"""A person at one page in a real window, for the tests of 认领, 任务, 检查 and 核查."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.shell import Shell
from desktop.work.desk import Desk
from desktop.work.records import Row
from shared.clock import CHINA
from shared.filters import Filter, Op
from tests.gui.desks import shell_with

P = TypeVar("P", bound=Page)
CTRL = Qt.KeyboardModifier.ControlModifier


class Worker(Generic[P]):
    """Opens one page; asks for other pages are kept in ``went``."""

    def __init__(self, desk: Desk, qtbot: QtBot, name: str, factory: Callable[[Desk], P]) -> None:
        self.desk, self.bot, self.name = desk, qtbot, name
        self.shell: Shell = shell_with(desk, [PageSpec(name, name, "task", lambda: factory(desk))])
        self.went: list[tuple[str, Any]] = []
        qtbot.addWidget(self.shell)
        self.shell.resize(1366, 768)
        with qtbot.waitExposed(self.shell):
            self.shell.show()
        self.shell.activateWindow()
        qtbot.waitUntil(self.shell.isActiveWindow)

    def open(self, **params: Any) -> P:
        known = self.shell.page(self.name)
        page = self.shell.open(self.name, params)
        assert page is not None
        if known is None:
            page.open_page.disconnect(self.shell.open)
            page.open_page.connect(lambda name, given: self.went.append((name, given)))
        self.settle()
        return page  # type: ignore[return-value]

    def settle(self) -> None:
        for _ in range(4):
            assert self.desk.jobs.wait_idle()
            QApplication.processEvents()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        target = self.shell.focusWidget()
        assert target is not None
        self.bot.keyClick(target, key, modifier)
        self.settle()

    def press(self, text: str) -> None:
        button = self.button(text)
        assert button.isEnabled(), text
        self.bot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.settle()

    def button(self, text: str) -> QPushButton:
        found = [b for b in self.shell.findChildren(QPushButton) if b.text() == text and b.isVisible()]
        assert len(found) == 1, f"{text}: {len(found)}"
        return found[0]

    def has_button(self, text: str) -> bool:
        return any(b.text() == text and b.isVisible() for b in self.shell.findChildren(QPushButton))


def entities(desk: Desk, count: int) -> list[Row]:
    """Registered entities of the division."""
    return desk.records.first(desk.records.type("market_entity"), Filter().where("status", Op.EQ, "1"), count)


def add_tasks(desk: Desk, *due_in: int) -> list[str]:
    """Tasks that are due in so many days, each about another entity."""
    today = desk.session.store.clock.now().astimezone(CHINA).date()

    def day(n: int) -> str:
        when: date = today + timedelta(days=n)
        return when.isoformat()

    return [
        desk.tasks.create(
            {
                "title": f"第{number}项巡查",
                "source": "日常巡查",
                "entity_id": entity.id,
                "urgency": "一般",
                "remind_on": day(due - 6),
                "warn_on": day(due - 3),
                "due_on": day(due),
            }
        ).id
        for number, (entity, due) in enumerate(zip(entities(desk, len(due_in)), due_in, strict=True), 1)
    ]
