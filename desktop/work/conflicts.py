"""冲突: two values side by side, and one decision that travels back (N5, R41)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from desktop.work.records import Records, Row
from shared.errors import AccessDenied, InputError, Level, Problem, Rejected, StaleRecord
from shared.fields import Field, Kind
from shared.filters import Filter
from shared.parsing import derive, is_blank
from shared.record import RecordType
from shared.store.store import Store
from shared.supervision import queues

NOTHING = "（空）"


class Choice(StrEnum):
    """How a conflict may end."""

    OURS = "ours"  # the value the hub kept
    THEIRS = "theirs"  # the value it did not take
    OTHER = "other"  # a third one
    KEEP = "keep"  # one side deleted: the record stays
    VOID = "void"  # one side deleted: it goes


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
    :param choices: what is open to decide.
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

    @property
    def moved(self) -> bool:
        """Whether somebody edited the value after the conflict arose."""
        return self.field is not None and self.current not in (self.ours.text, self.theirs.text)


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
        name = one["field"]
        if declared is None or (name and name not in declared.by_name):
            raise InputError("这条冲突涉及本版本不认识的内容。", "请升级程序后再处理。")
        disputed = declared.by_name[name] if name else None
        record = self._records.get(declared, one["record_id"])
        label = self._records.label(declared.name, one["record_id"]) or str(one["subject"])
        texts = (str(one["ours_value"] or ""), str(one["theirs_value"] or ""))
        current = ""
        if disputed is not None:
            texts = (
                self._show(disputed, typed(disputed, one["ours_value"])),
                self._show(disputed, typed(disputed, one["theirs_value"])),
            )
            current = self._show(disputed, record.values[name]) if record else ""
        elif record is None:
            texts = ("已作废", "修改后保留")
        else:
            texts = ("修改后保留", "作废")
        return Detail(
            row, declared, disputed, label, self._side(one, "ours", texts[0]),
            self._side(one, "theirs", texts[1]), record, current, _choices(disputed, record),
        )  # fmt: skip

    def resolve(
        self, conflict_id: str, choice: Choice | str, raw: Any = None, *, initiator: str = ""
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
            raise InputError("这条冲突不能这样处理。", "请按页面所列的办法选择。")
        changes, text = self._decision(detail, choice, raw)
        cycle = self.declared.lifecycle
        assert cycle is not None
        end = {
            cycle.field: cycle.transition("resolve").target,
            "resolution": text,
            "resolved_by": self._records.actor.user,
            "resolved_at": self._store.clock.stamp(),
        }
        cause = f"resolve:{conflict_id}"
        with self._records.unit(cause, initiator=initiator) as unit:
            if choice is Choice.VOID and detail.record is not None:
                # the cause must stay: by it the hub knows what gives the right to do this
                unit.delete(detail.declared, detail.record.id, cause)
            elif changes and detail.record is not None:
                seen = detail.record.seen
                unit.update(detail.declared, detail.record.id, changes, seen=seen, proven=True)
            unit.update(self.declared, conflict_id, end, seen=detail.conflict.seen, proven=True)

    # --- inside --------------------------------------------------------------
    def _decision(self, detail: Detail, choice: Choice, raw: Any) -> tuple[dict[str, Any], str]:
        """What changes in the record, and the sentence that is kept."""
        one, disputed, record = detail.conflict.values, detail.field, detail.record
        if disputed is None or record is None:
            done = "作废记录" if choice is Choice.VOID else "保留记录"
            return {}, done
        match choice:
            case Choice.OURS:
                value, word = typed(disputed, one["ours_value"]), "采用中心现值"
            case Choice.THEIRS:
                value, word = typed(disputed, one["theirs_value"]), "采用对方的值"
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


def _choices(disputed: Field | None, record: Row | None) -> tuple[Choice, ...]:
    if record is None:
        return (Choice.VOID,)  # a tombstone is final: what is needed again is entered again
    if disputed is None:
        return (Choice.KEEP, Choice.VOID)
    return (Choice.OURS, Choice.THEIRS, Choice.OTHER)
