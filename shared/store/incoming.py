"""Runs from elsewhere, checked and put into this database's words before they are applied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.changes import SEQ_BITS, SEQ_MASK, Op, Run, Value
from shared.errors import ExchangeError
from shared.fields import Field, Kind
from shared.record import RecordType
from shared.store.references import from_wire
from shared.store.values import WIRE_TYPES
from shared.upcasting import upcast

_BIGGEST = 2**63 - 1
_MAX_INCARNATION = 2**31
_DEVICE = re.compile(r"[0-9a-f]{32}")


class Malformed(ExchangeError):
    """A signed change set holds what no version of the program writes."""

    code = "malformed"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A run in local packing, in this program's words, with unknown fields split off.

    :param first: packed reference of the first change.
    :param doubtful: whether its time was put back because its author's clock is wrong.
    """

    declared: RecordType
    op: Op
    fields: tuple[Field, ...]
    ids: list[str]
    columns: list[list[Value]]
    bases: list[list[int]]
    writers: list[list[int]]
    first: int
    run: Run
    partial: bool
    doubtful: bool = False

    @property
    def rank(self) -> int:
        """Its time where the later one wins: a doubtful one never does."""
        return 0 if self.doubtful else self.run.hlc

    def writer(self, row: int, column: int) -> int:
        """Reference that stands for one value."""
        if not self.writers:
            return self.first + row
        return self.writers[column if len(self.writers) > 1 else 0][row]

    def base(self, row: int, column: int) -> int:
        """Reference the author last saw for one value."""
        if not self.bases:
            return 0
        return self.bases[column][row]


def understand(
    run: Run, table: Sequence[int], types: Mapping[int, RecordType]
) -> Incoming | None:
    """The run in local words; None when its type is unknown here.

    Raises :class:`Malformed` for an unknown operation or a value of the wrong kind.
    """
    declared = types.get(run.type)
    if declared is None:
        return None
    newer = run.schema > declared.schema_version
    if run.schema < declared.schema_version:
        run = upcast(run, declared)
    try:
        op = Op(run.op)
    except ValueError:
        raise Malformed("变更集中有无法识别的操作。", "请升级程序后重试。") from None
    known = [(i, declared.by_number[n]) for i, n in enumerate(run.fields) if n in declared.by_number]
    ids = run.record_ids()
    _check_shape(run, op, ids)
    for i, field in () if op.bare else known:
        if not (
            WIRE_TYPES[field.kind].issuperset(set(map(type, run.columns[i])))
            and _fits(field, run.columns[i])
        ):
            raise Malformed(
                f"变更集中“{declared.title}·{field.title}”的数值类型不对。", "请让对方重新导出。"
            )
    bases = [run.bases[i] for i, _ in known] if run.bases else []
    writers = run.writers if len(run.writers) <= 1 else [run.writers[i] for i, _ in known]
    try:
        bases, writers = ([from_wire(c, table) for c in part] for part in (bases, writers))
    except IndexError:
        raise Malformed("变更集引用了不存在的来源。", "请让对方重新导出。") from None
    return Incoming(
        declared=declared,
        op=op,
        fields=tuple(f for _, f in known),
        ids=ids,
        columns=[] if op.bare else [run.columns[i] for i, _ in known],
        bases=bases,
        writers=writers,
        first=table[run.origin] << SEQ_BITS | run.first,
        run=run,
        partial=newer or len(known) < len(run.fields),
    )


def check_origins(origins: Sequence[tuple[str, int]]) -> None:
    """Refuse names of origins that no installation bears."""
    if not all(_DEVICE.fullmatch(device) and 0 < n < _MAX_INCARNATION for device, n in origins):
        raise Malformed("变更集引用了不存在的来源。", "请让对方重新导出。")


def _check_shape(run: Run, op: Op, ids: Sequence[str]) -> None:
    width = len(run.fields)
    whole = (
        len(run.columns) == (0 if op.bare else width)
        and len(run.bases) in (0, width)
        and len(run.writers) in (0, 1, width)
        and len(set(run.fields)) == width
        and len(set(ids)) == len(ids)
        and 0 < run.first <= run.first + len(ids) <= SEQ_MASK
        and 0 <= run.hlc <= _BIGGEST
        and "\0" not in run.actor + run.cause
    )
    if not whole:
        raise Malformed("变更集的结构不对。", "请让对方重新导出。")


def _fits(field: Field, column: Sequence[Value]) -> bool:
    """Whether every database can hold these values."""
    if int in WIRE_TYPES[field.kind]:
        numbers = [v for v in column if isinstance(v, int)]
        least, most = (0, 1) if field.kind is Kind.BOOL else (-_BIGGEST, _BIGGEST)
        return not numbers or (least <= min(numbers) and max(numbers) <= most)
    return "\0" not in "".join(map(str, column))
