"""The key file of an installation: what opens the database, wrapped once per account.

The wrapping key comes from the password (Argon2id) and, where the operating
system has a working keyring, from a secret kept there: a copied data folder is
then useless even to somebody who knows the password. Without a keyring the
password stands alone, and the windows say so.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from desktop.work.files import write_atomic
from shared.clock import Clock
from shared.errors import InputError, NewerDatabase, StoreError, WrongPassword
from shared.ids import new_id
from sync.messages import Grant
from sync.signing import VerifyKey
from sync.suite import SealPublic
from sync.trust import DeviceKeys, HubTrust

FILE_NAME = "keys.json"
VERSION = 1
SERVICE = "yizhan"
SECRET_BYTES = 32
MIN_PASSWORD = 8
FREE_FAILURES = 3
FIRST_DELAY = 5
LONGEST_DELAY = 15 * 60
_LEAST_SALT, _NONCE = 8, 12


class PasswordRefused(WrongPassword):
    """Wrong password, or too soon after wrong ones.

    :param retry_at: when the next attempt is allowed; None = at once.
    """

    def __init__(self, message: str, hint: str = "", retry_at: datetime | None = None) -> None:
        super().__init__(message, hint)
        self.retry_at = retry_at


class Vault(Protocol):
    """A place of the operating system that keeps a secret for this user."""

    def get(self, name: str) -> bytes | None:
        """The secret of that name; None when there is none."""

    def put(self, name: str, secret: bytes) -> bool:
        """Keep a secret; False when it could not be kept."""


class Argon(msgspec.Struct, frozen=True):
    """Cost of one guess; stored with each entry, so that it can be raised later."""

    passes: int = 3
    kib: int = 64 * 1024
    lanes: int = 1


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One account of this installation.

    :param vault: whether the keyring's secret is part of the wrapping key.
    :param failures: wrong passwords in a row; ``retry_at`` follows from them.
    """

    account: str
    person: str
    bureau: str
    argon: Argon
    salt: bytes
    nonce: bytes
    sealed: bytes
    vault: bool
    failures: int = 0
    retry_at: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    v: int
    installation: str
    entries: list[Entry]


class _Secrets(msgspec.Struct, frozen=True, kw_only=True):
    db_key: bytes
    device: bytes
    hub: tuple[str, str, bytes, bytes]
    grant: Grant


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What a right password opens.

    :param grant: who the account was at enrolment; the synced records say more.
    """

    db_key: bytes = field(repr=False)
    device_keys: DeviceKeys = field(repr=False)
    hub_trust: HubTrust
    grant: Grant
    keyring_missing: bool = False


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """A line of the sign-in list."""

    account: str
    person: str
    bureau: str
    keyring_missing: bool
    retry_at: datetime | None = None


class KeyFile:
    """The accounts of one data folder.

    :param vault: how to find the keyring; asked late, because it is slow to load.
    :param argon: cost for new entries.
    """

    def __init__(
        self,
        folder: Path,
        *,
        vault: Callable[[], Vault | None] | None = None,
        argon: Argon | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.path = folder / FILE_NAME
        self.vault: Callable[[], Vault | None] = vault or system_vault
        self._argon = argon or Argon()
        self._clock = clock or Clock()

    # --- who there is ----------------------------------------------------------
    def accounts(self) -> list[KnownAccount]:
        """Everybody who can sign in here, in order of enrolment."""
        return [
            KnownAccount(e.account, e.person, e.bureau, not e.vault, self._retry_at(e))
            for e in self._read().entries
        ]

    @property
    def keyring_missing(self) -> bool:
        """Whether some account's keys rest on the password alone."""
        return any(not e.vault for e in self._read().entries)

    # --- in and out --------------------------------------------------------------
    def create_account(
        self,
        password: str,
        *,
        db_key: bytes,
        device_keys: DeviceKeys,
        hub_trust: HubTrust,
        grant: Grant,
    ) -> Unlocked:
        """Wrap the keys for the account a grant names; replaces an entry of the same account."""
        check_password(password, grant.account)
        secrets = _Secrets(
            db_key=db_key,
            device=device_keys.to_bytes(),
            hub=(
                hub_trust.hub_id, hub_trust.name, hub_trust.sign.to_bytes(), hub_trust.seal.to_bytes(),
            ),
            grant=grant,
        )  # fmt: skip
        file = self._read()
        entry = self._wrap(file.installation, password, secrets)
        self._put(file, entry)
        return _unlocked(secrets, entry)

    def unlock(self, account: str, password: str) -> Unlocked:
        """Open an account; raises :class:`PasswordRefused`, which says when to try again."""
        file = self._read()
        entry = _find(file, account)
        secrets = self._open(file, entry, password)
        if entry.failures:
            self._put(file, msgspec.structs.replace(entry, failures=0, retry_at=""))
        return _unlocked(secrets, entry)

    def change_password(self, account: str, old: str, new: str) -> None:
        """Wrap the same keys under a new password; the old one opens nothing afterwards."""
        check_password(new, account)
        file = self._read()
        secrets = self._open(file, _find(file, account), old)
        self._put(file, self._wrap(file.installation, new, secrets))

    # --- inside --------------------------------------------------------------
    def _read(self) -> _File:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return _File(v=VERSION, installation=new_id(), entries=[])
        except OSError as bad:
            raise StoreError("读不到本机的密钥文件。", f"请检查 {self.path} 的权限。") from bad
        try:
            file = msgspec.json.decode(data, type=_File)
        except msgspec.DecodeError as bad:
            raise _damaged() from bad
        if file.v > VERSION:
            raise NewerDatabase("密钥文件由更新版本的驿站生成。", "请用新版本的程序打开，或先升级。")
        return file

    def _put(self, file: _File, entry: Entry) -> None:
        entries = [entry if e.account == entry.account else e for e in file.entries]
        if entry not in entries:
            entries.append(entry)
        body = msgspec.structs.replace(file, entries=entries)
        write_atomic(self.path, msgspec.json.format(msgspec.json.encode(body)))

    def _wrap(self, installation: str, password: str, secrets: _Secrets) -> Entry:
        grant = secrets.grant
        salt, nonce = os.urandom(16), os.urandom(12)
        extra = self._vault_secret(installation, make=True)
        key = _wrapping_key(password, salt, self._argon, extra)
        sealed = AESGCM(key).encrypt(nonce, msgspec.msgpack.encode(secrets), _aad(grant.account))
        return Entry(
            account=grant.account, person=grant.person, bureau=grant.bureau_name, argon=self._argon,
            salt=salt, nonce=nonce, sealed=sealed, vault=extra is not None,
        )  # fmt: skip

    def _open(self, file: _File, entry: Entry, password: str) -> _Secrets:
        retry_at = self._retry_at(entry)
        if retry_at is not None:
            raise PasswordRefused(
                "密码连续输错，账号暂时锁定。", f"请在 {retry_at:%H:%M:%S} 之后再试。", retry_at
            )
        extra = self._vault_secret(file.installation) if entry.vault else None
        if entry.vault and extra is None:
            raise StoreError(
                "系统密钥环打不开，无法取出本机密钥。", "请先解锁系统密钥环，并确认是登记时的同一系统用户。"
            )
        if len(entry.salt) < _LEAST_SALT or len(entry.nonce) != _NONCE:
            raise _damaged()
        key = _wrapping_key(password, entry.salt, entry.argon, extra)
        try:
            plain = AESGCM(key).decrypt(entry.nonce, entry.sealed, _aad(entry.account))
        except InvalidTag:
            raise self._failed(file, entry) from None
        return msgspec.msgpack.decode(plain, type=_Secrets)

    def _failed(self, file: _File, entry: Entry) -> PasswordRefused:
        failures = entry.failures + 1
        retry_at: datetime | None = None
        hint = "请重新输入，注意大小写和输入法；忘记密码请联系单位管理员。"
        if failures >= FREE_FAILURES:
            delay = min(FIRST_DELAY * 2 ** (failures - FREE_FAILURES), LONGEST_DELAY)
            retry_at = self._clock.now() + timedelta(seconds=delay)
            hint = f"已连续输错 {failures} 次，请在 {retry_at:%H:%M:%S} 之后再试。"
        stamp = retry_at.isoformat() if retry_at else ""
        self._put(file, msgspec.structs.replace(entry, failures=failures, retry_at=stamp))
        return PasswordRefused("密码不正确。", hint, retry_at)

    def _retry_at(self, entry: Entry) -> datetime | None:
        """None when an attempt is allowed now, also after the clock was set back."""
        if not entry.retry_at:
            return None
        now = self._clock.now()
        try:
            at = datetime.fromisoformat(entry.retry_at).astimezone(now.tzinfo)
        except (ValueError, OverflowError):
            return None
        return at if now < at <= now + timedelta(seconds=LONGEST_DELAY) else None

    def _vault_secret(self, installation: str, *, make: bool = False) -> bytes | None:
        vault = self.vault()
        if vault is None:
            return None
        found = vault.get(installation)
        if found is None and make:
            secret = os.urandom(SECRET_BYTES)
            # Only what can be read back is worth locking a database with.
            if vault.put(installation, secret) and vault.get(installation) == secret:
                return secret
        return found


def check_password(password: str, account: str = "") -> None:
    """The password policy; raises :class:`InputError`."""
    if len(password) < MIN_PASSWORD:
        raise InputError(f"密码至少 {MIN_PASSWORD} 个字符。", "请换一个较长的密码，可以是一句话。")
    if account and password.casefold() == account.casefold():
        raise InputError("密码不能与账号相同。", "请换一个别人猜不到的密码。")
    if len(set(password)) < 3:
        raise InputError("密码过于简单。", "请不要使用重复的字符。")


def system_vault() -> Vault | None:
    """The operating system's keyring; None when none works. Loading it takes a while."""
    import keyring
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
        if backend.priority < 1:
            return None
        backend.get_password(SERVICE, "probe")
    except (KeyringError, RuntimeError, OSError):
        return None
    return _SystemVault()


class _SystemVault:
    """``keyring`` as a :class:`Vault`; what it raises means that it does not work."""

    def get(self, name: str) -> bytes | None:
        import keyring
        from keyring.errors import KeyringError

        try:
            text = keyring.get_password(SERVICE, name)
        except (KeyringError, RuntimeError, OSError):
            return None
        return base64.b64decode(text) if text else None

    def put(self, name: str, secret: bytes) -> bool:
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, name, base64.b64encode(secret).decode())
        except (KeyringError, RuntimeError, OSError):
            return False
        return True


def stretch(password: str, salt: bytes, argon: Argon) -> bytes:
    """Argon2id; refuses costs no version of the program has written."""
    if not (1 <= argon.passes <= 20 and 8 <= argon.kib <= 1 << 20 and 1 <= argon.lanes <= 16):
        raise _damaged()
    return hash_secret_raw(
        password.encode(errors="surrogatepass"), salt, time_cost=argon.passes, memory_cost=argon.kib,
        parallelism=argon.lanes, hash_len=32, type=Type.ID,
    )  # fmt: skip


def _damaged() -> StoreError:
    return StoreError("本机的密钥文件已损坏。", f"请从备份恢复 {FILE_NAME}；没有它无法打开数据库。")


def _wrapping_key(password: str, salt: bytes, argon: Argon, extra: bytes | None) -> bytes:
    secret = stretch(password, salt, argon) + (extra or b"")
    info = b"yizhan keys 1" + (b" vault" if extra else b"")
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def _aad(account: str) -> bytes:
    return b"yizhan keys 1 " + account.encode()


def _find(file: _File, account: str) -> Entry:
    for entry in file.entries:
        if entry.account == account:
            return entry
    raise PasswordRefused("本机没有这个账号。", "请从列表中选择账号，或先在本机登记。")


def _unlocked(secrets: _Secrets, entry: Entry) -> Unlocked:
    hub_id, name, sign, seal = secrets.hub
    return Unlocked(
        db_key=secrets.db_key,
        device_keys=DeviceKeys.from_bytes(secrets.device),
        hub_trust=HubTrust(hub_id, name, VerifyKey(sign), SealPublic.from_bytes(seal)),
        grant=secrets.grant,
        keyring_missing=not entry.vault,
    )
