"""Ed25519 keys and compact DSSE envelopes.

Signed is always the byte string that travels, never a re-encoding of what was
parsed from it. The pre-authentication encoding is that of DSSE; the envelope
itself is msgpack, because packages and receipts are binary already.
"""

from __future__ import annotations

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope as Dsse

from shared.errors import PackageError, PackageTampered

STATEMENT = "application/vnd.yizhan.statement+msgpack"
TRAILER = "application/vnd.yizhan.trailer+msgpack"
RECEIPT = "application/vnd.yizhan.receipt+msgpack"
GRANT = "application/vnd.yizhan.grant+msgpack"
DOWN = "application/vnd.yizhan.down+msgpack"
PIECES = "application/vnd.yizhan.pieces+msgpack"
SNAPSHOT = "application/vnd.yizhan.snapshot+msgpack"
TRUST = "application/vnd.yizhan.trust+msgpack"
MARK = "application/vnd.yizhan.mark+msgpack"
DEVICE_KEY = "application/vnd.yizhan.device-key+msgpack"

KEY_BYTES = 32


def key_id(public_bytes: bytes) -> str:
    """Short name of a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_bytes).hexdigest()[:16]


class VerifyKey:
    """The public half of a signing key."""

    __slots__ = ("_key", "_raw", "key_id")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise PackageError("签名公钥的格式不对。", "请向公钥的提供方重新索取。")
        self._raw = bytes(raw)
        self._key = Ed25519PublicKey.from_public_bytes(self._raw)
        self.key_id = key_id(self._raw)

    @classmethod
    def from_bytes(cls, raw: bytes) -> VerifyKey:
        """The key written by :meth:`to_bytes`."""
        return cls(raw)

    def to_bytes(self) -> bytes:
        """32 raw bytes."""
        return self._raw

    def fits(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's signature of ``message``."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"VerifyKey({self.key_id})"


class SigningKey:
    """A private Ed25519 key; its bytes never appear in its representation."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = VerifyKey(key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> SigningKey:
        """A new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> SigningKey:
        """The key written by :meth:`to_bytes`."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """32 secret bytes."""
        return self._key.private_bytes_raw()

    @property
    def key_id(self) -> str:
        """Short name of the public half."""
        return self.public.key_id

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message`` as it is; statements go through :func:`sign`."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"


class Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A payload, its type, and one signature over both."""

    payload_type: str
    payload: bytes
    keyid: str
    sig: bytes

    def encode(self) -> bytes:
        """Wire form."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """Read the wire form; there is exactly one per envelope.

        Two files that differ in the encoding alone would carry one fingerprint.
        """
        try:
            envelope = msgspec.msgpack.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PackageTampered("签名部分无法读取。", _AGAIN) from error
        if envelope.encode() != data:
            raise PackageTampered("签名部分的写法不规范。", _AGAIN)
        return envelope


def sign(key: SigningKey, payload_type: str, payload: bytes) -> Envelope:
    """Sign ``payload`` under its type."""
    return Envelope(payload_type, payload, key.key_id, key.sign(pae(payload_type, payload)))


def verify(envelope: Envelope, key: VerifyKey, payload_type: str) -> bytes:
    """The payload, when ``key`` has signed it as ``payload_type``.

    :raises PackageTampered: type, key or signature do not fit.
    """
    if envelope.payload_type != payload_type:
        raise PackageTampered("签名的内容类型不符。", _AGAIN)
    if envelope.keyid != key.key_id:
        raise PackageTampered("签名所用的密钥与声明的不一致。", _AGAIN)
    if not key.fits(pae(payload_type, envelope.payload), envelope.sig):
        raise PackageTampered("签名与内容不符，内容可能被改动过。", _AGAIN)
    return envelope.payload


def pae(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: type and payload, each with its length."""
    return Dsse(payload, payload_type, {}).pae()


_AGAIN = "请向发出方重新索取。"
