"""Streams by name, and which of them a record belongs to (sync.md, Scope): pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.changes import Value
from shared.record import Part, Partition, RecordType

COMMON = "common"
ADMIN = "admin"
LEFT = "left:"
"""Cause of an eviction, followed by the streams the records are in now."""
_DIVISION = "division:"
_BUREAU = "bureau:"
_ORDER = (COMMON, _DIVISION.rstrip(":"), _BUREAU.rstrip(":"), ADMIN)


def division_stream(code: str) -> str:
    """Stream of everything a bureau of this division must be able to look up."""
    return f"{_DIVISION}{code}"


def bureau_stream(bureau: str) -> str:
    """Stream of one bureau's own records."""
    return f"{_BUREAU}{bureau}"


def in_order(streams: Iterable[str]) -> list[str]:
    """The streams as they are told: what is common, divisions, bureaus, what is for administrators."""
    return sorted(streams, key=lambda s: (_ORDER.index(s.partition(":")[0]), s))


def divisions_of(streams: Iterable[str]) -> list[str]:
    """Codes of the divisions among streams."""
    return sorted(s.removeprefix(_DIVISION) for s in streams if s.startswith(_DIVISION))


def bureaus_of(streams: Iterable[str]) -> list[str]:
    """Ids of the bureaus among streams."""
    return sorted(s.removeprefix(_BUREAU) for s in streams if s.startswith(_BUREAU))


def stream_of(rule: Partition, value: Value, division: str | None = None) -> str | None:
    """The stream one rule names for a record; None when the record gives it nothing to go by.

    :param value: of the field the rule reads; :param division: of the entity that value refers to.
    """
    match rule.part:
        case Part.COMMON:
            return COMMON
        case Part.ADMIN:
            return ADMIN
        case Part.DIVISION:
            return division_stream(str(value)) if value else None
        case Part.BUREAU:
            return bureau_stream(str(value)) if value else None
        case Part.ENTITY_DIVISION:
            return division_stream(division) if division else None


def named_streams(declared: RecordType, values: Mapping[str, Value]) -> Iterator[str]:
    """Streams a record names by itself, without looking at the entity it is about."""
    for rule in declared.partitions:
        name = stream_of(rule, values.get(rule.field))
        if name is not None:
            yield name
