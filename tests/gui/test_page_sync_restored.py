"""同步 after the hub came back from a backup: the page says what happened and what may come of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.sync import SyncPage
from desktop.work.jobs import Jobs
from server_stub import backup
from tests.fixtures.devices import handle
from tests.fixtures.hubs import PASSPHRASE, serving
from tests.gui.exchange_desks import Post, settle


@pytest.fixture
def page(qtbot: QtBot, post: Post, tmp_path: Path) -> SyncPage:
    """Two changes are in the backup, six came after it; the hub stands as it was then."""
    for n in range(2):
        post.update("chenmin", "market_entity", post.entity(n + 1), phone=f"021-{n}")
    post.sync("chenmin")
    file, _ = backup.make(post.hub, tmp_path / "before.yzbackup")
    for n in range(6):
        post.update("chenmin", "market_entity", post.entity(n + 5), phone=f"021-{n}")
    post.sync("chenmin")
    post.hub.close()
    folder = post.stage.folder
    backup.restore(file, f"sqlite:///{folder / 'hub.db'}", folder / "hub", PASSPHRASE)
    post.hub = post.stage.hub()
    made = SyncPage(post.desk("chenmin"))
    qtbot.addWidget(made)
    made.resize(1206, 700)
    made.show()
    return made


def test_by_network_the_notice_says_it(page: SyncPage, post: Post, jobs: Jobs) -> None:
    with serving(post.hub) as url:
        post.desk("chenmin").settings.set("hub_url", url)
        page.shown({})
        settle(jobs)
        QTest.mouseClick(page.sync_button, Qt.MouseButton.LeftButton)
        settle(jobs)
        assert "中心从备份恢复过，本机有 6 条变更重新上报；如有新的冲突会出现在“冲突”页。" in page.messages.text()
        assert page.restored_bar.isHidden() and "全部已入库" in page.tiles.text("pending")
        QTest.mouseClick(page.sync_button, Qt.MouseButton.LeftButton)
        settle(jobs)
        assert "恢复过" not in page.messages.text()  # said once


def test_by_stick_the_bar_stays_until_everything_is_signed_for(page: SyncPage, post: Post, jobs: Jobs) -> None:
    engine = post.desk("chenmin").session.engine

    def by_stick() -> None:
        out = io.BytesIO()
        engine.prepare(out, "media")
        engine.absorb(engine.open(io.BytesIO(handle(post.hub, out.getvalue())[1])), "media")
        page.load()
        settle(jobs)

    by_stick()
    assert "本机有 6 条变更重新上报，照常同步" in page.restored_bar.text()
    assert "如有新的冲突会出现在“冲突”页" in page.restored_bar.text()
    assert "6 条变更" in page.tiles.text("pending")
    by_stick()
    assert page.restored_bar.isHidden() and "全部已入库" in page.tiles.text("pending")


def test_a_revocation_the_hub_forgot_leaves_the_page(
    qtbot: QtBot, post: Post, jobs: Jobs, tmp_path: Path
) -> None:
    """The tile says 已吊销, not that a term is over; after the restore it is the ordinary one again."""
    file, _ = backup.make(post.hub, tmp_path / "before.yzbackup")
    desk = post.desk("chenmin")
    post.hub.ledger.revoke(desk.session.device, "电脑被盗")
    post.sync("chenmin")
    page = SyncPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.load()
    settle(jobs)
    said = page.tiles.text("lease")
    assert "已吊销" in said and "起不能录入" in said
    assert "已到期" not in said and "有过联系" not in said
    assert "由中心管理员审核" in page.lease_bar.text()
    post.hub.close()
    folder = post.stage.folder
    backup.restore(file, f"sqlite:///{folder / 'hub.db'}", folder / "hub", PASSPHRASE)
    post.hub = post.stage.hub()
    post.sync("chenmin")
    page.load()
    settle(jobs)
    assert "今天与中心有过联系" in page.tiles.text("lease") and page.lease_bar.isHidden()
