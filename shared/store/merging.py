"""The hub merges what devices changed, field by field, and remembers what to tell.

Everything that stands is captured for the streams; a value the hub did not take
is answered by announcing again the one that stands, so that the author's screen
ends equal to everybody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any

from shared import access
from shared.access import Action, Actor, Role
from shared.changes import Op, Value
from shared.errors import AccessDenied, ExchangeError
from shared.fields import Field
from shared.merge import Outcome, merge_field, seen
from shared.record import PROVENANCE, RecordType
from shared.scope import named_streams
from shared.store import resolving
from shared.store.incoming import Incoming, Malformed
from shared.store.resolving import Decision
from shared.store.reviving import lift
from shared.store.rowstate import RowState, encode_fw, moved_from
from shared.store.unit import Captured, Unit
from shared.store.vetting import Vetting
from shared.supervision.held_sets import NO_RECORD

RESOLVES = resolving.CAUSE


class Moved(AccessDenied):
    """A change of something another bureau is responsible for by now (N7).

    :param record_ids: which; :param streams: where they are now.
    """

    code = "moved"

    def __init__(self, title: str, record_ids: Sequence[str], streams: frozenset[str]) -> None:
        super().__init__(
            f"所改的{title}已转由其他单位负责。", "数据没有丢失，请现在负责的单位或中心管理员审核。"
        )
        self.record_ids = tuple(record_ids)
        self.streams = streams


class NoSuchRecord(ExchangeError):
    """A change of something the hub has never had."""

    code = "no_such_record"


@dataclass(frozen=True, slots=True)
class Clash:
    """A value the hub did not take because two people decided differently.

    :param field: None when one side deleted what the other edited.
    :param base: reference of the value the author had seen; 0 = none.
    :param edits: what the author wrote into a record that is gone, stored values by field name.
    :param rule: the sentence of the rule that both values together would break.
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
    base: int = 0
    edits: dict[str, Value] = field_of(default_factory=dict)
    rule: str = ""


@dataclass(slots=True)
class _Announce:
    """What one row of a run ends in."""

    fields: list[Field] = field_of(default_factory=list)
    values: list[Value] = field_of(default_factory=list)
    writers: list[int] = field_of(default_factory=list)
    stored: dict[str, Value] = field_of(default_factory=dict)
    fw: dict[int, int] = field_of(default_factory=dict)


class Merger:
    """Applies understood runs of one author inside one hub transaction.

    What a device says about itself (source, author, state, roles) is checked again.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._vetting = Vetting(unit.connection)
        self.clashes: list[Clash] = []

    def apply(self, one: Incoming, actor: Actor) -> None:
        """Merge one run; raises :class:`AccessDenied`, ``IllegalTransition`` or :class:`NoSuchRecord`."""
        match one.op:
            case Op.INSERT:
                self._insert(one, actor)
            case Op.UPDATE:
                self._update(one, actor)
            case Op.DELETE:
                self._delete(one, actor)
            case Op.EVICT:
                raise Malformed("变更集中有只能由中心发出的操作。", "请核对该设备。")

    # --- insert --------------------------------------------------------------
    def _insert(self, one: Incoming, actor: Actor) -> None:
        if one.run.cause.startswith(RESOLVES):
            self._restore(one, actor)
            return
        self._may_create(one, actor)
        if actor.has(Role.HUB):  # a person released it: what can be read counts, whatever the rules say
            self._vetting.readable(one)
        else:
            self._vetting.new(one)
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
        self._may_touch(one, actor, {one.ids[r]: states[one.ids[r]] for r in known}, Action.UPDATE)
        for row in known:
            state = states[one.ids[row]]
            if state.deleted:
                self._revive(one, row, state)
            else:
                self._merge_row(one, row, state, actor, skip=PROVENANCE)

    def _restore(self, one: Incoming, actor: Actor) -> None:
        """A decision that undoes a deletion; where the record is from stays as it was."""
        self._vetting.keys(one)
        states = self._loaded(one)
        self._may_touch(one, actor, states, Action.UPDATE)
        may_lift = self._may_lift(one, actor)
        for row, record_id in enumerate(one.ids):
            if states[record_id].deleted and may_lift:
                self._revive(one, row, states[record_id], keep=PROVENANCE)
            else:
                self._merge_row(one, row, states[record_id], actor, skip=PROVENANCE)

    def _revive(self, one: Incoming, row: int, state: RowState, keep: Sequence[str] = ()) -> None:
        """What was deleted is entered again: the tombstone goes, and what it covered."""
        values = {f.name: c[row] for f, c in zip(one.fields, one.columns, strict=True)}
        self._lifted(one, row, state, values, keep)

    def _lifted(
        self, one: Incoming, row: int, state: RowState, values: Mapping[str, Value], keep: Sequence[str]
    ) -> None:
        record_id, declared = one.ids[row], one.declared
        before = moved_from(declared, declared.names, [state])
        lift(self._unit, declared, record_id, state, values, one.first + row, one.run.hlc, keep)
        self._capture(
            one, declared.fields, [record_id], [[state.values[f.name]] for f in declared.fields],
            [[state.writer(f.number)] for f in declared.fields], op=Op.INSERT, before=before,
        )

    def _may_create(self, one: Incoming, actor: Actor) -> None:
        at = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        sources = set(at.get("source_bureau", [None]))
        for bureau in sources:
            for provider in set(at.get("provider", [None])):
                owners = {"source_bureau": bureau, "provider": provider}
                access.require(actor, Action.CREATE, one.declared, owners)
        if not actor.has(Role.HUB_ADMIN, Role.HUB):
            if None in sources:
                raise AccessDenied("变更集中的记录没有来源单位。", "请升级程序后重新录入。")
            if set(at.get("entered_by", [None])) != {actor.user}:
                raise AccessDenied("变更集中的录入人不是提交人本人。", "请由本人登录后录入。")
        for row in range(len(one.ids)) if one.declared.name == "user" else ():
            access.require_grant(actor, one.declared, {n: c[row] for n, c in at.items()})
        cycle = one.declared.lifecycle
        if cycle is not None and not actor.has(Role.HUB):
            for state in set(at.get(cycle.field, [])):
                cycle.require(None, str(state), actor.role)

    # --- update --------------------------------------------------------------
    def _update(self, one: Incoming, actor: Actor) -> None:
        unit = self._unit
        states = self._loaded(one)
        self._may_touch(one, actor, states, Action.UPDATE)
        self._within_scope(one, actor, states)
        self._may_set(one, actor, states)
        self._vetting.rooted(one)
        resolving = one.run.cause.startswith(RESOLVES)
        broken = {} if resolving else self._vetting.changed(one, states, waived=actor.has(Role.HUB))
        if not broken and self._all_clean(one, states):
            rows: list[tuple[Any, ...]] = []
            numbers = [f.number for f in one.fields]
            for row, record_id in enumerate(one.ids):
                state = states[record_id]
                fw = {**state.fw, **dict.fromkeys(numbers, one.first + row)}
                values = [c[row] for c in one.columns]
                rows.append(
                    (*values, encode_fw(fw), one.first + row, max(one.rank, state.hlc), record_id)
                )
            names = [f.name for f in one.fields]
            before = moved_from(one.declared, names, [states[i] for i in one.ids])
            unit.put_changed(one.declared, names, rows)
            self._capture(one, one.fields, one.ids, one.columns, [], before=before)
            return
        lifts = self._decision(one).lifts and self._may_lift(one, actor)
        for row, record_id in enumerate(one.ids):
            if lifts and states[record_id].deleted:
                self._bring_back(one, row, states[record_id])
            else:
                self._merge_row(one, row, states[record_id], actor, broken=broken.get(row))

    def _bring_back(self, one: Incoming, row: int, state: RowState) -> None:
        """A decision that undoes a deletion, made without the record: as it was, and the edit."""
        values = {n: v for n, v in state.values.items() if n not in PROVENANCE}
        values |= {f.name: c[row] for f, c in zip(one.fields, one.columns, strict=True)}
        self._lifted(one, row, state, values, PROVENANCE)

    def _loaded(self, one: Incoming) -> dict[str, RowState]:
        states = self._unit.load(one.declared, one.ids)
        if len(states) != len(one.ids):
            raise NoSuchRecord(
                f"{NO_RECORD}{one.declared.title}在中心不存在，可能还在隔离的变更集里。",
                "请中心管理员一并核对。",
            )
        return states

    def _all_clean(self, one: Incoming, states: dict[str, RowState]) -> bool:
        for row, record_id in enumerate(one.ids):
            state = states[record_id]
            if state.deleted:
                return False
            for column, one_field in enumerate(one.fields):
                if one.base(row, column) != state.writer(one_field.number):
                    return False
        return True

    def _may_set(self, one: Incoming, actor: Actor, states: dict[str, RowState]) -> None:
        """What no honest client changes, or changes only by a legal step."""
        if actor.has(Role.HUB):
            return
        fixed = {*PROVENANCE, *one.declared.key}
        names = [f.name for f in one.fields]
        if not fixed.isdisjoint(names):
            raise AccessDenied("变更集改动了记录的来源或标识字段。", "这些字段不能修改，请核对该设备。")
        cycle = one.declared.lifecycle
        for column, name in enumerate(names):
            if cycle is not None and name == cycle.field:
                for row, record_id in enumerate(one.ids):
                    state = states[record_id]
                    writer = state.writer(one.fields[column].number)
                    if seen(one.base(row, column), writer, one.first + row):
                        after = str(one.columns[column][row])
                        access.require_move(actor, one.declared, state.values, after)
        if one.declared.name == "user":
            for row, record_id in enumerate(one.ids):
                new = {n: c[row] for n, c in zip(names, one.columns, strict=True)}
                access.require_grant(actor, one.declared, states[record_id].values)
                access.require_grant(actor, one.declared, {**states[record_id].values, **new})

    def _merge_row(
        self,
        one: Incoming,
        row: int,
        state: RowState,
        actor: Actor,
        skip: Sequence[str] = (),
        broken: Mapping[str, str] | None = None,
    ) -> None:
        own = one.first + row
        if state.deleted:
            edits = {f.name: c[row] for f, c in zip(one.fields, one.columns, strict=True)}
            self._clash(one, row, None, state.tag, None, actor, edits=edits)
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
                one_field, base=one.base(row, column), writer=writer, own=own, current=current,
                proposed=proposed, current_hlc=state.hlc, proposed_hlc=one.rank,
            )
            sentence = (broken or {}).get(one_field.name, "")
            if sentence and current != proposed:
                outcome = Outcome.CONFLICT
            if outcome is Outcome.APPLY:
                told.stored[one_field.name] = value
                told.fw[one_field.number] = own
                self._tell(told, one_field, value, own)
                continue
            if outcome is Outcome.CONFLICT:
                self._clash(
                    one, row, one_field, writer, current, actor, proposed, base=one.base(row, column),
                    rule=sentence,
                )
            self._tell(told, one_field, current, writer)
        if told.stored:
            fw = {**state.fw, **told.fw}
            hlc = max(one.rank, state.hlc)
            body = (*told.stored.values(), encode_fw(fw), own, hlc, one.ids[row])
            self._unit.put_changed(one.declared, tuple(told.stored), [body])
        if told.fields:
            self._capture(
                one, tuple(told.fields), [one.ids[row]], [[v] for v in told.values],
                [[w] for w in told.writers], op=Op.UPDATE,
                before=moved_from(one.declared, told.stored, [state]),
            )

    # --- delete --------------------------------------------------------------
    def _delete(self, one: Incoming, actor: Actor) -> None:
        states = self._unit.load(one.declared, one.ids)
        self._may_touch(one, actor, states, Action.DELETE)
        self._within_scope(one, actor, states)
        decision = self._decision(one)
        for row, record_id in enumerate(one.ids):
            state = states.get(record_id)
            if state is None or state.deleted:
                continue
            own = one.first + row
            as_seen = self._as_seen(one, row, state)
            may = decision.may_void(self._unit, one, record_id, state)
            if (as_seen and (may or actor.has(Role.HUB))) or (may and decision.knew(one)):
                self._unit.put_deleted(one.declared, [record_id], [own], one.run.hlc)
                self._capture(one, (), [record_id], [], [[own]])
                continue
            self._clash(one, row, None, state.tag, None, actor)
            self._announce_row(one, record_id, state)

    def _as_seen(self, one: Incoming, row: int, state: RowState) -> bool:
        """Whether the author of a deletion had seen every value that stands."""
        bases, own = {f.name: one.base(row, c) for c, f in enumerate(one.fields)}, one.first + row
        return all(
            state.values[f.name] is None or seen(bases.get(f.name, 0), state.writer(f.number), own)
            for f in one.declared.fields
        )

    # --- inside ----------------------------------------------------------------
    def _may_touch(
        self, one: Incoming, actor: Actor, states: dict[str, RowState], action: Action
    ) -> None:
        cause = one.run.cause
        if cause.startswith(RESOLVES) and one.declared.name != "conflict" and not actor.has(Role.HUB):
            self._decision(one).require(one, actor)
        asked = access.action_of(action, one.declared, {f.name for f in one.fields})
        seen: set[tuple[Value, ...]] = set()
        for state in states.values():
            owners = {n: state.values.get(n) for n in access.OWNERS}
            if tuple(owners.values()) not in seen:
                seen.add(tuple(owners.values()))
                access.require(actor, asked, one.declared, owners, cause=cause)

    def _within_scope(self, one: Incoming, actor: Actor, states: dict[str, RowState]) -> None:
        """A registry record is kept by those who see it; one that left their scope has another keeper."""
        scope = self._unit.author.scope
        deciding = actor.has(Role.HUB, Role.HUB_ADMIN) or one.run.cause.startswith(RESOLVES)
        if one.declared.group != "registry" or deciding or not scope:
            return
        where = {i: frozenset(named_streams(one.declared, s.values)) for i, s in states.items()}
        gone = [i for i, names in where.items() if scope.isdisjoint(names)]
        if gone:
            raise Moved(one.declared.title, gone, frozenset().union(*(where[i] for i in gone)))

    def _may_lift(self, one: Incoming, actor: Actor) -> bool:
        """Whether a decision brings a deleted record back; not where another's came first: that is asked."""
        return actor.has(Role.HUB) or not self._decision(one).decided

    def _decision(self, one: Incoming) -> Decision:
        """The conflict a run decides about; empty for any other run."""
        if not one.run.cause.startswith(RESOLVES) or one.declared.name == "conflict":
            return Decision(None, None, None, None, None)
        return resolving.read(self._unit.connection, one.run.cause.removeprefix(RESOLVES))

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
        *,
        base: int = 0,
        edits: dict[str, Value] | None = None,
        rule: str = "",
    ) -> None:
        self.clashes.append(
            Clash(
                one.declared, one.ids[row], one_field, standing, standing_ref, proposed,
                one.first + row, actor.user, one.run.hlc, base, edits or {}, rule,
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
        before: dict[str, list[Value]] | None = None,
    ) -> None:
        run = one.run
        self._unit.captured.append(
            Captured(
                one.declared, op or one.op, fields, ids, columns, writers=writers, author=one.first,
                hlc=run.hlc, actor=run.actor, cause=run.cause, tx=run.tx, before=before or {},
            )
        )
