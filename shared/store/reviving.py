"""A record that was deleted is there again: entered anew under its key, or restored by a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shared import access
from shared.access import Action
from shared.changes import Op, Value
from shared.errors import InputError, StaleRecord
from shared.fields import Field
from shared.record import PROVENANCE, RecordType
from shared.store.rowstate import RowState, encode_fw, moved_from

if TYPE_CHECKING:
    from shared.store.unit import Unit


def lift(
    unit: Unit,
    declared: RecordType,
    record_id: str,
    state: RowState,
    values: Mapping[str, Value],
    reference: int,
    hlc: int,
    keep: Sequence[str] = (),
) -> None:
    """Take the tombstone away: the record holds ``values`` and nothing of what it held before.

    :param reference: the change that says so; :param keep: fields left as they were.
    """
    new = {f.name: values.get(f.name) for f in declared.fields if f.name not in keep}
    state.fw |= {declared.by_name[n].number: reference for n in new}
    state.values |= new
    state.deleted, state.tag, state.hlc = False, reference, max(hlc, state.hlc)
    body = (*new.values(), encode_fw(state.fw), reference, state.hlc, record_id)
    unit.put_changed(declared, tuple(new), [body])
    unit.put_deleted(declared, [record_id], [reference], state.hlc, 0)


def enter_again(
    unit: Unit,
    declared: RecordType,
    fields: Sequence[Field],
    ids: Sequence[str],
    columns: Sequence[Sequence[Value]],
    first: int,
) -> dict[str, list[Value]]:
    """Rows that could not be inserted: those with a tombstone are lifted.

    :param first: reference of the first row's change.
    Returns what decided where the rows travelled before: nothing, for those that are new.
    Raises :class:`InputError` for a record that is there, ``AccessDenied`` for another bureau's.
    """
    states = unit.load(declared, ids)
    before = moved_from(declared, declared.names, [states[i] for i in ids])
    for row, record_id in enumerate(ids):
        state = states[record_id]
        if state.w == first + row:
            for column in before.values():
                column[row] = None
            continue
        if not state.deleted:
            raise InputError(
                f"要新增的{declared.title}中有已经存在的记录。", "请先查询，在已有记录上修改。"
            )
        access.require(unit.actor, Action.UPDATE, declared, state.values, cause=unit.cause)
        values = {f.name: c[row] for f, c in zip(fields, columns, strict=True)}
        lift(unit, declared, record_id, state, values, first + row, unit.hlc)
    return before


def restore(unit: Unit, declared: RecordType, record_id: str, edits: Mapping[str, Value]) -> None:
    """Undo a deletion by a decision: as it was, with what the other side had changed.

    :param edits: stored values by field name. Raises :class:`StaleRecord` when it is not deleted.
    """
    state = unit.load(declared, [record_id]).get(record_id)
    if state is None or not state.deleted:
        raise StaleRecord(f"这条{declared.title}没有作废，或不在本机。", "请刷新后查看。")
    access.require(unit.actor, Action.UPDATE, declared, state.values, cause=unit.cause)
    known = {n: v for n, v in edits.items() if n in declared.by_name}
    values = {n: v for n, v in {**state.values, **known}.items() if n not in PROVENANCE}
    fields = tuple(f for f in declared.own_fields if values[f.name] is not None)
    columns: list[list[Value]] = [[values[f.name]] for f in fields]
    reference = unit.capture(declared, Op.INSERT, fields, [record_id], columns)
    lift(unit, declared, record_id, state, values, reference, unit.hlc, keep=PROVENANCE)
