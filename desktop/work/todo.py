"""工作台: what waits for the signed-in person, counted in one go (look.md, Home)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from desktop.work.records import Records
from shared import access
from shared.access import Action, Role
from shared.filters import MY_BUREAU, TODAY, Filter, Op
from shared.lifecycle import WorkQueue
from shared.store import drafts, exchange, query
from shared.store.facts import read_text
from shared.store.query import Place
from shared.store.store import Store
from shared.supervision import queues

PAGES = {
    "market_entity": "claims",
    "claim": "claims",
    "task": "tasks",
    "inspection": "inspections",
    "conflict": "conflicts",
    "held_set": "held",
    "data_problem": "problems",
}
"""Page that shows a type's queues; others are shown by the page of records."""


@dataclass(frozen=True, slots=True)
class TodoItem:
    """One line of the home page.

    :param queue: its name: a work queue, ``"drafts"`` or ``"pending"``.
    :param count: None where the person has no right: a dash, not 0.
    :param page: where it leads, with ``params`` for that page.
    :param nearest: the first deadline that has not passed, as a day; ``""`` = nothing is due.
    :param as_of: until when the counted data reach; ``""`` before the first load is whole.
    """

    queue: str
    title: str
    count: int | None
    overdue: int = 0
    due_today: int = 0
    page: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    as_of: str = ""
    nearest: str = ""


class Todo:
    """Counts for the home page and the rail."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def counts(self) -> list[TodoItem]:
        """All lines, in order; one read connection, count queries only."""
        return list(self._counts())

    def may(self, queue: WorkQueue) -> bool:
        """Whether the person has business with a queue: may read it and take some step of it."""
        declared = self._records.type(queue.type_name)
        actor = self._records.actor
        # asked of the rights alone: a device whose lease ran out still shows what waits
        if not all(access.allows(actor, a, declared) for a in (Action.READ, Action.STEP)):
            return False
        if not queue.transitions or declared.lifecycle is None:
            return True
        steps = [declared.lifecycle.transition(n) for n in queue.transitions]
        below = access.administers_below(actor)
        return any(actor.role in s.roles and (below or not s.above) for s in steps)

    # --- inside --------------------------------------------------------------
    def _counts(self) -> Iterator[TodoItem]:
        actor = self._records.actor
        place = Place(actor.user, actor.bureau, self._store.clock.today())
        with self._store.read() as connection:
            as_of = read_text(connection, "complete_at")
            for queue in queues.HOME:
                yield self._queue(connection, queue, place, as_of)
            now = self._store.clock.stamp()
            by_type = drafts.counts(connection, actor.user)
            yield TodoItem(
                "drafts", "草稿", sum(by_type.values()), page="records",
                params={"drafts": True, "types": sorted(by_type)}, as_of=now,
            )  # fmt: skip
            reach = exchange.reach(connection)
            waiting = max(0, reach.written - reach.receipted)
            yield TodoItem("pending", "待同步变更", waiting, page="sync", as_of=now)

    def _queue(self, connection: Any, queue: WorkQueue, place: Place, as_of: str) -> TodoItem:
        declared = self._records.type(queue.type_name)
        page = PAGES.get(queue.type_name, "records")
        params = {"queue": queue.name, "type": queue.type_name}
        if not self.may(queue):
            return TodoItem(queue.name, queue.title, None, page=page, params=params, as_of=as_of)

        def count(wanted: Filter) -> int:
            return query.count(connection, declared, wanted, place)

        wanted = self._theirs(queue)
        total = count(wanted)
        overdue = today = 0
        nearest = ""
        if total and queue.deadline:
            overdue = count(wanted.where(queue.deadline, Op.LT, TODAY))
            today = count(wanted.where(queue.deadline, Op.EQ, TODAY))
            later = wanted.where(queue.deadline, Op.GT, TODAY)
            first = query.first(connection, declared, replace(later, order=queue.deadline), place, 1)
            nearest = first[0].values[queue.deadline].isoformat() if first else ""
        return TodoItem(queue.name, queue.title, total, overdue, today, page, params, as_of, nearest)

    def _theirs(self, queue: WorkQueue) -> Filter:
        """What the person may decide: a bureau only what it is responsible for now."""
        if queue is queues.HELD_SETS and not self._records.actor.has(Role.HUB_ADMIN):
            return queue.filter.where("owner", Op.EQ, MY_BUREAU)
        return queue.filter
