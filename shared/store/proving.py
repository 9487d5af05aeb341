"""Whether records may be stored: required fields, rules, and what they refer to (R1, R4, R27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from shared.errors import Level, Problem, Rejected
from shared.fields import Field, Kind
from shared.record import RecordType
from shared.store import bureau_tree, sql


def prove(
    connection: sa.Connection,
    declared: RecordType,
    rows: Sequence[Mapping[str, Any]],
    *,
    only: frozenset[str] | None = None,
) -> None:
    """Raise :class:`Rejected` for the first row that may not be stored.

    :param only: names of the references to look up; None = all.
    """
    missing = _missing_targets(connection, declared, rows, only)
    if declared.name == bureau_tree.TYPE and (only is None or bureau_tree.FIELD in only):
        moved = {declared.record_id(r): r.get(bureau_tree.FIELD) for r in rows if r.get("code")}
        if sentence := bureau_tree.ring(connection, declared, moved):
            raise Rejected([Problem(bureau_tree.FIELD, sentence)])
    for row in rows:
        problems = [
            Problem(f.name, f"请填写{f.title}")
            for f in declared.own_fields
            if f.required and row.get(f.name) is None
        ]
        problems += declared.run_rules(row, frozenset())
        problems += [
            Problem(f.name, f"{f.title}所指的记录不存在，请从列表中选择")
            for f, absent in missing
            if not absent.isdisjoint(str(row.get(f.name) or "").split(","))
        ]
        if any(p.level is Level.REJECT for p in problems):
            raise Rejected(problems)


def _missing_targets(
    connection: sa.Connection,
    declared: RecordType,
    rows: Sequence[Mapping[str, Any]],
    only: frozenset[str] | None,
) -> list[tuple[Field, set[str]]]:
    out: list[tuple[Field, set[str]]] = []
    for one in declared.own_fields:
        if one.kind not in (Kind.REF, Kind.REFS) or not one.must_exist:
            continue
        if only is not None and one.name not in only:
            continue
        wanted = {i for r in rows for i in str(r.get(one.name) or "").split(",") if i}
        if wanted:
            found = sql.fetch(connection, one.target, ("id",), sorted(wanted))
            absent = wanted - {r[0] for r in found}
            if absent:
                out.append((one, absent))
    return out
