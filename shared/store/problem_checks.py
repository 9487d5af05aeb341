"""Finding what is wrong with records of one type, in the database itself (R54)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from shared.record import RecordType
from shared.store import sql
from shared.supervision.data_checks import business_day, expected, linked_by, sameness
from shared.types.data_problem import DUPLICATE, INCOMPLETE, UNLINKED


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one record; ``other`` is the number of the record it repeats.

    :param count: how many of this kind and field there are in all; more than are told.
    """

    type_name: str
    record_id: str
    subject: str
    provider: str
    business_on: str | None
    kind: str
    field: str
    other: str = ""
    count: int = 0


def find(
    connection: sa.Connection,
    declared: RecordType,
    kinds: Collection[str],
    below: Collection[str] | None,
    limit: int,
) -> Iterator[list[Finding]]:
    """What is wrong and not told yet, one list for each question asked of the database (client only).

    :param below: bureaus whose records are looked at; None = of all bureaus.
    :param limit: so many of each question.
    """
    if INCOMPLETE in kinds:
        for one in expected(declared):
            clause = f't."{one.name}" IS NULL'
            yield _ask(connection, declared, INCOMPLETE, one.name, clause, below, limit)
    if DUPLICATE in kinds:
        yield _doubles(connection, declared, below, limit)
    by = linked_by(declared)
    if UNLINKED in kinds and by is not None:
        clause = (
            f't."{declared.about}" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "market_entity" e'
            f' WHERE e.id = t."{declared.about}" AND e."_deleted" = 0)'
        )
        yield _ask(connection, declared, UNLINKED, by.name, clause, below, limit)


def told(connection: sa.Connection, record_ids: Collection[str]) -> set[tuple[str, str, str]]:
    """Record, kind and field of the problems about these records that are not closed."""
    rows = sql.execute(
        connection,
        'SELECT record_id, kind, coalesce(field, \'\') FROM "data_problem"'
        " WHERE record_id IN (SELECT value FROM json_each(?)) AND state <> 'closed' AND \"_deleted\" = 0",
        (json.dumps(sorted(record_ids)),),
    )
    return {(str(r[0]), str(r[1]), str(r[2])) for r in rows}


# --- inside ------------------------------------------------------------------
def _ask(
    connection: sa.Connection, declared: RecordType, kind: str, field: str, clause: str,
    below: Collection[str] | None, limit: int,
) -> list[Finding]:  # fmt: skip
    return _answer(connection, declared, kind, field, f'"{declared.name}" t', "''", clause, below, limit)


def _doubles(
    connection: sa.Connection, declared: RecordType, below: Collection[str] | None, limit: int
) -> list[Finding]:
    """All but the first of those that are equal in everything that says what happened to whom."""
    same = ", ".join(f'"{one.name}"' for one in sameness(declared))
    numbered = (
        f"SELECT rid, min(rid) OVER (PARTITION BY {same}) AS first"
        f' FROM "{declared.name}" WHERE "_deleted" = 0'
    )
    source = (
        f'({numbered}) g JOIN "{declared.name}" t ON t.rid = g.rid'
        f' JOIN "{declared.name}" o ON o.rid = g.first'
    )
    return _answer(
        connection, declared, DUPLICATE, "", source, f'o."{declared.label}"', "g.rid > g.first", below, limit
    )


def _answer(
    connection: sa.Connection, declared: RecordType, kind: str, field: str, source: str, other: str,
    clause: str, below: Collection[str] | None, limit: int,
) -> list[Finding]:  # fmt: skip
    day = business_day(declared)
    on = f't."{day.name}"' if day else "NULL"
    whose, parameters = 't."source_bureau" IS NOT NULL', [kind, field]
    if below is not None:
        whose = 't."source_bureau" IN (SELECT value FROM json_each(?))'
        parameters.insert(0, json.dumps(sorted(below)))
    rows = sql.execute(
        connection,
        f'SELECT t.id, t."{declared.label}", t."source_bureau", {on},'
        f" {other}, count(*) OVER () FROM {source}"
        f' WHERE t."_deleted" = 0 AND {whose} AND {clause}'
        ' AND NOT EXISTS (SELECT 1 FROM "data_problem" p WHERE p.record_id = t.id AND p.kind = ?'
        " AND coalesce(p.field, '') = ? AND p.state <> 'closed' AND p.\"_deleted\" = 0)"
        " ORDER BY t.rid LIMIT ?",
        (*parameters, limit),
    )
    return [
        Finding(
            declared.name, str(one), str(subject or declared.title), str(provider), when, kind, field,
            str(repeats or ""), int(count),
        )
        for one, subject, provider, when, repeats, count in rows
    ]  # fmt: skip


__all__ = ["Finding", "find", "told"]
