"""Clashes become Conflict records: both values, both authors, what was there, for a person to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from server_stub.archive import Archive, time_of
from server_stub.collisions import GONE, Collision, Settled
from server_stub.partitions import streams_with
from server_stub.people import People
from shared.changes import SEQ_BITS, Value
from shared.ids import key_id
from shared.record import RecordType
from shared.store import sql
from shared.store.incoming import Incoming
from shared.store.merging import Clash
from shared.store.references import Origins
from shared.store.rowstate import RowState
from shared.store.store import Store
from shared.store.unit import Unit
from shared.types.conflict import DELETION, FIELD, RULE, UNIQUE

LONGEST = 5000
LONGEST_EDIT = 20_000


class Clerk:
    """Writes the conflicts one set of ``device`` makes; its author always learns of them there."""

    def __init__(self, unit: Unit, people: People, store: Store, origins: Origins, device: str) -> None:
        self._unit = unit
        self._device = device
        self._people = people
        self._declared = store.types["conflict"]
        self._archive = Archive(unit.connection, unit.origin, origins)

    def note(self, one: Incoming) -> None:
        """A run of the set at hand, so that its authors are known before it is archived."""
        self._archive.note(one.first >> SEQ_BITS, one.run)

    def clashes(self, clashes: Iterable[Clash]) -> None:
        """One open conflict per value the hub did not take."""
        for one in clashes:
            number = one.field.number if one.field else 0
            parts = (one.declared.name, one.record_id, str(number), str(one.proposed_ref))
            streams = streams_with(self._unit, one.declared, one.record_id)
            kind = RULE if one.rule else FIELD if one.field else DELETION
            title = one.field.title if one.field else "整条记录（一方作废，一方修改）"
            self._write(
                parts,
                kind=kind,
                record_type=one.declared.name,
                record_id=one.record_id,
                field=one.field.name if one.field else "",
                field_title=title,
                subject=self._subject(one.declared, one.record_id),
                ours_value=_text(one.standing),
                theirs_value=_text(one.proposed),
                edits=_edits(one.edits),
                explanation=one.rule[:1000] or None,
                **self._side("ours", one.standing_ref, streams),
                **self._proposer(one),
                **self._base(one, streams),
            )

    def collisions(self, collisions: Iterable[Collision]) -> None:
        """One open conflict per pair of records with what must be unique."""
        for one in collisions:
            declared = one.declared
            states = self._unit.load(declared, [one.first, one.second])
            titles = "、".join(declared.by_name[n].title for n in one.names)
            ours, theirs = states[one.first], states[one.second]
            self._write(
                (declared.name, *sorted((one.first, one.second)), ",".join(one.names)),
                kind=UNIQUE,
                record_type=declared.name,
                record_id=one.first,
                other_id=one.second,
                field=",".join(one.names)[:50],
                field_title=f"{titles}重复"[:100],
                subject=self._subject(declared, one.first),
                ours_value=_described(declared, ours),
                theirs_value=_described(declared, theirs),
                **self._owner("ours", declared, one.first, ours),
                **self._owner("theirs", declared, one.second, theirs),
            )

    def close(self, ended: Iterable[Settled]) -> None:
        """What nobody has to decide any more; who ended it stands in words."""
        for one in ended:
            name, _ = self._people.find(one.actor)
            by = f"（{name}）" if name else ""
            titles = "、".join(one.declared.by_name[n].title for n in one.names)
            what = f"其中一条已作废{by}" if one.voided else f"{titles}已更正{by}"
            end = {
                "state": "resolved", "resolution": f"{what}，编号已不再重复，自动了结", "decision": GONE,
                "resolved_at": self._unit.clock.stamp(),
            }  # fmt: skip
            self._unit.update(self._declared, one.conflict_id, end, proven=True)

    # --- inside --------------------------------------------------------------
    def _write(self, parts: Sequence[str], **values: Any) -> None:
        conflict_id = key_id("conflict", parts)
        known = self._unit.load(self._declared, [conflict_id], ("decision",)).get(conflict_id)
        if known is not None and known.values["decision"] == GONE:  # nobody decided, and it is so again
            again = {"state": "open", "resolution": None, "decision": None, "resolved_at": None}
            self._unit.update(self._declared, conflict_id, {**values, **again}, proven=True)
            return
        if known is not None:
            return  # the same two were asked about before; what was decided stays decided
        row = {**values, "id": conflict_id, "state": "open"}
        self._unit.insert(self._declared, [row], way="exchange", proven=True)

    def _side(self, side: str, reference: int, streams: Sequence[str]) -> dict[str, Any]:
        written = self._archive.written(reference, streams)
        name, bureau = self._people.find(written.actor) if written.actor else ("", "")
        return {
            f"{side}_person": name or "未知",
            f"{side}_bureau": bureau or None,
            f"{side}_at": written.at or None,
            f"{side}_ref": self._archive.name(reference),
        }

    def _proposer(self, one: Clash) -> dict[str, Any]:
        name, bureau = self._people.at_seat(one.actor, self._device)
        return {
            "theirs_person": name or "未知",
            "theirs_bureau": bureau or None,
            "theirs_at": time_of(one.hlc),
            "theirs_ref": self._archive.name(one.proposed_ref),
        }

    def _base(self, one: Clash, streams: Sequence[str]) -> dict[str, Any]:
        """What the author had seen; nothing when there was nothing, or it is kept nowhere any more."""
        written = self._archive.written(one.base, streams)
        if one.field is None or not written.known:
            return {}
        return {
            "base_value": _text(written.value(one.record_id, one.field.number)),
            **self._side("base", one.base, streams),
        }

    def _owner(self, side: str, declared: RecordType, record_id: str, state: RowState) -> dict[str, Any]:
        """Who entered a record; its own bureau where the author is the hub or unknown."""
        said = self._side(side, state.w, streams_with(self._unit, declared, record_id))
        source = state.values.get("source_bureau")
        return {**said, f"{side}_bureau": said[f"{side}_bureau"] or source}

    def _subject(self, declared: RecordType, record_id: str) -> str:
        rows = sql.fetch(self._unit.connection, declared.name, (declared.label,), [record_id])
        return f"{declared.title} {rows[0][0] if rows else ''}".strip()[:300]


def conflict_words(clashes: int, collisions: int) -> str:
    """What a receipt says about a set that left something to decide."""
    parts = [f"{clashes} 处与已入库的内容不一致"] if clashes else []
    parts += [f"{collisions} 条与已入库的记录编号重复"] if collisions else []
    return "，".join(parts) + "，待处理"


def _described(declared: RecordType, state: RowState) -> str:
    """One record in a line, for those who do not have it."""
    names = dict.fromkeys((declared.label, *(n for one in declared.unique for n in one)))
    texts = [str(state.values[n]) for n in names if n in state.values and _plain(declared, n)]
    return " · ".join(t for t in texts if t != "None")[:LONGEST]


def _plain(declared: RecordType, name: str) -> bool:
    one = declared.by_name[name]
    return not one.personal and not one.target and not one.table


def _edits(values: dict[str, Value]) -> str | None:
    """An edit as JSON; left out when it is longer than a record of this type may hold."""
    text = msgspec.json.encode(values).decode() if values else ""
    return text if 0 < len(text) <= LONGEST_EDIT else None


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
