"""Signing keys of devices over time: which key may have signed what.

A package is signed with the key a device has now, or with an earlier one when it was
sealed before the change and travels late. A change set is signed with the key that was
valid at its number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.store import audit, sql
from shared.store.store import Store
from sync.layout import Core
from sync.rotation import KeyChange, announced, announced_before, checked_change, read_change
from sync.signing import Envelope, VerifyKey

if TYPE_CHECKING:
    from server_stub.devices import DeviceRow

ROTATED, RECOVERED = "rotated", "recovered"
MOST_CHANGES = 50
"""So many announcements of one package are looked at."""


class DeviceKeyring:
    """Verification keys of devices, present and past."""

    def __init__(self, store: Store, find: Callable[[str], DeviceRow | None], hub_id: str) -> None:
        self._store = store
        self._find = find
        self._hub_id = hub_id

    def signer(self, core: Core, device: DeviceRow) -> VerifyKey:
        """Who may have sealed this package; one that announces a key may be signed with it.

        Raises :class:`PackageTampered` for an announcement that the known key has not signed.
        """
        if core.exporter_key_id == device.sign.key_id:
            return device.sign
        with self._store.read() as connection:
            for raw in _earlier(connection, device.device):
                if VerifyKey(raw).key_id == core.exporter_key_id:
                    return VerifyKey(raw)
        changes = self._changes(core, device)
        return VerifyKey(changes[-1].sign_key) if changes else device.sign

    def take(self, core: Core, device: DeviceRow) -> DeviceRow:
        """Switch to the key a verified package announces; gives the device as it stands then."""
        if core.exporter_key_id == device.sign.key_id:
            return device
        changes = self._changes(core, device)
        if not changes or VerifyKey(changes[-1].sign_key).key_id != core.exporter_key_id:
            return device  # sealed before the change, and late
        for change in changes:
            device = self._switch(device, change)
        return device

    def adopt(self, text: str, device: DeviceRow) -> DeviceRow:
        """The same for an announcement that came by itself; an old one changes nothing."""
        if not text or read_change(text).prev_sign_key != device.sign.to_bytes():
            return device
        change = self._change(text, device)
        return self._switch(device, change) if change is not None else device

    def _switch(self, device: DeviceRow, change: KeyChange) -> DeviceRow:
        self.replace(device, change.sign_key, change.seal_key, change.incarnation, change.from_seq, ROTATED)
        found = self._find(device.device)
        assert found is not None
        return found

    def replace(
        self, device: DeviceRow, sign_key: bytes, seal_key: bytes, incarnation: int, from_seq: int, why: str
    ) -> None:
        """The device speaks with new keys; everybody learns them.

        :param incarnation: with ``from_seq`` where the new key begins; (0, 0) = as the device says next.
        """
        at = self._store.clock.stamp()
        with self._store.unit(HUB_ACTOR) as unit:
            held = sql.execute(
                unit.connection,
                "UPDATE device_key SET sign_key = ?, seal_key = ? WHERE device = ? AND sign_key = ?",
                (sign_key, seal_key, device.device, device.sign.to_bytes()),
            )
            if held.rowcount != 1:
                return  # another process has just done it
            sql.execute(
                unit.connection,
                "INSERT INTO device_key_past (device, sign_key, seal_key, until_incarnation, until_seq,"
                " why, replaced_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    device.device, device.sign.to_bytes(), device.seal, incarnation, from_seq, why, at,
                ),
            )
            said = {"sign_key": sign_key.hex(), "seal_key": seal_key.hex()}
            unit.update(self._store.types["device"], device.device, said, proven=True)
            detail = f"{device.device} {device.sign.key_id} → {VerifyKey(sign_key).key_id}"
            audit.note(unit.connection, at, HUB_ACTOR.user, f"key_{why}", detail)

    def _changes(self, core: Core, device: DeviceRow) -> list[KeyChange]:
        """The announcements that lead from the key known here to the one that speaks; each is checked.

        Those of before are repeated for a hub that came back from an older backup; where the
        known key is none of theirs, the last must continue it.
        """
        last, found, at = announced(core), list[KeyChange](), device
        before = [text for text in announced_before(core)[-MOST_CHANGES:] if text != last]
        for text in before:
            if read_change(text).prev_sign_key == at.sign.to_bytes():
                change = self._change(text, at)
                if change is None:
                    return []
                found.append(change)
                at = replace(at, sign=VerifyKey(change.sign_key))
        change = self._change(last, at)
        return [*found, change] if change is not None else []

    def _change(self, text: str, device: DeviceRow) -> KeyChange | None:
        if not text:
            return None
        change = checked_change(text, device.sign)
        fits = (change.device, change.hub_id) == (device.device, self._hub_id)
        return change if fits and change.from_seq >= 1 else None


def set_key(
    connection: sa.Connection, device: DeviceRow, key_id: str, incarnation: int, last: int
) -> VerifyKey:
    """The key that may have signed a change set ending at ``last``; the present one when none fits."""
    if key_id == device.sign.key_id:
        return device.sign
    rows = sql.execute(
        connection,
        "SELECT sign_key, until_incarnation, until_seq FROM device_key_past WHERE device = ?",
        (device.device,),
    )
    for raw, until_incarnation, until_seq in rows:
        key = VerifyKey(bytes(raw))
        open_end = not until_incarnation
        before = (incarnation, last) < (until_incarnation, until_seq)
        if key.key_id == key_id and (open_end or before):
            return key
    return device.sign


def bound(connection: sa.Connection, device: str, incarnation: int, first: int, envelope: bytes) -> None:
    """A set was accepted: unless a lost key has signed it, that key signs nothing from here on."""
    rows = sql.execute(
        connection,
        "SELECT sign_key FROM device_key_past WHERE device = ? AND until_incarnation = 0",
        (device,),
    ).fetchall()
    lost = {VerifyKey(bytes(r[0])).key_id for r in rows}
    if not lost or Envelope.decode(envelope).keyid in lost:
        return
    sql.execute(
        connection,
        "UPDATE device_key_past SET until_incarnation = ?, until_seq = ?"
        " WHERE device = ? AND until_incarnation = 0",
        (incarnation, first, device),
    )


def _earlier(connection: sa.Connection, device: str) -> list[bytes]:
    rows = sql.execute(connection, "SELECT sign_key FROM device_key_past WHERE device = ?", (device,))
    return [bytes(r[0]) for r in rows]
