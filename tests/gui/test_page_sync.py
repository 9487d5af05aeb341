"""同步: what waits, what came of it, and every way it can end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.sync import SyncPage
from desktop.work.jobs import Jobs
from shared.store import exchange
from shared.store.facts import write_number, write_text
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import Post, settle


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
