"""Between typed values (``date``, ``bool``) and what a column and the wire hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from shared.changes import Value
from shared.fields import Field, Kind
from shared.record import RecordType


def _iso(value: Any) -> Value:
    return value if value is None or isinstance(value, str) else value.isoformat()


def _flag(value: Any) -> Value:
    return None if value is None else int(value)


TO_STORED: dict[Kind, Callable[[Any], Value]] = {Kind.DATE: _iso, Kind.BOOL: _flag}
FROM_STORED: dict[Kind, Callable[[Any], Any]] = {
    Kind.DATE: lambda v: None if v is None else date.fromisoformat(v),
    Kind.BOOL: lambda v: None if v is None else bool(v),
}
WIRE_TYPES: dict[Kind, frozenset[type]] = {
    kind: frozenset({int, type(None)})
    if kind in (Kind.MONEY, Kind.INTEGER, Kind.BOOL)
    else frozenset({str, type(None)})
    for kind in Kind
}
"""What a column of the wire may hold; anything else is refused before it is stored."""


def to_stored(field: Field, value: Any) -> Value:
    """One value as stored."""
    convert = TO_STORED.get(field.kind)
    plain: Value = convert(value) if convert else value
    return plain


def stored_column(field: Field, column: Sequence[Any]) -> list[Value]:
    """A column of typed values as stored."""
    convert = TO_STORED.get(field.kind)
    return [convert(v) for v in column] if convert else list(column)


def from_stored(declared: RecordType, names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Typed values by name."""
    out: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        field = declared.by_name.get(name)
        convert = FROM_STORED.get(field.kind) if field else None
        out[name] = convert(value) if convert else value
    return out


def columns_of(
    declared: RecordType, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Field], list[list[Value]]]:
    """Rows turned into stored columns; fields that are empty everywhere are left out."""
    fields: list[Field] = []
    columns: list[list[Value]] = []
    for field in declared.fields:
        column = [row.get(field.name) for row in rows]
        if any(v is not None for v in column):
            fields.append(field)
            columns.append(stored_column(field, column))
    return fields, columns
