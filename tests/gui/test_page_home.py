"""工作台: counts lead to filtered pages; a dash stands where there is no right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from desktop.ui.home.rows import LinkRow, Panel
from desktop.ui.pages.home import HomePage
from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.shell import Shell
from desktop.work.desk import Desk
from shared.fictitious import permit_rows
from tests.fixtures.samples import sample
from tests.gui.desks import World, shell_with


class Elsewhere(Page):
    """Stands for the pages that are opened from here."""

    def __init__(self, name: str) -> None:
        super().__init__(name, name)
        self.came: list[dict[str, Any]] = []

    def shown(self, params: dict[str, Any]) -> None:
        self.came.append(params)


def opened(desk: Desk, qtbot: QtBot) -> tuple[Shell, HomePage]:
    names = ("records", "tasks", "claims", "inspections", "conflicts", "sync", "verify")
    specs = [PageSpec("home", "工作台", "home", lambda: HomePage(desk))]
    specs += [PageSpec(n, n, "table", lambda n=n: Elsewhere(n)) for n in names]  # type: ignore[misc]
    shell = shell_with(desk, specs)
    qtbot.addWidget(shell)
    shell.resize(1366, 768)
    with qtbot.waitExposed(shell):
        shell.show()
    page = shell.open("home")
    assert isinstance(page, HomePage)
    settle(desk)
    return shell, page


def settle(desk: Desk) -> None:
    for _ in range(3):
        assert desk.jobs.wait_idle()
        QApplication.processEvents()


def said(panel: Panel) -> dict[str, str]:
    """What the rows say, by title."""
    return {row.text(): row.accessibleName().split("：", 1)[1] for row in panel.rows()}


def row(panel: Panel, title: str) -> LinkRow:
    return next(r for r in panel.rows() if r.text() == title)


def came(shell: Shell, name: str) -> dict[str, Any]:
    page = shell.page(name)
    assert isinstance(page, Elsewhere)
    return page.came[-1]


def test_nothing_waits(desk: Desk, qtbot: QtBot) -> None:
    _, page = opened(desk, qtbot)
    waiting = said(page.todo)
    assert waiting.pop("待核销问题数据") == "没有权限"  # no bureau stands below this one
    assert set(waiting.values()) == {"0"}
    assert page.todo.remark().startswith("数据截止时间 20")
    assert said(page.sync)["待同步变更"] == "全部已入库"
    assert page.drafts.rows() == [] and page.recent.rows() == []


def test_counts_tell_what_is_late_and_lead_to_filtered_pages(desk: Desk, qtbot: QtBot, world: World) -> None:
    shell, page = opened(desk, qtbot)
    records, today = desk.records, desk.store.clock.today()
    for days in (-2, 0, 5):
        raw = {
            **sample("task", entity_id=world.entities[0]["uscc"]),
            "remind_on": "",
            "warn_on": "",
            "due_on": (today + timedelta(days=days)).isoformat(),
        }
        records.save(records.type("task"), raw)
    settle(desk)  # the page in front hears of it
    assert said(page.todo)["待认领任务"] == "3，已逾期 1，今日到期 1"
    assert said(page.sync)["待同步变更"] == "3"
    target = row(page.todo, "待认领任务")
    target.setFocus()
    qtbot.keyClick(target, Qt.Key.Key_Return)
    assert shell.current is shell.page("tasks")
    assert came(shell, "tasks")["queue"] == "open_tasks"


def test_own_entries_and_drafts_are_named_with_where_they_stand(
    desk: Desk, qtbot: QtBot, world: World
) -> None:
    permit = desk.records.type("permit")
    saved = desk.records.save(permit, next(iter(permit_rows(1, world.entities))))
    desk.records.save_draft(permit, {"party_name": "甲"})
    shell, page = opened(desk, qtbot)
    (recent,) = page.recent.rows()
    assert "行政许可" in recent.text() and "待同步" in recent.accessibleName()
    recent.click()
    assert came(shell, "records") == {"type": "permit", "id": saved.id}
    shell.open("home")
    settle(desk)
    (draft,) = page.drafts.rows()
    draft.click()
    assert came(shell, "records") == {"type": "permit", "drafts": True}


def test_a_day_begins_with_one_click(desk: Desk, qtbot: QtBot) -> None:
    shell, page = opened(desk, qtbot)
    buttons: dict[str, QPushButton] = {b.text(): b for b in page.findChildren(QPushButton)}
    buttons["录入行政处罚"].click()
    assert came(shell, "records") == {"type": "penalty", "new": True}


def test_a_dash_stands_where_there_is_no_right(poor_desk: Desk, qtbot: QtBot) -> None:
    _, page = opened(poor_desk, qtbot)
    without = [r for r in page.todo.rows() if r.accessibleName().endswith("没有权限")]
    assert row(page.todo, "待认领任务") in without
    assert all(r.focusPolicy() is Qt.FocusPolicy.NoFocus for r in without)
    assert not any(b.text().startswith("录入") for b in page.findChildren(QPushButton))
