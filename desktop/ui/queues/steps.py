"""What the buttons of a queue may do: derived from the workflow, never written per page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from desktop.work.jobs import Progress
from shared.access import Action as Deed
from shared.access import may_take
from shared.clock import CHINA
from shared.errors import IllegalTransition, YizhanError
from shared.fields import Kind
from shared.lifecycle import Transition
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records, Row

Take = Callable[["Row", Transition, dict[str, str]], None]


def is_open(records: Records, declared: RecordType, row: Row, transition: Transition) -> bool:
    """Whether the signed-in person may take this step with this record now."""
    cycle = declared.lifecycle
    if cycle is None:
        return False
    actor = records.actor
    state = str(row.values.get(cycle.field) or "")
    roles = {t.name for role in actor.roles for t in cycle.open_to(state, role)}
    return (
        transition.name in roles
        and may_take(actor, transition, row.values)
        and records.may(Deed.STEP, declared, row.values)
    )


def asked(declared: RecordType, transition: Transition) -> tuple[str, ...]:
    """What only the person can say: days and the person are known."""
    return tuple(n for n in transition.needs if not _is_known(declared, n))


def known(declared: RecordType, transition: Transition, user: str) -> dict[str, str]:
    """What need not be asked: today, now, and who does it."""
    now = datetime.now(CHINA)
    found: dict[str, str] = {}
    for name in transition.needs:
        if _is_known(declared, name):
            kind = declared.by_name[name].kind
            day = kind is Kind.DATE
            found[name] = user if kind is Kind.REF else now.date().isoformat() if day else now.isoformat()
    return found


def _is_known(declared: RecordType, name: str) -> bool:
    one = declared.by_name[name]
    return one.kind in (Kind.DATE, Kind.TIME) or (one.kind is Kind.REF and one.target == "user")


@dataclass(slots=True)
class Taken:
    """What became of a step taken with several records."""

    done: list[str] = field(default_factory=list)
    refused: list[YizhanError] = field(default_factory=list)
    skipped: int = 0


def take_all(
    records: Records,
    declared: RecordType,
    rowids: Sequence[int],
    transition: Transition,
    raw: dict[str, str],
    take: Take,
    progress: Progress,
) -> Taken:
    """In a job: the step with each record that is open to it.

    One refused record does not stop the others; when nothing worked the first
    refusal is raised, so that the person can mend what was asked.
    """
    found = Taken()
    rows = records.rows(declared, rowids)
    for at, row in enumerate(rows):
        progress(at, len(rows), transition.title)
        if not is_open(records, declared, row, transition):
            found.skipped += 1
            continue
        try:
            take(row, transition, raw)
            found.done.append(row.id)
        except YizhanError as error:
            found.refused.append(error)
    if not found.done:
        if found.refused:
            raise found.refused[0]
        raise IllegalTransition(f"所选记录现在不能{transition.title}。", "列表已刷新，请按当前状态办理。")
    return found
