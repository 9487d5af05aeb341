"""What the signed-in person entered last, over all types of collection."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.work.records import Records, Row
from shared.filters import ME, Filter, Op
from shared.record import RecordType


@dataclass(frozen=True, slots=True)
class Recent:
    """One record as the home page names it."""

    declared: RecordType
    row: Row
    name: str


def recent_entries(records: Records, limit: int = 8) -> list[Recent]:
    """Newest first."""
    wanted = Filter(order="-entered_at").where("entered_by", Op.EQ, ME)
    found = [
        Recent(declared, row, name_of(declared, row))
        for declared in records.types("collection")
        if records.may("read", declared)
        for row in records.first(declared, wanted, limit)
    ]
    found.sort(key=lambda one: str(one.row.values.get("entered_at") or ""), reverse=True)
    return found[:limit]


def name_of(declared: RecordType, row: Row) -> str:
    """Its label, and whom it is about where the label does not say."""
    names = dict.fromkeys((declared.label, *(f.name for f in declared.search_fields)))
    parts = [str(row.values[n]) for n in names if row.values.get(n) and not declared.by_name[n].personal]
    return "  ".join(parts[:2])
