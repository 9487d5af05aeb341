"""Clashes become Conflict records: both values, both authors, for a person to decide."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import zstandard

from server_stub.people import People
from shared.changes import SEQ_BITS, SEQ_MASK, Value, decode_block, split_blocks
from shared.clock import CHINA, hlc_time
from shared.ids import key_id
from shared.store import sql
from shared.store.merging import Clash
from shared.store.references import Origins
from shared.store.store import Store
from shared.store.unit import Unit


class _Author(msgspec.Struct, frozen=True):
    user: str
    at: str


def record_clashes(unit: Unit, clashes: Iterable[Clash], people: People, store: Store) -> None:
    """Write one open Conflict per clash; a later clash of the same two authors renews it."""
    declared = store.types["conflict"]
    origins = Origins(unit.connection)
    authors: dict[int, _Author] = {}
    for clash in clashes:
        if clash.standing_ref not in authors:
            authors[clash.standing_ref] = _author(unit, clash.standing_ref)
        standing = authors[clash.standing_ref]
        name_s, bureau_s = people.find(standing.user)
        name_p, bureau_p = people.find(clash.actor)
        number = clash.field.number if clash.field else 0
        conflict_id = key_id(
            "conflict", [clash.declared.name, clash.record_id, str(number), str(clash.proposed_ref)]
        )
        values = {
            "record_type": clash.declared.name,
            "record_id": clash.record_id,
            "field": clash.field.name if clash.field else "",
            "field_title": clash.field.title if clash.field else "整条记录（一方删除，一方修改）",
            "subject": _subject(unit, clash),
            "ours_value": _text(clash.standing),
            "theirs_value": _text(clash.proposed),
            "ours_person": name_s or "未知",
            "theirs_person": name_p or "未知",
            "ours_bureau": bureau_s or None,
            "theirs_bureau": bureau_p or None,
            "ours_at": standing.at,
            "theirs_at": _time(clash.hlc),
            "ours_ref": _name(origins, clash.standing_ref),
            "theirs_ref": _name(origins, clash.proposed_ref),
            "state": "open",
        }
        unit.insert(declared, [{**values, "id": conflict_id}], way="exchange", proven=True)


def _subject(unit: Unit, clash: Clash) -> str:
    label = clash.declared.label
    rows = sql.fetch(unit.connection, clash.declared.name, (label,), [clash.record_id])
    return f"{clash.declared.title} {rows[0][0] if rows else ''}".strip()


def _name(origins: Origins, reference: int) -> str:
    """A reference as it means the same everywhere: device:incarnation:seq."""
    device, incarnation = origins.name(reference >> SEQ_BITS)
    return f"{device}:{incarnation}:{reference & SEQ_MASK}"


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _time(hlc: int) -> str:
    return hlc_time(hlc).astimezone(CHINA).replace(microsecond=0).isoformat()


def _author(unit: Unit, reference: int) -> _Author:
    """Who made a change that stands, found in the archive of its change set."""
    origin, seq = reference >> SEQ_BITS, reference & SEQ_MASK
    row = sql.execute(
        unit.connection,
        "SELECT s.payload FROM accepted_set s JOIN origin o ON o.device = s.device"
        " AND o.incarnation = s.incarnation WHERE o.no = ? AND s.first <= ? AND s.last >= ?"
        " AND s.status IN ('applied', 'conflicted')",
        (origin, seq, seq),
    ).fetchone()
    if row is None:
        return _Author("hub", "")
    for raw in split_blocks(zstandard.ZstdDecompressor().decompress(bytes(row[0]))):
        for run in decode_block(raw).runs:
            if run.first <= seq < run.first + run.count:
                return _Author(run.actor, _time(run.hlc))
    return _Author("", "")
