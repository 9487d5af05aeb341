"""What becomes of one field that two devices changed: pure, no I/O.

The author knew what stands → apply; equal values → converge; otherwise the
field's policy decides (sync.md, Order, merge, conflict).
"""

from __future__ import annotations

from enum import Enum

from shared.changes import SEQ_BITS, Value
from shared.fields import Field, Merge


class Outcome(Enum):
    """What the hub does with a proposed value."""

    APPLY = "apply"
    KEEP = "keep"
    CONFLICT = "conflict"


def seen(base: int, writer: int, own: int) -> bool:
    """Whether the author of the change ``own`` knew what stands.

    It is the base, or an earlier change of the same installation: those follow each other,
    also when the hub forgot one in between, or lets one in late.
    """
    return base == writer or (writer >> SEQ_BITS == own >> SEQ_BITS and writer < own)


def outrun(writer: int, own: int) -> bool:
    """Whether what stands is what the same installation wrote after the change ``own``."""
    return writer >> SEQ_BITS == own >> SEQ_BITS and writer > own


def merge_field(
    field: Field,
    *,
    base: int,
    writer: int,
    own: int,
    current: Value,
    proposed: Value,
    current_hlc: int = 0,
    proposed_hlc: int = 0,
) -> tuple[Outcome, Value]:
    """Decide one field; returns the outcome and the value that stands.

    :param base: reference the author last saw; ``writer``: the one that stands; ``own``: the
        one that proposes.
    """
    if outrun(writer, own):
        return Outcome.KEEP, current
    if seen(base, writer, own) or current == proposed:
        return Outcome.APPLY, proposed
    if current is None and base == 0:
        return Outcome.APPLY, proposed
    match field.merge:
        case Merge.UNION:
            return Outcome.APPLY, union(current, proposed)
        case Merge.MAX:
            return _greater(current, proposed)
        case Merge.LATEST:
            later = proposed_hlc > current_hlc
            return (Outcome.APPLY, proposed) if later else (Outcome.KEEP, current)
        case Merge.FIRST:
            return Outcome.KEEP, current
        case _:
            return Outcome.CONFLICT, current


def union(one: Value, other: Value) -> Value:
    """Two comma-joined sets as one, sorted so that both orders agree."""
    parts = {p for v in (one, other) if v is not None for p in str(v).split(",") if p}
    return ",".join(sorted(parts)) or None


def _greater(current: Value, proposed: Value) -> tuple[Outcome, Value]:
    if current is None:
        return Outcome.APPLY, proposed
    if proposed is None:
        return Outcome.KEEP, current
    if isinstance(current, int) and isinstance(proposed, int):
        more = proposed > current
    else:
        more = str(proposed) > str(current)
    return (Outcome.APPLY, proposed) if more else (Outcome.KEEP, current)
