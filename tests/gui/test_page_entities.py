"""市场主体: found while typing; the file of one says everything and leads on."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.pages.entities import EntitiesPage
from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.shell import Shell
from desktop.ui.theme import TONES
from desktop.work.desk import Desk
from shared.fictitious import penalty_rows, permit_rows
from shared.filters import Filter, Op
from tests.fixtures.samples import sample
from tests.gui.desks import World, shell_with


class Elsewhere(Page):
    """Stands for the pages that are opened from here."""

    def __init__(self, name: str) -> None:
        super().__init__(name, name)
        self.came: list[dict[str, Any]] = []

    def shown(self, params: dict[str, Any]) -> None:
        self.came.append(params)


class Seat:
    """The page in a window."""

    def __init__(self, desk: Desk, qtbot: QtBot, world: World) -> None:
        self.desk, self.bot, self.world = desk, qtbot, world
        others = ("records", "tasks", "claims", "inspections", "verify")
        specs = [PageSpec("entities", "市场主体", "building", lambda: EntitiesPage(desk))]
        specs += [PageSpec(n, n, "table", lambda n=n: Elsewhere(n)) for n in others]  # type: ignore[misc]
        self.shell: Shell = shell_with(desk, specs)
        qtbot.addWidget(self.shell)
        self.shell.resize(1366, 768)
        with qtbot.waitExposed(self.shell):
            self.shell.show()
        page = self.shell.open("entities")
        assert isinstance(page, EntitiesPage)
        self.page = page
        self.settle()

    def settle(self) -> None:
        for _ in range(3):
            assert self.desk.jobs.wait_idle()
            QApplication.processEvents()

    def entity(self, status: str = "1") -> tuple[str, dict[str, Any]]:
        """Id and values of an entity with this status."""
        found = next(e for e in self.world.entities if e["status"] == status)
        return self.page.declared.id_for_key(found["uscc"]), found

    def open(self, entity_id: str) -> None:
        self.page.open_entity(entity_id)
        self.settle()

    def act(self, name: str) -> None:
        self.page.update_actions()
        action = next(a for a in self.page.actions() if a.objectName() == name)
        assert action.isEnabled(), name
        action.trigger()
        self.settle()

    def enabled(self) -> set[str]:
        return {a.objectName() for a in self.page.offered() if a.isEnabled()}

    def came(self, name: str) -> dict[str, Any]:
        page = self.shell.page(name)
        assert isinstance(page, Elsewhere)
        return page.came[-1]


@pytest.fixture
def seat(desk: Desk, qtbot: QtBot, world: World) -> Seat:
    return Seat(desk, qtbot, world)


def test_living_entities_first_and_found_while_typing(seat: Seat) -> None:
    living = sum(e["status"] == "1" for e in seat.world.entities)
    assert seat.page.table.total_text == f"共 {living} 条"
    _, wanted = seat.entity()
    bar = seat.page.bar
    assert bar.search.hasFocus()
    seat.bot.keyClicks(bar.search, wanted["uscc"][-6:])
    seat.bot.waitUntil(lambda: seat.page.table.total_text == "共 1 条")
    bar.search.setText("查无此企业")
    seat.bot.waitUntil(lambda: seat.page.table.total_text == "共 0 条")
    assert "拼音首字母" in seat.page.table.grid.accessibleDescription()


def test_the_file_says_everything_known(seat: Seat) -> None:
    entity_id, entity = seat.entity()
    records = seat.desk.records
    for raw in permit_rows(2, [entity]):
        records.save(records.type("permit"), raw)
    for raw in penalty_rows(60, [entity]):
        records.save(records.type("penalty"), raw)
    of_it = {"uscc": entity["uscc"], "entity_name": entity["name"]}
    records.save(records.type("alert"), sample("alert", **of_it))
    seat.page.table.select(entity_id)
    seat.bot.keyClick(seat.page.table.grid, Qt.Key.Key_Return)
    seat.settle()
    view = seat.page.dossier
    assert view.dossier is not None and view.dossier.name == entity["name"]
    counts = view.counts()
    assert (counts["permit"], counts["penalty"], counts["alert"], counts["task"]) == (2, 60, 1, 0)
    assert entity["uscc"] in view.text() and entity["address"] in view.text()
    assert view.dossier.warnings == ["预警中 1 项"]
    assert view._as_of.text().startswith("数据截止时间 20")
    permits, penalties = (next(s for s in view.sections if s.shown.declared.name == n) for n in
                          ("permit", "penalty"))  # fmt: skip
    assert any("有效" in row for row in permits.texts())
    assert len(penalties.texts()) == 50
    penalties.all_wanted.emit("penalty")
    assert seat.came("records")["filter"] == Filter().where("entity_id", Op.EQ, entity_id)
    seat.shell.open("entities")
    assert permits.table is not None
    permits.table.selectRow(0)
    seat.bot.keyClick(permits.table, Qt.Key.Key_Return)
    assert seat.came("records") == {"type": "permit", "id": permits.shown.ids[0]}


def test_personal_data_are_masked(seat: Seat) -> None:
    entity_id, entity = next(
        (seat.page.declared.id_for_key(e["uscc"]), e) for e in seat.world.entities if e.get("phone")
    )
    seat.open(entity_id)
    assert entity["phone"] not in seat.page.dossier.text() and "*" in seat.page.dossier.text()


def test_an_entity_that_is_gone_is_red(seat: Seat) -> None:
    gone = next(e for e in seat.world.entities if e["status"] != "1")
    seat.open(seat.page.declared.id_for_key(gone["uscc"]))
    assert TONES["bad"] in seat.page.dossier._name.styleSheet()
    assert all(not s.shown.rows for s in seat.page.dossier.sections)


def test_claiming_from_the_file(seat: Seat) -> None:
    entity_id, _ = seat.entity()
    seat.open(entity_id)
    seat.act("claim")
    claims = seat.desk.claims.of_entity(entity_id)
    assert [c.values["state"] for c in claims] == ["claimed"]
    assert "认领 1 户" in seat.page.messages.text()
    assert seat.page.dossier.counts()["claim"] == 1
    assert "claim" not in seat.enabled()  # it is ours already


def test_the_file_leads_on(seat: Seat) -> None:
    entity_id, entity = seat.entity()
    for name, page, params in (
        ("enter_permit", "records", {"type": "permit", "fill": {"uscc": entity["uscc"]}}),
        ("task", "tasks", {"new": True, "entity": entity_id}),
        ("verify", "verify", {"new": True, "entity": entity_id}),
        ("edit", "records", {"type": "market_entity", "id": entity_id}),
    ):
        seat.shell.open("entities", {"id": entity_id})
        seat.settle()
        seat.act(name)
        assert seat.came(page) == params
    seat.shell.open("entities")
    seat.page.dossier.setFocus()
    seat.bot.keyClick(seat.page.dossier._index, Qt.Key.Key_Escape)
    assert seat.page.showing is None


def test_an_unknown_entity_is_said(seat: Seat) -> None:
    seat.open("0" * 32)
    assert "本机没有这个市场主体" in seat.page.messages.text() and seat.page.showing is None


def test_who_may_not_write_may_read(poor_desk: Desk, qtbot: QtBot, world: World) -> None:
    seat = Seat(poor_desk, qtbot, world)
    seat.open(seat.entity()[0])
    assert seat.page.showing is not None
    assert seat.enabled() == {"find"}
