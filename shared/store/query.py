"""Reading records: filters become SQL, rows become typed values.

Large lists are windowed by row number: one query yields the numbers of all rows
that match, in order (eight bytes each), and a page is fetched by its numbers.
That gives the total, any position and any order at once (ADR 0002).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from shared.fields import Field, Kind
from shared.filters import Condition, Filter, Here, Op, Related
from shared.record import RecordType
from shared.store import sql
from shared.store.search import phrase
from shared.store.values import from_stored, to_stored

FIRST_PAGE = 200
_BY_ENTRY = "t.rid"
_COMPARE = {Op.EQ: "=", Op.NE: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}


@dataclass(frozen=True, slots=True)
class Place:
    """Who asks, where and when: what :class:`Here` values are bound to."""

    user: str = ""
    bureau: str = ""
    today: date = date.min


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One record with what the store knows about it."""

    id: str
    rid: int
    values: dict[str, Any]
    tag: int
    seen: str


@dataclass(frozen=True, slots=True)
class Selection:
    """A FROM, a WHERE and an ORDER BY with their parameters."""

    where: str
    parameters: tuple[Any, ...]
    order: str
    source: str


def select(declared: RecordType, wanted: Filter, place: Place) -> Selection:
    """The SQL behind a filter; field names come from the declaration alone."""
    clauses: list[str] = [] if wanted.deleted else ['t."_deleted" = 0']
    parameters: list[Any] = []
    for one in wanted.conditions:
        clause, values = _condition(declared, one, place)
        clauses.append(clause)
        parameters += values
    source, order = f'"{declared.name}" t', _order(declared, wanted)
    if wanted.text.strip():
        match = _match(declared, wanted.text)
        if not match:
            clauses.append("1 = 0")
        else:
            # The index leads: it yields rows in their order, and a page of a common word costs a page.
            source = f'"search_{declared.name}" s CROSS JOIN {source} ON t.rid = s.rowid'
            order = "s.rowid" if order == _BY_ENTRY else order
            clauses.append(f's."search_{declared.name}" MATCH ?')
            parameters.append(match)
    for related in wanted.related:
        clause, values = _related(related, place)
        clauses.append(clause)
        parameters += values
    return Selection(" AND ".join(clauses) or "1 = 1", tuple(parameters), order, source)


def row_ids(connection: sa.Connection, declared: RecordType, wanted: Filter, place: Place) -> array[int]:
    """Row numbers of everything that matches, in order."""
    match = _match(declared, wanted.text) if _text_alone(wanted) else ""
    if match and _order(declared, wanted) == _BY_ENTRY:
        statement, parameters = _indexed(declared, "rowid") + " ORDER BY rowid", (match,)
    else:
        chosen = select(declared, wanted, place)
        parameters = chosen.parameters
        statement = f"SELECT t.rid FROM {chosen.source} WHERE {chosen.where} ORDER BY {chosen.order}"
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, parameters)
        return array("q", (r[0] for r in cursor.fetchall()))
    finally:
        cursor.close()


def count(connection: sa.Connection, declared: RecordType, wanted: Filter, place: Place) -> int:
    """How many match."""
    match = _match(declared, wanted.text) if _text_alone(wanted) else ""
    if match:
        return int(sql.execute(connection, _indexed(declared, "count(*)"), (match,)).scalar())
    chosen = select(declared, wanted, place)
    statement = f"SELECT count(*) FROM {chosen.source} WHERE {chosen.where}"
    return int(sql.execute(connection, statement, chosen.parameters).scalar())


def first(
    connection: sa.Connection, declared: RecordType, wanted: Filter, place: Place, limit: int = FIRST_PAGE
) -> list[StoredRow]:
    """The first rows, before the whole is known."""
    chosen = select(declared, wanted, place)
    names = ("id", "rid", *declared.names, "_tag", "_n")
    columns = ", ".join(f't."{n}"' for n in names)
    statement = (
        f"SELECT {columns} FROM {chosen.source} WHERE {chosen.where}"
        f" ORDER BY {chosen.order} LIMIT ?"
    )
    rows = sql.execute(connection, statement, (*chosen.parameters, limit))
    return [_row(declared, tuple(r)) for r in rows]


def by_rids(connection: sa.Connection, declared: RecordType, rids: Sequence[int]) -> list[StoredRow]:
    """Rows by row number, in the order asked; those gone meanwhile are left out."""
    found = {r.rid: r for r in _fetch(connection, declared, "rid", list(rids))}
    return [found[i] for i in rids if i in found]


def by_ids(connection: sa.Connection, declared: RecordType, ids: Collection[str]) -> dict[str, StoredRow]:
    """Rows by id, tombstones left out."""
    return {r.id: r for r in _fetch(connection, declared, "id", list(ids))}


def labels(connection: sa.Connection, declared: RecordType, ids: Collection[str]) -> dict[str, str]:
    """The one-line name of each record."""
    if declared.label == "id":
        return {i: i for i in ids}
    return {
        i: str(r[0] or "")
        for i, r in sql.fetch_by_id(connection, declared.name, (declared.label,), list(ids)).items()
    }


def stream(
    connection: sa.Connection, declared: RecordType, rids: Sequence[int], size: int = 1000
) -> Iterator[list[StoredRow]]:
    """Rows in batches, for exports."""
    for start in range(0, len(rids), size):
        yield by_rids(connection, declared, rids[start : start + size])


# --- inside ------------------------------------------------------------------
def _fetch(
    connection: sa.Connection, declared: RecordType, column: str, keys: list[Any]
) -> Iterator[StoredRow]:
    names = ("id", "rid", *declared.names, "_tag", "_n")
    pg = sql.is_postgres(connection)
    statement = (
        f'SELECT {sql.quoted(names)} FROM "{declared.name}"'
        f' WHERE {sql.in_ids(pg, column)} AND "_deleted" = 0'
    )
    for r in connection.exec_driver_sql(statement, (sql.ids_parameter(pg, keys),)):
        yield _row(declared, tuple(r))


def _row(declared: RecordType, row: tuple[Any, ...]) -> StoredRow:
    values = from_stored(declared, declared.names, row[2:-2])
    return StoredRow(row[0], row[1], values, row[-2], str(row[-1]))


def _condition(declared: RecordType, one: Condition, place: Place) -> tuple[str, list[Any]]:
    field = declared.by_name[one.field]
    column = f't."{field.name}"'
    match one.op:
        case Op.EMPTY:
            return f"{column} IS NULL", []
        case Op.FILLED:
            return f"{column} IS NOT NULL", []
        case Op.IN:
            values = [_bind(field, v, place) for v in one.value]
            if not values:
                return "1 = 0", []
            return f"{column} IN ({', '.join('?' * len(values))})", values
        case Op.HAS:
            if field.kind in (Kind.CODES, Kind.REFS):
                return f"(',' || {column} || ',') LIKE ?", [f"%,{one.value},%"]
            text = str(one.value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            return f"{column} LIKE ? ESCAPE '\\'", [f"%{text}%"]
        case _:
            return f"{column} {_COMPARE[one.op]} ?", [_bind(field, one.value, place)]


def _related(one: Related, place: Place) -> tuple[str, list[Any]]:
    inner = Filter(one.conditions).where(one.field, Op.FILLED)
    chosen = select(one.declared, inner, place)
    word = "IN" if one.present else "NOT IN"
    # the inner "t" hides the outer one: the list does not depend on it and is made once
    listed = f'SELECT t."{one.field}" FROM "{one.declared.name}" t WHERE {chosen.where}'
    return f"t.id {word} ({listed})", list(chosen.parameters)


def _bind(field: Field, value: Any, place: Place) -> Any:
    if isinstance(value, Here):
        match value.what:
            case "me":
                return place.user
            case "bureau":
                return place.bureau
            case _:
                return (place.today + timedelta(days=value.days)).isoformat()
    return to_stored(field, value)


def _text_alone(wanted: Filter) -> bool:
    """Whether the search index answers by itself: tombstones are not in it."""
    return bool(wanted.text.strip()) and not wanted.conditions and not wanted.related


def _match(declared: RecordType, text: str) -> str:
    return phrase(text) if declared.search_fields else ""


def _indexed(declared: RecordType, what: str) -> str:
    table = f'"search_{declared.name}"'
    return f"SELECT {what} FROM {table} WHERE {table} MATCH ?"


def _order(declared: RecordType, wanted: Filter) -> str:
    name = wanted.order or declared.table_order
    field = declared.by_name.get(name.lstrip("-"))
    if field is None:
        return _BY_ENTRY
    direction = "DESC" if name.startswith("-") else "ASC"
    return f't."{field.name}" {direction}, t.rid {direction}'
