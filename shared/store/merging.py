"""The hub merges what devices changed, field by field, and remembers what to tell.

Everything that stands is captured for the streams; a value the hub did not take
is answered by announcing again the one that stands, so that the author's screen
ends equal to everybody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared import access
from shared.access import Action, Actor, Role
from shared.changes import Op, Value
from shared.errors import AccessDenied
from shared.fields import Field
from shared.merge import Outcome, merge_field
from shared.record import PROVENANCE, RecordType
from shared.store import sql
from shared.store.incoming import Incoming
from shared.store.unit import Captured, RowState, Unit, encode_fw

RESOLVES = "resolve:"


@dataclass(frozen=True, slots=True)
class Clash:
    """A value the hub did not take because two people decided differently.

    :param field: None when one side deleted what the other edited.
    """

    declared: RecordType
    record_id: str
    field: Field | None
    standing: Value
    standing_ref: int
    proposed: Value
    proposed_ref: int
    actor: str
    hlc: int


@dataclass(slots=True)
class _Announce:
    """What one row of a run ends in."""

    fields: list[Field] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    writers: list[int] = field(default_factory=list)
    stored: dict[str, Value] = field(default_factory=dict)
    fw: dict[int, int] = field(default_factory=dict)


class Merger:
    """Applies understood runs of one author inside one hub transaction."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.clashes: list[Clash] = []

    def apply(self, one: Incoming, actor: Actor) -> None:
        """Merge one run; raises :class:`AccessDenied` or ``IllegalTransition``."""
        match one.op:
            case Op.INSERT:
                self._insert(one, actor)
            case Op.UPDATE:
                self._update(one, actor)
            case Op.DELETE:
                self._delete(one, actor)

    # --- insert --------------------------------------------------------------
    def _insert(self, one: Incoming, actor: Actor) -> None:
        self._may_create(one, actor)
        unit = self._unit
        n = len(one.ids)
        written = unit.put_new(
            one.declared, one.fields, one.ids, one.columns, range(one.first, one.first + n), one.run.hlc
        )
        if written == n:
            self._capture(one, one.fields, one.ids, one.columns, [])
            return
        states = unit.load(one.declared, one.ids)
        fresh = [r for r, i in enumerate(one.ids) if states[i].w == one.first + r]
        known = [r for r, i in enumerate(one.ids) if states[i].w != one.first + r]
        if fresh:
            columns = [[c[r] for r in fresh] for c in one.columns]
            writers = [[one.first + r for r in fresh]]
            self._capture(one, one.fields, [one.ids[r] for r in fresh], columns, writers)
        for row in known:
            self._merge_row(one, row, states[one.ids[row]], actor, skip=PROVENANCE)

    def _may_create(self, one: Incoming, actor: Actor) -> None:
        at = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        for bureau in set(at.get("source_bureau", [None])):
            own = {"source_bureau": bureau}
            access.require(actor, Action.CREATE, one.declared, own, cause=one.run.cause)
        strangers = set(at.get("entered_by", [])) - {actor.user}
        if strangers and not actor.has(Role.HUB_ADMIN, Role.HUB):
            raise AccessDenied("变更集中的录入人不是提交人本人。", "请由本人登录后录入。")
        cycle = one.declared.lifecycle
        if cycle is not None:
            for state in set(at.get(cycle.field, [])):
                cycle.require(None, str(state), actor.role)

    # --- update --------------------------------------------------------------
    def _update(self, one: Incoming, actor: Actor) -> None:
        unit = self._unit
        states = unit.load(one.declared, one.ids)
        self._may_touch(one, actor, states, Action.UPDATE)
        if self._all_clean(one, states, actor):
            rows: list[tuple[Any, ...]] = []
            numbers = [f.number for f in one.fields]
            for row, record_id in enumerate(one.ids):
                state = states[record_id]
                fw = {**state.fw, **dict.fromkeys(numbers, one.first + row)}
                values = [c[row] for c in one.columns]
                rows.append(
                    (*values, encode_fw(fw), one.first + row, max(one.run.hlc, state.hlc), record_id)
                )
            unit.put_changed(one.declared, [f.name for f in one.fields], rows)
            self._capture(one, one.fields, one.ids, one.columns, [])
            return
        for row, record_id in enumerate(one.ids):
            found = states.get(record_id)
            if found is None:
                self._orphan(one, row)
            else:
                self._merge_row(one, row, found, actor)

    def _all_clean(self, one: Incoming, states: dict[str, RowState], actor: Actor) -> bool:
        if len(states) != len(set(one.ids)) or len(one.ids) != len(states):
            return False
        for row, record_id in enumerate(one.ids):
            state = states[record_id]
            if state.deleted:
                return False
            for column, one_field in enumerate(one.fields):
                if one.base(row, column) != state.writer(one_field.number):
                    return False
        self._legal_steps(one, states, actor)
        return True

    def _legal_steps(self, one: Incoming, states: dict[str, RowState], actor: Actor) -> None:
        cycle = one.declared.lifecycle
        if cycle is None:
            return
        for column, one_field in enumerate(one.fields):
            if one_field.name == cycle.field:
                for row, record_id in enumerate(one.ids):
                    before = str(states[record_id].values[cycle.field])
                    cycle.require(before, str(one.columns[column][row]), actor.role)

    def _merge_row(
        self, one: Incoming, row: int, state: RowState, actor: Actor, skip: Sequence[str] = ()
    ) -> None:
        own = one.first + row
        if state.deleted:
            self._clash(one, row, None, state.tag, None, actor)
            self._announce_deleted(one, row, state)
            return
        told = _Announce()
        for column, one_field in enumerate(one.fields):
            if one_field.name in skip:
                self._tell(told, one_field, state.values[one_field.name], state.writer(one_field.number))
                continue
            proposed = one.columns[column][row]
            current = state.values[one_field.name]
            writer = state.writer(one_field.number)
            outcome, value = merge_field(
                one_field, base=one.base(row, column), writer=writer, current=current,
                proposed=proposed, current_hlc=state.hlc, proposed_hlc=one.run.hlc,
            )
            if outcome is Outcome.APPLY:
                told.stored[one_field.name] = value
                told.fw[one_field.number] = own
                self._tell(told, one_field, value, own)
                continue
            if outcome is Outcome.CONFLICT:
                self._clash(one, row, one_field, writer, current, actor, proposed)
            self._tell(told, one_field, current, writer)
        if told.stored:
            fw = {**state.fw, **told.fw}
            hlc = max(one.run.hlc, state.hlc)
            body = (*told.stored.values(), encode_fw(fw), own, hlc, one.ids[row])
            self._unit.put_changed(one.declared, tuple(told.stored), [body])
        if told.fields:
            self._capture(
                one, tuple(told.fields), [one.ids[row]], [[v] for v in told.values],
                [[w] for w in told.writers], op=Op.UPDATE,
            )

    def _orphan(self, one: Incoming, row: int) -> None:
        """An update of a record the hub has never had: take it as it stands."""
        columns = [[c[row]] for c in one.columns]
        ids = [one.ids[row]]
        self._unit.put_new(one.declared, one.fields, ids, columns, [one.first + row], one.run.hlc)
        self._capture(one, one.fields, ids, columns, [[one.first + row]], op=Op.INSERT)

    # --- delete --------------------------------------------------------------
    def _delete(self, one: Incoming, actor: Actor) -> None:
        states = self._unit.load(one.declared, one.ids)
        self._may_touch(one, actor, states, Action.DELETE)
        for row, record_id in enumerate(one.ids):
            state = states.get(record_id)
            if state is None or state.deleted:
                continue
            own = one.first + row
            if one.base(row, 0) == state.tag:
                self._unit.put_deleted(one.declared, [record_id], [own], one.run.hlc)
                self._capture(one, (), [record_id], [], [[own]])
                continue
            self._clash(one, row, None, state.tag, None, actor)
            self._announce_row(one, record_id, state)

    # --- inside ----------------------------------------------------------------
    def _may_touch(
        self, one: Incoming, actor: Actor, states: dict[str, RowState], action: Action
    ) -> None:
        cause = one.run.cause
        if cause.startswith(RESOLVES):
            self._check_resolution(one, cause.removeprefix(RESOLVES))
        for bureau in {s.values.get("source_bureau") for s in states.values()}:
            access.require(actor, action, one.declared, {"source_bureau": bureau}, cause=cause)

    def _check_resolution(self, one: Incoming, conflict_id: str) -> None:
        if one.declared.name == "conflict":
            return
        rows = sql.fetch(self._unit.connection, "conflict", ("record_id",), [conflict_id])
        if not rows or set(one.ids) != {rows[0][0]}:
            raise AccessDenied("冲突处理与所改的记录不符。", "请在冲突页面重新处理。")

    def _tell(self, told: _Announce, one: Field, value: Value, writer: int) -> None:
        told.fields.append(one)
        told.values.append(value)
        told.writers.append(writer)

    def _clash(
        self,
        one: Incoming,
        row: int,
        one_field: Field | None,
        standing_ref: int,
        standing: Value,
        actor: Actor,
        proposed: Value = None,
    ) -> None:
        self.clashes.append(
            Clash(
                one.declared, one.ids[row], one_field, standing, standing_ref, proposed,
                one.first + row, actor.user, one.run.hlc,
            )
        )

    def _announce_row(self, one: Incoming, record_id: str, state: RowState) -> None:
        fields = tuple(f for f in one.declared.fields if state.values[f.name] is not None)
        self._capture(
            one, fields, [record_id], [[state.values[f.name]] for f in fields],
            [[state.writer(f.number)] for f in fields], op=Op.INSERT,
        )

    def _announce_deleted(self, one: Incoming, row: int, state: RowState) -> None:
        self._capture(one, (), [one.ids[row]], [], [[state.tag]], op=Op.DELETE)

    def _capture(
        self,
        one: Incoming,
        fields: tuple[Field, ...],
        ids: list[str],
        columns: list[list[Value]],
        writers: list[list[int]],
        op: Op | None = None,
    ) -> None:
        run = one.run
        self._unit.captured.append(
            Captured(
                one.declared, op or one.op, fields, ids, columns, writers=writers, author=one.first,
                hlc=run.hlc, actor=run.actor, cause=run.cause, tx=run.tx,
            )
        )
