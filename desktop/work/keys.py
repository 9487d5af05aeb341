"""The key file of an installation: what opens the database, wrapped once per account.

The wrapping key comes from the password (Argon2id) and, where the operating
system has a working keyring, from a secret kept there: a copied data folder is
then useless even to somebody who knows the password. Without a keyring the
password stands alone, and the windows say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from desktop.work.files import write_atomic
from desktop.work.key_format import (
    FILE_NAME,
    LEAST_SALT,
    NONCE,
    VERSION,
    Argon,
    Entry,
    KeyFileBody,
    Seat,
    Secrets,
    damaged,
    open_secrets,
    ring_of,
    seal_secrets,
    with_ring,
    wrapping_key,
)
from desktop.work.lockout import KEPT, UNKNOWN, retry_at, unmeasured
from desktop.work.passwords import (
    MustChoose,
    PasswordRefused,
    check_password,
    grouped,
    one_time_password,
    plain,
    typed,
)
from desktop.work.vault import Vault, system_vault
from shared.clock import Clock
from shared.errors import InputError, NewerDatabase, StoreError
from shared.ids import new_id
from sync import recovery
from sync.hub_trust import HubTrust
from sync.messages import Grant
from sync.rotation import DeviceRing
from sync.suite import OpenKey
from sync.trust import DeviceKeys

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What a right password opens.

    :param grant: who the account was at enrolment; the synced records say more.
    :param failed: when wrong passwords were typed since the last sign-in.
    """

    db_key: bytes = field(repr=False)
    ring: DeviceRing = field(repr=False)
    hub_trust: HubTrust
    grant: Grant
    keyring_missing: bool = False
    failed: tuple[str, ...] = ()

    @property
    def device_keys(self) -> DeviceKeys:
        """The device's keys the hub knows."""
        return self.ring.now


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """A line of the sign-in list.

    :param expires: until when a one-time password that nobody has used opens it; ``""`` = used.
    """

    account: str
    person: str
    bureau: str
    keyring_missing: bool
    retry_at: datetime | None = None
    expires: str = ""


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
            KnownAccount(
                e.account, e.person, e.bureau, not e.vault,
                retry_at(e.failures, e.failed_up, self._clock), e.expires,
            )
            for e in self._read().entries
        ]  # fmt: skip

    @property
    def keyring_missing(self) -> bool:
        """Whether some account's keys rest on the password alone."""
        return any(not e.vault for e in self._read().entries)

    @property
    def seat(self) -> Seat | None:
        """What is known of this installation without a password."""
        return self._read().seat

    # --- in and out --------------------------------------------------------------
    def create_account(
        self,
        password: str,
        *,
        db_key: bytes,
        device_keys: DeviceKeys | DeviceRing,
        hub_trust: HubTrust,
        grant: Grant,
    ) -> Unlocked:
        """Wrap the keys for the account a grant names; replaces an entry of the same account.

        Every other entry is given the same device keys.
        """
        check_password(password, grant.account)
        ring = device_keys if isinstance(device_keys, DeviceRing) else DeviceRing(device_keys)
        return self._add(password, "", Unlocked(db_key, ring, hub_trust, grant))

    def issue(self, by: Unlocked, grant: Grant) -> tuple[str, str]:
        """A one-time password for a further account: the password as printed, and until when.

        Raises :class:`InputError` for an account that can sign in here already.
        """
        known = next((e for e in self._read().entries if e.account == grant.account), None)
        if known is not None and not known.expires:
            raise InputError(f"账号“{grant.account}”已经可以在本机登录。", "忘记密码请在登录页办理找回。")
        secret, expires = one_time_password(self._clock)
        self._add(secret, expires, Unlocked(by.db_key, by.ring, by.hub_trust, grant))
        return grouped(secret), expires

    def remove(self, account: str) -> None:
        """The account opens nothing here any more; the last one stays."""
        file = self._read()
        _find(file, account)
        if len(file.entries) == 1:
            raise InputError("这是本机的最后一个账号，不能移除。", "电脑停用请联系中心吊销席位。")
        self._write(replace(file, entries=[e for e in file.entries if e.account != account]))

    def unlock(self, account: str, password: str) -> Unlocked:
        """Open an account; raises :class:`PasswordRefused`, which says when to try again.

        Raises :class:`MustChoose` when the password was a one-time one.
        """
        file = self._read()
        entry = _find(file, account)
        found = self._open(file, entry, password)
        if entry.expires:
            raise MustChoose("这是一次性口令，请先设置自己的密码。", "设置后口令失效，以后用新密码登录。")
        if not entry.reader:
            self._add(password, "", found)  # written by an older program
        elif entry.failures or entry.failed:
            self._put(replace(entry, failures=0, failed_at="", failed_up=UNKNOWN, failed=()))
        return found

    def first_unlock(self, account: str, one_time: str, chosen: str) -> Unlocked:
        """Open an account with its one-time password, which a chosen one replaces."""
        check_password(chosen, account)
        file = self._read()
        entry = _find(file, account)
        found = self._open(file, entry, one_time)
        if not entry.expires:
            raise InputError("这个账号已经设置过密码。", "请直接登录。")
        if plain(chosen) == plain(one_time):
            raise InputError("新密码不能与一次性口令相同。", "请换一个只有自己知道的密码。")
        return self._add(chosen, "", found)

    def change_password(self, account: str, old: str, new: str) -> None:
        """Wrap the same keys under a new password; the old one opens nothing afterwards."""
        check_password(new, account)
        file = self._read()
        entry = _find(file, account)
        if entry.expires:
            raise InputError("请先用一次性口令登录并设置密码。")
        self._add(new, "", self._open(file, entry, old))

    # --- what changes without a password --------------------------------------------
    def keep_ring(self, ring: DeviceRing) -> None:
        """Give every account these device keys."""
        file = self._read()
        self._write(replace(file, entries=with_ring(file, ring)))

    def keep_seat(self, unlocked: Unlocked, hub: HubTrust, ring: DeviceRing) -> bool:
        """Follow what is known of hub and device, and seal the database key to the recovery key.

        True when that recovery key is a new one. Quick when nothing has changed.
        """
        file = self._read()
        before = file.seat.escrow if file.seat else None
        made = before
        if hub.recovery is not None and (before is None or before.kid != hub.recovery.kid):
            made = recovery.escrow(unlocked.db_key, hub.recovery, hub.hub_id, unlocked.grant.device)
        seat = Seat(
            device=unlocked.grant.device, sign_key=ring.now.sign.public.to_bytes(), hub_id=hub.hub_id,
            hub_name=hub.name, hub_sign=hub.sign.to_bytes(), hub_seal=hub.seal.to_bytes(),
            trust_version=hub.version, escrow=made, past=ring.past, change=ring.change,
        )  # fmt: skip
        if seat != file.seat:
            self._write(replace(file, seat=seat))
        return made is not before

    # --- inside --------------------------------------------------------------
    def _read(self) -> KeyFileBody:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return KeyFileBody(v=VERSION, installation=new_id(), entries=[])
        except OSError as bad:
            raise StoreError("读不到本机的密钥文件。", f"请检查 {self.path} 的权限。") from bad
        try:
            file = msgspec.json.decode(data, type=KeyFileBody)
        except msgspec.DecodeError as bad:
            raise damaged() from bad
        if file.v > VERSION:
            raise NewerDatabase("密钥文件由更新版本的驿站生成。", "请用新版本的程序打开，或先升级。")
        return file

    def _write(self, file: KeyFileBody) -> None:
        body = msgspec.json.encode(replace(file, v=VERSION))
        write_atomic(self.path, msgspec.json.format(body))

    def _put(self, entry: Entry) -> None:
        file = self._read()
        self._write(replace(file, entries=[entry if e.account == entry.account else e for e in file.entries]))

    def _add(self, password: str, expires: str, found: Unlocked) -> Unlocked:
        """Write the entry of an account, new or in place of the one it had."""
        file, account = self._read(), found.grant.account
        reader = OpenKey.generate()
        hub = found.hub_trust
        secrets = Secrets(
            db_key=found.db_key, device=b"", grant=found.grant, reader=reader.to_bytes(),
            hub=(hub.hub_id, hub.name, hub.sign.to_bytes(), hub.seal.to_bytes()), hub_version=hub.version,
            recovery=hub.recovery.to_bytes() if hub.recovery else b"",
        )  # fmt: skip
        salt, nonce = os.urandom(16), os.urandom(NONCE)
        extra = self._vault_secret(file.installation, make=True)
        key = wrapping_key(typed(password, expires), salt, self._argon, extra)
        entry = Entry(
            account=account, person=found.grant.person, bureau=found.grant.bureau_name, argon=self._argon,
            salt=salt, nonce=nonce, sealed=seal_secrets(key, nonce, secrets, account, expires),
            vault=extra is not None, reader=reader.public.to_bytes(), expires=expires,
        )  # fmt: skip
        entries = [entry if e.account == account else e for e in file.entries]
        if entry not in entries:
            entries.append(entry)
        file = replace(file, entries=entries)
        self._write(replace(file, entries=with_ring(file, found.ring)))
        return Unlocked(found.db_key, found.ring, hub, found.grant, extra is None, found.failed)

    def _open(self, file: KeyFileBody, entry: Entry, password: str) -> Unlocked:
        self._may_try(entry)
        extra = self._vault_secret(file.installation) if entry.vault else None
        if entry.vault and extra is None:
            raise StoreError(
                "系统密钥环打不开，无法取出本机密钥。",
                "请先解锁系统密钥环，并确认是登记时的同一系统用户；密钥环已丢失时，请在登录页点“忘记密码”。",
            )
        if len(entry.salt) < LEAST_SALT or len(entry.nonce) != NONCE:
            raise damaged()
        key = wrapping_key(typed(password, entry.expires), entry.salt, entry.argon, extra)
        secrets = open_secrets(key, entry)
        if secrets is None:
            raise self._failed(entry)
        if entry.expires and entry.expires < self._clock.now().isoformat():
            raise StoreError("这个一次性口令已过期。", "请单位管理员在本机重新签发。")
        ring = ring_of(file.installation, entry, secrets)
        return Unlocked(secrets.db_key, ring, secrets.trust(), secrets.grant, not entry.vault, entry.failed)

    def _may_try(self, entry: Entry) -> None:
        if unmeasured(entry.failures, entry.failed_up):
            entry = replace(entry, failed_up=self._clock.uptime())
            self._put(entry)
        at = retry_at(entry.failures, entry.failed_up, self._clock)
        if at is not None:
            raise PasswordRefused("密码连续输错，账号暂时锁定。", f"请在 {at:%H:%M:%S} 之后再试。", at)

    def _failed(self, entry: Entry) -> PasswordRefused:
        failures, now = entry.failures + 1, self._clock.now().isoformat()
        times = (*entry.failed, now[:19])[-KEPT:]
        up = self._clock.uptime()
        self._put(replace(entry, failures=failures, failed_at=now, failed_up=up, failed=times))
        at = retry_at(failures, up, self._clock)
        hint = "请重新输入，注意大小写和输入法；忘记了请点“忘记密码”。"
        if at is not None:
            hint = f"已连续输错 {failures} 次，请在 {at:%H:%M:%S} 之后再试。"
        return PasswordRefused("密码不正确。", hint, at, failures)

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


def _find(file: KeyFileBody, account: str) -> Entry:
    for entry in file.entries:
        if entry.account == account:
            return entry
    raise PasswordRefused("本机没有这个账号。", "请从列表中选择账号，或先在本机登记。")


__all__ = ["KeyFile", "KnownAccount", "Unlocked"]
