"""监管认领: taking entities as the bureau's subjects, and giving them back (R68 to R73)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.ui.actions import Action
from desktop.ui.notify import SUCCESS
from desktop.ui.queues.page import WorkQueuePage
from desktop.ui.queues.view import Segment
from desktop.work.claims import Claimed
from desktop.work.jobs import Job
from shared.lifecycle import Transition
from shared.supervision import queues

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

_ENTITY = ("uscc", "name", "legal_person", "address")
SEGMENTS = (
    Segment(
        queues.CLAIM_DUTY,
        "权限内待认领",
        ("权限内的主体都已认领", "本单位发过许可的主体会自动列在这里"),
        _ENTITY,
        standing=False,
    ),
    Segment(
        queues.CLAIMABLE,
        "可认领的主体",
        ("没有可认领的主体", "本机收到的存续主体都已认领，或尚未同步"),
        _ENTITY,
        standing=False,
    ),
    Segment(
        queues.OUR_CLAIMS,
        "我单位已认领",
        ("我单位还没有认领主体", "在“可认领的主体”中选中后点“认领所选”"),
        ("entity_id", "claimed_on", "claimed_by", "way"),
    ),
    Segment(
        queues.RETURNED_CLAIMS,
        "已退回",
        ("没有退回的认领", ""),
        ("entity_id", "returned_on", "return_reason"),
    ),
)
_FREE = {queues.CLAIM_DUTY.name, queues.CLAIMABLE.name}
MANY = 200


class ClaimsPage(WorkQueuePage):
    """``shown``: {"queue": name}, {"filter": Filter}."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "claims", "监管认领", "claim", SEGMENTS)
        claim = self.offer(
            Action("claim", "认领所选", self._claim, "Ctrl+Return", "claim", enabled=self._may_claim)
        )
        self.add_button(claim, _FREE, primary=True)
        task = self.offer(
            Action("task", "布置任务", self._new_task, "Ctrl+N", "task", enabled=self._may_task)
        )
        self.add_button(task, {queues.OUR_CLAIMS.name})

    def take(self, row: Row, transition: Transition, raw: dict[str, str]) -> None:
        if transition.name == "give_back":
            self.desk.claims.give_back(row.id, raw["return_reason"], initiator=self.name)
        else:
            self.desk.claims.claim([row.values["entity_id"]], initiator=self.name)

    def _may_claim(self) -> bool:
        return (
            self.bar.current in _FREE
            and self.view.table.current() is not None
            and self.desk.records.may("create", self.desk.claims.declared)
        )

    def _claim(self) -> Job | None:
        view = self.view
        rowids = list(view.table.selected_rowids())
        if not rowids or not self._may_claim():
            return None
        records, claims = self.desk.records, self.desk.claims

        def work(progress: object) -> Claimed:
            ids = [
                row.id
                for start in range(0, len(rowids), MANY)
                for row in records.rows(view.declared, rowids[start : start + MANY])
            ]
            return claims.claim(ids, initiator=self.name)

        def done(found: Claimed) -> None:
            taken = [*found.new, *found.again]
            self.messages.say(
                SUCCESS,
                found.text + ("待同步。" if taken else ""),
                button="查看已认领" if taken else "",
                run=self._show_ours,
            )
            self.reload_all()

        return self.desk.jobs.run("认领", work, done, self.report, lane="write", owner=self)

    def _show_ours(self) -> None:
        self.bar.choose(queues.OUR_CLAIMS.name)
        self.view.setFocus()

    def _may_task(self) -> bool:
        return (
            self.bar.current == queues.OUR_CLAIMS.name
            and self.view.table.current() is not None
            and self.desk.records.may("create", self.desk.tasks.declared)
        )

    def _new_task(self) -> None:
        row = self.view.table.current()
        if row is not None:
            self.open_page.emit("tasks", {"new": True, "entity": row.values["entity_id"]})
