"""检查: from a task or an entity to a submitted record by two officers (R96, R97, R107)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from desktop.work.records import Records, Row, Saved
from desktop.work.tasks import Tasks
from shared.clock import CHINA
from shared.errors import IllegalTransition, InputError, Level, Problem, Rejected, StaleRecord
from shared.filters import Filter, Op
from shared.parsing import Parsed
from shared.store.store import Store

VALID = "1"
ON_SITE = "2"
DRAFT, CLAIMED = "draft", "claimed"


@dataclass(frozen=True, slots=True)
class Begun:
    """What the form of an inspection starts from.

    :param record_id: an unsubmitted inspection that is taken up again, or None.
    """

    raw: dict[str, str]
    entity: Row
    task: Row | None = None
    record_id: str | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """An inspection was submitted; ``task_id`` is the task it closed, if any."""

    id: str
    task_id: str | None = None
    warnings: list[Problem] = field(default_factory=list)


class Inspecting:
    """Inspections of the signed-in person."""

    def __init__(self, store: Store, records: Records, tasks: Tasks) -> None:
        self._store = store
        self._records = records
        self._tasks = tasks
        self.declared = records.type("inspection")

    def start(self, *, task_id: str | None = None, entity_id: str | None = None) -> Begun:
        """Begin with what is known; nothing is stored. An unsubmitted one is taken up again."""
        task = self._tasks.get(task_id) if task_id else None
        if task is not None and task.values["state"] != CLAIMED:
            raise IllegalTransition("这项任务还没有认领，或已经办结。", "请先在任务列表中认领。")
        entity = self._entity(task.values["entity_id"] if task else entity_id or "")
        open_one = self._unsubmitted(task, entity)
        if open_one is not None:
            raw = self._records.raw(self.declared, open_one)
            return Begun(raw, entity, task, open_one.id, open_one.seen)
        raw = {
            "entity_id": entity.id,
            "task_id": task.id if task else "",
            "mode": ON_SITE,
            "place": str(entity.values.get("address") or ""),
            "started_at": self._store.clock.stamp()[:16].replace("T", " "),
        }
        return Begun({k: v for k, v in raw.items() if v}, entity, task)

    def officers(self, on: date | None = None) -> list[Row]:
        """Who of the own bureau may inspect on that day: valid, with a certificate in force."""
        declared = self._records.type("officer")
        wanted = Filter().where("status", Op.EQ, VALID)
        wanted = wanted.where("bureau", Op.EQ, self._records.actor.bureau)
        day = on or self._store.clock.today()
        return [r for r in self._records.first(declared, wanted, 1000) if not _unfit(r, day)]

    def save(
        self,
        raw: Mapping[str, Any],
        record_id: str | None = None,
        seen: str | None = None,
        *,
        initiator: str = "",
    ) -> Saved:
        """Keep an inspection that is not submitted yet."""
        self._refuse(self._check(raw, record_id))
        return self._records.save(self.declared, raw, record_id, seen, initiator=initiator)

    def submit(
        self,
        raw: Mapping[str, Any],
        record_id: str | None = None,
        seen: str | None = None,
        *,
        initiator: str = "",
    ) -> Submitted:
        """Save, submit, and close the task, all or nothing."""
        cycle = self.declared.lifecycle
        assert cycle is not None
        step = cycle.transition("submit")
        parsed = self._check(raw, record_id)
        parsed.problems += [
            Problem(n, f"请填写{self.declared.by_name[n].title}")
            for n in step.needs
            if parsed.values.get(n) is None and n not in parsed.invalid
        ]
        task = self._task_of(parsed)
        self._refuse(parsed)
        given = {k: v for k, v in parsed.values.items() if k in raw}
        with self._records.unit(initiator=initiator) as unit:
            if record_id is None:
                record_id = unit.insert(self.declared, [given], proven=True)[0]
            else:
                unit.update(self.declared, record_id, given, seen=seen, proven=True)
            unit.update(self.declared, record_id, {cycle.field: step.target}, proven=True)
            if task is not None and task.values["state"] != "done":
                finish = self._tasks.declared.lifecycle
                assert finish is not None
                closed = {finish.field: finish.transition("finish").target, "inspection": record_id}
                unit.update(self._tasks.declared, task.id, closed, proven=True)
        warnings = [p for p in parsed.problems if p.level is Level.WARN]
        return Submitted(record_id, task.id if task else None, warnings)

    # --- inside --------------------------------------------------------------
    def _entity(self, entity_id: str) -> Row:
        row = self._records.get(self._records.type("market_entity"), entity_id)
        if row is None:
            raise StaleRecord("本机没有这个市场主体的登记信息。", "请先同步，或核对统一社会信用代码。")
        return row

    def _unsubmitted(self, task: Row | None, entity: Row) -> Row | None:
        """The own inspection of this task (or of this entity without a task) still open."""
        wanted = Filter(order="-started_at").where("entity_id", Op.EQ, entity.id)
        wanted = wanted.where("state", Op.EQ, DRAFT)
        wanted = wanted.where("entered_by", Op.EQ, self._records.actor.user)
        if task is None:
            wanted = wanted.where("task_id", Op.EMPTY)
        else:
            wanted = wanted.where("task_id", Op.EQ, task.id)
        found = self._records.first(self.declared, wanted, 1)
        return found[0] if found else None

    def _check(self, raw: Mapping[str, Any], record_id: str | None) -> Parsed:
        if record_id is not None:
            row = self._records.get(self.declared, record_id)
            if row is None:
                raise StaleRecord("这条检查记录已不存在。", "请刷新列表。")
            if row.values["state"] != DRAFT:
                raise InputError("这次检查已经提交，不能再修改。", "如有遗漏，请另记一次检查。")
        parsed = self._records.check(self.declared, raw)
        if parsed.values.get("officers") and "officers" not in parsed.invalid:
            parsed.problems += self._unfit_officers(parsed.values)
        return parsed

    def _unfit_officers(self, values: Mapping[str, Any]) -> list[Problem]:
        started = values.get("started_at")
        day = datetime.fromisoformat(started).astimezone(CHINA).date() if started else None
        day = day or self._store.clock.today()
        found = self._records.get_many(self._records.type("officer"), values["officers"].split(","))
        return [Problem("officers", reason) for r in found.values() if (reason := _unfit(r, day))]

    def _task_of(self, parsed: Parsed) -> Row | None:
        task_id = parsed.values.get("task_id")
        if not task_id:
            return None
        task = self._tasks.get(task_id)
        self._tasks.require_mine(task)
        if task.values["entity_id"] != parsed.values.get("entity_id"):
            parsed.problems.append(Problem("task_id", "任务的监管对象与检查对象不是同一户，请重新选择"))
        return task

    def _refuse(self, parsed: Parsed) -> None:
        if any(p.level is Level.REJECT for p in parsed.problems):
            raise Rejected(parsed.problems)


def _unfit(officer: Row, day: date) -> str:
    """Why somebody may not inspect on that day; ``""`` when they may."""
    name = officer.values["name"]
    if officer.values["status"] != VALID:
        return f"{name}的人员状态为失效，不能参加检查，请另选持证人员"
    expires = officer.values.get("certificate_expires")
    if expires is not None and expires < day:
        return f"{name}的执法证已于 {expires} 到期，不能参加检查，请另选持证人员"
    return ""
