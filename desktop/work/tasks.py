"""监管任务: taking a task, giving it back, finishing it, and how urgent it is (R88 to R95)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desktop.work.records import Records, Row, Saved
from shared.access import Role
from shared.errors import AccessDenied, Problem, Rejected, StaleRecord
from shared.store.store import Store
from shared.supervision.deadlines import Deadline, Workdays, deadline


class Tasks:
    """Tasks of the signed-in person's bureau."""

    def __init__(self, store: Store, records: Records, calendar: Workdays) -> None:
        self._store = store
        self._records = records
        self.calendar = calendar
        self.declared = records.type("task")

    def create(self, raw: Mapping[str, Any], *, initiator: str = "") -> Saved:
        """A new task; one with a 承办人 still has to be claimed by that person."""
        return self._records.save(self.declared, raw, initiator=initiator)

    def claim(self, task_id: str, *, initiator: str = "") -> None:
        """Take an open task oneself."""
        me = self._records.actor.user
        meant = self.get(task_id).values.get("assignee")
        if meant and meant != me and not self._in_charge:
            name = self._records.label("user", meant) or "他人"
            raise AccessDenied(f"这项任务指定由{name}承办。", "请由本人认领，或请单位管理员认领后改派。")
        self._records.step(self.declared, task_id, "claim", {"assignee": me}, initiator=initiator)

    def give_back(self, task_id: str, reason: str, *, initiator: str = "") -> None:
        """Put a task back among the open ones with a reason (R94)."""
        self.require_mine(self.get(task_id))
        raw = {"return_reason": reason, "assignee": ""}
        self._records.step(self.declared, task_id, "give_back", raw, initiator=initiator)

    def finish(self, task_id: str, inspection_id: str, *, initiator: str = "") -> None:
        """Close a task by the submitted inspection that did it."""
        task = self.get(task_id)
        self.require_mine(task)
        done = self._records.get(self._records.type("inspection"), inspection_id)
        if done is None or done.values["entity_id"] != task.values["entity_id"]:
            raise Rejected([Problem("inspection", "检查记录与任务的监管对象不符，请重新选择")])
        if done.values["state"] != "submitted":
            raise Rejected([Problem("inspection", "检查记录还没有提交，请先提交检查")])
        raw = {"inspection": inspection_id}
        self._records.step(self.declared, task_id, "finish", raw, initiator=initiator)

    def deadline(self, values: Mapping[str, Any]) -> Deadline:
        """How urgent a task is today, as word and tone."""
        return deadline(
            self.calendar,
            self._store.clock.today(),
            due=values.get("due_on"),
            warn=values.get("warn_on"),
            remind=values.get("remind_on"),
            done=values.get("state") == "done",
        )

    def get(self, task_id: str) -> Row:
        """One task; raises :class:`StaleRecord` when it is gone."""
        row = self._records.get(self.declared, task_id)
        if row is None:
            raise StaleRecord("这项任务已不存在。", "请刷新列表。")
        return row

    def require_mine(self, task: Row) -> None:
        """What somebody else is doing may only be touched by who is in charge of the bureau."""
        assignee = task.values.get("assignee")
        if assignee and assignee != self._records.actor.user and not self._in_charge:
            name = self._records.label("user", assignee) or "他人"
            raise AccessDenied(f"这项任务由{name}承办。", "请由承办人办理，或请单位管理员办理。")

    @property
    def _in_charge(self) -> bool:
        return self._records.actor.has(Role.BUREAU_ADMIN)
