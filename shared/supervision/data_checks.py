"""What a complete record is and what makes two records the same, read from the declarations (R54)."""

from __future__ import annotations

from shared.fields import Field, Kind
from shared.record import RecordType
from shared.types.data_problem import ABOUT

WORKDAYS = 10
"""Working days a bureau has to mend, unless another day is typed."""

_CHECKED_GROUPS = ("collection", "registry")
_FREE = ("remark",)


def is_concerned(declared: RecordType) -> bool:
    """Whether problems may be raised about records of this type."""
    return declared.name in dict(ABOUT)


def is_checked(declared: RecordType) -> bool:
    """Whether records of this type are looked through for problems: what is collected, and the registry."""
    return is_concerned(declared) and declared.group in _CHECKED_GROUPS


def expected(declared: RecordType) -> tuple[Field, ...]:
    """Optional fields that a complete record fills.

    Those the declaration shows in the table or gives an example for: what the standard asks of every
    record. A field that a rule asks for only in some cases is left to that rule, which entry obeyed;
    identifiers that stand in for another have no example and are not asked for.
    """
    in_some_cases = {name for rule in declared.rules for name in rule.also}
    return tuple(
        one
        for one in declared.form_fields
        if (one.column or one.example) and one.sheet and not one.required
        and one.name not in in_some_cases and one.name not in _FREE
    )  # fmt: skip


def sameness(declared: RecordType) -> tuple[Field, ...]:
    """Fields that together say what happened to whom; equal in all of them under another number is the
    same fact reported twice. What must be unique is left out where it names the record: two equal ones
    would be a conflict already."""
    unique = {name for names in declared.unique for name in names}
    numbers = {*declared.key, *({declared.label} & unique)}
    return tuple(one for one in declared.own_fields if one.required and one.name not in numbers)


def business_day(declared: RecordType) -> Field | None:
    """The day a record is about: the first date that must be filled."""
    return next((f for f in declared.own_fields if f.kind is Kind.DATE and f.required), None)


def linked_by(declared: RecordType) -> Field | None:
    """The field by whose value a record is linked to its market entity; None where it is chosen."""
    about = declared.by_name.get(declared.about)
    return declared.by_name[about.derive_from] if about is not None and about.derive_from else None


__all__ = ["WORKDAYS", "business_day", "expected", "is_checked", "is_concerned", "linked_by", "sameness"]
