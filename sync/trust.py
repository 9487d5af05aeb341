"""Who is who: the keys of this device, the hub it belongs to, and one-time codes."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field

import msgspec

from shared.errors import InputError
from sync.hub_trust import HubTrust
from sync.signing import SigningKey
from sync.suite import OpenKey

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 25
_PIN_LENGTH = 9


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """The private keys of one installation; kept wrapped, never escrowed."""

    sign: SigningKey = field(repr=False)
    seal: OpenKey = field(repr=False)

    @classmethod
    def generate(cls) -> DeviceKeys:
        """New keys for a new device."""
        return cls(SigningKey.generate(), OpenKey.generate())

    def to_bytes(self) -> bytes:
        """Secret bytes, for wrapped storage."""
        return msgspec.msgpack.encode((self.sign.to_bytes(), self.seal.to_bytes()))

    @classmethod
    def from_bytes(cls, raw: bytes) -> DeviceKeys:
        """Back from :meth:`to_bytes`."""
        sign, seal = msgspec.msgpack.decode(raw, type=tuple[bytes, bytes])
        return cls(SigningKey.from_bytes(sign), OpenKey.from_bytes(seal))


@dataclass(frozen=True, slots=True)
class InviteCode:
    """A one-time code: 80 random bits, and 45 bits that pin the hub's root key.

    Written in five groups of five characters without 0, 1, I and O.
    """

    text: str

    @classmethod
    def create(cls, hub_key: bytes) -> InviteCode:
        """A new code for the hub with this root key."""
        secret = "".join(ALPHABET[b & 31] for b in os.urandom(CODE_LENGTH - _PIN_LENGTH))
        return cls(secret + _pin(hub_key))

    @classmethod
    def parse(cls, typed: str) -> InviteCode:
        """Read what a person typed; raises :class:`InputError`."""
        text = "".join(ch for ch in typed.upper() if ch.isalnum())
        if len(text) != CODE_LENGTH or any(ch not in ALPHABET for ch in text):
            raise InputError(
                f"登记码应为 {CODE_LENGTH} 位字母和数字（不含 0、1、I、O）。", "请核对后重新输入。"
            )
        return cls(text)

    def shown(self) -> str:
        """As printed: groups of five."""
        return "-".join(self.text[i : i + 5] for i in range(0, CODE_LENGTH, 5))

    @property
    def name(self) -> str:
        """What the hub looks the code up by; tells nothing about the code."""
        return hashlib.sha256(b"yizhan invite" + self.text.encode()).hexdigest()[:32]

    def pins(self, hub_key: bytes) -> bool:
        """Whether the code was made by the hub with this root key."""
        return hmac.compare_digest(self.text[-_PIN_LENGTH:], _pin(hub_key))

    def proof(self, *parts: bytes) -> bytes:
        """Evidence of knowing the code, bound to ``parts``."""
        mac = hmac.new(self.text.encode(), digestmod=hashlib.sha256)
        for part in parts:
            mac.update(len(part).to_bytes(4, "big") + part)
        return mac.digest()

    def proves(self, proof: bytes, *parts: bytes) -> bool:
        """Whether ``proof`` was made by somebody who knows the code."""
        return hmac.compare_digest(proof, self.proof(*parts))


def _pin(hub_key: bytes) -> str:
    number = int.from_bytes(hashlib.sha256(b"yizhan hub" + hub_key).digest()[:8], "big")
    return "".join(ALPHABET[number >> 5 * i & 31] for i in range(_PIN_LENGTH))


__all__ = ["ALPHABET", "CODE_LENGTH", "DeviceKeys", "HubTrust", "InviteCode"]
