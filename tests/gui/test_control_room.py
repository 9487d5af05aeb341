"""单位与席位, 查找交换包, 审计核验: the centre's control room."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.choosing import Files
from desktop.ui.pages.sync_log import SyncLogPage
from desktop.work.media import MediumInfo
from server_stub import backup
from server_stub.devices import is_revoked, revocation, revoke_device
from shared.access import HUB_ACTOR
from shared.store.exchange import all_sets
from shared.store.store import Store
from sync.http import HttpCarrier
from tests.fixtures.devices import quiet
from tests.fixtures.hubs import PASSPHRASE, serving
from tests.gui.exchange_desks import Post, settle


class Chosen(Files):
    """Answers instead of a person."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path

    def to_save(self, parent: QWidget, title: str, name: str, kinds: str = "") -> Path | None:
        return self._path


def opened(qtbot: QtBot, post: Post, tab: str) -> SyncLogPage:
    page = SyncLogPage(post.desk("wang"))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"tab": tab})
    settle(post.desk("wang").jobs)
    return page


@pytest.fixture
def busy(post: Post, tmp_path: Path) -> tuple[Post, str]:
    """甲局 by network and by stick, 乙局 in conflict with it; the fingerprint of the stick's package."""
    post.update("linwei", "market_entity", post.entity(3), address="乙局的地址")
    post.sync("linwei")
    post.update("chenmin", "market_entity", post.entity(3), address="甲局的地址")
    post.sync("chenmin")
    post.update("chenmin", "market_entity", post.entity(6), phone="021-6")
    made = post.desk("chenmin").media.export(tmp_path, MediumInfo("1", "U-1"), quiet)
    post.hub.handle(io.BytesIO(made.path.read_bytes()), io.BytesIO(), carrier="media")
    post.sync("wang", "chenmin", "wang")
    return post, made.fingerprint_text


def by_name(rows: list[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in rows}


# --- where everybody stands ----------------------------------------------------------
def test_bureaus_and_their_seats(qtbot: QtBot, busy: tuple[Post, str]) -> None:
    page = opened(qtbot, busy[0], "seats")
    found = by_name(page.seats.bureaus.texts())
    assert set(found) == {"甲局", "乙局", "监管平台中心"}
    assert found["甲局"][0] == "1" and found["甲局"][3:] == ("今天", "0", "0", "0", "1")
    assert found["乙局"][2:4] == ("网络", "今天")
    assert "3 个" in page.seats.tiles.text("bureaus") and "3 个席位" in page.seats.tiles.text("heard")
    assert page.seats.seats.texts()[0][1] == "在用"


def test_a_seats_whole_history_and_the_way_to_the_log(qtbot: QtBot, busy: tuple[Post, str]) -> None:
    post, _ = busy
    page = opened(qtbot, post, "seats")
    page.seats.bureaus.select([r[0] for r in page.seats.bureaus.texts()].index("甲局"))
    settle(post.desk("wang").jobs)
    assert [row[0] for row in page.seats.seats.texts()] == ["甲局-01"]
    carriers = [row[1] for row in page.seats.history.texts()]
    assert carriers.count("介质") == 1 and "有冲突" in {row[4] for row in page.seats.history.texts()}
    page.seats._to_log()
    settle(post.desk("wang").jobs)
    assert page.tabs.current == "log" and page.log.table.model.total == len(carriers)


def test_what_is_pending_parked_and_silent(qtbot: QtBot, post: Post, tmp_path: Path) -> None:
    desk = post.desk("chenmin")
    for place in range(3):
        post.update("chenmin", "market_entity", post.entity(place), phone=f"021-{place}")
        desk.session.engine.cut()
    from tests.fixtures.devices import Device

    device = Device(
        desk.session.store, desk.session.device_keys, desk.session.engine, desk.session.actor,
        desk.session.grant, tmp_path, post.hub,
    )  # fmt: skip
    handled = post.hub.handle(io.BytesIO(device.export_only(3)), io.BytesIO())
    assert [s.status for s in handled.intake.sets] == ["parked"], handled.intake.sets
    with post.hub.store.unit(HUB_ACTOR) as unit:
        declared = post.hub.store.types["seat_state"]
        seat = declared.id_for_key(post.desk("linwei").session.device)
        long_ago = (post.hub.clock.now().replace(year=2025)).isoformat()
        unit.update(declared, seat, {"last_contact_at": long_ago}, proven=True)
    post.sync("wang")
    page = opened(qtbot, post, "seats")
    found = by_name(page.seats.bureaus.texts())
    assert found["甲局"][5] == "1"
    assert found["乙局"][3].endswith("天") and int(found["乙局"][3].split()[0]) > 300
    assert "1 个席位" in page.seats.tiles.text("silent") and "1 个变更集" in page.seats.tiles.text("held")


def test_the_overview_as_a_workbook(qtbot: QtBot, busy: tuple[Post, str], tmp_path: Path) -> None:
    from openpyxl import load_workbook

    post, _ = busy
    page = opened(qtbot, post, "seats")
    page.seats.files = Chosen(tmp_path / "seats.xlsx")
    page.seats.export()
    settle(post.desk("wang").jobs)
    assert "已导出 3 个席位" in page.messages.text()
    sheet = load_workbook(tmp_path / "seats.xlsx").worksheets[0]
    assert any("甲局-01" in str(cell.value) for row in sheet.iter_rows() for cell in row)


# --- look-up by fingerprint ------------------------------------------------------------
def test_a_package_is_found_by_what_the_sheet_says(qtbot: QtBot, busy: tuple[Post, str]) -> None:
    post, fingerprint = busy
    page = opened(qtbot, post, "traces")
    for typed in (fingerprint, fingerprint.replace(" ", "").lower(), fingerprint[:9]):
        page.traces.field.setText(typed)
        page.traces.look_up()
        settle(post.desk("wang").jobs)
        assert "同步日志" in [row[1] for row in page.traces.table.texts()]
        assert {row[4].replace(" ", "") for row in page.traces.table.texts()} == {fingerprint.replace(" ", "")}
    page.traces.field.setText("FFFF FFFF FFFF FFFF")
    page.traces.look_up()
    settle(post.desk("wang").jobs)
    assert page.traces.table.texts() == []
    page.traces.field.setText("不是指纹")
    page.traces.look_up()
    settle(post.desk("wang").jobs)
    assert "至少 8 位十六进制" in page.messages.text()


# --- proofs ------------------------------------------------------------------------------
def test_one_button_verifies_and_finds_a_changed_byte(qtbot: QtBot, busy: tuple[Post, str]) -> None:
    post, _ = busy
    desk = post.desk("wang")
    page = opened(qtbot, post, "proofs")
    page.proofs.button.click()
    settle(desk.jobs)
    assert "核验通过" in page.messages.text()
    assert {row[2] for row in page.proofs.results.texts()} == {"完整"}
    assert page.proofs.acts.texts()[0][2] == "核验审计链"
    with desk.session.store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = detail || '.' WHERE no = 1")
    page.proofs.button.click()
    settle(desk.jobs)
    assert "1 处不完整" in page.messages.text() and "第 1 条内容被改动" in page.messages.text()
    assert ("审计记录", "有问题") in {(row[0], row[2]) for row in page.proofs.results.texts()}


def test_the_button_also_verifies_the_hub(qtbot: QtBot, post: Post, tmp_path: Path) -> None:
    """Over real HTTP, then by stick after a byte was changed at the hub."""
    desk = post.desk("wang")
    page = opened(qtbot, post, "proofs")
    assert page.proofs.hub.isVisible() and page.proofs.hub.texts() == []
    page.proofs.button.click()
    settle(desk.jobs)
    assert desk.auditing.of_hub().wanted and page.proofs.hub.texts() == []
    with serving(post.hub) as url:
        done = desk.session.engine.sync(HttpCarrier(url), quiet)
    page.refresh(frozenset(done.received.types) | {"seat_state"})
    settle(desk.jobs)
    found = {row[0]: row[2] for row in page.proofs.hub.texts()}
    assert set(found) == {"数据库文件", "审计记录", "数据流", "设备变更集", "中心回执"}
    assert set(found.values()) == {"完整"} and not desk.auditing.of_hub().wanted

    with post.hub.store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = detail || '.' WHERE no = 1")
        connection.exec_driver_sql("DELETE FROM fact WHERE name = 'hub_proofs_began'")
    page.proofs.button.click()
    settle(desk.jobs)
    made = desk.media.export(tmp_path, MediumInfo("1", "U-1"), quiet)
    answer = tmp_path / "answer.yzp"
    with made.path.open("rb") as stream, answer.open("w+b") as out:
        post.hub.handle(stream, out, carrier="media")
    with answer.open("rb") as stream:
        desk.session.engine.absorb(desk.session.engine.open(stream), "media")
    page.refresh(frozenset({"exchange"}))
    settle(desk.jobs)
    told = {row[0]: row[2:] for row in page.proofs.hub.texts()}
    assert told["审计记录"] == ("有问题", "第 1 条内容被改动") and told["数据流"][0] == "完整"


def test_who_does_not_run_the_hub_sees_no_hub(qtbot: QtBot, post: Post) -> None:
    page = SyncLogPage(post.desk("linwei"))
    qtbot.addWidget(page)
    page.show()
    page.shown({"tab": "proofs"})
    page.proofs.button.click()
    settle(post.desk("linwei").jobs)
    assert not page.proofs.hub.isVisible() and not post.desk("linwei").auditing.of_hub().wanted


# --- a seat is revoked -----------------------------------------------------------------
def choose(page: SyncLogPage, bureau: str) -> None:
    page.seats.bureaus.select([r[0] for r in page.seats.bureaus.texts()].index(bureau))
    settle(page.seats._desk.jobs)


def test_an_administrator_revokes_a_seat(qtbot: QtBot, busy: tuple[Post, str], tmp_path: Path) -> None:
    post, _ = busy
    page = opened(qtbot, post, "seats")
    jobs = post.desk("wang").jobs
    choose(page, "监管平台中心")
    assert not page.seats._may_revoke()  # nobody ends the seat he sits at
    choose(page, "甲局")
    page.seats.revoke()
    panel = page.seats.panel
    assert panel.isVisible() and panel.form is not None
    panel._do.trigger()  # without a reason: asked for, nothing done
    settle(jobs)
    assert panel.isVisible() and page.seats.seats.texts()[0][1] == "在用"
    panel.form.set_raw({"revoke_reason": "电脑遗失"})
    panel._do.trigger()
    settle(jobs)
    choose(page, "甲局")
    assert not panel.isVisible() and page.seats.seats.texts()[0][1] == "已吊销"
    assert "甲局-01" in page.messages.text() and not page.seats._may_revoke()

    post.update("chenmin", "market_entity", post.entity(8), phone="021-8")
    post.sync("wang", "chenmin")
    session = post.desk("chenmin").session
    assert session.read_only and "电脑遗失" in session.lease.message
    assert [s.status for s in _sets(session.store)][-1] == "quarantined"


def _sets(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(reversed(all_sets(connection)))


def test_a_revocation_the_restored_hub_forgot_is_made_again_with_one_action(
    qtbot: QtBot, post: Post, tmp_path: Path
) -> None:
    """Revoked at the centre's console after the backup: only who had heard of it still knows."""
    post.sync("wang")
    file, _ = backup.make(post.hub, tmp_path / "before.yzbackup")
    seat = post.desk("chenmin").session.device
    revoke_device(post.hub.store, seat, "电脑被盗")
    post.sync("wang")
    assert opened(qtbot, post, "seats").seats.forgotten_bar.isHidden()
    post.hub.close()
    folder = post.stage.folder
    backup.restore(file, f"sqlite:///{folder / 'hub.db'}", folder / "hub", PASSPHRASE)
    post.hub = post.stage.hub()
    post.sync("wang")
    page = opened(qtbot, post, "seats")
    bar = page.seats.forgotten_bar
    assert "吊销没有恢复：甲局 甲局-01（" in bar.text() and "电脑被盗" in bar.text()
    if photos := os.environ.get("YIZHAN_PHOTOS"):
        page.grab().save(str(Path(photos) / "forgotten.png"))
    bar._button.click()
    settle(post.desk("wang").jobs)
    assert bar.isHidden() and "已重新登记吊销 1 个席位" in page.messages.text()
    post.sync("wang", "chenmin")
    with post.hub.store.read() as connection:
        at, reason = revocation(connection, seat)
        assert is_revoked(connection, seat) and at and reason.startswith("电脑被盗（中心恢复后重新办理")
    assert post.desk("chenmin").session.read_only
    assert opened(qtbot, post, "seats").seats.forgotten_bar.isHidden()
