"""The program is killed while it writes to a stick: no paper says that something was handed over which never was."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop.demo.cast import ZHOU
from desktop.demo.station import Station
from desktop.work.media_register import UNSURE
from shared.filters import Filter
from shared.standing import Standing
from tests.fixtures.exporter import NAMED, READING_BACK, SEALING, SURE, killed_while_exporting
from tests.fixtures.towns import Town, records_page, standings, status_says
from tests.story.test_stick_lost_nothing_lost import enter_alerts, export_to, import_from, page_of, stick

TITLE = "停电那天的预警"


def went_out(zhou: Station) -> list[str]:
    """What the register on the screen says of everything that was handed over."""
    page = page_of(zhou, tab="register")
    zhou.settle()
    return [row[6] for row in page.register.table.texts() if row[6] != "全部入库"]


@pytest.mark.parametrize("place", [SEALING, READING_BACK, SURE, NAMED])
def test_what_was_never_handed_over_is_void_at_the_next_start(town: Town, qtbot: QtBot, place: str) -> None:
    zhou = town.open(ZHOU)
    enter_alerts(zhou, TITLE)
    zhou.close()
    first = stick(town, "stick-1")
    killed_while_exporting(town.folder / ZHOU.account, first, place)
    packages = sorted(first.glob("*.yzp"))
    assert len(packages) == (place == NAMED)  # whatever else lies there does not look like a package

    zhou = town.open(ZHOU)
    if place == NAMED:  # nobody was told “可以拔出”, but it is there and right, and so says the register
        assert went_out(zhou) == ["已交出"]
    else:
        assert went_out(zhou) == []
        packages = [export_to(zhou, stick(town, "stick-2"))]
        assert went_out(zhou) == ["已交出"]
    answer = packages[0].with_name("回件.yzp")
    assert "已入库" in town.import_at_hub(packages[0], answer)
    import_from(zhou, answer)
    assert went_out(zhou) == ["已送达"]
    assert standings(records_page(zhou, "alert")) == {TITLE: Standing.APPLIED}
    status_says(zhou, qtbot, pending="全部已入库　交换记录 1")
    records = zhou.desk.records
    assert records.count(records.type("conflict"), Filter()) == 0


def test_without_the_stick_nobody_says_that_it_was_handed_over(town: Town) -> None:
    """Killed in the last moment, and the stick was pulled out: it may be whole or a draft."""
    zhou = town.open(ZHOU)
    enter_alerts(zhou, TITLE)
    zhou.close()
    first = stick(town, "stick-1")
    killed_while_exporting(town.folder / ZHOU.account, first, SURE)
    away = first.rename(first.with_name("away"))

    zhou = town.open(ZHOU)
    page = page_of(zhou, tab="register")
    zhou.settle()
    assert [row[7] for row in page.register.table.texts()] == [UNSURE]
    zhou.close()
    away.rename(first)

    zhou = town.open(ZHOU)
    zhou.settle()
    assert went_out(zhou) == []
