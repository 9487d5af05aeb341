"""隔离待审: an administrator sees why and what is inside, and decides; the bureau only looks."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from desktop.ui.pages.held import HeldPage
from tests.gui.exchange_desks import Post, settle


def opened(qtbot: QtBot, post: Post, account: str) -> HeldPage:
    page = HeldPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(page._desk.jobs)
    return page


def put_aside(post: Post) -> str:
    """A bureau's edit after its seat was revoked."""
    entity = post.entity(3)
    session = post.desk("chenmin").session
    post.update("chenmin", "market_entity", entity, address="新地址")
    session.engine.cut()
    post.hub.ledger.revoke(session.device, "丢失")
    post.sync("chenmin", "wang")
    return entity


def test_an_administrator_rejects_and_releases(qtbot: QtBot, post: Post) -> None:
    put_aside(post)
    page = opened(qtbot, post, "wang")
    assert page.table.model.total == 1
    assert "吊销" in page.why.text()
    ((title, operation, _, values),) = page.inside.texts()
    assert (title, operation) == ("市场主体", "修改") and "新地址" in values
    assert page.release_action.isEnabled()
    page.reject()  # without a reason: nothing happens
    settle(page._desk.jobs)
    assert page.table.model.total == 1
    page.release()
    settle(page._desk.jobs)
    assert page.table.model.total == 0
    post.sync("wang")
    page.segments.choose("released")
    page._ask()
    settle(page._desk.jobs)
    assert "已放行入库" in page.why.text()
