"""The hub's keys: a 0600 file, wrapped under a passphrase from file or environment.

New keys are signed by the old ones and written in one stroke with that link: after a
crash the file holds the old keys or the new ones with everything that proves them.
The old signing key is not kept; the old opening key is, while packages sealed to it
may still be under way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.clock import Clock
from shared.errors import NewerDatabase, StoreError, WrongPassword
from sync.hub_trust import LINKS, HubTrust, SignedLink, TrustLink, make_link, root_of, version_of, write_links
from sync.layout import Prereq
from sync.messages import PROTOCOL
from sync.signing import SigningKey, VerifyKey
from sync.suite import OpenKey, SealPublic

_AAD = b"yizhan hub keys 1"
_FORMAT = 2
OLD_WORD_DAYS = 90
"""How long devices take what the previous key signed; answers on sticks may be that old."""
OLD_SEAL_DAYS = 400
"""How long the hub opens what was sealed to its previous key."""


class OldOpenKey(msgspec.Struct, frozen=True, array_like=True):
    """A key that only opens any more, until then (ISO time)."""

    key: bytes
    until: str


class _Plain(msgspec.Struct, frozen=True, kw_only=True):
    hub_id: str
    name: str
    sign: bytes
    seal: bytes
    old: tuple[OldOpenKey, ...] = ()
    links: tuple[SignedLink, ...] = ()
    recovery: bytes = b""


@dataclass(slots=True)
class HubKeys:
    """The root signing key and the key packages to the hub are sealed to.

    :param links: the whole chain of trust, from the first root on.
    :param recovery: public half of the recovery key; None before ``recovery init``.
    One object serves a whole hub and is renewed in place, see :meth:`renew`.
    """

    hub_id: str
    name: str
    sign: SigningKey = field(repr=False)
    seal: OpenKey = field(repr=False)
    old: tuple[OldOpenKey, ...] = field(default=(), repr=False)
    links: tuple[SignedLink, ...] = ()
    recovery: SealPublic | None = None

    @property
    def version(self) -> int:
        """How many links stand before these keys."""
        return version_of(self.links[-1]) if self.links else 0

    @property
    def opening(self) -> dict[str, OpenKey]:
        """Every key that opens what devices sealed, by its name."""
        found = [self.seal, *(OpenKey.from_bytes(one.key) for one in self.old)]
        return {one.kid: one for one in found}

    @property
    def roots(self) -> list[bytes]:
        """Public root keys, newest first: any of them may have issued a one-time code."""
        return list(dict.fromkeys([self.sign.public.to_bytes(), *map(root_of, reversed(self.links))]))

    def own(self, key_id: str) -> VerifyKey | None:
        """The root key of that name, present or past."""
        return next((key for key in map(VerifyKey, self.roots) if key.key_id == key_id), None)

    def trust(self) -> HubTrust:
        """The public side, as a grant pins it."""
        return HubTrust(
            self.hub_id, self.name, self.sign.public, self.seal.public, self.version, self.recovery
        )

    def said(self, known: int) -> dict[str, Prereq]:
        """What a package to somebody who knows links up to ``known`` says in the clear."""
        missing = [one for one in self.links if version_of(one) > known]
        return {LINKS: write_links(missing)} if missing else {}

    def since(self, root: bytes) -> dict[str, Prereq]:
        """The links from a root on, for somebody who knows nothing but that root."""
        if root == self.sign.public.to_bytes():
            return {}
        first = next(i for i, one in enumerate(self.links) if root_of(one) == root)
        return {LINKS: write_links(self.links[first:])}

    def renew(self, newer: HubKeys) -> None:
        """Go on with these keys, wherever this object is held; what vouches for them comes first."""
        self.links, self.recovery, self.old = newer.links, newer.recovery, newer.old
        self.seal, self.sign = newer.seal, newer.sign


def create(path: Path, passphrase: str, hub_id: str, name: str) -> HubKeys:
    """Make keys and write them; the file must not exist."""
    keys = HubKeys(hub_id, name, SigningKey.generate(), OpenKey.generate())
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _sealed(keys, passphrase))
    return keys


def rotate(path: Path, passphrase: str, clock: Clock, *, old_word_days: int = OLD_WORD_DAYS) -> HubKeys:
    """New root and new sealing key, vouched for by the old root.

    :param old_word_days: how long devices still take what the old root signed before.
    """
    with _alone(path):
        return _rotated(path, passphrase, clock, old_word_days)


def _rotated(path: Path, passphrase: str, clock: Clock, old_word_days: int) -> HubKeys:
    before = load(path, passphrase)
    now = clock.now()
    old = (*before.old, OldOpenKey(before.seal.to_bytes(), (now + timedelta(days=OLD_SEAL_DAYS)).isoformat()))
    after = HubKeys(
        before.hub_id, before.name, SigningKey.generate(), OpenKey.generate(),
        tuple(one for one in old if one.until > now.isoformat()), before.links, before.recovery,
    )  # fmt: skip
    return _linked(path, passphrase, before, after, clock, (now + timedelta(days=old_word_days)).isoformat())


def announce_recovery(path: Path, passphrase: str, clock: Clock, recovery: SealPublic) -> HubKeys:
    """A link that keeps the keys and names a recovery key."""
    with _alone(path):
        before = load(path, passphrase)
        after = HubKeys(
            before.hub_id, before.name, before.sign, before.seal, before.old, before.links, recovery
        )
        return _linked(path, passphrase, before, after, clock, clock.stamp())


def load(path: Path, passphrase: str) -> HubKeys:
    """Read the keys; raises :class:`WrongPassword`."""
    version, salt, nonce, sealed = msgspec.msgpack.decode(
        path.read_bytes(), type=tuple[int, bytes, bytes, bytes]
    )
    if version > _FORMAT:
        raise NewerDatabase("中心的密钥文件由更新版本的程序写入。", "请升级 yizhan-hub 后再试。")
    try:
        plain = AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, _AAD)
    except InvalidTag:
        raise WrongPassword("中心密钥的口令不正确。", "请检查口令文件或环境变量。") from None
    if version == 1:
        hub_id, name, sign, seal = msgspec.msgpack.decode(plain, type=tuple[str, str, bytes, bytes])
        found = _Plain(hub_id=hub_id, name=name, sign=sign, seal=seal)
    else:
        found = msgspec.msgpack.decode(plain, type=_Plain)
    return HubKeys(
        found.hub_id, found.name, SigningKey.from_bytes(found.sign), OpenKey.from_bytes(found.seal),
        found.old, found.links, SealPublic.from_bytes(found.recovery) if found.recovery else None,
    )  # fmt: skip


class KeyFile:
    """The file of a running hub: whoever rotates the keys does it from another process."""

    def __init__(self, path: Path, passphrase: str) -> None:
        self._path = path
        self._passphrase = passphrase
        self._seen = self._stamp()

    def load(self) -> HubKeys:
        """The keys as they are in the file."""
        return load(self._path, self._passphrase)

    def refresh(self, keys: HubKeys) -> None:
        """Renew ``keys`` in place when the file has changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            keys.renew(self.load())
            self._seen = stamp

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino


# --- inside ----------------------------------------------------------------------
@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else writes a link meanwhile: of two after the same one, devices could follow the lost one.

    Held on the folder, so that no file is left behind; where the system cannot lock, one person commands.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _linked(
    path: Path, passphrase: str, before: HubKeys, after: HubKeys, clock: Clock, old_until: str
) -> HubKeys:
    link = TrustLink(
        v=PROTOCOL, hub_id=before.hub_id, version=before.version + 1,
        prev_sign_key=before.sign.public.to_bytes(), sign_key=after.sign.public.to_bytes(),
        seal_key=after.seal.public.to_bytes(),
        recovery_key=after.recovery.to_bytes() if after.recovery else b"", old_until=old_until,
        at=clock.stamp(),
    )  # fmt: skip
    after.links = (*before.links, make_link(link, before.sign, after.sign))
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    _write(draft, _sealed(after, passphrase))
    if load(draft, passphrase).sign.public != after.sign.public:
        raise StoreError("新密钥写入后读不回来，没有更换。", "请检查磁盘后再试；原密钥没有变动。")
    os.replace(draft, path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return after


def _sealed(keys: HubKeys, passphrase: str) -> bytes:
    plain = _Plain(
        hub_id=keys.hub_id, name=keys.name, sign=keys.sign.to_bytes(), seal=keys.seal.to_bytes(),
        old=keys.old, links=keys.links, recovery=keys.recovery.to_bytes() if keys.recovery else b"",
    )  # fmt: skip
    salt, nonce = _salt(), os.urandom(12)
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, msgspec.msgpack.encode(plain), _AAD)
    return msgspec.msgpack.encode((_FORMAT, salt, nonce, sealed))


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError:  # half a key file would be in the way of the next attempt
        path.unlink()
        raise


def _salt() -> bytes:
    return os.urandom(16)


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32,
        type=Type.ID,
    )
