"""现场检查 with real records: from a task, two officers, kept, submitted, locked, drafts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from desktop.ui.pages.inspections import InspectionsPage
from desktop.work.desk import Desk
from shared.filters import Filter
from tests.gui.working import CTRL, Worker, add_tasks, entities

DONE = {
    "ended_at": "2099-12-31 10:20",
    "findings": "证照齐全，未见异常。",
    "result": "1",
    "disposition": "0",
}


@pytest.fixture
def worker(desk: Desk, qtbot: QtBot) -> Worker[InspectionsPage]:
    return Worker(desk, qtbot, "inspections", InspectionsPage)


def fill(page: InspectionsPage, **raw: str) -> None:
    for name, text in raw.items():
        page.form.form.editor(name).set_raw(text)
    page.form.form.edited.emit()


def pick(worker: Worker[InspectionsPage], page: InspectionsPage) -> None:
    """Take the first officer that is offered."""
    name = page.form.officers.offered()[0]
    link = next(b for b in page.form.officers.findChildren(QToolButton) if b.text() == name)
    worker.bot.mouseClick(link, Qt.MouseButton.LeftButton)


def stored(desk: Desk) -> list[dict[str, object]]:
    return [r.values for r in desk.records.first(desk.inspecting.declared, Filter())]


def begun(desk: Desk, worker: Worker[InspectionsPage]) -> tuple[InspectionsPage, str]:
    (task,) = add_tasks(desk, 5)
    desk.tasks.claim(task)
    return worker.open(task=task), task


def test_an_empty_page_is_ready_for_a_new_inspection(worker: Worker[InspectionsPage]) -> None:
    page = worker.open()
    assert page.form.title == "新建检查"
    assert "没有未提交的检查" in page.view.table.grid.accessibleDescription()
    assert "已选 0 人，还差 2 人" in page.form.officers.text()


def test_a_task_fills_in_what_is_known(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    page, task = begun(desk, worker)
    raw = page.form.form.raw()
    entity = entities(desk, 1)[0]
    assert (raw["entity_id"], raw["task_id"], raw["mode"]) == (entity.id, task, "2")
    assert raw["place"] == entity.values["address"] and raw["started_at"]
    assert page.form.title == f"检查：{entity.values['name']}"
    assert stored(desk) == []


def test_two_officers_are_asked_for_before_and_after(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    page, task = begun(desk, worker)
    pick(worker, page)
    assert "已选 1 人，还差 1 人" in page.form.officers.text()
    fill(page, **DONE)
    worker.press("提交")
    assert "不得少于两人" in page.form.form.problem_text("officers")
    assert stored(desk) == [] and desk.tasks.get(task).values["state"] == "claimed"
    pick(worker, page)
    assert "符合" in page.form.officers.text() and page.form.officers.offered() == []


def test_submitting_closes_the_task_and_locks_the_form(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    page, task = begun(desk, worker)
    pick(worker, page)
    pick(worker, page)
    worker.press("提交")
    assert page.form.form.problem_text("findings") == "请填写检查情况"
    fill(page, **DONE)
    worker.press("提交")
    assert [v["state"] for v in stored(desk)] == ["submitted"]
    assert desk.tasks.get(task).values["state"] == "done"
    assert "相关任务已办结" in page.messages.text()
    assert page.bar.current == "submitted" and page.view.table.model.total == 1
    assert not page.form.editable and not worker.button("提交").isEnabled()
    assert not page.form.form.editor("findings").isEnabled()
    assert not page.form.form.editor("officers").isEnabled()


def test_kept_without_submitting_and_taken_up_again(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    page, task = begun(desk, worker)
    pick(worker, page)
    pick(worker, page)
    worker.key(Qt.Key.Key_S, CTRL)
    assert [v["state"] for v in stored(desk)] == ["draft"]
    assert page.bar.current == "unsubmitted" and page.view.table.model.total == 1
    assert page.form.editable and not page.form.form.is_dirty
    worker.press("新建检查")
    assert page.form.title == "新建检查"
    worker.open(task=task)
    assert page.form.subject.record_id and "接着上次" in page.messages.text()
    fill(page, **DONE)
    worker.press("提交")
    assert [v["state"] for v in stored(desk)] == ["submitted"]


def test_what_was_just_saved_stays_in_front(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    """The list of submitted ones, read again behind it, does not push its own into the form."""
    page, _ = begun(desk, worker)
    for _ in range(2):
        pick(worker, page)
    fill(page, **DONE)
    worker.press("提交")
    assert page.bar.current == "submitted"
    begun(desk, worker)
    for _ in range(2):
        pick(worker, page)
    worker.press("保存（不提交）")
    assert page.bar.current == "unsubmitted" and page.form.editable
    rows = desk.records.first(desk.inspecting.declared, Filter())
    assert [page.form.subject.record_id] == [r.id for r in rows if r.values["state"] == "draft"]


def test_naming_the_entity_fills_in_the_rest(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    entity = entities(desk, 3)[2]
    page = worker.open(new=True)
    editor = page.form.form.editor("entity_id")
    editor.set_raw(str(entity.values["uscc"]))
    page.form.form.jump_to("place")
    worker.settle()
    assert page.form.form.raw()["place"] == entity.values["address"]
    assert page.form.title == f"检查：{entity.values['name']}"


def test_unsaved_input_is_set_aside_not_lost(desk: Desk, worker: Worker[InspectionsPage]) -> None:
    page, _ = begun(desk, worker)
    fill(page, findings="写了一半")
    worker.press("新建检查")
    assert "已存为草稿" in page.messages.text() and page.form.form.raw()["findings"] == ""
    worker.press("恢复")
    assert page.form.form.raw()["findings"] == "写了一半"
    worker.press("放弃修改")
    assert desk.records.drafts(desk.inspecting.declared) == []


def test_without_rights_nothing_can_be_recorded(poor_desk: Desk, qtbot: QtBot) -> None:
    worker = Worker(poor_desk, qtbot, "inspections", InspectionsPage)
    worker.open()
    for name in ("新建检查", "提交", "保存（不提交）"):
        assert not worker.button(name).isEnabled()
