"""An inspector's photos: taken in on the spot without a network, brought home over a line that keeps breaking."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.demo.cast import CHEN
from desktop.demo.station import Station
from desktop.work.attached import DELIVERED, TO_SEND
from desktop.work.attaching import Source
from shared.filters import Filter, Op
from tests.fixtures.attached import scan
from tests.fixtures.photos import PDF, photo
from tests.fixtures.towns import Town, press, shell_of, status_says
from tests.fixtures.wires import bad_line

CUT_AFTER = 3_000_000
"""Bytes the line lets through before it drops: twenty seconds at 1.2 Mbit/s."""


def dossier(chen: Station):  # type: ignore[no-untyped-def]
    """The file of the first entity in business, on the screen."""
    records = chen.desk.records
    declared = records.type("market_entity")
    row = records.first(declared, Filter(order="uscc").where("status", Op.EQ, "1"), 1)[0]
    page = shell_of(chen).open("entities", {"id": row.id})
    chen.settle()
    return page.dossier.photos


def test_photos_come_home(town: Town, qtbot: QtBot, tmp_path: Path) -> None:
    town.start_hub()
    chen = town.open(CHEN)
    status_says(chen, qtbot, pending="全部已入库")
    town.hub.stop()

    strip = dossier(chen)
    strip.add([Source("门头.jpg", data=photo(1600, 1200)), Source("合同扫描件.pdf", data=PDF + scan(12_000_000))])
    chen.settle()
    assert sorted(t.rpartition("\n")[2] for t in strip.texts()) == [TO_SEND, TO_SEND]
    press(chen, Qt.Key.Key_F9)
    chen.settle()
    assert sorted(t.rpartition("\n")[2] for t in strip.texts()) == [TO_SEND, TO_SEND]  # nothing lies

    town.hub.start()
    settings = chen.desk.settings
    with bad_line(settings.hub_url) as line:
        line.up = CUT_AFTER
        straight = settings.hub_url
        settings.set("hub_url", line.url)
        press(chen, Qt.Key.Key_F9)
        chen.settle()
        for _ in range(5):  # what the day brings: the next synchronization goes on
            if all(t.endswith(DELIVERED) for t in strip.texts()):
                break
            press(chen, Qt.Key.Key_F9)
            chen.settle()
        settings.set("hub_url", straight)
    assert line.cuts >= 3
    assert [t.rpartition("\n")[2] for t in strip.texts()] == [DELIVERED, DELIVERED]
    assert line.passed_up < 1.4 * 13_000_000
    log = town.hub.command("log", "--bureau", CHEN.bureau)
    assert "附件" in log
    held = [p for p in town.hub._folder.rglob("attachments/??/*") if p.is_file()]
    assert len(held) == 2


