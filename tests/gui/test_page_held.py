"""隔离待审: an administrator sees why and what is inside, and decides; the bureau only looks."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel
from pytestqt.qtbot import QtBot

from desktop.ui.pages.held import HeldPage
from shared.fictitious import market_entities
from tests.fixtures.devices import Direct, quiet
from tests.fixtures.hubs import DIVISION
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
    assert "吊销" in page.why.text() and "席位：甲局-01　第 1 号变更，填报人：陈敏" in page.why.text()
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


def put_several_aside(post: Post) -> None:
    """Three sets of a seat whose account was frozen: a new record, an edit of it, an edit of another."""
    session = post.desk("chenmin").session
    post.freeze("chenmin")
    shop = dict(next(iter(market_entities(1, DIVISION, 71))))
    new = post.insert("chenmin", "market_entity", **shop)
    session.engine.cut()
    post.update("chenmin", "market_entity", post.entity(3), address="新地址")
    session.engine.cut()
    session.engine.sync(Direct(post.hub), quiet)
    post.freeze("chenmin", "active")
    post.update("chenmin", "market_entity", new, address="改过的地址")
    post.sync("chenmin", "wang")


def test_several_are_decided_with_one_action(qtbot: QtBot, post: Post) -> None:
    put_several_aside(post)
    page = opened(qtbot, post, "wang")
    assert page.table.model.total == 3
    (lacking,) = [r for r in range(3) if page.table.model.row_at(r).values["kind"] == "missing"]
    page.table.grid.selectRow(lacking)
    settle(page._desk.jobs)
    assert "请一并选中放行" in page.why.text()
    assert not page.release_action.isEnabled() and page.reject_action.isEnabled()
    page.table.grid.selectAll()
    settle(page._desk.jobs)
    many = page.many
    assert page._right.currentWidget() is many
    assert many.kinds.text() == "隔离原因：权限不符 2 个、缺少前提 1 个"
    assert {texts[3] for texts in many.table.texts()} == {"可以放行或退回"}
    assert not many.reject.isEnabled()  # a return needs its reason
    many.release.click()
    assert not many.question.isHidden()
    assert "放行 3 个变更集（权限不符 2 个、缺少前提 1 个），共 3 条变更" in many.asked.text()
    assert page.table.model.total == 3  # nothing is decided before the question is answered
    many.yes.click()
    settle(page._desk.jobs)
    assert page.table.model.total == 0
    assert page._right.currentWidget() is many  # what became of them stays to be read
    assert [texts[3] for texts in many.table.texts()] == ["已放行"] * 3
    post.sync("wang", "chenmin")
    page.refresh(frozenset({"held_set"}))
    settle(page._desk.jobs)
    assert page._right.currentWidget() is many  # what it says is as true after the round as before
    assert many.kinds.text() == "决定经同步由中心办理；中心办不成的会回到“待审”并写明原因。"
    assert post.desk("chenmin").syncing.state().held_back == 0
    assert post.value("wang", "market_entity", post.entity(3), "address") == "新地址"


def test_what_cannot_be_decided_is_named_with_why(qtbot: QtBot, post: Post) -> None:
    put_several_aside(post)
    page = opened(qtbot, post, "wang")
    kinds = [page.table.model.row_at(r).values for r in range(3)]
    wanted = [r for r, one in enumerate(kinds) if one["kind"] == "missing" or "修改" in one["summary"]]
    page.table.grid.clearSelection()
    both = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in wanted:
        page.table.grid.selectionModel().select(page.table.model.index(row, 0), both)
    settle(page._desk.jobs)
    assert len(page.many.chosen) == 2 and len(page.many.able(release=True)) == 1
    page.many.release.click()
    assert "另有 1 个不能放行" in page.many.asked.text()
    page.many.yes.click()
    settle(page._desk.jobs)
    first, second = page.many.table.texts()
    assert "没有处理：所改的记录在另一个待审的变更集里，请一并选中放行" in first[3] and second[3] == "已放行"
    assert "已放行 1 个，1 个没有处理。甲局 第 3 号：所改的记录" in page.messages.text()
    assert page.table.model.total == 2


def test_a_bureau_looks_and_is_told_who_decides(qtbot: QtBot, post: Post) -> None:
    put_several_aside(post)
    post.sync("chenmin")
    page = opened(qtbot, post, "chenmin")
    assert page.table.model.total == 3
    assert "由中心管理员处理" in page.why.text()
    assert not page.release_action.isEnabled() and not page.reject_action.isEnabled()
