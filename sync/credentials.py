"""Keys and trust of an enrolled device as its database says they stand now.

Secrets come from the key file; which of them speaks, what the hub has confirmed and
which links of the hub's chain were learned are facts of the database, written in the
transactions they belong to. Whatever breaks off in between, the two never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.store import directory, exchange
from shared.store.facts import read_fact, read_text, write_fact, write_number, write_text
from shared.store.store import Store
from sync.hub_trust import HubTrust, SignedLink
from sync.layout import Core, Prereq
from sync.messages import PROTOCOL, State
from sync.rotation import CHANGE, CHANGES_BEFORE, DeviceRing, KeyChange, make_change, read_change, ring_of
from sync.trust import DeviceKeys
from sync.whence import said_whence

KEY_CHANGE, CONFIRMED, LEARNED, LEASE = "key_change", "key_confirmed", "trust_links", "lease_days"
KEY_CHANGE_PAST = "key_change_past"


class Credentials:
    """What the exchange of one device signs, opens and believes with.

    :param told: called after something here changed that the key file must follow.
    """

    def __init__(self, store: Store, keys: DeviceKeys | DeviceRing, hub: HubTrust) -> None:
        self._store = store
        self.told: Callable[[], None] = lambda: None
        self.bureau = ""
        """Of this seat as its grant says, for as long as its own record has not come."""
        self._device, _ = store.identity()
        self._confirmed = False
        with store.read() as connection:
            self.ring = ring_of(keys).announcing(read_text(connection, KEY_CHANGE))
            self.hub = hub.extended(stored_links(connection)).as_of(store.clock.stamp())

    # --- what is said ----------------------------------------------------------
    def cover(self, carrier: str) -> dict[str, Prereq]:
        """What every package of this device says in the clear."""
        with self._store.read() as connection:
            bureau = directory.seat_bureau(connection, self._device) or self.bureau
        return {"carrier": carrier, **said_whence(carrier, bureau), **self.said()}

    def said(self) -> dict[str, Prereq]:
        """What a package of this device says about its keys in the clear."""
        said = [*self._said_again(), *([self.ring.change] if self.ring.change else [])]
        if not said:
            return {}
        before = {CHANGES_BEFORE: ",".join(said[:-1])} if len(said) > 1 else {}
        return {CHANGE: said[-1], **before}

    def _said_again(self) -> list[str]:
        """Announcements that stand, each until a backup of the hub holds what its new key signed.

        A hub that comes back from an older backup knows only a key of before; it follows from there.
        """
        with self._store.read() as connection:
            past = _past(connection)
            if not past or read_change(past[-1]).sign_key != self.ring.now.sign.public.to_bytes():
                return []  # of keys given up since
            return _unarchived(connection, past)

    # --- what is heard -----------------------------------------------------------
    def learn(self, core: Core) -> None:
        """Keep the links a verified package of the hub brought."""
        wider = self.hub.learned(core)
        if wider.version == self.hub.version:
            return
        with self._store.write() as connection:
            known = stored_links(connection)
            fresh = wider.links[len(self.hub.links) :]
            write_fact(connection, LEARNED, msgspec.msgpack.encode([*known, *fresh]))
        self.hub = wider.as_of(self._store.clock.stamp())
        self.told()

    def hear(self, connection: Any, state: State) -> None:
        """Within the transaction of the state: the lease, and whether our new key is known."""
        if state.lease_days > 0:
            write_number(connection, LEASE, state.lease_days)
        if not state.device_key or self.ring.next is None or not self.ring.change:
            return
        if state.device_key == self.ring.next.sign.key_id:
            write_text(connection, CONFIRMED, state.device_key)
            self._confirmed = True

    def settle(self) -> None:
        """After the transaction: the key file may follow."""
        if self._confirmed:
            self._confirmed = False
            self.told()

    # --- new keys ----------------------------------------------------------------
    def announce(self, ring: DeviceRing, device: str, incarnation: int) -> DeviceRing:
        """From the next number on the new keys of ``ring`` speak; everything before must be cut.

        The announcement is kept in the transaction that fixes the number. Raises nothing
        but storage errors; the old keys then go on.
        """
        assert ring.next is not None
        with self._store.write() as connection:
            at = exchange.reach(connection)
            change = KeyChange(
                v=PROTOCOL, hub_id=self.hub.hub_id, device=device, incarnation=incarnation,
                prev_sign_key=ring.now.sign.public.to_bytes(), sign_key=ring.next.sign.public.to_bytes(),
                seal_key=ring.next.seal.public.to_bytes(), from_seq=at.sealed + 1,
                at=self._store.clock.stamp(),
            )  # fmt: skip
            text = make_change(change, ring.now.sign, ring.next.sign)
            write_text(connection, KEY_CHANGE, text)
            write_text(connection, CONFIRMED, "")
        self.ring = ring.announcing(text)
        return self.ring

    def confirmed(self) -> bool:
        """Whether the hub has said that it knows the announced key."""
        with self._store.read() as connection:
            said = read_text(connection, CONFIRMED)
        return bool(self.ring.next and said and said == self.ring.next.sign.key_id)

    def follow(self, ring: DeviceRing) -> None:
        """The key file has promoted the new keys: nothing is announced any more."""
        with self._store.write() as connection:
            said = read_text(connection, KEY_CHANGE)
            if said:
                past = _unarchived(connection, _continued(_past(connection), said))
                write_text(connection, KEY_CHANGE_PAST, ",".join([*past, said]))
            write_text(connection, KEY_CHANGE, "")
        self.ring = ring


def _past(connection: Any) -> list[str]:
    """Announcements made so far that may have to be repeated, oldest first."""
    return [one for one in read_text(connection, KEY_CHANGE_PAST).split(",") if one]


def _continued(past: list[str], said: str) -> list[str]:
    """What a new announcement continues; nothing when the keys were changed otherwise in between."""
    return past if past and read_change(past[-1]).sign_key == read_change(said).prev_sign_key else []


def _unarchived(connection: Any, past: list[str]) -> list[str]:
    """Without those that a backup of the hub knows of."""
    return [one for one in past if not exchange.archived_since(connection, read_change(one).from_seq)]


def stored_links(connection: Any) -> list[SignedLink]:
    """Links of the hub's chain learned so far."""
    kept = read_fact(connection, LEARNED)
    return msgspec.msgpack.decode(kept, type=list[SignedLink]) if kept else []


__all__ = ["Credentials", "stored_links"]
