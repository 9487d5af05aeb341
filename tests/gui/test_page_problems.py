"""问题数据 in its windows: told from a table, found by a look, mended, closed (R52, R54)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.demo.stage import Chosen
from desktop.ui.pages.problems import ProblemsPage
from desktop.ui.pages.records import RecordsPage
from desktop.work.desk import Desk
from desktop.work.jobs import Jobs
from desktop.work.records import Row
from shared.access import HUB_ACTOR
from shared.filters import Filter
from shared.parsing import Context, parse
from shared.store.lookups import StoreReferences
from tests.fixtures.samples import sample
from tests.gui.desks import ADMIN, CODES, World, open_desk
from tests.gui.working import Worker

HUB_ADMIN = ("hub_admin",)


def arrive(desk: Desk, type_name: str, source: str, **raw: str) -> str:
    """A record as it comes with the stream."""
    declared = desk.records.type(type_name)
    with desk.store.unit(HUB_ACTOR) as unit:
        known = StoreReferences(unit.connection, desk.store.types)
        typed = {**sample(type_name), **raw}
        values = parse(declared, typed, Context(CODES, known)).values
        made = unit.insert(declared, [values], proven=True, provenance={"source_bureau": source})
    desk.records.announce({type_name})
    return made[0]


def problems(desk: Desk) -> list[Row]:
    return desk.records.first(desk.problems.declared, Filter())


@pytest.fixture
def centre(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    with open_desk(world, tmp_path / "centre", jobs, HUB_ADMIN) as made:
        yield made


@pytest.fixture
def officer(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    with open_desk(world, tmp_path / "desk", jobs, ADMIN) as made:
        yield made


def worker(desk: Desk, qtbot: QtBot) -> Worker[ProblemsPage]:
    return Worker(desk, qtbot, "problems", ProblemsPage)


# --- above -------------------------------------------------------------------------
def test_selected_records_are_told_from_the_table(centre: Desk, world: World, qtbot: QtBot) -> None:
    for number in ("许1", "许2"):
        arrive(centre, "permit", world.other, document_no=number)
    at: Worker[Any] = Worker(centre, qtbot, "records", RecordsPage)
    page: RecordsPage = at.open(type="permit")
    assert page.room is not None
    page.room.table.grid.selectAll()
    page._actions["report"].trigger()
    at.settle()
    panel = page.room.raising
    assert panel.isVisible() and panel.form is not None
    assert panel.form.raw()["due_on"] == centre.problems.due().isoformat()
    panel.form.fill({"kind": "4", "description": "许可内容与证书不符"})
    qtbot.keyClick(panel.form, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    at.settle()
    assert "已反馈 2 条问题数据" in page.messages.text() and not panel.isVisible()
    assert {r.values["subject"] for r in problems(centre)} == {"许1", "许2"}
    assert {(r.values["provider"], r.values["kind"]) for r in problems(centre)} == {(world.other, "4")}


def test_who_may_not_tell_sees_no_button(officer: Desk, qtbot: QtBot) -> None:
    at: Worker[Any] = Worker(officer, qtbot, "records", RecordsPage)
    page: RecordsPage = at.open(type="permit")
    assert not page._actions["report"].isEnabled()
    mine = worker(officer, qtbot).open()
    assert list(mine._segments) == ["open_problems", "closed_problems", "all_problems"]
    assert "查找问题" not in {a.text() for a in mine.offered()}


def test_a_look_finds_ticks_and_tells(centre: Desk, world: World, qtbot: QtBot) -> None:
    known = world.entities[0]["uscc"]
    arrive(centre, "permit", world.other, uscc=known, document_no="许1", licence_no="", licence_name="")
    at = worker(centre, qtbot)
    page = at.open()
    at.press("查找问题")
    look = page.finding
    look.look()
    at.settle()
    assert "查到 2 处问题" in look.said.text()
    assert [f.field for f in look.ticked()] == ["licence_name", "licence_no"]
    look.tick(0, on=False)
    assert look.tell.text() == "反馈勾选的 1 条"
    look.tell.click()
    at.settle()
    assert "已反馈 1 条问题数据" in page.messages.text()
    (row,) = problems(centre)
    assert (row.values["field"], row.values["state"]) == ("licence_no", "open")
    assert look.list.topLevelItemCount() == 1
    look.back.click()
    at.settle()
    page.bar.choose("sent_problems")
    at.settle()
    assert page.view.table.total_text == "共 1 条"


# --- below -------------------------------------------------------------------------
def test_the_provider_opens_the_record_mends_and_says_so(officer: Desk, world: World, qtbot: QtBot) -> None:
    permit = arrive(officer, "permit", world.bureau, document_no="许9", licence_no="")
    made = arrive(officer, "data_problem", world.other, provider=world.bureau, record_id=permit, subject="许9")
    at = worker(officer, qtbot)
    page = at.open(queue="open_problems")
    assert page.view.table.total_text == "共 1 条"
    page.view.table.grid.selectRow(0)
    at.press("打开记录")
    assert at.went == [("records", {"type": "permit", "id": permit})]
    at.press("整改完成")
    assert "已整改完成 1 条问题数据，待同步。" in page.messages.text()
    row = officer.records.get(officer.problems.declared, made)
    assert row is not None and row.values["state"] == "mended"
    assert row.values["answered_by"] == officer.records.actor.user and row.values["answered_at"]
    assert page.view.table.total_text == "共 0 条"


def test_a_plea_needs_its_reason_and_comes_back_to_those_above(
    officer: Desk, world: World, qtbot: QtBot
) -> None:
    made = arrive(officer, "data_problem", world.other, provider=world.bureau)
    at = worker(officer, qtbot)
    page = at.open(queue="open_problems")
    page.view.table.grid.selectRow(0)
    at.press("申辩")
    panel = page.view.panel
    assert panel.form is not None and list(panel.form.raw()) == ["answer"]
    panel._run()
    at.settle()
    assert officer.records.get(officer.problems.declared, made).values["state"] == "open"  # type: ignore[union-attr]
    panel.form.fill({"answer": "该证件依法不采集"})
    panel._run()
    at.settle()
    row = officer.records.get(officer.problems.declared, made)
    assert row is not None and (row.values["state"], row.values["answer"]) == ("pleaded", "该证件依法不采集")


def test_what_was_answered_is_closed_or_sent_back(centre: Desk, world: World, qtbot: QtBot) -> None:
    for subject, state in (("甲", "mended"), ("乙", "pleaded")):
        made = arrive(centre, "data_problem", world.other, provider=world.other, subject=subject)
        with centre.store.unit(HUB_ACTOR) as unit:
            unit.update(centre.problems.declared, made, {"state": state}, proven=True)
    centre.records.announce({"data_problem"})
    at = worker(centre, qtbot)
    page = at.open(queue="answered_problems")
    assert page.view.table.total_text == "共 2 条"
    page.view.table.grid.selectAll()
    at.press("核销")
    assert "已核销 2 条问题数据" in page.messages.text()
    assert {r.values["state"] for r in problems(centre)} == {"closed"}


# --- the figures ---------------------------------------------------------------------
def test_the_figures_stand_in_place_of_the_lists(
    centre: Desk, world: World, qtbot: QtBot, tmp_path: Path
) -> None:
    arrive(centre, "data_problem", world.other, provider=world.other)
    at = worker(centre, qtbot)
    page = at.open()
    at.press("统计")
    panel = page.statistics
    assert [row[:2] for row in panel.table.texts()] == [("驿城市场监督管理局", "1"), ("合计", "1")]
    panel.ways.choose("record_type")
    at.settle()
    assert [row[0] for row in panel.table.texts()] == ["行政许可", "合计"]
    panel.files = Chosen(tmp_path / "统计.xlsx")
    panel.export()
    at.settle()
    assert "已导出 2 行" in page.messages.text() and (tmp_path / "统计.xlsx").exists()
    at.press("返回列表")
    assert page.stack.currentWidget() is page.view
