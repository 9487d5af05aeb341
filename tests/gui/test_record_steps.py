"""信息录入: the workflow steps of a record stand under its buttons, for whoever may take them, whatever its type."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.entry.room import EntryRoom
from desktop.ui.pages.records import RecordsPage
from tests.fixtures.devices import rows
from tests.gui.exchange_desks import Post, settle


def opened(qtbot: QtBot, post: Post, account: str, type_name: str, record_id: str) -> tuple[RecordsPage, EntryRoom]:
    page = RecordsPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"type": type_name, "id": record_id})
    settle(post.desk(account).jobs)
    assert page.room is not None
    return page, page.room


def person(post: Post, account: str) -> str:
    (found,) = [r["id"] for r in rows(post.hub.store, "user") if r["account"] == account]
    return str(found)


def seat(post: Post, account: str) -> str:
    return post.desk(account).session.device


def test_a_seat_is_revoked_on_its_own_page(qtbot: QtBot, post: Post) -> None:
    device = seat(post, "chenmin")
    page, room = opened(qtbot, post, "wang", "device", device)
    assert room.steps.state.text() == "状态：在用"
    assert set(room.steps.buttons) == {"revoke"}
    room.steps.buttons["revoke"].click()
    assert "不能撤销" in room.steps.panel._heading.text()
    room.steps.panel._run()  # without a reason nothing happens
    settle(page.desk.jobs)
    assert not room.steps.panel.isHidden() and post.value("wang", "device", device, "state") == "active"
    assert room.steps.panel.form is not None
    room.steps.panel.form.set_raw({"revoke_reason": "电脑被盗"})
    room.steps.panel._run()
    settle(page.desk.jobs)
    assert room.steps.state.text() == "状态：已吊销" and room.steps.buttons == {}
    assert "已吊销席位" in page.messages.text() and "待同步" in page.messages.text()
    post.sync("wang", "chenmin")
    (there,) = [r for r in rows(post.hub.store, "device") if r["id"] == device]
    assert (there["state"], there["revoke_reason"]) == ("revoked", "电脑被盗")
    lease = post.desk("chenmin").session.lease
    assert "电脑被盗" in lease.message and post.desk("chenmin").session.read_only


def test_nobody_revokes_the_own_seat(qtbot: QtBot, post: Post) -> None:
    _, room = opened(qtbot, post, "wang", "device", seat(post, "wang"))
    push = room.steps.buttons["revoke"]
    assert not push.isEnabled() and "本席位" in push.toolTip()


def test_who_may_not_take_a_step_sees_the_state_alone(qtbot: QtBot, post: Post) -> None:
    _, room = opened(qtbot, post, "linwei", "device", seat(post, "linwei"))
    assert room.steps.state.text() == "状态：在用" and room.steps.buttons == {}


def test_the_same_for_a_type_nobody_thought_of(qtbot: QtBot, post: Post) -> None:
    """An account is frozen and opened again: the page knows neither type nor steps."""
    page, room = opened(qtbot, post, "wang", "user", person(post, "linwei"))
    before = set(room.steps.buttons)
    assert len(before) == 1
    (name,) = before
    room.steps.buttons[name].click()
    room.steps.panel._run()
    settle(page.desk.jobs)
    assert set(room.steps.buttons) and set(room.steps.buttons) != before


@pytest.mark.parametrize("type_name", ["market_entity"])
def test_a_type_without_a_workflow_has_no_such_line(qtbot: QtBot, post: Post, type_name: str) -> None:
    _, room = opened(qtbot, post, "chenmin", type_name, post.entity(0))
    assert room.steps.isHidden()


def test_where_a_step_does_more_its_page_is_named(qtbot: QtBot, post: Post) -> None:
    sheet = post.insert(
        "chenmin", "hand_over", medium_kind="1", medium_no="U-1", content="上报变更", package_id="0" * 32,
        fingerprint="7C1E", bytes=1, sent_from="甲局", sent_to="中心", handed_at="2026-05-06T16:30:00+08:00",
    )  # fmt: skip
    _, room = opened(qtbot, post, "chenmin", "hand_over", sheet)
    assert room.steps.state.text() == "状态：已交出"
    assert room.steps.buttons == {} and room.steps.elsewhere.text() == "请到“介质交换”办理"


def test_nothing_is_offered_while_the_seat_is_read_only(qtbot: QtBot, post: Post) -> None:
    device = seat(post, "chenmin")
    post.hub.ledger.revoke(seat(post, "wang"), "丢失")
    post.sync("wang")
    _, room = opened(qtbot, post, "wang", "device", device)
    assert room.steps.buttons == {}
