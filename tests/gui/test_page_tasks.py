"""监管任务 with real records: segments, deadlines, steps with and without reasons, new tasks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.pages.tasks import ALL_TASKS, TasksPage
from desktop.ui.queues.deadline import DEADLINE
from desktop.ui.theme import TONES
from desktop.work.desk import Desk
from shared.supervision import queues
from tests.gui.working import CTRL, Worker, add_tasks, entities


@pytest.fixture
def worker(desk: Desk, qtbot: QtBot) -> Worker[TasksPage]:
    return Worker(desk, qtbot, "tasks", TasksPage)


def counts(page: TasksPage) -> list[str]:
    return [
        page.bar.count_text(s) for s in ("open_tasks", "my_tasks", "late_tasks", "done_tasks", "all_tasks")
    ]


def state(desk: Desk, task: str) -> str:
    return str(desk.tasks.get(task).values["state"])


def test_an_empty_page_says_what_to_do(worker: Worker[TasksPage]) -> None:
    page = worker.open()
    assert counts(page) == ["0"] * 5
    assert page.view.table.grid.accessibleDescription().startswith("没有待认领的任务")
    assert not worker.button("认领").isEnabled()


def test_deadlines_are_a_word_and_a_colour(desk: Desk, worker: Worker[TasksPage]) -> None:
    add_tasks(desk, -20, 0, 60)
    page = worker.open()
    assert counts(page) == ["3", "0", "1", "0", "3"]
    model = page.view.table.model
    column = [c.name for c in model.columns].index(DEADLINE)
    words = [model.text_at(i, column) for i in range(3)]
    assert words[0].startswith("超期") and words[1] == "今日截止" and words[2].startswith("剩")
    shades = [model.data(model.index(i, column), Qt.ItemDataRole.ForegroundRole) for i in range(3)]
    assert [s.name() if s else None for s in shades] == [TONES["bad"], TONES["bad"], None]


def test_claiming_takes_the_task_and_leads_to_the_inspection(desk: Desk, worker: Worker[TasksPage]) -> None:
    first, _ = add_tasks(desk, 5, 9)
    page = worker.open(queue="open_tasks")
    worker.key(Qt.Key.Key_F2)
    assert state(desk, first) == "claimed"
    assert desk.tasks.get(first).values["assignee"] == desk.records.actor.user
    assert counts(page)[:2] == ["1", "1"]
    worker.press("开始检查")
    assert worker.went == [("inspections", {"task": first})]


def test_several_tasks_are_claimed_at_once(desk: Desk, worker: Worker[TasksPage]) -> None:
    tasks = add_tasks(desk, 5, 6, 7)
    page = worker.open()
    page.view.table.grid.selectAll()
    worker.press("认领")
    assert {state(desk, t) for t in tasks} == {"claimed"}
    assert page.messages.text().startswith("已认领 3 条监管任务")


def test_giving_back_asks_for_a_reason_in_the_page(desk: Desk, worker: Worker[TasksPage]) -> None:
    (task,) = add_tasks(desk, 5)
    desk.tasks.claim(task)
    page = worker.open(queue="my_tasks")
    worker.press("退回")
    panel = page.view.panel
    assert panel.isVisible() and panel.form is not None and set(panel.form.raw()) == {"return_reason"}
    worker.key(Qt.Key.Key_Return, CTRL)
    assert panel.form.problem_text("return_reason") == "请填写退回原因"
    assert state(desk, task) == "claimed"
    worker.key(Qt.Key.Key_Escape)
    assert not panel.isVisible()
    worker.press("退回")
    assert panel.form is not None
    panel.form.editor("return_reason").set_raw("主体已迁出本区")
    worker.press("确定退回")
    assert state(desk, task) == "open" and not panel.isVisible()
    assert desk.tasks.get(task).values["return_reason"] == "主体已迁出本区"
    assert counts(page)[:2] == ["1", "0"]


def test_a_new_task_is_entered_beside_the_list(desk: Desk, worker: Worker[TasksPage]) -> None:
    entity = entities(desk, 1)[0]
    page = worker.open(new=True, entity=entity.id)
    form = page._form
    assert form is not None and form.form.raw()["entity_id"] == entity.id
    worker.key(Qt.Key.Key_S, CTRL)
    assert "任务名称" in form.form.problem_text("title")
    for name, text in {"title": "专项检查", "source": "日常巡查", "due_on": "20991231"}.items():
        form.form.editor(name).set_raw(text)
    form.form.edited.emit()
    worker.key(Qt.Key.Key_S, CTRL)
    assert counts(page)[0] == "1" and not form.isVisible()
    assert desk.records.drafts(desk.tasks.declared) == []
    row = page.view.table.current()
    assert row is not None and row.values["title"] == "专项检查"


def test_unsaved_input_is_offered_again(desk: Desk, worker: Worker[TasksPage]) -> None:
    page = worker.open(new=True)
    form = page._form
    assert form is not None
    form.form.editor("title").set_raw("没写完的任务")
    form.form.edited.emit()
    worker.key(Qt.Key.Key_Escape)
    assert [d.title for d in desk.records.drafts(desk.tasks.declared)] == ["没写完的任务"]
    worker.shell.forget_pages()
    again = worker.open(new=True)
    assert "没写完的任务" in again.messages.text()
    worker.press("恢复")
    assert again._form is not None and again._form.form.raw()["title"] == "没写完的任务"


def test_opened_by_a_count_or_a_filter(desk: Desk, worker: Worker[TasksPage]) -> None:
    add_tasks(desk, -20, 3)
    page = worker.open(queue="late_tasks", type="task")
    assert page.bar.current == "late_tasks" and page.view.table.model.total == 1
    worker.open(filter=queues.OPEN_TASKS.filter)
    assert page.bar.current == "open_tasks"
    worker.key(Qt.Key.Key_5, CTRL)
    assert page.bar.current == ALL_TASKS.name and page.view.table.model.total == 2


def test_without_rights_everything_can_be_read_and_nothing_done(poor_desk: Desk, qtbot: QtBot) -> None:
    worker = Worker(poor_desk, qtbot, "tasks", TasksPage)
    page = worker.open(new=True)
    assert page._form is None
    assert not worker.button("新建任务").isEnabled() and not worker.button("认领").isEnabled()
