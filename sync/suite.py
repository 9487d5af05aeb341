"""Cryptographic suites by number; the number stands inside the signed core of a package.

Suite 1: HPKE with ML-KEM-768 + X25519, HKDF-SHA256, AES-256-GCM, SHA-256. A further
suite is one more class and one more line in ``SUITES``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import NewerFormat, PackageError, PackageTampered
from sync.signing import key_id

FILE_KEY_BYTES = 32
Buffer = bytes | bytearray | memoryview


class Hasher(Protocol):
    """A running hash, as in :mod:`hashlib`."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...


class Aead(Protocol):
    """Authenticated encryption under one key; the tag stands behind the ciphertext."""

    def encrypt_into(self, nonce: bytes, data: Buffer, associated_data: bytes, buf: Buffer) -> int: ...

    def decrypt(self, nonce: bytes, data: Buffer, associated_data: bytes) -> bytes: ...


class Suite(Protocol):
    """What a package needs from its cryptography; keys are raw bytes here."""

    number: int
    name: str
    hash_name: str
    tag_bytes: int
    public_bytes: int
    private_bytes: int

    def generate(self) -> bytes:
        """A new private key."""

    def public_of(self, private: bytes) -> bytes:
        """The public half."""

    def wrap(self, public: bytes, file_key: bytes, info: bytes) -> bytes:
        """Seal a file key to a public key, bound to ``info``."""

    def unwrap(self, private: bytes, wrapped: bytes, info: bytes) -> bytes:
        """The file key; :class:`PackageTampered` when key, bytes or info do not fit."""

    def aead(self, key: bytes) -> Aead:
        """The cipher of the chunks."""

    def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        """A further 32-byte key."""

    def hasher(self) -> Hasher:
        """A new running hash."""


class HybridPostQuantum:
    """Suite 1."""

    number = 1
    name = "ML-KEM-768＋X25519 / AES-256-GCM"
    hash_name = "sha256"
    tag_bytes = 16
    public_bytes = 1184 + 32
    private_bytes = 64 + 32

    _hpke = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)

    def generate(self) -> bytes:
        lattice, curve = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        return lattice.private_bytes_raw() + curve.private_bytes_raw()

    def public_of(self, private: bytes) -> bytes:
        lattice, curve = _halves(private)
        return lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    def wrap(self, public: bytes, file_key: bytes, info: bytes) -> bytes:
        try:
            lattice = MLKEM768PublicKey.from_public_bytes(public[:1184])
            both = hpke.MLKEM768X25519PublicKey(lattice, X25519PublicKey.from_public_bytes(public[1184:]))
            return self._hpke.encrypt(file_key, both, info)
        except ValueError as error:
            raise PackageError("接收方的封装公钥不能使用。", "请重新获取接收方的公钥。") from error

    def unwrap(self, private: bytes, wrapped: bytes, info: bytes) -> bytes:
        try:
            return self._hpke.decrypt(wrapped, hpke.MLKEM768X25519PrivateKey(*_halves(private)), info)
        except (InvalidTag, ValueError) as error:
            raise PackageTampered("交换包的密钥部分打不开。", "请向发出方重新索取。") from error

    def aead(self, key: bytes) -> Aead:
        return AESGCM(key)

    def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt, info).derive(key)

    def hasher(self) -> Hasher:
        return hashlib.sha256()


def _halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    return MLKEM768PrivateKey.from_seed_bytes(private[:64]), X25519PrivateKey.from_private_bytes(private[64:])


SUITES: Mapping[int, Suite] = {1: HybridPostQuantum()}
DEFAULT_SUITE = 1


def suite_of(number: int) -> Suite:
    """The suite of that number.

    :raises NewerFormat: this program does not know it.
    """
    suite = SUITES.get(number)
    if suite is None:
        raise NewerFormat(f"采用了本程序不认识的密码算法组合（{number}）。", "请升级驿站后再试。")
    return suite


@dataclass(frozen=True, slots=True)
class SealPublic:
    """To whom one seals: a public key with the number of its suite."""

    suite: int
    raw: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Suite number, then the raw key."""
        return bytes([self.suite]) + self.raw

    @classmethod
    def from_bytes(cls, data: bytes) -> SealPublic:
        """The key written by :meth:`to_bytes`."""
        if not data:
            raise PackageError("封装公钥是空的。", "请重新获取接收方的公钥。")
        if len(data) - 1 != suite_of(data[0]).public_bytes:
            raise PackageError("封装公钥的长度不对。", "请重新获取接收方的公钥。")
        return cls(data[0], bytes(data[1:]))

    @property
    def kid(self) -> str:
        """Short name of the key, as it stands in the audience of a package."""
        return key_id(self.to_bytes())

    def wrap(self, file_key: bytes, info: bytes) -> bytes:
        """Seal ``file_key`` so that only the holder of the private half reads it."""
        return suite_of(self.suite).wrap(self.raw, file_key, info)


@dataclass(frozen=True, slots=True)
class OpenKey:
    """The private half: opens what was sealed to :attr:`public`."""

    suite: int
    raw: bytes = field(repr=False)

    @classmethod
    def generate(cls, suite: int = DEFAULT_SUITE) -> OpenKey:
        """A new random key."""
        return cls(suite, suite_of(suite).generate())

    def to_bytes(self) -> bytes:
        """Suite number, then the secret."""
        return bytes([self.suite]) + self.raw

    @classmethod
    def from_bytes(cls, data: bytes) -> OpenKey:
        """The key written by :meth:`to_bytes`."""
        if not data or len(data) - 1 != suite_of(data[0]).private_bytes:
            raise PackageError("开封私钥的长度不对。", "请从备份恢复密钥。")
        return cls(data[0], bytes(data[1:]))

    @property
    def public(self) -> SealPublic:
        """The public half."""
        return SealPublic(self.suite, suite_of(self.suite).public_of(self.raw))

    @property
    def kid(self) -> str:
        """Short name of the public half."""
        return self.public.kid

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes:
        """The file key."""
        return suite_of(self.suite).unwrap(self.raw, wrapped, info)
