"""The hub's keys: a 0600 file, wrapped under a passphrase from file or environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import WrongPassword
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import HubTrust

_AAD = b"yizhan hub keys 1"


@dataclass(frozen=True, slots=True)
class HubKeys:
    """The root signing key and the key packages to the hub are sealed to."""

    hub_id: str
    name: str
    sign: SigningKey = field(repr=False)
    seal: OpenKey = field(repr=False)

    def trust(self) -> HubTrust:
        """The public side, as a grant pins it."""
        return HubTrust(self.hub_id, self.name, self.sign.public, self.seal.public)


def create(path: Path, passphrase: str, hub_id: str, name: str) -> HubKeys:
    """Make keys and write them; the file must not exist."""
    keys = HubKeys(hub_id, name, SigningKey.generate(), OpenKey.generate())
    plain = msgspec.msgpack.encode((hub_id, name, keys.sign.to_bytes(), keys.seal.to_bytes()))
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, plain, _AAD)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(msgspec.msgpack.encode((1, salt, nonce, sealed)))
        out.flush()
        os.fsync(out.fileno())
    return keys


def load(path: Path, passphrase: str) -> HubKeys:
    """Read the keys; raises :class:`WrongPassword`."""
    _, salt, nonce, sealed = msgspec.msgpack.decode(
        path.read_bytes(), type=tuple[int, bytes, bytes, bytes]
    )
    try:
        plain = AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, _AAD)
    except InvalidTag:
        raise WrongPassword("中心密钥的口令不正确。", "请检查口令文件或环境变量。") from None
    hub_id, name, sign, seal = msgspec.msgpack.decode(plain, type=tuple[str, str, bytes, bytes])
    return HubKeys(hub_id, name, SigningKey.from_bytes(sign), OpenKey.from_bytes(seal))


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32,
        type=Type.ID,
    )
