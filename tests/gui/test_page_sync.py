"""同步: what waits, what came of it, and every way it can end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.media import MediaPage
from desktop.ui.pages.sync import SyncPage
from desktop.work.jobs import Jobs
from desktop.work.records import Row
from shared.filters import Filter
from shared.store import exchange
from shared.store.facts import write_number, write_text
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import Post, settle
from tests.gui.test_page_held import put_several_aside


@pytest.fixture
def address(post: Post) -> Iterator[str]:
    with serving(post.hub) as url:
        yield url


def opened(qtbot: QtBot, post: Post, account: str = "chenmin") -> SyncPage:
    page = SyncPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(page._desk.jobs)
    return page


def test_nothing_waits_and_it_says_so(qtbot: QtBot, post: Post) -> None:
    page = opened(qtbot, post)
    assert "全部已入库" in page.tiles.text("pending")
    assert "未设置中心地址" in page.tiles.text("online")
    assert page.sets.texts() == [] and page.types.texts() == []
    assert [row[6] for row in page.attempts.texts()] == ["成功"]  # the first load


def test_pending_changes_are_counted_by_type_and_go_up(
    qtbot: QtBot, post: Post, jobs: Jobs, address: str
) -> None:
    post.desk("chenmin").settings.set("hub_url", address)
    post.update("chenmin", "market_entity", post.entity(1), phone="021-1")
    post.update("chenmin", "market_entity", post.entity(1), phone="021-2")
    post.update("chenmin", "market_entity", post.entity(2), phone="021-3")
    page = opened(qtbot, post)
    assert page.types.texts() == [("市场主体", "2", "3")]
    assert page.sets.texts()[0][1] == "3" and page.sets.texts()[0][3] == "待同步"
    assert "在线" in page.tiles.text("online")
    QTest.mouseClick(page.sync_button, Qt.MouseButton.LeftButton)
    assert not page.sync_button.isEnabled() and page.job_line.busy
    settle(jobs)
    assert page.sync_button.isEnabled() and not page.job_line.busy
    assert "上报 3 条" in page.messages.text()
    assert [row[3] for row in page.sets.texts()] == ["已入库"]
    assert "全部已入库" in page.tiles.text("pending") and page.types.texts() == []
    with post.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT phone FROM market_entity WHERE id = ?", (post.entity(1),))
        assert found.scalar() == "021-2"


def test_without_a_network_everything_stays_and_media_is_offered(
    qtbot: QtBot, post: Post, jobs: Jobs
) -> None:
    post.desk("chenmin").settings.set("hub_url", "http://127.0.0.1:9")
    post.update("chenmin", "market_entity", post.entity(1), phone="021-1")
    page = opened(qtbot, post)
    asked: list[str] = []
    page.open_page.connect(lambda name, params: asked.append(name))
    page.sync_now()
    settle(jobs)
    assert "连不上中心" in page.messages.text() and "离线" in page.tiles.text("online")
    assert page.sets.texts()[0][3] == "已封装"
    assert page.attempts.texts()[0][6] == "失败" and "失败 1 次" in page.attempts.total_text
    page.messages._button.click()
    assert asked == ["media"]


def test_a_conflict_leads_to_its_page(qtbot: QtBot, post: Post, jobs: Jobs, address: str) -> None:
    post.update("linwei", "market_entity", post.entity(3), address="乙局的地址")
    post.sync("linwei")
    post.update("chenmin", "market_entity", post.entity(3), address="甲局的地址")
    post.desk("chenmin").settings.set("hub_url", address)
    page = opened(qtbot, post)
    asked: list[str] = []
    page.open_page.connect(lambda name, params: asked.append(name))
    page.sync_now()
    settle(jobs)
    assert page.sets.texts()[0][3] == "有冲突" and "1 个需要处理" in page.sets.total_text
    assert page.messages._button.text() == "处理冲突"
    page.messages._button.click()
    assert asked == ["conflicts"]


def test_all_is_not_well_while_a_conflict_of_this_seat_is_open(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    """Whichever of the two came first: the centre has taken both in, and somebody must decide."""
    post.update("linwei", "market_entity", post.entity(3), address="乙局的地址")
    post.update("chenmin", "market_entity", post.entity(3), address="甲局的地址")
    post.sync("chenmin", "linwei", "chenmin")
    for account in ("chenmin", "linwei"):
        page = opened(qtbot, post, account)
        assert page.tiles.text("pending") == "待同步：1 处冲突待处理，变更全部已入库"
        state = page._desk.syncing.state()
        assert not state.all_in and (state.work, state.conflicts, state.tone) == (0, 1, "wait")
        asked: list[str] = []
        page.open_page.connect(lambda name, params, asked=asked: asked.append(name))
        assert "1 处冲突待处理" in page.conflict_bar.text()
        page.conflict_bar._button.click()
        assert asked == ["conflicts"]
    assert opened(qtbot, post, "wang")._desk.syncing.state().conflicts == 0  # not about that seat
    conflicts = post.desk("linwei").conflicts
    conflicts.resolve(conflicts.open()[0].id, "theirs")
    post.sync("linwei", "chenmin")
    for account in ("chenmin", "linwei"):
        page = opened(qtbot, post, account)
        assert "全部已入库" in page.tiles.text("pending") and page.conflict_bar.isHidden()


def test_a_set_is_in_conflict_until_its_conflicts_are_decided(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    """The receipt is of its day: what was decided since must not be asked for any more."""
    for place in (3, 4):
        post.update("linwei", "market_entity", post.entity(place), address="乙局的地址")
        post.update("chenmin", "market_entity", post.entity(place), address="甲局的地址")
    post.sync("linwei", "chenmin", "linwei")
    page = opened(qtbot, post)
    assert page.sets.texts()[0][3] == "有冲突" and "1 个需要处理" in page.sets.total_text
    conflicts = post.desk("linwei").conflicts
    conflicts.resolve(conflicts.open()[0].id, "theirs")
    post.sync("linwei", "chenmin")
    page.load()
    settle(jobs)
    row = page.sets.texts()[0]
    assert row[3] == "有冲突" and row[4].startswith("2 处冲突中还有 1 处待处理")
    conflicts.resolve(conflicts.open()[0].id, "ours")
    post.sync("linwei", "chenmin")
    page.load()
    settle(jobs)
    row = page.sets.texts()[0]
    assert row[3] == "已入库" and row[4].startswith("冲突已处理完")
    assert "需要处理" not in page.sets.total_text and not page._desk.syncing.state().trouble


def test_the_lease_is_told_before_and_after_its_end(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    desk = post.desk("chenmin")
    page = opened(qtbot, post)
    assert page.lease_bar.text() == "" and "还有" in page.tiles.text("lease")
    for stamp, level in (("2026-10-27T09:00:00+08:00", "warning"), ("2025-01-01T09:00:00+08:00", "error")):
        with desk.session.store.write() as connection:
            write_text(connection, "evidence_at", stamp)
            write_number(connection, "lease_days", _days_to(desk, stamp, level))
        page.load()
        settle(jobs)
        assert page.lease_bar.level == level
    assert "只读" in page.tiles.text("lease")


def _days_to(desk: object, stamp: str, level: str) -> int:
    """A lease that ends in three days, or ended long ago."""
    from datetime import datetime

    from desktop.work.desk import Desk

    assert isinstance(desk, Desk)
    since = (desk.session.store.clock.now() - datetime.fromisoformat(stamp)).days
    return min(365, since + 3) if level == "warning" else 30


def test_a_synchronization_of_the_window_is_shown_here_too(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    page = opened(qtbot, post)
    seen: list[bool] = []
    jobs.run("同步", lambda progress: progress(1, 2, "正在上传"), lambda _: None, lane="write")
    jobs.started.connect(lambda job: seen.append(page.job_line.busy))
    settle(jobs)
    assert True in seen and not page.job_line.busy


def test_cancelling_is_no_failure(qtbot: QtBot, post: Post, jobs: Jobs, address: str) -> None:
    post.desk("chenmin").settings.set("hub_url", address)
    post.update("chenmin", "market_entity", post.entity(1), phone="021-1")
    page = opened(qtbot, post)
    job = page.sync_now()
    assert job is not None
    job.cancel()
    settle(jobs)
    assert "取消" in page.messages.text()
    with post.desk("chenmin").session.store.read() as connection:
        at = exchange.reach(connection)
    assert at.written > at.receipted


def test_what_the_centre_lacks_is_said_and_exported_again(
    qtbot: QtBot, post: Post, jobs: Jobs, tmp_path: Path
) -> None:
    session = post.desk("chenmin").session
    for number in range(3):
        post.update("chenmin", "market_entity", post.entity(number), phone=f"021-{number}")
        session.engine.cut()
    out, back = io.BytesIO(), io.BytesIO()
    with session.store.read() as connection:
        names = [s.cs_id for s in exchange.unreceipted(connection)]
    session.engine.prepare(out, "media", only=names[2:])
    out.seek(0)
    post.hub.handle(out, back)
    back.seek(0)
    session.engine.absorb(session.engine.open(back), "media")
    page = opened(qtbot, post)
    assert "中心缺第 1–2 号变更，后面的 1 个变更集已到中心" in page.missing_bar.text()
    asked: list[tuple[str, object]] = []
    page.open_page.connect(lambda name, params: asked.append((name, params)))
    page.missing_bar._button.click()
    assert asked == [("media", {"tab": "export", "lacking": ((1, 2),)})]
    media = MediaPage(post.desk("chenmin"))
    qtbot.addWidget(media)
    media.shown(asked[0][1])
    settle(jobs)
    plan = media.exporting.plan_facts.text()
    assert "2 条" in plan and "2 个：中心缺少的第 1–2 号" in plan
    assert media.exporting.types.texts() == [("市场主体", "2", "2")]  # not what waits there already
    post.sync("chenmin")
    page.load()
    settle(jobs)
    assert page.missing_bar.isHidden()


def test_sets_put_aside_tell_who_decides_and_what_was_decided(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    put_several_aside(post)
    post.sync("chenmin")
    page = opened(qtbot, post)
    said = {row[0]: row[4] for row in page.sets.texts()}
    assert "由中心管理员审核，决定后随下次同步或中心的回件送回" in said["1"] and "权限不符" in said["1"]
    held = post.desk("wang").held
    first, second, _ = sorted(everything(post, "wang"), key=lambda r: r.values["first"])
    held.decide([first.id], release=True, note="")
    held.decide([second.id], release=False, note="请换新证照")
    post.sync("wang", "chenmin")
    page.load()
    settle(jobs)
    said = {row[0]: row[3:5] for row in page.sets.texts()}
    assert said["1"][0] == "已入库" and "由中心管理员放行" in said["1"][1]
    assert said["2"][0] == "已退回"
    assert "由中心管理员退回：请换新证照" in said["2"][1] and "请按理由修改后重新录入" in said["2"][1]


def everything(post: Post, account: str) -> list[Row]:
    """All held sets somebody sees."""
    records = post.desk(account).records
    return records.first(records.type("held_set"), Filter(), 10)
