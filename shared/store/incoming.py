"""Runs from elsewhere, checked and put into this database's words before they are applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.changes import SEQ_BITS, Op, Run, Value
from shared.errors import ExchangeError
from shared.fields import Field
from shared.record import RecordType
from shared.store.references import from_wire
from shared.store.values import WIRE_TYPES


class Malformed(ExchangeError):
    """A signed change set holds what no version of the program writes."""

    code = "malformed"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A run in local packing, with unknown fields split off.

    :param first: packed reference of the first change.
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
    try:
        op = Op(run.op)
    except ValueError:
        raise Malformed("变更集中有无法识别的操作。", "请升级程序后重试。") from None
    known = [(i, declared.by_number[n]) for i, n in enumerate(run.fields) if n in declared.by_number]
    if op is not Op.DELETE and len(run.columns) != len(run.fields):
        raise Malformed("变更集的字段与数值不对应。", "请让对方重新导出。")
    for i, field in known:
        if not WIRE_TYPES[field.kind].issuperset(set(map(type, run.columns[i]))):
            raise Malformed(
                f"变更集中“{declared.title}·{field.title}”的数值类型不对。", "请让对方重新导出。"
            )
    bases = run.bases if op is Op.DELETE else [run.bases[i] for i, _ in known] if run.bases else []
    writers = run.writers if len(run.writers) <= 1 else [run.writers[i] for i, _ in known]
    return Incoming(
        declared=declared,
        op=op,
        fields=tuple(f for _, f in known),
        ids=run.record_ids(),
        columns=[run.columns[i] for i, _ in known],
        bases=[from_wire(c, table) for c in bases],
        writers=[from_wire(c, table) for c in writers],
        first=table[run.origin] << SEQ_BITS | run.first,
        run=run,
        partial=len(known) < len(run.fields),
    )
