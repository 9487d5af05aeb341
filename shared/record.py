"""Record types: a frozen dataclass whose declaration everything else derives from.

``@record_type("permit", "行政许可", number=10, …)`` above a class of declared
fields (``shared.fields``) and ``@rule`` methods attaches a :class:`RecordType`
as ``cls.__record__``. Provenance (R33: source bureau, entry time, entry way) is
on every record without being written down again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, TypeVar, dataclass_transform

from shared import fields as f
from shared.errors import Level, Problem
from shared.fields import META, Field, Kind
from shared.ids import key_id, new_id
from shared.lifecycle import Lifecycle

T = TypeVar("T")
RuleBody = Callable[[Any], Iterator[Problem]]
Values = dict[str, Any]

PROVENANCE = ("source_bureau", "entered_at", "entered_by", "entry_way")
"""Filled by the write door, never typed."""


class Part(StrEnum):
    """Which partitions a record belongs to (sync.md, Scope)."""

    COMMON = "common"  # everybody
    DIVISION = "division"  # bureaus of the division named by a field of the record
    ENTITY_DIVISION = "entity_division"  # of the division of the entity a field refers to
    BUREAU = "bureau"  # the bureau named by a field of the record, and those above it
    ADMIN = "admin"  # hub administrators


@dataclass(frozen=True, slots=True)
class Partition:
    """A rule that yields the partition of a record from one of its fields."""

    part: Part
    field: str = ""


COMMON = Partition(Part.COMMON)
ADMIN = Partition(Part.ADMIN)
OWN_BUREAU = Partition(Part.BUREAU, "source_bureau")


def in_division(field: str) -> Partition:
    """Bureaus of the division that ``field`` holds (a GB/T 2260 code)."""
    return Partition(Part.DIVISION, field)


def in_division_of(field: str) -> Partition:
    """Bureaus of the division of the market entity that ``field`` refers to."""
    return Partition(Part.ENTITY_DIVISION, field)


def in_bureau(field: str) -> Partition:
    """The bureau that ``field`` refers to."""
    return Partition(Part.BUREAU, field)


@dataclass(frozen=True, slots=True)
class Rule:
    """A check over several fields; runs only when ``needs`` are present and all valid."""

    name: str
    needs: tuple[str, ...]
    also: tuple[str, ...]
    body: RuleBody


def rule(*needs: str, also: tuple[str, ...] = ()) -> Callable[[RuleBody], RuleBody]:
    """Mark a method as a rule that yields :class:`Problem`.

    :param needs: fields that must be filled and valid, or the rule does not run.
    :param also: fields it reads that may be empty, but not invalid.
    """

    def mark(body: RuleBody) -> RuleBody:
        body.__rule__ = (needs, also)  # type: ignore[attr-defined]
        return body

    return mark


def warn(field: str, message: str) -> Problem:
    """A finding that lets the record pass (警示提示)."""
    return Problem(field, message, Level.WARN)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Base of all record classes: identity and provenance."""

    __record__: ClassVar[RecordType]

    id: str = ""
    source_bureau: str = f.ref(1, "来源单位", "bureau", form=False, sheet=False, index=True)
    entered_at: str = f.time_(2, "录入时间", form=False, sheet=False)
    entered_by: str = f.ref(3, "录入人", "user", form=False, sheet=False, must_exist=False)
    entry_way: str = f.code(4, "录入方式", "归集方式", form=False, sheet=False)


class View:
    """What a rule sees as ``self``: values by attribute, no record yet."""

    def __init__(self, names: Iterable[str], values: Mapping[str, Any]) -> None:
        known = self.__dict__
        known.update(dict.fromkeys(names))
        known.update(values)


@dataclass(frozen=True)
class RecordType:
    """Everything the program knows about one type of record.

    :param name: code name, also the table's name.
    :param number: number on the wire; never reused.
    :param key: fields that identify the fact; empty = UUIDv7.
    :param label: field shown where one record must be named in one line.
    :param about: field that refers to the market entity it is about; ``""`` = none.
    :param partitions: where it travels.
    :param group: ``"collection" | "registry" | "work" | "list" | "system"``: which page offers it.
    :param unique: sets of fields that must be unique; checked after the merge.
    :param table_order: default sort, as in ``Filter.order``.
    :param attachments: whether photos and scans may be attached to its records.
    :param made_by: where its records are made when no form or workbook makes them, in words for
        people; ``""`` = they are typed. More belongs to such a record than its fields.
    :param paper: whether the exchange itself makes its records, about itself: the office's work is in
        without them.
    """

    name: str
    title: str
    number: int
    cls: type[Any]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    key: tuple[str, ...]
    label: str
    about: str
    partitions: tuple[Partition, ...]
    group: str
    lifecycle: Lifecycle | None
    unique: tuple[tuple[str, ...], ...]
    schema_version: int
    table_order: str
    requirement: str
    attachments: bool = False
    made_by: str = ""
    paper: bool = False

    @property
    def typed(self) -> bool:
        """Whether a form or a workbook may bring records of this type."""
        return not self.made_by

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by code name."""
        return {x.name: x for x in self.fields}

    @cached_property
    def by_number(self) -> dict[int, Field]:
        """Fields by wire number."""
        return {x.number: x for x in self.fields}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order, without id."""
        return tuple(x.name for x in self.fields)

    @cached_property
    def own_fields(self) -> tuple[Field, ...]:
        """Fields of the declaration itself, provenance left out."""
        return tuple(x for x in self.fields if x.name not in PROVENANCE)

    @cached_property
    def form_fields(self) -> tuple[Field, ...]:
        """What an entry form shows, in order."""
        return tuple(x for x in self.own_fields if x.form and not x.derive_from)

    @cached_property
    def sheet_fields(self) -> tuple[Field, ...]:
        """What a spreadsheet holds, in order."""
        return tuple(x for x in self.own_fields if x.sheet and not x.derive_from)

    @cached_property
    def column_fields(self) -> tuple[Field, ...]:
        """What a table shows by default: marked ones, else the first eight."""
        marked = tuple(x for x in self.own_fields if x.column)
        return marked or self.own_fields[:8]

    @cached_property
    def search_fields(self) -> tuple[Field, ...]:
        """Fields that free text is searched in."""
        return tuple(x for x in self.fields if x.search)

    @cached_property
    def required_names(self) -> frozenset[str]:
        """Fields that must be filled."""
        return frozenset(x.name for x in self.own_fields if x.required)

    @cached_property
    def derived_fields(self) -> tuple[Field, ...]:
        """Fields computed from the key held by a sibling."""
        return tuple(x for x in self.own_fields if x.derive_from)

    @cached_property
    def partition_fields(self) -> frozenset[str]:
        """Fields that decide where a record travels."""
        return frozenset(p.field for p in self.partitions if p.field)

    def record_id(self, values: Mapping[str, Any]) -> str:
        """The id these values yield: from the key where declared, else a new one."""
        if not self.key:
            return new_id()
        return key_id(self.name, [str(values[k]) for k in self.key])

    def id_for_key(self, *key: str) -> str:
        """The id of the record with this key."""
        return key_id(self.name, key)

    def from_values(self, record_id: str, values: Mapping[str, Any]) -> Any:
        """A record object from typed values."""
        known = {k: values.get(k) for k in self.by_name}
        return self.cls(id=record_id, **known)

    def run_rules(self, values: Mapping[str, Any], invalid: frozenset[str]) -> list[Problem]:
        """Findings of all rules whose fields allow them to run."""
        found: list[Problem] = []
        view: View | None = None
        for one in self.rules:
            if invalid and not (invalid.isdisjoint(one.needs) and invalid.isdisjoint(one.also)):
                continue
            for needed in one.needs:
                if values.get(needed) is None:
                    break
            else:
                view = view or View(self.by_name, values)
                found += one.body(view)
        return found

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(
        f.text, f.note, f.code, f.codes, f.money, f.date_, f.time_, f.integer, f.decimal_, f.bool_,
        f.ref, f.refs,
    ),
)
def record_type(
    name: str,
    title: str,
    *,
    number: int,
    partitions: Sequence[Partition] = (OWN_BUREAU,),
    key: Sequence[str] = (),
    label: str = "",
    about: str = "",
    group: str = "collection",
    lifecycle: Lifecycle | None = None,
    unique: Sequence[Sequence[str]] = (),
    schema_version: int = 1,
    table_order: str = "-entered_at",
    requirement: str = "",
    attachments: bool = False,
    made_by: str = "",
    paper: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declare a record type; see :class:`RecordType` for the meaning of each name."""

    def build(plain: type[T]) -> type[T]:
        namespace = {k: v for k, v in plain.__dict__.items() if k not in ("__dict__", "__weakref__")}
        cls: type[Any] = dataclass(frozen=True, kw_only=True)(type(plain.__name__, (Record,), namespace))
        declared = tuple(_with_states(one, lifecycle) for one in _declared(cls))
        _check_numbers(name, declared)
        ordered = tuple(x for x in declared if x.name not in PROVENANCE) + tuple(
            x for x in declared if x.name in PROVENANCE
        )
        cls.__record__ = RecordType(
            name=name,
            title=title,
            number=number,
            cls=cls,
            fields=ordered,
            rules=tuple(_rules(plain)),
            key=tuple(key),
            label=label or next((x.name for x in ordered if x.kind is Kind.TEXT), "id"),
            about=about,
            partitions=tuple(partitions),
            group=group,
            lifecycle=lifecycle,
            unique=tuple(tuple(u) for u in unique),
            schema_version=schema_version,
            table_order=table_order,
            requirement=requirement,
            attachments=attachments,
            made_by=made_by,
            paper=paper,
        )
        return cls

    return build


def type_of(cls: type[Any]) -> RecordType:
    """The declaration behind a record class."""
    found: RecordType = cls.__record__
    return found


def _declared(cls: type[Any]) -> Iterator[Field]:
    for one in dataclasses.fields(cls):
        declared = one.metadata.get(META)
        if declared is not None:
            yield dataclasses.replace(declared, name=one.name)


def _with_states(one: Field, lifecycle: Lifecycle | None) -> Field:
    """The state field is read by the titles of the states."""
    if lifecycle is None or one.name != lifecycle.field:
        return one
    return dataclasses.replace(one, words=tuple((s.name, s.title) for s in lifecycle.states))


def _rules(plain: type[Any]) -> Iterator[Rule]:
    for name, member in vars(plain).items():
        marked = getattr(member, "__rule__", None)
        if marked is not None:
            yield Rule(name, marked[0], marked[1], member)


def _check_numbers(name: str, declared: Iterable[Field]) -> None:
    seen: dict[int, str] = {}
    for one in declared:
        if one.number in seen:
            raise TypeError(f"{name}: fields {seen[one.number]} and {one.name} share a number")
        seen[one.number] = one.name
