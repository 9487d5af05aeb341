"""N1: a stick is lost between bureau and hub, and turns up when nobody waits for it any more."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.demo.cast import ZHOU
from desktop.demo.station import Station
from desktop.ui.media.flow import Flow
from desktop.ui.pages.media import MediaPage
from desktop.work.jobs import Progress
from desktop.work.media import AppliedReport, MediumInfo
from desktop.work.media_report import Verdict
from shared.filters import Filter
from shared.standing import Standing
from tests.fixtures.samples import sample
from tests.fixtures.towns import Town, records_page, standings, status_says

LABEL = "U-2026-001"


def stick(town: Town, name: str) -> Path:
    """A stick, in its slot."""
    folder = town.folder / name
    folder.mkdir()
    return folder


def enter_alerts(station: Station, *titles: str) -> None:
    """Alerts about an entity nobody else touches."""
    records = station.desk.records
    entity = records.first(records.type("market_entity"), Filter(order="uscc"), 1)[0].values
    today = station.desk.store.clock.today() - timedelta(days=1)
    about = {"uscc": entity["uscc"], "raised_on": today.isoformat()}
    for title in titles:
        records.save(records.type("alert"), sample("alert", entity_name=title, **about))
    station.settle()


def page_of(station: Station, **params: str) -> MediaPage:
    page = station.page("media", **params)
    assert isinstance(page, MediaPage)
    return page


def click(station: Station, flow: Flow, text: str) -> None:
    flow.button(text).click()
    station.settle()


def export_to(station: Station, folder: Path) -> Path:
    """导出, as the person goes through it; gives the file on the stick."""
    flow = page_of(station, tab="export").exporting
    click(station, flow, "下一步")
    flow.medium.folder.set_path(folder)
    flow.medium.number.setText(LABEL)
    click(station, flow, "写入介质")
    result = flow.result()
    assert result is not None, flow.messages.text()
    click(station, flow, "下一步：打印交接单")
    click(station, flow, "完成")
    return result.path


def planned(station: Station) -> str:
    """What the first step of 导出 says would go."""
    flow = page_of(station, tab="export").exporting
    return flow.plan_facts.text()


def import_from(station: Station, file: Path) -> None:
    """导入 of an answer, as the person goes through it."""
    flow = page_of(station, file=str(file)).importing
    flow.medium.number.setText(LABEL)
    click(station, flow, "核验")
    assert flow.received is not None, flow.messages.text()
    assert flow.received.report.verdict is Verdict.APPLY, flow.received.report.problems
    click(station, flow, "下一步：写入本机")
    click(station, flow, "确认写入")
    assert "已入库" in flow._result.text()
    click(station, flow, "完成")


def take_in(station: Station, file: Path) -> AppliedReport:
    """The same without the window."""
    received = station.desk.media.receive(file, Progress())
    try:
        return station.desk.media.apply(received, MediumInfo("1", LABEL), Progress())
    finally:
        received.close()
        station.settle()


def at_hub(town: Town) -> dict[str, str]:
    """How far each stream and device has come at the hub, but for the log of exchanges."""
    said = town.hub.command("status")
    found = dict(re.findall(r"^(\S+) .*?([\d,]+)$", said, re.MULTILINE))
    assert found.pop("admin") and "common" in found
    return found


def test_a_lost_stick_loses_nothing_and_harms_nothing_when_it_turns_up(town: Town, qtbot: QtBot) -> None:
    zhou = town.open(ZHOU)
    titles = ("青穗一店", "青穗二店", "青穗三店")
    enter_alerts(zhou, *titles)
    status_says(zhou, qtbot, pending="待同步 3")

    first = stick(town, "stick-1")
    lost = export_to(zhou, first)
    drawer = town.folder / "behind-the-drawer"
    shutil.copytree(first, drawer)
    shutil.rmtree(first)

    # nothing is given up: all of it is here, says so, and can be exported again
    assert standings(records_page(zhou, "alert")) == dict.fromkeys(titles, Standing.SEALED)
    status_says(zhou, qtbot, pending="待同步 3　交换记录 2")  # with the medium and the hand-over sheet
    enter_alerts(zhou, "青穗四店")
    assert "6 条" in planned(zhou) and "其中 2 个以前导出过" in planned(zhou)
    again = export_to(zhou, stick(town, "stick-2"))
    assert again.name != lost.name
    status_says(zhou, qtbot, pending="待同步 4　交换记录 3")

    # the second stick arrives; its answer comes back later
    answer = again.with_name("回件.yzp")
    # three alerts and their paper, one more and its paper
    assert "4 个变更集，7 条变更，已入库" in town.import_at_hub(again, answer)
    whole = at_hub(town)
    assert standings(records_page(zhou, "alert")) == dict.fromkeys([*titles, "青穗四店"], Standing.SEALED)
    import_from(zhou, answer)
    known = dict.fromkeys([*titles, "青穗四店"], Standing.APPLIED)
    assert standings(records_page(zhou, "alert")) == known
    status_says(zhou, qtbot, pending="全部已入库　交换记录 1")  # of this import

    # somebody finds the lost stick and takes it to the hub
    late_answer = drawer / "迟到的回件.yzp"
    town.import_at_hub(drawer / lost.name, late_answer)
    late = at_hub(town)  # one line more in the bureau's stream: that this stick arrived after all
    (grown,) = (name for name in whole if late[name] != whole[name])
    assert grown.startswith("bureau:") and int(late[grown]) == int(whole[grown]) + 1
    take_in(zhou, late_answer)
    assert [m.word for m in zhou.desk.media.register.movements() if m.way == "out"] == ["已送达"] * 2
    assert standings(records_page(zhou, "alert")) == known

    # and life goes on: the next export is taken in as if nothing had happened
    enter_alerts(zhou, "青穗五店")
    third = export_to(zhou, stick(town, "stick-3"))
    next_answer = third.with_name("回件.yzp")
    # the alert, two intake records and the hand-over of this very stick
    assert "4 条变更，已入库" in town.import_at_hub(third, next_answer)
    import_from(zhou, next_answer)
    assert standings(records_page(zhou, "alert")) == known | {"青穗五店": Standing.APPLIED}
    assert not zhou.desk.syncing.state().trouble
