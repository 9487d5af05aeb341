"""How a field of a record type is declared.

``text(10, "名称", required=True)`` inside a class decorated with
:func:`shared.record.record_type` yields a dataclass field that carries a
:class:`Field`. Forms, tables, spreadsheets, wire and search derive from it.

The first argument is the field's *number* on the wire: never reused, never
changed. Numbers below 10 belong to provenance (see ``shared.record``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Check = Callable[[str], "str | None"]
"""Takes the normalized text, returns a Chinese sentence when it is wrong."""

META = "yizhan"


class Kind(StrEnum):
    """What a field holds, and as what Python type the record carries it."""

    TEXT = "text"  # str, one line
    NOTE = "note"  # str, several lines
    CODE = "code"  # str, code of a code table
    CODES = "codes"  # str, codes joined by "," in table order: a set
    MONEY = "money"  # int, 分
    DATE = "date"  # datetime.date; stored as ISO text
    TIME = "time"  # str, ISO 8601 with offset, whole seconds
    INTEGER = "integer"  # int
    DECIMAL = "decimal"  # str, canonical decimal
    BOOL = "bool"  # bool; stored as 0/1
    REF = "ref"  # str, id of another record
    REFS = "refs"  # str, ids joined by ",": a set


class Merge(StrEnum):
    """What happens when two devices changed one field from the same base."""

    ASK = "ask"  # the hub's value stands, a Conflict asks a person
    UNION = "union"  # sets: both
    MAX = "max"  # the greater value
    LATEST = "latest"  # the later HLC; only for fields without legal weight
    FIRST = "first"  # what came to the hub first; only where the dispute itself is asked about elsewhere


@dataclass(frozen=True, slots=True)
class Field:
    """The declaration of one field; see the functions below for its making."""

    number: int
    title: str
    kind: Kind
    name: str = ""
    required: bool = False
    max: int | None = None
    table: str = ""
    target: str = ""
    must_exist: bool = True
    derive_from: str = ""
    search: bool = False
    index: bool = False
    column: bool = False
    sheet: bool = True
    form: bool = True
    personal: bool = False
    merge: Merge = Merge.ASK
    group: str = ""
    hint: str = ""
    example: str = ""
    unit: str = ""
    standard: str = ""
    words: tuple[tuple[str, str], ...] = ()
    """Stored names and what people read for them: the states of a workflow."""
    check: Check | None = None
    default: Any = None


def _declare(number: int, title: str, kind: Kind, options: dict[str, Any]) -> Any:
    field = Field(number, title, kind, **options)
    return dataclasses.field(default=field.default, kw_only=True, metadata={META: field})


def text(number: int, title: str, **options: Any) -> Any:
    """One line of text. ``max`` counts characters; ``check`` sees normalized text."""
    return _declare(number, title, Kind.TEXT, options)


def note(number: int, title: str, **options: Any) -> Any:
    """Several lines of text."""
    return _declare(number, title, Kind.NOTE, options)


def code(number: int, title: str, table: str, **options: Any) -> Any:
    """One code of the named code table."""
    return _declare(number, title, Kind.CODE, {"table": table, **options})


def codes(number: int, title: str, table: str, **options: Any) -> Any:
    """A set of codes of the named code table; merges by union."""
    return _declare(number, title, Kind.CODES, {"table": table, "merge": Merge.UNION, **options})


def money(number: int, title: str, *, unit: str = "元", **options: Any) -> Any:
    """An amount; carried in 分, typed and shown in ``unit`` (元 or 万元)."""
    return _declare(number, title, Kind.MONEY, {"unit": unit, **options})


def date_(number: int, title: str, **options: Any) -> Any:
    """A calendar day."""
    return _declare(number, title, Kind.DATE, options)


def time_(number: int, title: str, **options: Any) -> Any:
    """A moment, ISO 8601 with offset."""
    return _declare(number, title, Kind.TIME, options)


def integer(number: int, title: str, **options: Any) -> Any:
    """A whole number."""
    return _declare(number, title, Kind.INTEGER, options)


def decimal_(number: int, title: str, **options: Any) -> Any:
    """A decimal number, carried as canonical text: no floats on the wire."""
    return _declare(number, title, Kind.DECIMAL, options)


def bool_(number: int, title: str, **options: Any) -> Any:
    """Yes or no (是/否)."""
    return _declare(number, title, Kind.BOOL, options)


def ref(number: int, title: str, target: str, **options: Any) -> Any:
    """The id of one record of type ``target``.

    ``derive_from`` names a sibling field that holds the target's key; the id is
    then computed from it. ``must_exist=False`` makes a missing target a warning.
    """
    return _declare(number, title, Kind.REF, {"target": target, **options})


def refs(number: int, title: str, target: str, **options: Any) -> Any:
    """Ids of several records of type ``target``; merges by union."""
    return _declare(number, title, Kind.REFS, {"target": target, "merge": Merge.UNION, **options})
