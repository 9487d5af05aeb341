"""The hub's devices: whose key signs, what they may hear, and where a revocation cuts.

A revocation names what was accepted until then. That stays valid, also when it
arrives again; what comes later is kept for a person (kind ``revoked``). The device
gets its receipt and its own revocation, nothing else (N10).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from server_stub import lines
from server_stub.partitions import streams_of
from shared.access import HUB_ACTOR
from shared.errors import InputError
from shared.scope import bureau_stream
from shared.store import audit, sql
from shared.store.store import Store
from shared.store.unit import Author
from sync.signing import VerifyKey

REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """What the hub knows about a device's keys."""

    device: str
    bureau: str
    sign: VerifyKey
    seal: bytes
    admin: bool
    state: str

    @property
    def revoked(self) -> bool:
        """Whether it speaks for nobody any more."""
        return self.state == REVOKED


def find_device(connection: sa.Connection, device: str) -> DeviceRow | None:
    """The device's keys; None when unknown."""
    row = sql.execute(
        connection,
        "SELECT device, bureau, sign_key, seal_key, admin, state FROM device_key WHERE device = ?",
        (device,),
    ).fetchone()
    if row is None:
        return None
    return DeviceRow(row[0], row[1], VerifyKey(bytes(row[2])), bytes(row[3]), bool(row[4]), row[5])


def author_of(connection: sa.Connection, device: str) -> Author:
    """Where a device hears what the hub has to say, and what it follows."""
    bureau, admin = sql.execute(
        connection, "SELECT bureau, admin FROM device_key WHERE device = ?", (device,)
    ).fetchone()
    return Author(bureau_stream(bureau), frozenset(streams_of(connection, bureau, admin=bool(admin))))


def is_revoked(connection: sa.Connection, device: str) -> bool:
    """Whether a device's new work waits for a person."""
    row = sql.execute(connection, "SELECT state FROM device_key WHERE device = ?", (device,)).fetchone()
    return row is not None and row[0] == REVOKED


def revoke_device(store: Store, device: str, reason: str) -> None:
    """The device speaks for nobody any more; everybody learns it. Raises :class:`InputError`."""
    declared = store.types["device"]
    with store.write() as connection:
        unit = store.unit_on(connection, HUB_ACTOR)
        found = unit.load(declared, [device])
        if device not in found:
            raise InputError("没有这台设备。", "请核对设备号。")
        if found[device].values["state"] == REVOKED:
            raise InputError("这台设备已经吊销过。", "吊销不能撤销；需要继续使用请重新登记。")
        said = {"state": REVOKED, "revoke_reason": reason, "revoked_at": store.clock.stamp()}
        unit.update(declared, device, said, proven=True)
        unit.finish()
        take_effect(store, connection, [device])


def take_effect(store: Store, connection: sa.Connection, devices: Collection[str]) -> None:
    """What device records say now takes effect on the keys; a revocation notes what was accepted."""
    found = sql.fetch(connection, "device", ("id", "state"), sorted(devices)) if devices else []
    for device, state in found:
        before = find_device(connection, device)
        if before is None or before.state == state:
            continue
        sql.execute(connection, "UPDATE device_key SET state = ? WHERE device = ?", (state, device))
        if state != REVOKED:
            continue
        lines.lock(connection, device)
        incarnation = lines.newest(connection, device)
        last = lines.reach(connection, device, incarnation).contiguous_to
        sql.execute(
            connection,
            "UPDATE device_key SET last_incarnation = ?, last_seq = ? WHERE device = ?",
            (incarnation, last, device),
        )
        unit = store.unit_on(connection, HUB_ACTOR)
        unit.update(store.types["device"], device, {"last_seq": last}, proven=True)
        audit.note(connection, store.clock.stamp(), "hub", "revoke", f"{device} {incarnation}:{last}")
        unit.finish()


def revocation(connection: sa.Connection, device: str) -> tuple[str, str]:
    """When and why a device was revoked; empty texts when it was not."""
    rows = sql.fetch(connection, "device", ("state", "revoked_at", "revoke_reason"), [device])
    if not rows or rows[0][0] != REVOKED:
        return "", ""
    return str(rows[0][1] or ""), str(rows[0][2] or "")


__all__ = [
    "REVOKED", "DeviceRow", "author_of", "find_device", "is_revoked", "revocation", "revoke_device",
    "take_effect",
]
