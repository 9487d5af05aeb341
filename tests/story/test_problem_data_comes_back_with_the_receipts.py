"""A bureau without any network: receipts and problem data come on one stick, what it mended goes back on the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from desktop.demo.cast import WANG, ZHOU
from desktop.demo.station import Station
from desktop.ui.pages.problems import ProblemsPage
from shared.filters import Filter, Op
from shared.standing import Standing
from tests.fixtures.samples import sample
from tests.fixtures.towns import Town, records_page, standings
from tests.story.test_a_month_by_stick_only import new_stick
from tests.story.test_stick_lost_nothing_lost import LABEL, click, enter_alerts, export_to, page_of

NUMBER = "宝文许〔2026〕0018号"


def enter_permit(zhou: Station) -> str:
    """A permit as the officer types it, the licence's number forgotten."""
    records = zhou.desk.records
    entity = records.first(records.type("market_entity"), Filter(order="uscc"), 1)[0].values
    item = records.first(records.type("approval_item"), Filter(), 1)[0].id
    raw = sample("permit", document_no=NUMBER, uscc=entity["uscc"], party_name=entity["name"], item=item)
    saved = records.save(records.type("permit"), {**raw, "licence_no": ""})
    zhou.settle()
    return saved.id


def problem(station: Station) -> dict[str, Any]:
    (row,) = station.desk.records.first(station.desk.problems.declared, Filter())
    return row.values


def problems_page(station: Station, **params: str) -> ProblemsPage:
    page = station.page("problems", **params)
    assert isinstance(page, ProblemsPage)
    station.settle()
    return page


def take(station: Station, page: ProblemsPage, name: str) -> None:
    """Take a step of the first problem in the list in front."""
    page.view.table.grid.selectRow(0)
    station.settle()
    made = next(a for a in page.offered() if a.text() == name)
    assert made.isEnabled()
    made.trigger()
    station.settle()


def import_from(zhou: Station, answer: Path) -> str:
    """导入, up to what the last page of it says."""
    flow = page_of(zhou, file=str(answer)).importing
    flow.medium.number.setText(LABEL)
    click(zhou, flow, "核验")
    click(zhou, flow, "下一步：写入本机")
    click(zhou, flow, "确认写入")
    said = f"{flow._result.text()}\n{flow.result_facts.text()}\n{flow.messages.text()}"
    click(zhou, flow, "完成")
    return said


def by_stick(town: Town, zhou: Station, number: int) -> str:
    """A stick to the centre and back."""
    package = export_to(zhou, new_stick(town, number))
    answer = package.with_name("回件.yzp")
    assert "已入库" in town.import_at_hub(package, answer)
    return import_from(zhou, answer)


def look_through(wang: Station, permit: str) -> None:
    """查找问题 in the centre's window; only what is missing in this permit is told."""
    page = problems_page(wang)
    page.show_finding()
    look = page.finding
    look.choice.setCurrentText("行政许可")
    look.look()
    wang.settle()
    look.none.click()
    at = next(n for n, f in enumerate(look.findings()) if (f.record_id, f.field) == (permit, "licence_no"))
    look.tick(at)
    look.tell.click()
    wang.settle()
    assert "已反馈 1 条问题数据" in page.messages.text()


def test_problem_data_comes_back_with_the_receipts(town: Town, qtbot: QtBot) -> None:
    town.start_hub()
    code = town.hub.invite(WANG.bureau, WANG.account, WANG.name, WANG.roles)
    Station(WANG, town.folder / WANG.account).enrol_online(town.hub.url, code)
    wang = town.open(WANG)
    zhou = town.open(ZHOU)
    zhou.settings.set("hub_url", "")  # no network at this bureau

    permit = enter_permit(zhou)
    assert "问题数据" not in by_stick(town, zhou, 1)
    wang.do(wang.program.sync_now())
    look_through(wang, permit)
    wang.do(wang.program.sync_now())

    # the receipts of the next stick and the problem come together
    enter_alerts(zhou, "青穗一店")
    said = by_stick(town, zhou, 2)
    assert "份回执" in said and "带来 1 条问题数据" in said
    assert standings(records_page(zhou, "alert")) == {"青穗一店": Standing.APPLIED}
    home = {i.queue: i for i in zhou.desk.todo.counts()}["open_problems"]
    assert (home.count, home.nearest) == (1, problem(zhou)["due_on"].isoformat())

    # mended at home, without any network
    page = problems_page(zhou, queue="open_problems")
    page.view.table.grid.selectRow(0)
    zhou.settle()
    page._open()
    zhou.settle()
    room = records_page(zhou, "permit", id=permit).room
    zhou.settle()
    assert room is not None and room.editing.record is not None and room.editing.record.id == permit
    room.form.fill({"licence_no": "JY90010000000018"})
    room.save()
    zhou.settle()
    take(zhou, problems_page(zhou, queue="open_problems"), "整改完成")
    assert problem(zhou)["state"] == "mended"

    # it goes back on the next stick; the centre looks and closes; the bureau hears of it
    by_stick(town, zhou, 3)
    wang.do(wang.program.sync_now())
    assert wang.desk.records.count(
        wang.desk.records.type("permit"), Filter().where("licence_no", Op.EQ, "JY90010000000018")
    ) == 1  # fmt: skip
    take(wang, problems_page(wang, queue="answered_problems"), "核销")
    wang.do(wang.program.sync_now())
    by_stick(town, zhou, 4)
    assert problem(zhou)["state"] == problem(wang)["state"] == "closed"
    assert {i.queue: i.count for i in zhou.desk.todo.counts()}["open_problems"] == 0
    assert not zhou.desk.syncing.state().trouble
