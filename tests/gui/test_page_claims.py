"""监管认领 with real records: choosing several, claiming, giving back with a reason, again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.pages.claims import ClaimsPage
from desktop.work.desk import Desk
from shared.filters import Filter, Op
from tests.gui.working import CTRL, Worker, entities


@pytest.fixture
def worker(desk: Desk, qtbot: QtBot) -> Worker[ClaimsPage]:
    return Worker(desk, qtbot, "claims", ClaimsPage)


def claimed(desk: Desk) -> list[str]:
    return [str(r.values["entity_id"]) for r in desk.records.first(desk.claims.declared, desk.claims.mine())]


def test_several_entities_are_claimed_and_leave_the_list(desk: Desk, worker: Worker[ClaimsPage]) -> None:
    page = worker.open(queue="claimable")
    table = page.view.table
    before = table.model.total
    assert before > 3
    table.grid.selectRow(0)
    worker.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    worker.key(Qt.Key.Key_Return, CTRL)
    assert len(claimed(desk)) == 2
    assert table.model.total == before - 2
    assert "认领 2 户" in page.messages.text()
    assert page.bar.count_text("our_claims") == "2"
    worker.press("查看已认领")
    assert page.bar.current == "our_claims" and page.view.table.model.total == 2


def test_the_list_can_be_searched(desk: Desk, worker: Worker[ClaimsPage]) -> None:
    wanted = entities(desk, 5)[4]
    page = worker.open(queue="claimable")
    worker.key(Qt.Key.Key_F, CTRL)
    assert page.view.bar.search.hasFocus()
    page.view.bar.search.setText(str(wanted.values["uscc"]))
    worker.key(Qt.Key.Key_Return)
    assert [page.view.table.model.row_at(i).id for i in range(page.view.table.model.total)] == [wanted.id]  # type: ignore[union-attr]


def test_an_entity_is_given_back_with_a_reason_and_claimed_again(
    desk: Desk, worker: Worker[ClaimsPage]
) -> None:
    entity = entities(desk, 1)[0]
    desk.claims.claim([entity.id])
    page = worker.open(queue="our_claims")
    worker.press("退回")
    panel = page.view.panel
    assert panel.form is not None and set(panel.form.raw()) == {"return_reason"}
    worker.press("确定退回")
    assert panel.form.problem_text("return_reason") == "请填写退回原因" and claimed(desk) == [entity.id]
    panel.form.editor("return_reason").set_raw("不属本单位职责")
    worker.press("确定退回")
    assert claimed(desk) == []
    row = desk.records.first(desk.claims.declared, Filter().where("state", Op.EQ, "returned"))[0]
    assert row.values["return_reason"] == "不属本单位职责" and row.values["returned_on"] is not None
    worker.open(queue="returned_claims")
    worker.press("重新认领")
    assert claimed(desk) == [entity.id]


def test_opening_leads_to_the_file_and_a_task_can_be_set(desk: Desk, worker: Worker[ClaimsPage]) -> None:
    entity = entities(desk, 1)[0]
    desk.claims.claim([entity.id])
    page = worker.open(queue="our_claims")
    page.view.table.setFocus()
    worker.key(Qt.Key.Key_Return)
    worker.press("布置任务")
    assert worker.went == [
        ("entities", {"id": entity.id}),
        ("tasks", {"new": True, "entity": entity.id}),
    ]


def test_without_claims_the_page_says_how_to_begin(worker: Worker[ClaimsPage]) -> None:
    page = worker.open(queue="our_claims")
    assert "我单位还没有认领主体" in page.view.table.grid.accessibleDescription()
    assert not worker.button("退回").isEnabled()


def test_without_rights_nothing_can_be_claimed(poor_desk: Desk, qtbot: QtBot) -> None:
    worker = Worker(poor_desk, qtbot, "claims", ClaimsPage)
    page = worker.open(queue="claimable")
    assert page.view.table.model.total > 0
    assert not worker.button("认领所选").isEnabled()
