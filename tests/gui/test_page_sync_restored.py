"""同步 after the hub came back from a backup: the page says what happened and that nothing need be done."""

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
        assert "中心从备份恢复过，本机有 6 条变更重新上报，无需办理。" in page.messages.text()
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
    assert "本机有 6 条变更重新上报；无需办理" in page.restored_bar.text()
    assert "6 条变更" in page.tiles.text("pending")
    by_stick()
    assert page.restored_bar.isHidden() and "全部已入库" in page.tiles.text("pending")
