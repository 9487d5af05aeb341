"""冲突: two values side by side, and one decision that travels back (N5, R41)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import date
from enum import StrEnum
from typing import Any

from desktop.work import conflict_unseen as unseen
from desktop.work.conflict_unseen import ALL, Choice
from desktop.work.records import Records, Row
from shared.errors import AccessDenied, InputError, Level, Problem, Rejected, StaleRecord, YizhanError
from shared.fields import Field, Kind
from shared.filters import Filter
from shared.filters import Op as Is
from shared.parsing import clean_text, derive, is_blank
from shared.record import RecordType
from shared.store import sql
from shared.store.reviving import restore
from shared.store.store import Store
from shared.store.unit import Unit
from shared.store.values import to_stored
from shared.supervision import queues
from shared.types.conflict import DELETION, FIELD, RULE, UNIQUE, kind_of

NOTHING = "（空）"
_KNOWN = (FIELD, DELETION, UNIQUE, RULE)


_KEPT = {
    Choice.OURS: "保留先录入的，作废后录入的",
    Choice.THEIRS: "保留后录入的，作废先录入的",
    Choice.BOTH: "两条都保留",
}


class Parties(StrEnum):
    """Between whom a conflict is."""

    BUREAUS = "bureaus"
    ONE_BUREAU = "one_bureau"
    ONE_SEAT = "one_seat"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two values with its author."""

    text: str
    person: str
    bureau: str
    at: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything a person needs to decide.

    :param field: None when one side deleted what the other edited.
    :param record: the record as it stands here; None when it was deleted.
    :param current: the value that stands now; differs from both sides when it was edited since.
    :param choices: what is open to decide; ``closed`` what is not, with the reason.
    :param here: whether the record is on this device, deleted or not.
    :param kind: of ``shared.types.conflict``; :param base: what the author had seen, None for nothing.
    :param other: the second of two records with one number.
    :param siblings: how many more open conflicts there are about this record.
    """

    conflict: Row
    declared: RecordType
    field: Field | None
    label: str
    ours: Side
    theirs: Side
    record: Row | None
    current: str
    choices: tuple[Choice, ...]
    kind: str = FIELD
    base: Side | None = None
    other: Row | None = None
    siblings: int = 0
    closed: dict[Choice, str] = field_of(default_factory=dict)
    here: bool = True

    @property
    def absent(self) -> bool:
        """Whether the conflict alone says what can be decided: the record is not on this device."""
        return not self.here and self.kind != UNIQUE

    @property
    def stands(self) -> bool:
        """Whether the record stands at the hub, as far as is known here."""
        return self.record is not None if self.here else not self.conflict.values["edits"]

    @property
    def stood(self) -> bool:
        """Whether it stood when the conflict arose: another decision about it may have come since."""
        return not _met_deletion(self.conflict.values, self.record is None and self.here)

    @property
    def moved(self) -> bool:
        """Whether somebody edited the value after the conflict arose."""
        if self.field is None or self.record is None:
            return False
        return self.current not in (self.ours.text, self.theirs.text)

    @property
    def parties(self) -> Parties:
        """Whether two bureaus disagree, two seats of one bureau, or two copies of one seat's data."""
        one = self.conflict.values
        ours, theirs = (str(one[f"{side}_ref"] or "").partition(":")[0] for side in ("ours", "theirs"))
        if ours and ours == theirs:
            return Parties.ONE_SEAT
        bureau = one["ours_bureau"]
        return Parties.ONE_BUREAU if bureau and bureau == one["theirs_bureau"] else Parties.BUREAUS

    def made_at(self, device: str) -> tuple[bool, bool]:
        """Whether the value that stands, and the one that was not taken, are of this device."""
        one = self.conflict.values
        ours, theirs = (str(one[f"{side}_ref"] or "").startswith(f"{device}:") for side in ("ours", "theirs"))
        return ours, theirs

    def meant(self, choice: Choice) -> Choice:
        """What 采用中心值 or 改用未采用的值 for many means for this one."""
        if self.kind != DELETION or choice not in (Choice.OURS, Choice.THEIRS):
            return choice
        stood = Choice.KEEP if self.stood else Choice.VOID
        against = Choice.VOID if self.stood else Choice.KEEP
        return stood if choice is Choice.OURS else against


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of several decided at once; ``left`` names those still open, with the reason."""

    done: int
    left: tuple[tuple[str, str], ...] = ()


class Conflicts:
    """The conflicts this device knows of."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self.declared = records.type("conflict")

    def wanted(self) -> Filter:
        """The open ones, newest first."""
        return queues.OPEN_CONFLICTS.filter

    def open(self, limit: int = 200) -> list[Row]:
        """The first open ones."""
        return self._records.first(self.declared, self.wanted(), limit)

    def may_resolve(self) -> bool:
        """Whether the signed-in person may decide."""
        step = self.declared.lifecycle
        return bool(
            self._records.may("step", self.declared)
            and step is not None
            and step.open_to("open", self._records.actor.role)
        )

    def detail(self, conflict_id: str) -> Detail:
        """Both sides, and the record as it stands."""
        row = self._records.get(self.declared, conflict_id)
        if row is None:
            raise StaleRecord("这条冲突已不存在。", "请刷新列表。")
        one = row.values
        declared = self._store.types.get(one["record_type"])
        kind = kind_of(one)
        name = one["field"] if kind in (FIELD, RULE) else ""
        if declared is None or kind not in _KNOWN or (name and name not in declared.by_name):
            raise InputError("这条冲突涉及本版本不认识的内容。", "请升级程序后再处理。")
        disputed = declared.by_name[name] if name else None
        record = self._records.get(declared, one["record_id"])
        other = self._records.get(declared, one["other_id"]) if one["other_id"] else None
        label = self._records.label(declared.name, one["record_id"]) or str(one["subject"])
        current, base = "", None
        here = record is not None or self._has(declared, one["record_id"])
        shut = self._closed(kind, declared, one, (record, other), here)
        if disputed is not None:
            texts = (
                self._show(disputed, typed(disputed, one["ours_value"])),
                self._show(disputed, typed(disputed, one["theirs_value"])),
            )
            current = self._show(disputed, record.values[name]) if record else ""
            if one["base_ref"]:
                base = self._side(one, "base", self._show(disputed, typed(disputed, one["base_value"])))
        elif kind == UNIQUE:
            texts = (str(one["ours_value"] or ""), str(one["theirs_value"] or ""))
        elif _met_deletion(one, record is None and here):
            texts = ("已作废", self._edited(declared, one["edits"]))
        else:
            texts = ("修改后保留", "作废")
        return Detail(
            row, declared, disputed, label, self._side(one, "ours", texts[0]),
            self._side(one, "theirs", texts[1]), record, current,
            self._open(kind, shut, gone=record is None and here), kind, base, other,
            self._siblings(one), shut, here,
        )  # fmt: skip

    def resolve_many(
        self, ids: Sequence[str], choice: Choice | str, reason: str, *, initiator: str = ""
    ) -> Resolved:
        """Decide several the same way with one reason; each is a transaction of its own.

        :param choice: :attr:`Choice.OURS` or :attr:`Choice.THEIRS`.
        Raises :class:`Rejected` without a reason; what cannot be decided this way stays open.
        """
        wanted, done, left = Choice(choice), 0, []
        if is_blank(reason):
            raise Rejected([Problem("reason", "请填写处理理由")])
        meant = self._meant(ids, wanted)  # of all before the first is decided: one changes what stands
        for one in ids:
            subject = self._records.label(self.declared.name, one)
            try:
                self.resolve(one, meant.get(one, wanted), reason=reason, initiator=initiator)
                done += 1
            except AccessDenied:
                raise
            except YizhanError as stopped:
                left.append((subject, stopped.message))
        return Resolved(done, tuple(left))

    def _meant(self, ids: Sequence[str], choice: Choice) -> dict[str, Choice]:
        """What a choice for many means for each; without those of which nothing can be said."""
        out = {}
        for one in ids:
            with suppress(YizhanError):
                out[one] = self.detail(one).meant(choice)
        return out

    def resolve(
        self,
        conflict_id: str,
        choice: Choice | str,
        raw: Any = None,
        *,
        reason: str = "",
        initiator: str = "",
    ) -> None:
        """Decide: the record's change and the conflict's end are one transaction.

        :param raw: the third value as typed, for :attr:`Choice.OTHER`.
        """
        detail = self.detail(conflict_id)
        choice = Choice(choice)
        if detail.conflict.values["state"] != "open":
            who = self._records.label("user", detail.conflict.values["resolved_by"] or "") or "他人"
            raise StaleRecord(f"这条冲突已由{who}处理。", "请刷新列表。")
        if not self.may_resolve():
            raise AccessDenied("您没有处理冲突的权限。", "请由单位管理员或中心管理员处理。")
        if choice not in detail.choices:
            why = detail.closed.get(choice, "")
            raise InputError(f"这条冲突不能这样处理{f'：{why}' if why else ''}。", "请按页面所列的办法选择。")
        changes, text = self._decision(detail, choice, raw)
        cycle = self.declared.lifecycle
        assert cycle is not None
        end = {
            cycle.field: cycle.transition("resolve").target,
            "resolution": text,
            "resolved_by": self._records.actor.user,
            "resolved_at": self._store.clock.stamp(),
            "decision": str(choice),
            "reason": clean_text(reason)[:1000] or None,
        }
        cause = f"resolve:{conflict_id}"
        with self._records.unit(cause, initiator=initiator) as unit:
            self._carry_out(unit, detail, choice, changes, cause)
            unit.update(self.declared, conflict_id, end, seen=detail.conflict.seen, proven=True)

    # --- inside --------------------------------------------------------------
    def _carry_out(
        self, unit: Unit, detail: Detail, choice: Choice, changes: dict[str, Any], cause: str
    ) -> None:
        """The record's change; what is not on this device is changed at the hub."""
        one, declared, disputed = detail.conflict.values, detail.declared, detail.field
        loser, loser_id = _loser(detail, choice)
        if detail.absent:
            if choice is Choice.THEIRS and disputed is not None:
                value = to_stored(disputed, typed(disputed, one["theirs_value"]))
                unseen.take_theirs(unit, declared, disputed, one, value)
            elif choice is Choice.KEEP and not detail.stands:
                unseen.bring_back(unit, declared, one["record_id"], decode_edits(one["edits"]))
            elif choice is Choice.VOID and detail.kind == DELETION:
                unseen.void(unit, declared, one["record_id"])
        elif loser is not None:
            # the cause must stay: by it the hub knows what gives the right to do this
            unit.delete(declared, loser.id, cause)
        elif loser_id:
            unseen.void(unit, declared, loser_id)
        elif choice is Choice.KEEP and detail.record is None:
            restore(unit, declared, one["record_id"], decode_edits(one["edits"]))
        elif choice is Choice.VOID and detail.kind == DELETION:
            # void already: said again, somebody else may be bringing it back
            unseen.void(unit, declared, one["record_id"])
        elif changes and detail.record is not None:
            unit.update(
                declared, detail.record.id, changes, seen=detail.record.seen, proven=True,
                affirmed=disputed.name if disputed is not None else "",
            )

    def _decision(self, detail: Detail, choice: Choice, raw: Any) -> tuple[dict[str, Any], str]:
        """What changes in the record, and the sentence that is kept."""
        one, disputed, record = detail.conflict.values, detail.field, detail.record
        if detail.kind == UNIQUE:
            return {}, _KEPT[choice]
        if detail.absent and disputed is not None:
            if choice is Choice.OURS:
                return {}, "保持中心现有的内容"
            shown = self._show(disputed, typed(disputed, one["theirs_value"]))
            return {}, f"改用未采用的值：{shown or NOTHING}"
        if disputed is None or record is None:
            done = "作废记录" if choice is Choice.VOID else "保留记录"
            return {}, done
        match choice:
            case Choice.OURS:
                value, word = typed(disputed, one["ours_value"]), "采用中心现值"
            case Choice.THEIRS:
                value, word = typed(disputed, one["theirs_value"]), "改用未采用的值"
            case _:
                value, word = self._third(detail.declared, disputed, record, raw), "另行填写"
        values = {**record.values, disputed.name: value}
        derive(detail.declared, values)
        changes = {
            f.name: values[f.name]
            for f in detail.declared.own_fields
            if f is disputed or f.derive_from == disputed.name
        }
        shown = self._show(disputed, value)
        return changes, f"{word}：{shown or NOTHING}"

    def _closed(
        self,
        kind: str,
        declared: RecordType,
        one: dict[str, Any],
        pair: tuple[Row | None, Row | None],
        here: bool,
    ) -> dict[Choice, str]:
        """What cannot be chosen, and why."""
        record, other = pair
        if kind == UNIQUE:
            losers = {Choice.OURS: (other, one["other_id"]), Choice.THEIRS: (record, one["record_id"])}
            return {
                c: "那一条已经作废，编号不再重复"
                for c, (row, i) in losers.items()
                if row is None and self._has(declared, i)
            }
        if not here:
            return unseen.closed(kind, declared, one, self._keeper(one))
        if record is None and kind != DELETION:
            return dict.fromkeys(ALL[kind], "这条记录已经作废，不必再在两个值中选择")
        return {}

    def _open(self, kind: str, shut: Mapping[Choice, str], *, gone: bool) -> tuple[Choice, ...]:
        """What is left to choose; where the record is void already, that it stays so."""
        if gone and kind in (FIELD, RULE):
            return (Choice.VOID,)
        return tuple(c for c in ALL[kind] if c not in shut)

    def _has(self, declared: RecordType, record_id: str) -> bool:
        """Whether this device has the record, deleted or not."""
        with self._store.read() as connection:
            return bool(sql.fetch(connection, declared.name, ("id",), [record_id]))

    def _keeper(self, one: dict[str, Any]) -> str:
        """A bureau that holds the record: of those who wrote the two values, one that is not ours."""
        actor = self._records.actor
        others = [b for b in (one["ours_bureau"], one["theirs_bureau"]) if b and b not in actor.bureaus]
        return self._records.label("bureau", str(others[0])) if others else ""

    def _siblings(self, one: dict[str, Any]) -> int:
        same = self.wanted().where("record_id", Is.EQ, one["record_id"])
        return self._records.count(self.declared, same) - int(one["state"] == "open")

    def _edited(self, declared: RecordType, edits: str | None) -> str:
        """What the edit changed that met a deletion."""
        parts = [
            f"{one.title}：{self._show(one, typed(one, None if v is None else str(v))) or NOTHING}"
            for n, v in decode_edits(edits).items()
            if (one := declared.by_name.get(n)) is not None
        ]
        return "；".join(parts) or "修改后保留"

    def _third(self, declared: RecordType, disputed: Field, record: Row, raw: Any) -> Any:
        whole = self._records.raw(declared, record)
        if is_blank(raw) and disputed.required:
            raise Rejected([Problem(disputed.name, f"请填写{disputed.title}")])
        before = set(self._records.check(declared, whole).problems)
        parsed = self._records.check(declared, {**whole, disputed.name: raw})
        # what was wrong before is not this decision's business
        new = [p for p in parsed.problems if p.level is Level.REJECT and p not in before]
        if new:
            raise Rejected(new)
        return parsed.values[disputed.name]

    def _side(self, one: dict[str, Any], side: str, text: str) -> Side:
        bureau = one[f"{side}_bureau"]
        at = str(one[f"{side}_at"] or "")
        return Side(
            text or NOTHING,
            str(one[f"{side}_person"] or "未知"),
            self._records.label("bureau", bureau) if bureau else "",
            at[:16].replace("T", " "),
        )

    def _show(self, disputed: Field, value: Any) -> str:
        if disputed.personal:
            # two masked numbers may look alike: nobody could decide between them
            return self._records.raw_text(disputed, value)
        return self._records.show(disputed, value)


def typed(disputed: Field, text: str | None) -> Any:
    """A value as conflicts carry it (the stored form as text), typed again."""
    if text is None:
        return None
    match disputed.kind:
        case Kind.MONEY | Kind.INTEGER:
            return int(text)
        case Kind.BOOL:
            return text == "1"
        case Kind.DATE:
            return date.fromisoformat(text)
        case _:
            return text


def decode_edits(text: str | None) -> dict[str, Any]:
    """The edit a deletion met, stored values by field name."""
    return dict(json.loads(text)) if text else {}


def _met_deletion(one: Mapping[str, Any], gone: bool) -> bool:
    """Whether an edit met a deletion, not the other way round; ``gone`` tells where no edit was kept."""
    return bool(one["edits"]) or gone


def _loser(detail: Detail, choice: Choice) -> tuple[Row | None, str]:
    """The record a decision voids; its id alone where it is not on this device."""
    if detail.kind != UNIQUE:
        return (detail.record if choice is Choice.VOID else None), ""
    one = detail.conflict.values
    losers = {Choice.OURS: (detail.other, one["other_id"]), Choice.THEIRS: (detail.record, one["record_id"])}
    row, record_id = losers.get(choice, (None, ""))
    return row, str(record_id or "")
