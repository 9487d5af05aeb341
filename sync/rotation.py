"""Keys of a device that change: the ring that holds them, and the message that announces new ones.

The announcement is signed by the old key and proven by the new one. It stands in the
clear part of the device's packages until the hub has said that it knows the new key:
a package signed by the new key can then be verified by whoever knows the old one,
whichever package arrives first.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from shared.errors import PackageError, PackageTampered
from sync import signing
from sync.layout import ASK_AGAIN, Core, decode
from sync.signing import Envelope, SigningKey, VerifyKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys

CHANGE = "key_change"
"""Name under which an announcement stands among the prereqs of a core, as hexadecimal text."""
CHANGES_BEFORE = "key_changes_before"
"""Name of earlier announcements that no backup of the hub may know of, oldest first, with commas between."""


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """A device announces its new keys.

    :param from_seq: change sets that begin here or later are signed with the new key.
    """

    v: int
    hub_id: str
    device: str
    incarnation: int
    prev_sign_key: bytes
    sign_key: bytes
    seal_key: bytes
    from_seq: int
    at: str


class SignedChange(msgspec.Struct, frozen=True, array_like=True):
    """The announcement twice: signed by the old key, and by the new."""

    old: bytes
    new: bytes


def make_change(change: KeyChange, old: SigningKey, new: SigningKey) -> str:
    """Sign an announcement; as it stands in a core."""
    payload = msgspec.msgpack.encode(change)
    signed = SignedChange(
        signing.sign(old, signing.DEVICE_KEY, payload).encode(),
        signing.sign(new, signing.DEVICE_KEY, payload).encode(),
    )
    return msgspec.msgpack.encode(signed).hex()


def announced(core: Core) -> str:
    """The announcement a package brings; ``""`` for none."""
    said = core.prereqs.get(CHANGE)
    return said if isinstance(said, str) else ""


def announced_before(core: Core) -> list[str]:
    """Earlier announcements a package repeats for a hub that came back from an older backup, oldest first."""
    said = core.prereqs.get(CHANGES_BEFORE)
    return said.split(",") if isinstance(said, str) and said else []


def read_change(text: str) -> KeyChange:
    """What an announcement says; nothing is verified."""
    return decode(Envelope.decode(_signed(text).old).payload, KeyChange)


def checked_change(text: str, old: VerifyKey) -> KeyChange:
    """An announcement that continues ``old``; raises :class:`PackageTampered`."""
    signed = _signed(text)
    try:
        before = signing.verify(Envelope.decode(signed.old), old, signing.DEVICE_KEY)
        change = decode(before, KeyChange)
        after = signing.verify(Envelope.decode(signed.new), VerifyKey(change.sign_key), signing.DEVICE_KEY)
    except PackageError as bad:
        raise PackageTampered("更换密钥的声明不是由该设备原来的密钥签署的。", "请重新登记该设备。") from bad
    if before != after or change.prev_sign_key != old.to_bytes():
        raise PackageTampered("更换密钥的声明前后不一致。", "请重新登记该设备。")
    return change


def _signed(text: str) -> SignedChange:
    try:
        return decode(bytes.fromhex(text), SignedChange)
    except ValueError:
        raise PackageTampered("更换密钥的声明无法读取。", ASK_AGAIN) from None


class OldSeal(msgspec.Struct, frozen=True, array_like=True):
    """A key that only opens any more, and since when (ISO time)."""

    key: bytes
    since: str


@dataclass(frozen=True, slots=True)
class DeviceRing:
    """All private keys of one installation.

    :param now: what the hub knows; :param next: made, not yet confirmed by the hub.
    :param old: keys that open what may still be under way.
    :param past: public signing keys of former times; what they signed stays provable.
    :param change: announcement of ``next`` as it stands in a core; ``""`` while ``now`` speaks.
    """

    now: DeviceKeys = field(repr=False)
    next: DeviceKeys | None = field(default=None, repr=False)
    old: tuple[OldSeal, ...] = field(default=(), repr=False)
    past: tuple[bytes, ...] = ()
    change: str = ""

    @property
    def speaking(self) -> DeviceKeys:
        """The keys that sign now and are sealed to."""
        return self.next if self.next is not None and self.change else self.now

    @property
    def sign(self) -> SigningKey:
        """What change sets and packages are signed with."""
        return self.speaking.sign

    @property
    def seal(self) -> OpenKey:
        """What the hub seals to, or will."""
        return self.speaking.seal

    @property
    def opening(self) -> dict[str, OpenKey]:
        """Every key that opens something, by its name."""
        found = [self.now.seal, *([self.next.seal] if self.next else [])]
        found += [OpenKey.from_bytes(one.key) for one in self.old]
        return {one.kid: one for one in found}

    def announcing(self, change: str) -> DeviceRing:
        """The ring with what the database says about its announcement."""
        ours = self.next.sign.public.to_bytes() if self.next else b""
        fits = bool(ours and change) and read_change(change).sign_key == ours
        return replace(self, change=change if fits else "")

    def promoted(self, at: str) -> DeviceRing:
        """The hub knows ``next``; what was before only opens any more."""
        if self.next is None:
            return self
        old = OldSeal(self.now.seal.to_bytes(), at)
        return DeviceRing(self.next, None, (*self.old, old), (*self.past, self.now.sign.public.to_bytes()))

    def without_seals_before(self, at: str) -> DeviceRing:
        """Nothing sealed to these can be under way any more."""
        return replace(self, old=tuple(one for one in self.old if one.since >= at))

    @property
    def signers(self) -> tuple[VerifyKey, ...]:
        """Whose signatures under change sets are this device's own, newest first."""
        found = (self.speaking.sign.public, self.now.sign.public)
        return tuple(dict.fromkeys((*found, *map(VerifyKey, reversed(self.past)))))

    def to_bytes(self) -> bytes:
        """Secret bytes, for wrapped storage."""
        nxt = self.next.to_bytes() if self.next else b""
        return msgspec.msgpack.encode((self.now.to_bytes(), nxt, self.old, self.past))

    @classmethod
    def from_bytes(cls, raw: bytes) -> DeviceRing:
        """Back from :meth:`to_bytes`."""
        kind = tuple[bytes, bytes, tuple[OldSeal, ...], tuple[bytes, ...]]
        now, nxt, old, past = msgspec.msgpack.decode(raw, type=kind)
        return cls(DeviceKeys.from_bytes(now), DeviceKeys.from_bytes(nxt) if nxt else None, old, past)


def ring_of(keys: DeviceKeys | DeviceRing) -> DeviceRing:
    """A ring around a single pair of keys."""
    return keys if isinstance(keys, DeviceRing) else DeviceRing(keys)
