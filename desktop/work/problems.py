"""问题数据: looking for them, raising them, and how urgent they are (R52, R54)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from desktop.work.jobs import Progress
from desktop.work.records import Records
from shared import access
from shared.access import Action, Role
from shared.errors import AccessDenied, Level, Rejected
from shared.filters import Filter, Op
from shared.record import RecordType
from shared.store import problem_checks
from shared.store.problem_checks import Finding
from shared.store.store import Store
from shared.supervision.data_checks import WORKDAYS, business_day, is_checked, is_concerned
from shared.supervision.deadlines import Deadline, Workdays, deadline
from shared.types.data_problem import DUPLICATE, INCOMPLETE, UNLINKED

MOST_OF_EACH = 200
"""So many of one kind and field are shown at once; the others come up once these have been told."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of raising problems.

    :param known: there was one about the same already that is not closed.
    :param others: records no bureau below provided: nobody to tell it to.
    """

    done: int
    known: int
    others: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a look through the records brought: what is shown, and how many there are in all."""

    findings: list[Finding]
    total: int


class Problems:
    """Problems of the data that bureaus provide."""

    def __init__(self, store: Store, records: Records, calendar: Workdays) -> None:
        self._store = store
        self._records = records
        self._calendar = calendar
        self.declared = records.type("data_problem")

    # --- what may be done ------------------------------------------------------
    def may_raise(self, declared: RecordType | None = None) -> bool:
        """Whether the person may raise problems, about records of this type."""
        if declared is not None and not is_concerned(declared):
            return False
        # asked of the rights: no form brings a problem, yet this use case does
        writable = self._records.may(Action.STEP, self.declared)
        return writable and access.allows(self._records.actor, Action.CREATE, self.declared)

    def checked_types(self) -> list[RecordType]:
        """What can be looked through, collected information first."""
        found = (t for group in ("collection", "registry") for t in self._records.types(group))
        return [t for t in found if is_checked(t)]

    # --- when ------------------------------------------------------------------
    def due(self) -> date:
        """The day a problem raised today is to be mended by."""
        return self._calendar.add_workdays(self._store.clock.today(), WORKDAYS).day

    def deadline(self, values: Mapping[str, Any]) -> Deadline:
        """How urgent a problem is for its bureau today; nothing is due once it has answered."""
        done = values.get("state") != "open"
        return deadline(self._calendar, self._store.clock.today(), due=values.get("due_on"), done=done)

    # --- raising ---------------------------------------------------------------
    def raise_about(
        self, declared: RecordType, rowids: Sequence[int], raw: Mapping[str, str], progress: Progress,
        *, initiator: str = "",
    ) -> Raised:  # fmt: skip
        """One problem about each of these records: ``kind``, ``description``, ``due_on`` as typed once."""
        day = business_day(declared)
        findings: list[Finding] = []
        for start in range(0, len(rowids), BATCH):
            progress(start, len(rowids), "读取所选记录")
            for row in self._records.rows(declared, rowids[start : start + BATCH]):
                on = row.values.get(day.name) if day else None
                findings.append(
                    Finding(
                        declared.name, row.id, str(row.values.get(declared.label) or declared.title),
                        str(row.values.get("source_bureau") or ""), on.isoformat() if on else None, "", "",
                    )
                )  # fmt: skip
        parsed = self._records.check(self.declared, raw)
        if wrong := [p for p in parsed.problems if p.field in raw and p.level is Level.REJECT]:
            raise Rejected(wrong)
        return self._raise(findings, {n: parsed.values[n] for n in raw}, progress, initiator)

    def raise_found(self, findings: Sequence[Finding], progress: Progress, *, initiator: str = "") -> Raised:
        """Tell what a look through the records found."""
        return self._raise(findings, {}, progress, initiator)

    def describe(self, one: Finding) -> str:
        """What is wrong, in a sentence that says what to do."""
        declared = self._records.type(one.type_name)
        title = declared.by_name[one.field].title if one.field else ""
        said = {
            INCOMPLETE: f"缺“{title}”，请补填；确实没有的请申辩并说明。",
            DUPLICATE: f"与“{one.other}”内容相同，疑为重复报送；确属重复的请作废其中一条。",
            UNLINKED: f"按“{title}”在登记信息中查不到这个主体，请核对后更正。",
        }
        return said.get(one.kind, "")

    # --- looking ---------------------------------------------------------------
    def find(self, types: Sequence[RecordType], progress: Progress) -> Found:
        """Look through records of these types for what is wrong and not told yet; a job of its own."""
        actor = self._records.actor
        below = None if actor.has(Role.HUB_ADMIN) else actor.bureaus - {actor.bureau}
        findings: list[Finding] = []
        total = 0
        for at, declared in enumerate(types):
            progress(at, len(types), f"查找{declared.title}")
            with self._store.read() as connection:
                kinds = (INCOMPLETE, DUPLICATE, UNLINKED)
                for part in problem_checks.find(connection, declared, kinds, below, MOST_OF_EACH):
                    progress.check()
                    findings += part
                    total += part[0].count if part else 0
        self._records.labels("bureau", {f.provider for f in findings})
        return Found(findings, total)

    # --- what came -------------------------------------------------------------
    def waiting(self) -> int:
        """How many wait to be mended by the own bureau."""
        mine = Filter().where("provider", Op.EQ, self._records.actor.bureau).where("state", Op.EQ, "open")
        return self._records.count(self.declared, mine)

    # --- inside --------------------------------------------------------------
    def _raise(
        self, findings: Sequence[Finding], typed: Mapping[str, Any], progress: Progress, initiator: str
    ) -> Raised:
        if not self.may_raise():
            access.require(self._records.actor, Action.CREATE, self.declared)
            raise AccessDenied("本机现在只读，不能反馈问题。", "请先与中心同步一次。")
        actor, due = self._records.actor, self.due()
        ours = [f for f in findings if f.provider and access.stands_above(actor, f.provider)]
        done = 0
        with self._records.unit(initiator=initiator) as unit:
            for start in range(0, len(ours), BATCH):
                progress(start, len(ours), "反馈问题")
                part = [{**self._values(one), "due_on": due, **typed} for one in ours[start : start + BATCH]]
                told = problem_checks.told(unit.connection, {str(v["record_id"]) for v in part})
                new = {mark: v for v in part if (mark := _mark(v)) not in told}
                unit.insert(self.declared, list(new.values()))
                done += len(new)
        return Raised(done, len(ours) - done, len(findings) - len(ours))

    def _values(self, one: Finding) -> dict[str, Any]:
        declared = self._records.type(one.type_name)
        return {
            "subject": one.subject[:300],
            "record_type": one.type_name,
            "record_id": one.record_id,
            "business_on": date.fromisoformat(one.business_on) if one.business_on else None,
            "kind": one.kind,
            "field": one.field or None,
            "field_title": declared.by_name[one.field].title if one.field else None,
            "description": self.describe(one),
            "provider": one.provider,
        }


def _mark(values: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes two problems the same: record, kind, field."""
    return str(values["record_id"]), str(values["kind"]), str(values["field"] or "")


def told_in_words(found: Raised) -> tuple[str, str]:
    """What became of it, and what did not."""
    rest = []
    if found.known:
        rest.append(f"{found.known:,} 条已有未核销的同样问题，不再重复反馈")
    if found.others:
        rest.append(f"{found.others:,} 条不是下级单位提供的，没有反馈")
    return f"已反馈 {found.done:,} 条问题数据，同步后送达提供单位。", "；".join(rest) + ("。" if rest else "")


__all__ = ["MOST_OF_EACH", "Finding", "Found", "Problems", "Raised", "told_in_words"]
