"""A bureau that never has a network works four weeks by stick alone: words, photos, a lost stick, and peace at the end."""

from __future__ import annotations

import shutil
from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.demo.cast import ZHOU
from desktop.demo.station import Station
from desktop.ui.media.flow import Flow
from desktop.work.attached import DELIVERED
from desktop.work.attaching import Source
from desktop.work.jobs import Progress
from shared.filters import Filter
from shared.standing import Standing
from tests.fixtures.photos import photo
from tests.fixtures.towns import Town, records_page, standings, status_says
from tests.story.test_stick_lost_nothing_lost import LABEL, click, enter_alerts, import_from, page_of

SHADES = ("teal", "navy", "olive", "maroon")


def new_stick(town: Town, number: int) -> Path:
    folder = town.folder / f"stick-{number}"
    folder.mkdir()
    return folder


def export_to(zhou: Station, folder: Path, label: str) -> Path:
    """导出 with photos, in the window; gives the file of changes."""
    flow: Flow = page_of(zhou, tab="export").exporting
    click(zhou, flow, "下一步")
    flow.medium.folder.set_path(folder)  # type: ignore[attr-defined]
    flow.medium.number.setText(label)  # type: ignore[attr-defined]
    click(zhou, flow, "写入介质")
    result = flow.result()  # type: ignore[attr-defined]
    assert result is not None, flow.messages.text()
    click(zhou, flow, "下一步：打印交接单")
    assert "附件包 1" in flow.sheet_facts.text()  # type: ignore[attr-defined]
    click(zhou, flow, "完成")
    return Path(result.path)


def attach(zhou: Station, week: int) -> str:
    """A photo to an entity; returns the entity's id."""
    records = zhou.desk.records
    declared = records.type("market_entity")
    entity = records.first(declared, Filter(order="uscc"), 1)[0].id
    added = zhou.desk.attachments.add(
        declared, entity, [Source(f"第{week}周.jpg", data=photo(shade=SHADES[week]))], Progress()
    )
    assert not added.refused
    zhou.settle()
    return str(entity)


def test_four_weeks_without_any_network(town: Town, qtbot: QtBot) -> None:
    zhou = town.open(ZHOU)  # the hub does not run: nothing answers at its address
    known: dict[str, str] = {}
    for week in range(4):
        title = f"第{week + 1}周巡查"
        enter_alerts(zhou, title)
        entity = attach(zhou, week)
        stick = new_stick(town, week)
        package = export_to(zhou, stick, LABEL)
        state = zhou.desk.syncing.state()
        assert state.pending_changes == state.sealed > 0  # handing over adds nothing behind the package
        if week == 1:  # lost on its way: nobody ever finds it
            shutil.rmtree(stick)
            known[title] = Standing.SEALED
            assert standings(records_page(zhou, "alert")) == known
            continue
        answer = package.with_name("回件.yzp")
        said = town.import_at_hub(package, answer)
        assert "已入库" in said and "附件包" in said and "不在介质上" not in said
        import_from(zhou, answer)
        known = dict.fromkeys([*known, title], Standing.APPLIED)
        assert standings(records_page(zhou, "alert")) == known
        # all work is in, and it says so; what the exchange notes about itself is told apart: this week's
        # intake record, once also that the lost photos need not be waited for; it never grows
        status_says(zhou, qtbot, pending=f"全部已入库　交换记录 {2 if week == 2 else 1}")
    photos = zhou.desk.attachments.of_entity(entity)
    assert [p.state for p in photos] == [DELIVERED] * 4
    words = [m.word for m in zhou.desk.media.register.movements() if m.way == "out"]
    # per week the changes and their photos; of the lost week the content came with the next stick
    assert sorted(words) == sorted(["已送达"] * 6 + ["已另行送达"] * 2)
    assert not zhou.desk.syncing.state().trouble
    records = zhou.desk.records
    assert records.count(records.type("conflict"), Filter()) == 0
    page = page_of(zhou, tab="register")
    zhou.settle()
    assert {row[6] for row in page.register.table.texts()} == {"已送达", "已另行送达", "全部入库"}
