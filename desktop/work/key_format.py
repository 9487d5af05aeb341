"""What stands in the key file, and how its parts are wrapped.

Each account has an entry: the database key, and a key pair of its own, wrapped under the
password. The device's keys are sealed to the public half of every entry, so that they can
be changed for all accounts without anybody's password. Beside the entries stands what a
device whose password is lost needs to ask for help: public keys, and its database key
sealed to the recovery key.
"""

from __future__ import annotations

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec.structs import replace

from shared.errors import PackageError, StoreError
from sync.hub_trust import HubTrust
from sync.messages import Grant
from sync.recovery import Escrow
from sync.rotation import DeviceRing
from sync.signing import VerifyKey
from sync.suite import OpenKey, SealPublic
from sync.trust import DeviceKeys

FILE_NAME = "keys.json"
VERSION = 2
LEAST_SALT, NONCE = 8, 12
STALE = b"\0"
"""Stands for device keys an entry could not be given: it was written by an older program."""


class Argon(msgspec.Struct, frozen=True):
    """Cost of one guess; stored with each entry, so that it can be raised later."""

    passes: int = 3
    kib: int = 64 * 1024
    lanes: int = 1


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One account of this installation.

    :param vault: whether the keyring's secret is part of the wrapping key.
    :param reader: public key the device's keys are sealed to in ``device``; empty in version 1.
    :param expires: of a one-time password (ISO time); ``""`` = an ordinary password.
    :param failures: wrong passwords in a row, the last at ``failed_at``, when the machine had run
        ``failed_up`` seconds (-1 = not noted); ``failed`` their times since somebody signed in.
    """

    account: str
    person: str
    bureau: str
    argon: Argon
    salt: bytes
    nonce: bytes
    sealed: bytes
    vault: bool
    reader: bytes = b""
    device: bytes = b""
    expires: str = ""
    failures: int = 0
    failed_at: str = ""
    failed_up: float = -1.0
    failed: tuple[str, ...] = ()


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """What of this installation is known without a password; all of it public.

    :param sign_key: the device's public signing key, as the hub knows it.
    :param escrow: None while the hub has no recovery key.
    :param past: earlier public signing keys; :param change: announcement the hub has not confirmed.
    """

    device: str
    sign_key: bytes
    hub_id: str
    hub_name: str
    hub_sign: bytes
    hub_seal: bytes
    trust_version: int
    escrow: Escrow | None = None
    past: tuple[bytes, ...] = ()
    change: str = ""

    def trust(self) -> HubTrust:
        """The hub as it was last known."""
        return HubTrust(
            self.hub_id, self.hub_name, VerifyKey(self.hub_sign), SealPublic.from_bytes(self.hub_seal),
            self.trust_version,
        )  # fmt: skip


class KeyFileBody(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    v: int
    installation: str
    entries: list[Entry]
    seat: Seat | None = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry wraps.

    :param device: the device's keys, in version 1 only.
    :param reader: private half of the entry's own key pair.
    :param hub: id, name, signing key, sealing key as pinned; ``hub_version`` links before them.
    """

    db_key: bytes
    device: bytes
    hub: tuple[str, str, bytes, bytes]
    grant: Grant
    reader: bytes = b""
    hub_version: int = 0
    recovery: bytes = b""

    def trust(self) -> HubTrust:
        """The hub as pinned."""
        hub_id, name, sign, seal = self.hub
        recovery = SealPublic.from_bytes(self.recovery) if self.recovery else None
        return HubTrust(
            hub_id, name, VerifyKey(sign), SealPublic.from_bytes(seal), self.hub_version, recovery
        )


def seal_secrets(key: bytes, nonce: bytes, secrets: Secrets, account: str, expires: str) -> bytes:
    """Wrap an entry's secrets; bound to its account and to the end of a one-time password."""
    return AESGCM(key).encrypt(nonce, msgspec.msgpack.encode(secrets), _aad(account, expires))


def open_secrets(key: bytes, entry: Entry) -> Secrets | None:
    """The secrets; None when the key is wrong."""
    try:
        plain = AESGCM(key).decrypt(entry.nonce, entry.sealed, _aad(entry.account, entry.expires))
    except InvalidTag:
        return None
    return msgspec.msgpack.decode(plain, type=Secrets)


def stretch(password: str, salt: bytes, argon: Argon) -> bytes:
    """Argon2id; refuses costs no version of the program has written."""
    if not (1 <= argon.passes <= 20 and 8 <= argon.kib <= 1 << 20 and 1 <= argon.lanes <= 16):
        raise damaged()
    return hash_secret_raw(
        password.encode(errors="surrogatepass"), salt, time_cost=argon.passes, memory_cost=argon.kib,
        parallelism=argon.lanes, hash_len=32, type=Type.ID,
    )  # fmt: skip


def wrapping_key(password: str, salt: bytes, argon: Argon, extra: bytes | None) -> bytes:
    """From the password and, where there is one, the keyring's secret."""
    secret = stretch(password, salt, argon) + (extra or b"")
    info = b"yizhan keys 1" + (b" vault" if extra else b"")
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def ring_info(installation: str, account: str) -> bytes:
    """Binds the sealed device keys to their entry."""
    return f"yizhan device keys 1 {installation} {account}".encode()


def ring_of(installation: str, entry: Entry, secrets: Secrets) -> DeviceRing:
    """The device keys an opened entry holds; raises :class:`StoreError` where it was given none."""
    if not entry.reader:  # version 1
        return DeviceRing(DeviceKeys.from_bytes(secrets.device))
    if entry.device == STALE:
        raise StoreError("本机密钥已经更换，这个账号还没有得到。", "请单位管理员在本机重新签发一次性口令。")
    reader = OpenKey.from_bytes(secrets.reader)
    try:
        return DeviceRing.from_bytes(reader.unwrap(entry.device, ring_info(installation, entry.account)))
    except PackageError as bad:
        raise damaged() from bad


def with_ring(file: KeyFileBody, ring: DeviceRing) -> list[Entry]:
    """Every entry with these device keys."""
    raw, out = ring.to_bytes(), []
    for one in file.entries:
        sealed = STALE
        if one.reader:
            reader = SealPublic.from_bytes(one.reader)
            sealed = reader.wrap(raw, ring_info(file.installation, one.account))
        out.append(replace(one, device=sealed))
    return out


def damaged() -> StoreError:
    """The file cannot be what the program wrote."""
    return StoreError("本机的密钥文件已损坏。", f"请从备份恢复 {FILE_NAME}；没有它无法打开数据库。")


def _aad(account: str, expires: str) -> bytes:
    once = f" once {expires}" if expires else ""
    return f"yizhan keys 1 {account}{once}".encode()
