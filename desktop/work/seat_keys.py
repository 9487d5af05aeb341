"""The keys of this computer while somebody is signed in: kept in step with the hub, changed, shared.

The key file holds the secrets, the database says which of them speaks. New keys are
written first, announced second, promoted when the hub has confirmed them; whatever
breaks off in between is taken up at the next sign-in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import msgspec

from desktop.work.keys import KeyFile, Unlocked
from shared.errors import InputError, StoreError
from shared.store import audit
from shared.store.facts import read_fact, write_fact
from shared.store.store import Store
from sync.engine import Engine
from sync.hub_trust import HubTrust
from sync.rotation import DeviceRing
from sync.signing import VerifyKey
from sync.suite import SealPublic
from sync.trust import DeviceKeys

OLD_SEAL_DAYS = 400
"""So long an old key still opens what was sealed to it: answers on sticks may be that late."""
PINNED = "trust_base"


class SeatKeys:
    """Keeps key file, database and hub of one session agreed about keys."""

    def __init__(self, store: Store, engine: Engine, keys: KeyFile, unlocked: Unlocked) -> None:
        self._store = store
        self._engine = engine
        self._keys = keys
        self._unlocked = unlocked
        engine.credentials.told = self.follow

    def settle(self) -> None:
        """Finish what broke off, forget old keys whose time is over, follow the hub's trust."""
        credentials = self._engine.credentials
        ring = credentials.ring
        now = self._store.clock.now()
        if credentials.confirmed():
            ring = replace(ring, change="").promoted(now.isoformat())
        elif ring.next is not None and not ring.change:
            ring = replace(ring, next=None)  # made, never announced
        ring = ring.without_seals_before((now - timedelta(days=OLD_SEAL_DAYS)).isoformat())
        if ring != credentials.ring:
            self._keys.keep_ring(ring)
            if not ring.change:
                credentials.follow(ring)
        if self._keys.keep_seat(self._unlocked, credentials.hub, ring):
            self._note("recovery_key", "数据库密钥已封存给恢复密钥")
        with self._store.read() as connection:
            known = read_fact(connection, PINNED)
        if known is None:
            with self._store.write() as connection:
                write_fact(connection, PINNED, pinned(self._unlocked.hub_trust))

    def follow(self) -> None:
        """The same, in the middle of an exchange: a full disk is no reason to break it off."""
        with suppress(StoreError):
            self.settle()

    def rotate(self, password: str) -> str:
        """Make new keys for this computer; returns the name of the new signing key.

        They speak from the next change set on, and the next package announces them.
        Raises ``PasswordRefused``, or :class:`InputError` while an earlier change is under way.
        """
        self._keys.unlock(self._unlocked.grant.account, password)
        ring = self._engine.credentials.ring
        if ring.next is not None:
            raise InputError("上一次更换的密钥还没有得到中心确认。", "请先同步，或用介质与中心交换一次。")
        self._engine.cut()
        made = replace(ring, next=DeviceKeys.generate(), change="")
        self._keys.keep_ring(made)
        device, incarnation = self._store.identity()
        done = self._engine.credentials.announce(made, device, incarnation)
        self._keys.keep_seat(self._unlocked, self._engine.credentials.hub, done)
        self._note("key_rotated", f"{ring.now.sign.key_id} → {done.sign.key_id}")
        return done.sign.key_id

    @property
    def unlocked(self) -> Unlocked:
        """What the person's password has opened, with the device's keys as they stand."""
        ring: DeviceRing = replace(self._engine.credentials.ring, change="")
        return replace(self._unlocked, ring=ring)

    def _note(self, event: str, detail: str) -> None:
        with self._store.write() as connection:
            user = self._unlocked.grant.user
            audit.note(connection, self._store.clock.stamp(), user, event, detail)


def pinned(hub: HubTrust) -> bytes:
    """The hub a database belongs to, kept inside it: a key file that was exchanged is noticed."""
    return msgspec.msgpack.encode(
        (hub.hub_id, hub.name, hub.sign.to_bytes(), hub.seal.to_bytes(), hub.version)
    )


def read_pinned(raw: bytes) -> HubTrust:
    """Back from :func:`pinned`."""
    hub_id, name, sign, seal, version = msgspec.msgpack.decode(raw, type=tuple[str, str, bytes, bytes, int])
    return HubTrust(hub_id, name, VerifyKey(sign), SealPublic.from_bytes(seal), version)
