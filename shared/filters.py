"""Filters as data: what a query page asks for, free of SQL.

``shared.store.query`` turns a :class:`Filter` into SQL; the interface builds one
from its filter bar, a work queue declares one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.record import RecordType


class Op(StrEnum):
    """Comparisons. ``HAS`` is substring search through the index where there is one."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    HAS = "has"
    EMPTY = "empty"
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field; ``value`` is unused by EMPTY and FILLED.

    The values ``ME``, ``MY_BUREAU`` and ``TODAY(+n)`` are bound when the query runs.
    """

    field: str
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True)
class Here:
    """A value known only when the query runs: the person, the bureau, or a day.

    :param what: ``"me" | "bureau" | "today"``; ``days`` is added to today.
    """

    what: str
    days: int = 0


ME = Here("me")
MY_BUREAU = Here("bureau")
TODAY = Here("today")


@dataclass(frozen=True, slots=True)
class Related:
    """Records of another type that refer to this one must exist, or must not.

    :param field: field of ``declared`` that holds this record's id.
    :param conditions: what must hold of them.
    """

    declared: RecordType
    field: str
    conditions: tuple[Condition, ...] = ()
    present: bool = True

    def absent(self) -> Related:
        """The opposite: there is no such record."""
        return replace(self, present=not self.present)


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions must hold.

    :param text: words searched in the type's ``search`` fields: any substring of
        Chinese, or pinyin initials; ``""`` = no restriction.
    :param order: field to sort by, ``-`` in front for descending; ``""`` = by entry.
    """

    conditions: tuple[Condition, ...] = ()
    text: str = ""
    order: str = ""
    deleted: bool = False
    related: tuple[Related, ...] = ()

    def where(self, field: str, op: Op, value: Any = None) -> Filter:
        """The same filter with one more condition."""
        return replace(self, conditions=(*self.conditions, Condition(field, op, value)))

    def having(self, related: Related) -> Filter:
        """The same filter with one more demand on records that refer here."""
        return replace(self, related=(*self.related, related))
