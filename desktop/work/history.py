"""历史 of one record: what this device knows was done to it, what lost and what stands (N5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.work.conflicts import NOTHING, decode_edits, typed
from desktop.work.held import OPS
from desktop.work.records import Records, Row
from shared import held_content
from shared.changes import SEQ_BITS, Op, Value
from shared.clock import CHINA, hlc_time
from shared.fields import Field
from shared.filters import Filter
from shared.filters import Op as Is
from shared.record import PROVENANCE, RecordType
from shared.standing import Standing
from shared.store.facts import read_text
from shared.store.references import Origins
from shared.store.rowstate import RowState, read_rows
from shared.store.standings import Standings
from shared.store.store import Store
from shared.store.trail import OwnChange, Reference, trail
from shared.types.conflict import DELETION, UNIQUE, kind_of

MOST_CONFLICTS = 50
MOST_HELD = 200
EARLIER = "（更早的值，列出更早的记录后可见）"
ELSEWHERE = "（他处填写的值，本机日志没有）"
_RESOLVES = "resolve:"
_TROUBLE = (Standing.CONFLICT, Standing.QUARANTINED, Standing.REJECTED)
_DONE = (Standing.APPLIED, Standing.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said: what it is about, and the text; ``before`` where a value was replaced."""

    label: str
    text: str
    before: str | None = None
    tone: str = "plain"

    @property
    def said(self) -> str:
        """The text, with what it replaced."""
        return self.text if self.before is None else f"{self.before} → {self.text}"

    @property
    def words(self) -> str:
        """The line as one text."""
        return f"{self.label}：{self.said}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to the record.

    :param at: ISO 8601; ``""`` where no time is known. :param state: where it stands, in a word.
    """

    at: str
    title: str
    who: str
    lines: tuple[Line, ...]
    state: str = ""
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """Everything known of one record, newest first; ``rest`` is 0 when the journal was read to its start."""

    declared: RecordType
    record_id: str
    now: Entry
    entries: tuple[Entry, ...]
    changes: tuple[OwnChange, ...]
    rest: int


class History:
    """The use case behind the part 历史."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def of(
        self, declared: RecordType, record_id: str, earlier: RecordHistory | None = None
    ) -> RecordHistory:
        """The history as far as one stretch of the journal reaches; further back than ``earlier``."""
        before = earlier.changes if earlier is not None else ()
        with self._store.read() as connection:
            found = trail(connection, declared, record_id, before=earlier.rest if earlier else 0)
            changes = (*before, *found.changes)
            origins, standings = Origins(connection), Standings(connection)
            known = {c.reference[:2] for c in changes}
            numbers = {one: origins.number(*one) for one in known}
            stands = {
                c.reference: standings.of("", numbers[c.reference[:2]] << SEQ_BITS | c.reference[2])
                for c in changes
            }
            state = read_rows(connection, declared, [record_id]).get(record_id)
            device = read_text(connection, "device")
            writers = {r: origins.name(r >> SEQ_BITS) for r in _references(state)}
            standing = standings.of(record_id, state.tag) if state is not None else None
        conflicts = self._conflicts(record_id)
        seen = _values_said(conflicts)
        entries = [
            *(self._conflict(declared, row) for row in conflicts),
            *self._held(declared, record_id),
            *reversed(list(self._own(declared, changes, stands, seen, device))),
        ]  # within one second what answers a change stands above it
        entries.sort(key=lambda e: e.at, reverse=True)
        now = self._now(declared, state, standing, writers, device)
        return RecordHistory(declared, record_id, now, tuple(entries), changes, found.rest)

    # --- inside --------------------------------------------------------------
    def _own(
        self,
        declared: RecordType,
        changes: Sequence[OwnChange],
        stands: Mapping[Reference, Standing],
        seen: Mapping[tuple[str, str], Any],
        device: str,
    ) -> Iterable[Entry]:
        by_reference = {c.reference: c for c in changes}

        def previous(one: Field, base: Reference | None) -> str:
            if base is None:
                return NOTHING
            change = by_reference.get(base)
            if change is not None:
                return self._show(one, change.values.get(one.number))
            said = (":".join(map(str, base)), one.name)
            if said in seen:
                return self._show(one, typed(one, seen[said]))
            return EARLIER if base[0] == device else ELSEWHERE

        people = self._records.labels("user", {c.actor for c in changes})
        gone = False
        for change in reversed(changes):
            lines: list[Line] = []
            if change.op is not Op.DELETE:
                for number, value in change.values.items():
                    one = declared.by_number.get(number)
                    if one is None or one.name in PROVENANCE or (change.op is Op.INSERT and value is None):
                        continue
                    old = previous(one, change.bases.get(number)) if change.op is Op.UPDATE else None
                    lines.append(Line(one.title, self._show(one, value), old))
            title = {Op.INSERT: "录入", Op.UPDATE: "修改", Op.DELETE: "作废"}.get(change.op, "")
            if change.op is Op.INSERT and gone:
                title = "恢复"
            gone = change.op is Op.DELETE
            if change.cause.startswith(_RESOLVES):
                title += "（处理冲突）"
            elif change.cause:
                lines.append(Line("原因", change.cause))
            standing = stands[change.reference]
            yield Entry(
                hlc_time(change.hlc).astimezone(CHINA).replace(microsecond=0).isoformat(),
                title, people.get(change.actor, "") or "本机人员", tuple(lines), str(standing),
                "bad" if standing in _TROUBLE else "good" if standing in _DONE else "wait",
            )  # fmt: skip

    def _conflicts(self, record_id: str) -> list[Row]:
        declared = self._records.type("conflict")
        rows: dict[str, Row] = {}
        for name in ("record_id", "other_id"):
            wanted = Filter().where(name, Is.EQ, record_id)
            rows |= {r.id: r for r in self._records.first(declared, wanted, MOST_CONFLICTS)}
        return list(rows.values())

    def _conflict(self, declared: RecordType, row: Row) -> Entry:
        """Both values stay readable whatever was decided: what stands, what was not taken, whose it was."""
        one, kind = row.values, kind_of(row.values)
        disputed = declared.by_name.get(one["field"]) if kind != UNIQUE else None
        decided = one["state"] != "open"
        winner = str(one["decision"] or "") if decided else "ours"
        lines = []
        if disputed is not None and one["base_ref"]:
            lines.append(Line("原值", self._side(one, "base", disputed)))
        for side, name in (("ours", "先到的值"), ("theirs", "后到的值")):
            if kind == DELETION and disputed is None:
                text = self._deletion_side(declared, one, side)
            else:
                text = self._side(one, side, disputed)
            fate = "" if kind in (UNIQUE, DELETION) else _fate(side, winner, decided)
            lost = fate == "未采用"
            lines.append(Line(f"{name}（{fate}）" if fate else name, text, tone="off" if lost else "plain"))
        if decided:
            who = self._records.label("user", one["resolved_by"] or "") or "管理员"
            by = f"（{who}）" if one["resolved_by"] else ""  # nobody: it ended by itself
            lines.append(Line("处理", f"{self._resolution(one, disputed)}{by}"))
            if one["reason"]:
                lines.append(Line("处理理由", str(one["reason"])))
        elif one["explanation"]:
            lines.append(Line("说明", str(one["explanation"])))
        at = str(one["resolved_at"] or "") or max(str(one["ours_at"] or ""), str(one["theirs_at"] or ""))
        title = f"冲突：{one['field_title']}"
        word, tone = ("已处理", "good") if decided else ("待处理", "bad")
        return Entry(at, title, "", tuple(lines), word, tone)

    def _side(self, one: Mapping[str, Any], side: str, disputed: Field | None) -> str:
        text = one[f"{side}_value"]
        value = self._show(disputed, typed(disputed, text)) if disputed else str(text or NOTHING)
        return f"{value}　{self._author(one, side)}"

    def _author(self, one: Mapping[str, Any], side: str) -> str:
        bureau = one[f"{side}_bureau"]
        at = str(one[f"{side}_at"] or "")[:16].replace("T", " ")
        parts = (one[f"{side}_person"], self._records.label("bureau", bureau) if bureau else "", at)
        return "（" + "，".join(str(p) for p in parts if p) + "）"

    def _deletion_side(self, declared: RecordType, one: Mapping[str, Any], side: str) -> str:
        edits = decode_edits(one["edits"])
        parts = [
            f"{f.title} {self._show(f, v)}"
            for n, v in edits.items()
            if (f := declared.by_name.get(n)) is not None
        ]
        said = str(one[f"{side}_value"] or "")
        text = "；".join(parts) if parts and side == "theirs" else said or "整条记录"
        return f"{text}　{self._author(one, side)}"

    def _resolution(self, one: Mapping[str, Any], disputed: Field | None) -> str:
        text = str(one["resolution"] or "")
        if disputed is not None and disputed.personal:  # the sentence holds the value in clear
            return text.split("：", 1)[0]
        return text

    def _held(self, declared: RecordType, record_id: str) -> Iterable[Entry]:
        kind = self._records.type("held_set")
        cycle = kind.lifecycle
        assert cycle is not None
        for row in self._records.first(kind, Filter(), MOST_HELD):
            one = row.values
            touching = [
                r for r in held_content.unpack(str(one["content"] or ""))
                if r.type == declared.number and r.record_id == record_id
            ]
            if not touching:
                continue
            lines = []
            for change in touching:
                texts = [
                    f"{f.title}：{self._show(f, v)}"
                    for n, v in change.values.items()
                    if (f := declared.by_number.get(n)) is not None and f.name not in PROVENANCE
                    and v is not None
                ]
                lines.append(Line(OPS.get(change.op, "变更"), "；".join(texts) or declared.title))
            lines.append(Line("原因", str(one["reason"])))
            if one["decision_note"]:
                lines.append(Line("处理说明", str(one["decision_note"])))
            if one["result"]:
                lines.append(Line("结果", str(one["result"])))
            state = cycle.state(str(one["state"]))
            yield Entry(
                str(one["decided_at"] or one["held_at"] or ""), "中心隔离待审", str(one["persons"] or ""),
                tuple(lines), state.title, state.tone,
            )  # fmt: skip

    def _now(
        self,
        declared: RecordType,
        state: RowState | None,
        standing: Standing | None,
        writers: Mapping[int, tuple[str, int]],
        device: str,
    ) -> Entry:
        if state is None:
            return Entry("", "现状", "", (Line("现状", "本机没有这条记录"),), "", "off")
        seats = self._seats({name for name, _ in writers.values()}, device)

        def seat(reference: int) -> str:
            return seats[writers[reference][0]]

        lines = [Line("最近一次变更", seat(state.tag))]
        owner = state.values.get("source_bureau")
        if owner:
            lines.append(Line("来源单位", self._records.label("bureau", str(owner)) or NOTHING))
        if not state.deleted:
            by_seat: dict[str, list[str]] = {}
            for one in declared.own_fields:
                if state.values[one.name] is not None:
                    by_seat.setdefault(seat(state.writer(one.number)), []).append(one.title)
            if len(by_seat) > 1:
                lines += [Line(f"{name}填写", "、".join(titles)) for name, titles in by_seat.items()]
        at = hlc_time(state.hlc).astimezone(CHINA).replace(microsecond=0).isoformat()
        word = "已作废" if state.deleted else str(standing)
        bad = state.deleted or standing in _TROUBLE
        tone = "bad" if bad else "good" if standing in _DONE else "wait"
        return Entry(at, "现状", "", tuple(lines), word, tone)

    def _seats(self, devices: set[str], own: str) -> dict[str, str]:
        """What people call the installations a value came from."""
        names = self._records.labels("device", devices)
        return {d: "本机" if d == own else names.get(d, "") or "中心或他处" for d in devices}

    def _show(self, one: Field, value: Value | Any) -> str:
        """Masked like everywhere a record is read, not entered."""
        return self._records.show(one, value) or NOTHING


def _references(state: RowState | None) -> set[int]:
    return set() if state is None else {state.w, state.tag, *state.fw.values()} - {0}


def _values_said(conflicts: Iterable[Row]) -> dict[tuple[str, str], Any]:
    """Values conflicts carry, by the change that set them and the field."""
    return {
        (str(row.values[f"{side}_ref"]), str(row.values["field"])): row.values[f"{side}_value"]
        for row in conflicts
        for side in ("base", "ours", "theirs")
        if row.values[f"{side}_ref"] and kind_of(row.values) not in (DELETION, UNIQUE)
    }


def _fate(side: str, winner: str, decided: bool) -> str:
    if not decided:
        return "现在有效" if side == "ours" else "待处理"
    if winner not in ("ours", "theirs", "other"):
        return ""
    return "采用" if side == winner else "未采用"


__all__ = ["Entry", "History", "Line", "RecordHistory"]
