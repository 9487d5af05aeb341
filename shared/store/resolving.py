"""Decisions about conflicts, as the hub checks them: what a decision reaches, and by whom it may be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.access import Actor, Role
from shared.changes import Op
from shared.errors import AccessDenied
from shared.store import sql
from shared.store.incoming import Incoming
from shared.store.rowstate import RowState
from shared.store.unit import Unit
from shared.types.conflict import DELETION, UNIQUE

CAUSE = "resolve:"
_NAMES = ("record_type", "record_id", "field", "kind", "other_id", "state", "ours_bureau", "theirs_bureau")


@dataclass(frozen=True, slots=True)
class Decision:
    """The conflict a change names as its cause; everything is None when the hub has none such.

    :param decided: whether somebody's decision about it came before.
    """

    record_type: str | None
    record_id: str | None
    field: str | None
    kind: str | None
    other_id: str | None
    parties: frozenset[str | None] = frozenset()
    decided: bool = False

    @property
    def lifts(self) -> bool:
        """Whether it is about a deletion: an edit under it brings the record back, with the edit."""
        return self.kind == DELETION or (self.kind is None and self.record_id is not None and not self.field)

    def require(self, one: Incoming, actor: Actor) -> None:
        """It reaches one field of one record, and is made by a party or the centre, or raises."""
        fits = one.declared.name == self.record_type and set(one.ids) <= {self.record_id, self.other_id}
        if self.kind == UNIQUE:
            within = one.op is Op.DELETE
        else:
            reached = {f.name for f in one.fields if f.name != self.field and f.derive_from != self.field}
            within = not self.field or not reached
        party = actor.has(Role.HUB_ADMIN) or not actor.bureaus.isdisjoint(self.parties)
        if not (fits and within and party):
            raise AccessDenied("冲突处理与所改的记录不符。", "请在冲突页面重新处理。")

    def knew(self, one: Incoming) -> bool:
        """Whether the decider does not hold the record: of two with one number he sees the numbers.

        While these are as they were (:meth:`may_void`), nothing the decision rests on has changed.
        """
        return self.kind == UNIQUE and not one.fields

    def may_void(self, unit: Unit, one: Incoming, record_id: str, state: RowState) -> bool:
        """Whether a record may go: of two with one number only while both stand with it."""
        if self.kind != UNIQUE:
            return True
        other = self.other_id if record_id == self.record_id else self.record_id
        if not other:
            return False
        found = unit.load(one.declared, [other]).get(other)
        return found is not None and same(state, found, str(self.field or "").split(","))


def same(one: RowState, other: RowState, names: Sequence[str]) -> bool:
    """Whether both stand and have the same values in all of these fields."""
    if one.deleted or other.deleted:
        return False
    return all(
        one.values.get(n) is not None and one.values.get(n) == other.values.get(n) for n in names
    )


def read(connection: sa.Connection, conflict_id: str) -> Decision:
    """The conflict of a decision."""
    rows = sql.fetch(connection, "conflict", _NAMES, [conflict_id])
    if not rows:
        return Decision(None, None, None, None, None)
    type_name, record_id, field, kind, other, state, ours, theirs = rows[0]
    return Decision(
        type_name, record_id, field, kind, other, frozenset({ours, theirs}), state == "resolved"
    )


__all__ = ["CAUSE", "Decision", "read", "same"]
