"""Deciding about a record that is not on this device: what can be taken, what cannot and why.

The conflict carries both values, the edit a deletion met, and two numbers that are the same:
what rests on nothing else can be decided from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shared.changes import SEQ_BITS, Op, Value
from shared.fields import Field
from shared.record import PROVENANCE, RecordType
from shared.store.references import Origins
from shared.store.unit import Unit
from shared.types.conflict import DELETION, FIELD, RULE, UNIQUE


class Choice(StrEnum):
    """How a conflict may end."""

    OURS = "ours"  # the value the hub kept
    THEIRS = "theirs"  # the value it did not take
    OTHER = "other"  # a third one
    KEEP = "keep"  # one side deleted: the record stays
    VOID = "void"  # one side deleted: it goes
    BOTH = "both"  # two records with one number: both stay


ALL = {
    FIELD: (Choice.OURS, Choice.THEIRS, Choice.OTHER),
    RULE: (Choice.OURS, Choice.THEIRS, Choice.OTHER),
    DELETION: (Choice.KEEP, Choice.VOID),
    UNIQUE: (Choice.OURS, Choice.THEIRS, Choice.BOTH),
}
_AWAY = "本机没有这条记录，"


def closed(kind: str, declared: RecordType, one: Mapping[str, Any], keeper: str) -> dict[Choice, str]:
    """Choices that cannot be taken without the record, with the reason.

    :param keeper: name of a bureau that has it, ``""`` when unknown.
    """
    ask = f"请由{keeper or '存有该记录的单位'}处理"
    if kind == DELETION:
        if one["edits"]:  # it is deleted there: to bring it back needs nothing but the edit
            keyed = bool(set(declared.key).intersection(_names(one)))
            return {Choice.KEEP: f"修改的一方改了记录的标识，不能由此恢复；{ask}"} if keyed else {}
        return {Choice.VOID: f"{_AWAY}看不到修改后的全部内容，不能作废；{ask}"}
    if kind not in (FIELD, RULE):
        return {}
    out = {Choice.OTHER: f"{_AWAY}另填的值无法按整条记录核对；{ask}"}
    if not one["ours_ref"]:
        return dict.fromkeys(ALL[kind], f"这条冲突没有记下所依据的变更；{ask}")
    if any(f.derive_from == one["field"] for f in declared.own_fields):
        out[Choice.THEIRS] = f"{_AWAY}有别的内容由这一处算出；{ask}"
    return out


def take_theirs(
    unit: Unit, declared: RecordType, disputed: Field, one: Mapping[str, Any], value: Value
) -> None:
    """The value the hub did not take.

    It builds on the hub's value by reference: if that was edited since, it is a conflict anew
    where the field asks, exactly as if the record had been here and out of date.
    """
    device, incarnation, seq = str(one["ours_ref"]).rsplit(":", 2)
    base = Origins(unit.connection).number(device, int(incarnation)) << SEQ_BITS | int(seq)
    unit.capture(declared, Op.UPDATE, (disputed,), [one["record_id"]], [[value]])
    unit.captured[-1].bases = [[base]]


def bring_back(unit: Unit, declared: RecordType, record_id: str, edits: Mapping[str, Value]) -> None:
    """Undo the deletion: the hub knows how the record was, the edit is what the other side wrote."""
    kept = {n: v for n, v in edits.items() if n in declared.by_name and n not in PROVENANCE}
    fields = tuple(declared.by_name[n] for n in kept)
    unit.capture(declared, Op.UPDATE, fields, [record_id], [[v] for v in kept.values()])
    unit.captured[-1].bases = [[0] for _ in fields]


def void(unit: Unit, declared: RecordType, record_id: str) -> None:
    """A record is to be void; the hub looks what has become of it."""
    unit.capture(declared, Op.DELETE, (), [record_id], [])


def _names(one: Mapping[str, Any]) -> set[str]:
    return set(json.loads(str(one["edits"])))


__all__ = ["ALL", "Choice", "bring_back", "closed", "take_theirs", "void"]
