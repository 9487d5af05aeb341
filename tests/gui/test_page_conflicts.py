"""冲突: seen by everybody concerned, decided by administrators, sent back to both."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.conflicts import ConflictsPage
from desktop.work.jobs import Jobs
from shared.access import HUB_ACTOR
from tests.gui.exchange_desks import Post, settle


def dispute(post: Post) -> str:
    """Two bureaus gave one entity two addresses; everybody knows of it."""
    entity = post.entity(3)
    post.update("chenmin", "market_entity", entity, address="甲局的地址")
    post.update("linwei", "market_entity", entity, address="乙局的地址")
    post.sync("chenmin", "linwei", "chenmin", "wang")
    return entity


def opened(qtbot: QtBot, post: Post, account: str) -> ConflictsPage:
    page = ConflictsPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    _settle(page)
    return page


def _settle(page: ConflictsPage) -> None:
    settle(page._desk.jobs)


def address(post: Post, account: str, entity: str) -> str:
    records = post.desk(account).records
    row = records.get(records.type("market_entity"), entity)
    assert row is not None
    return str(row.values["address"])


def test_no_conflicts(qtbot: QtBot, post: Post) -> None:
    page = opened(qtbot, post, "linwei")
    assert page.table.model.total == 0 and page.segments.count_text("open") == "0"
    assert "没有待处理" in page.table.grid.accessibleDescription()
    assert not page._may_decide()


def test_both_values_with_person_bureau_and_time(qtbot: QtBot, post: Post) -> None:
    dispute(post)
    page = opened(qtbot, post, "linwei")
    words = page.panel.words()
    for said in ("甲局的地址", "陈敏", "甲局", "乙局的地址", "林伟", "乙局", "住所"):
        assert said in words
    assert page.table.model.text_at(0, 3) == "甲局的地址"


def test_an_officer_may_look_but_not_decide(qtbot: QtBot, post: Post) -> None:
    dispute(post)
    page = opened(qtbot, post, "chenmin")
    assert "由单位管理员或中心管理员办理" in page.panel.words()
    page.panel.choose("theirs")
    assert not page.panel.ready and page.decide() is None


def test_the_decision_travels_to_both(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    entity = dispute(post)
    page = opened(qtbot, post, "linwei")
    assert not page.panel.ready
    page.panel.choose("theirs")
    assert page.panel.ready
    page.decide()
    _settle(page)
    assert "已处理" in page.messages.text() and page.table.model.total == 0
    page.segments.choose("resolved")
    _settle(page)
    assert "改用未采用的值：乙局的地址" in page.panel.words() and "林伟" in page.panel.words()
    assert not page.panel.ready
    post.sync("linwei", "chenmin")
    assert address(post, "chenmin", entity) == address(post, "linwei", entity) == "乙局的地址"


def test_a_third_value_is_checked_like_any_other(qtbot: QtBot, post: Post) -> None:
    entity = post.entity(5)
    post.update("chenmin", "market_entity", entity, established_on=_day("2019-01-01"))
    post.update("linwei", "market_entity", entity, established_on=_day("2019-02-02"))
    post.sync("chenmin", "linwei")
    page = opened(qtbot, post, "linwei")
    page.panel.choose("other")
    editor = page.panel.editor
    assert editor is not None and editor.isVisible()
    editor.set_raw("2019-13-45")
    page.decide()
    _settle(page)
    assert page.panel._problem.text() and page.messages.text() == ""
    editor.set_raw("20190303")
    page.decide()
    _settle(page)
    assert "已处理" in page.messages.text()
    records = post.desk("linwei").records
    row = records.get(records.type("market_entity"), entity)
    assert row is not None and str(row.values["established_on"]) == "2019-03-03"


def test_a_conflict_decided_elsewhere_meanwhile(qtbot: QtBot, post: Post) -> None:
    dispute(post)
    page = opened(qtbot, post, "linwei")
    page.panel.choose("ours")
    conflicts = post.desk("linwei").conflicts
    conflicts.resolve(conflicts.open()[0].id, "theirs")
    page.decide()
    _settle(page)
    assert "已由" in page.messages.text() and page.table.model.total == 0


def test_a_deletion_against_an_edit_is_told_in_the_list(qtbot: QtBot, post: Post) -> None:
    edited, deleted = post.entity(3), post.entity(4)
    for first, then, record in (("linwei", "chenmin", edited), ("chenmin", "linwei", deleted)):
        session = post.desk(first).session
        with session.store.unit(session.actor) as unit:
            unit.delete(session.store.types["market_entity"], record, "重复录入")
        post.update(then, "market_entity", record, phone="021-1")
    post.sync("linwei", "chenmin", "linwei")
    page = opened(qtbot, post, "linwei")
    shown = {(row[3], row[4]) for row in _cells(page)}
    assert shown == {("已作废", "修改"), ("修改后保留", "作废")}
    assert {row[2] for row in _cells(page)} == {"整条记录（一方作废，一方修改）"}


def _cells(page: ConflictsPage) -> list[list[str]]:
    model = page.table.model
    return [[model.text_at(row, at) for at in range(len(model.columns))] for row in range(model.total)]


def test_the_value_both_had_seen_stands_beside_them(qtbot: QtBot, post: Post) -> None:
    entity = post.entity(3)
    before = address(post, "chenmin", entity)
    dispute(post)
    page = opened(qtbot, post, "linwei")
    words = page.panel.words()
    assert f"原值：{before}" in words and "中心现值：甲局的地址" in words and "未采用的值：乙局的地址" in words
    assert "<u>" in page.panel._theirs._value.text()


@pytest.mark.parametrize(("account", "own"), [("chenmin", "陈敏"), ("linwei", "林伟"), ("wang", "")])
def test_whose_value_is_whose_is_true_for_whoever_looks(
    qtbot: QtBot, post: Post, account: str, own: str
) -> None:
    dispute(post)
    if account == "linwei":
        post.sync("linwei")
    page = opened(qtbot, post, account)
    said = page.panel.words()
    assert "中心现值：甲局的地址，陈敏" in said and "未采用的值：乙局的地址，林伟" in said
    assert [one for one in ("陈敏", "林伟") if f"{one}（本席位）" in said] == ([own] if own else [])
    conflicts = post.desk("linwei").conflicts
    conflicts.resolve(conflicts.open()[0].id, "theirs")
    post.sync("linwei", account)
    page.segments.choose("resolved")
    _settle(page)
    said = page.panel.words()  # by now it is the other one that stands
    assert "当时的中心值：甲局的地址" in said and "当时未采用的值：乙局的地址" in said


def test_many_are_decided_at_once_with_one_reason(qtbot: QtBot, post: Post) -> None:
    entities = [post.entity(i) for i in (3, 4, 5)]
    for one in entities:
        post.update("chenmin", "market_entity", one, address="甲局的地址")
        post.update("linwei", "market_entity", one, address="乙局的地址")
    post.sync("chenmin", "linwei", "chenmin")
    page = opened(qtbot, post, "linwei")
    page.table.grid.selectAll()
    _settle(page)
    assert page._right.currentWidget() is page.many and not page.many.theirs.isEnabled()
    page.many.reason.setText("乙局现场核实")
    assert page.many.theirs.isEnabled()
    page.many.theirs.click()
    _settle(page)
    assert "已处理 3 条" in page.messages.text() and page.table.model.total == 0
    post.sync("linwei", "chenmin")
    assert {address(post, "chenmin", one) for one in entities} == {"乙局的地址"}
    page.segments.choose("resolved")
    _settle(page)
    assert "乙局现场核实" in page.panel.words()


def test_siblings_of_one_record_are_a_click_away(qtbot: QtBot, post: Post) -> None:
    entity = post.entity(3)
    post.update("chenmin", "market_entity", entity, address="甲", legal_person="甲")
    post.update("linwei", "market_entity", entity, address="乙", legal_person="乙")
    post.sync("chenmin", "linwei", "chenmin")
    page = opened(qtbot, post, "linwei")
    assert "同一记录还有 1 处待处理" in page.panel.words()
    page.panel._siblings.click()
    _settle(page)
    assert page.search.text() and page.table.model.total == 2


def _day(text: str) -> object:
    from datetime import date

    return date.fromisoformat(text)


def test_choices_that_cannot_be_taken_are_grey_and_say_why(qtbot: QtBot, post: Post) -> None:
    """The record was voided since: neither value is worth a choice, that it stays void can be said."""
    entity = dispute(post)
    hub = post.hub.store
    with hub.unit(HUB_ACTOR) as unit:
        unit.delete(hub.types["market_entity"], entity, "已注销")
    post.sync("linwei")
    page = opened(qtbot, post, "linwei")
    shown = {n: r.isEnabled() for n, r in page.panel._choices.items() if not r.isHidden()}
    assert shown == {"ours": False, "theirs": False, "other": False, "void": True}
    said = page.panel.words()
    assert "“采用中心现值”、“改用未采用的值”、“另填”不能选：这条记录已经作废，不必再在两个值中选择。" in said
    page.panel.choose("void")
    page.decide()
    _settle(page)
    assert page.table.model.total == 0


@pytest.mark.parametrize(
    ("theirs", "said"),
    [("the-seat:2:9", "同一席位的两份数据（设备可能被复制或恢复过）"), ("another:1:4", "同一单位的两个席位")],
)
def test_it_says_between_whom_it_is(qtbot: QtBot, post: Post, theirs: str, said: str) -> None:
    dispute(post)
    page = opened(qtbot, post, "wang")
    assert "两个单位在没有看到对方修改时改了同一处" in page.panel.words()
    row = page.table.current()
    assert row is not None
    conflicts = post.desk("wang").conflicts
    detail = conflicts.detail(row.id)
    detail.conflict.values.update(
        ours_ref="the-seat:1:4", theirs_ref=theirs, theirs_bureau=row.values["ours_bureau"]
    )
    page.panel.show_detail(detail, True, "")
    words = page.panel.words()
    assert f"{said}在没有看到对方修改时改了同一处" in words and "两个单位" not in words
