"""监管任务: what waits to be taken, what is mine, what is late, what is done (R88 to R95)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from desktop.ui.actions import Action
from desktop.ui.notify import INFO, SUCCESS, WARNING
from desktop.ui.queues.new_task import NewTask
from desktop.ui.queues.page import WorkQueuePage
from desktop.ui.queues.steps import Taken
from desktop.ui.queues.view import Segment
from shared.filters import MY_BUREAU, Filter, Op
from shared.lifecycle import Transition, WorkQueue
from shared.supervision import queues
from shared.supervision.deadlines import Deadline

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Draft, Row, Saved

_OURS = Filter(order="-due_on").where("source_bureau", Op.EQ, MY_BUREAU)
DONE_TASKS = WorkQueue("done_tasks", "已完成任务", "task", _OURS.where("state", Op.EQ, "done"))
ALL_TASKS = WorkQueue("all_tasks", "全部任务", "task", _OURS, ("claim", "give_back"), deadline="due_on")

_COMMON = ("title", "entity_id", "due_on")
SEGMENTS = (
    Segment(
        queues.OPEN_TASKS, "待认领", ("没有待认领的任务", "新任务由“新建任务”录入，或随同步下达"), _COMMON
    ),
    Segment(queues.MY_TASKS, "我的", ("手上没有任务", "在“待认领”中认领一项"), _COMMON),
    Segment(queues.LATE_TASKS, "超期", ("没有超期任务", ""), (*_COMMON, "assignee"), standing=False),
    Segment(DONE_TASKS, "已完成", ("还没有办结的任务", "提交检查后任务自动办结"), (*_COMMON, "assignee")),
    Segment(
        ALL_TASKS, "全部", ("本单位还没有任务", "点“新建任务”录入第一项"), (*_COMMON, "state"), standing=False
    ),
)
_MINE = {queues.MY_TASKS.name, queues.LATE_TASKS.name, ALL_TASKS.name}


class TasksPage(WorkQueuePage):
    """``shown``: {"queue": name}, {"filter": Filter}, {"id": task}, {"new": True, "entity": id}."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "tasks", "监管任务", "task", SEGMENTS)
        self._form: NewTask | None = None
        self._entering = False
        inspect = self.offer(
            Action("inspect", "开始检查", self._inspect, "Ctrl+I", "inspect", enabled=self._may_inspect)
        )
        self.add_button(inspect, _MINE, primary=True)
        new = self.offer(Action("new", "新建任务", self._new, "Ctrl+N", "plus", enabled=self._may_create))
        self.add_button(new)

    def shown(self, params: dict[str, Any]) -> None:
        super().shown(params)
        if params.get("new"):
            self._new(params.get("entity"))

    def judge(self, segment: Segment) -> Callable[[Row], Deadline] | None:
        if not segment.queue.deadline:
            return None
        return lambda row: self.desk.tasks.deadline(row.values)

    def take(self, row: Row, transition: Transition, raw: dict[str, str]) -> None:
        tasks = self.desk.tasks
        match transition.name:
            case "claim":
                tasks.claim(row.id, initiator=self.name)
            case "give_back":
                tasks.give_back(row.id, raw["return_reason"], initiator=self.name)
            case "finish":
                tasks.finish(row.id, raw["inspection"], initiator=self.name)
            case _:
                super().take(row, transition, raw)

    def taken(self, transition: Transition, found: Taken) -> None:
        if transition.name == "claim" and len(found.done) == 1 and not found.refused:
            task = found.done[0]
            self.messages.say(
                SUCCESS,
                "已认领，任务在“我的”中。",
                button="开始检查",
                run=lambda: self.open_page.emit("inspections", {"task": task}),
            )

    # --- inspections -----------------------------------------------------------
    def _may_inspect(self) -> bool:
        row = self.view.table.current()
        if row is None or row.values.get("state") != "claimed":
            return False
        return self.desk.records.may("create", self.desk.records.type("inspection"))

    def _inspect(self) -> None:
        row = self.view.table.current()
        if row is not None:
            self.open_page.emit("inspections", {"task": row.id})

    # --- a new task ------------------------------------------------------------
    def _may_create(self) -> bool:
        return self.desk.records.may("create", self.desk.tasks.declared)

    def _new(self, entity: str | None = None) -> None:
        if not self._may_create():
            return
        if self._form is None:
            self._form = NewTask(self.desk, self.name)
            self._form.saved.connect(self._saved)
            self._form.closed.connect(self._close_form)
            self._form.failed.connect(self.report)
            self._form.found.connect(self._offer_draft)
        self._entering = True
        self.view.show_side(self._form)
        self._form.begin({"entity_id": entity} if entity else None)

    def _saved(self, saved: Saved) -> None:
        if saved.warnings:
            self.messages.say(WARNING, "任务已保存，待同步。", saved.warnings[0].message)
        else:
            self.messages.say(SUCCESS, "任务已保存，待同步。")
        self.reload_all(select=saved.id)

    def _offer_draft(self, draft: Draft) -> None:
        at = draft.updated_at[5:16].replace("T", " ")
        self.messages.say(
            INFO,
            f"上次有未保存的任务：“{draft.title}”（{at}）。",
            button="恢复",
            run=lambda: self._form.restore(draft) if self._form else None,
        )

    def _close_form(self) -> None:
        self._entering = False
        self.view.show_side(None)
        self.view.setFocus()

    def turned(self) -> None:
        if self._form is not None and self._entering:
            self.view.show_side(self._form)
