"""陈敏's day: no network until four. The hub is a process of its own, the window the real one."""

from __future__ import annotations

import signal
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop.demo.cast import CHEN
from desktop.demo.station import Station
from shared.filters import Filter, Op
from tests.fixtures.samples import sample
from tests.fixtures.towns import Town, press, records_page, shell_of, standings, status_says
from tests.fixtures.typist import DOCUMENT, OFFENCE, typing

CTRL = Qt.KeyboardModifier.ControlModifier
TYPED = (
    "party_kind", "offence", "facts", "basis", "categories", "content", "fine", "confiscated",
    "decided_on", "valid_to", "published_until",
)  # fmt: skip


def party(station: Station) -> dict[str, Any]:
    """A market entity in business."""
    declared = station.desk.records.type("market_entity")
    return station.desk.records.first(declared, Filter(order="uscc").where("status", Op.EQ, "1"), 1)[0].values


def enter_penalty(station: Station, number: str) -> None:
    """By form: the credit code brings the name along, Ctrl+S saves."""
    page = records_page(station, "penalty", new=True)
    assert page.room is not None
    form, entity = page.room.form, party(station)
    form.jump_to("uscc")
    form.editor("uscc").set_raw(entity["uscc"])
    press(station, Qt.Key.Key_Return)
    assert form.raw()["party_name"] == entity["name"]
    raw = sample("penalty")
    wanted = {n: raw[n] for n in TYPED} | {"item": "CF0001", "document_no": number}
    for name, text in wanted.items():
        form.editor(name).set_raw(text)
    form.edited.emit()
    press(station, Qt.Key.Key_S, CTRL)
    assert "已保存" in page.messages.text(), form.summary_lines()


def test_entered_offline_it_is_at_the_hub_after_f9(town: Town, qtbot: QtBot) -> None:
    town.start_hub()
    chen = town.open(CHEN)
    status_says(chen, qtbot, pending="全部已入库")

    town.hub.stop()
    enter_penalty(chen, "宝罚〔2026〕0388号")
    enter_penalty(chen, "宝罚〔2026〕0389号")
    page = records_page(chen, "penalty")
    assert standings(page) == {"宝罚〔2026〕0388号": "待同步", "宝罚〔2026〕0389号": "待同步"}
    status_says(chen, qtbot, pending="待同步 2")

    press(chen, Qt.Key.Key_F9)
    assert "连不上中心" in page.messages.text()
    status_says(chen, qtbot, pending="待同步 2", online="离线")
    assert set(standings(page).values()) <= {"待同步", "已封装"}  # nothing lies

    town.hub.start()
    press(chen, Qt.Key.Key_F9)
    assert "同步完成" in page.messages.text()
    status_says(chen, qtbot, pending="全部已入库", online="在线")
    assert "最近回执" in shell_of(chen).status_text("receipt")
    assert standings(page) == {"宝罚〔2026〕0388号": "已入库", "宝罚〔2026〕0389号": "已入库"}
    log = town.hub.command("log", "--bureau", CHEN.bureau)
    assert "已入库" in log and "网络" in log


# --- the computer goes off ---------------------------------------------------------
def test_what_was_not_saved_is_there_again_after_a_crash(town: Town) -> None:
    chen = town.open(CHEN)
    entity = party(chen)
    chen.close()
    with typing(town.settings(CHEN).folder, entity["uscc"]) as process:
        process.kill()
        assert process.wait() == -signal.SIGKILL

    chen = town.open(CHEN)
    page = records_page(chen, "penalty")
    assert page.room is not None
    assert "上次有未保存的行政处罚" in page.messages.text() and DOCUMENT in page.messages.text()
    assert standings(page) == {}  # typed is not saved
    restore = next(b for b in page.findChildren(QPushButton) if b.text() == "恢复")
    restore.click()
    chen.settle()
    raw = page.room.form.raw()
    assert (raw["uscc"], raw["document_no"], raw["offence"]) == (entity["uscc"], DOCUMENT, OFFENCE)
    assert raw["party_name"] == entity["name"]
