"""Where each seat stands, kept as a record so that administrators see it offline and by stick too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from server_stub import lines
from server_stub.receipts import PARKED, QUARANTINED, missing
from shared import gaps
from shared.clock import MAX_DRIFT_MS
from shared.programs import Program
from shared.record import RecordType
from shared.store import sql
from shared.store.unit import Unit
from sync.messages import Ask, SetReceipt

FRESH = timedelta(minutes=10)
"""A seat that only looks again within this time is not worth a change for every administrator."""
DRIFT = timedelta(milliseconds=MAX_DRIFT_MS)
PENDING = "pending"
MOST = 2**53


@dataclass(frozen=True, slots=True)
class Contact:
    """One exchange of one device.

    :param created: when the device sealed it, by its own clock; :param at: now, by the hub's.
    :param ask: what it said of itself; None when the package held none.
    :param program: what it runs; None when the package does not say.
    """

    device: str
    bureau: str
    carrier: str
    created: str
    at: str
    ask: Ask | None
    sets: list[SetReceipt]
    program: Program | None = None


def keep(unit: Unit, declared: RecordType, contact: Contact) -> str:
    """Write what changed about the seat since its last exchange; nothing when it only looked again.

    Returns what its history should say: that it runs another program than before.
    """
    record_id = declared.record_id({"device": contact.device})
    before = unit.load(declared, [record_id]).get(record_id)
    values = _values(unit.connection, contact)
    if before is None:
        unit.insert(declared, [values], way="exchange", proven=True)
        return ""
    known = {n: before.values[n] for n in values if n != "last_contact_at"}
    same = known == {n: v for n, v in values.items() if n != "last_contact_at"}
    if not same or _apart(str(before.values["last_contact_at"]), contact.at) >= FRESH:
        values.pop("device")
        unit.update(declared, record_id, values, proven=True)
    return _changed(Program.read(str(before.values["program"] or "")), contact.program)


def _changed(was: Program, now: Program | None) -> str:
    if not was.schema or now is None or was == now:
        return ""
    return f"程序由 {was.version} 换为 {now.version}（数据结构 {was.schema} → {now.schema}）"


def _values(connection: sa.Connection, contact: Contact) -> dict[str, object]:
    device = contact.device
    found = sql.fetch(connection, "device", ("name",), [device])
    counts = dict(
        sql.execute(
            connection,
            "SELECT status, count(*) FROM accepted_set WHERE device = ? AND status IN (?, ?) GROUP BY status",
            (device, PARKED, QUARANTINED),
        ).fetchall()
    )
    (reached,) = sql.execute(
        connection, "SELECT coalesce(max(contiguous_to), 0) FROM device_reach WHERE device = ?", (device,)
    ).fetchone()
    ahead = _apart(contact.at, contact.created)
    program = {"program": contact.program.text} if contact.program is not None else {}
    return {
        **program,
        "device": device,
        "name": str(found[0][0]) if found else device,
        "bureau": contact.bureau,
        "person": _plain(contact.ask.person if contact.ask else ""),
        "last_contact_at": contact.at,
        "carrier": contact.carrier,
        "ahead_minutes": int(ahead.total_seconds() // 60) if ahead > DRIFT else None,
        "pending": _pending(contact),
        "parked": int(counts.get(PARKED, 0)),
        "missing": gaps.said(missing(connection, device, lines.newest(connection, device))) or None,
        "quarantined": int(counts.get(QUARANTINED, 0)),
        "received_to": int(reached),
    }


def _pending(contact: Contact) -> int:
    """What the device still had to bring when it sealed, less what came with it."""
    said = contact.ask.report.get(PENDING, 0) if contact.ask else 0
    came = sum(s.last - s.first + 1 for s in contact.sets if s.status != PARKED)
    return max(0, min(said, MOST) - came)


def _apart(earlier: str, later: str) -> timedelta:
    """How much later by the text of two times; a time nobody can read is not apart."""
    try:
        return datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    except (ValueError, TypeError):
        return timedelta()


def _plain(text: str) -> str | None:
    return text.replace("\0", "")[:50] or None
