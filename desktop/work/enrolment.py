"""First start: a new installation gets its place, over the network or by files on a stick.

Keys made for a request are kept, wrapped under the chosen password, until the
grant comes: a restart, a lost answer or a lost stick never wastes the one-time
code, because the same request may be made again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from desktop.work.asked import Asked, AskedFile
from desktop.work.guard import InstanceGuard
from desktop.work.key_format import Argon
from desktop.work.keys import KeyFile
from desktop.work.local import open_local
from desktop.work.passwords import check_password
from desktop.work.settings import Settings
from shared.clock import Clock
from shared.errors import InputError, PackageError
from shared.ids import new_id
from shared.store.facts import write_text
from sync import enrol, package
from sync.carrier import Progress
from sync.http import HttpCarrier
from sync.layout import Kind
from sync.media import read_to_spool, write_safely
from sync.messages import Grant
from sync.package import Sealed
from sync.trust import DeviceKeys, InviteCode

FILE_NAME = "enrolment.json"
_AAD = b"yizhan enrolment 1"


class _Pending(Asked, frozen=True, kw_only=True):
    """A request without its grant. ``invite`` is the public name of the code."""

    device: str
    invite: str
    label: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the first-start page shows of a request already made."""

    label: str
    created: str


@dataclass(frozen=True, slots=True)
class RequestFile:
    """A request on the stick."""

    path: Path
    fingerprint_text: str
    size: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An account that can sign in now."""

    account: str
    person: str
    bureau_name: str
    hub_name: str
    keyring_missing: bool


@dataclass(frozen=True, slots=True)
class _Applicant:
    device: str
    code: InviteCode
    label: str
    keys: DeviceKeys = field(repr=False)


class Enrolment:
    """Enrols the installation in one data folder."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyFile | None = None,
        *,
        argon: Argon | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._keys = keys or KeyFile(settings.folder)
        self._clock = clock or Clock()
        self._asked = AskedFile(
            settings.folder / FILE_NAME, _Pending, _AAD, argon or Argon(), self._clock,
            damaged=("登记申请的记录已损坏。", f"请删除数据文件夹中的 {FILE_NAME}，再向中心索取新的登记码。"),
            mistyped=(
                "密码与生成登记申请时设置的不同。", "请输入当时设置的密码；忘记了请放弃申请，重新索取登记码。"
            ),
        )  # fmt: skip
        self._known: _Applicant | None = None

    def waiting(self) -> Waiting | None:
        """The request whose grant has not come yet."""
        pending = self._asked.read()
        return Waiting(pending.label, pending.created) if pending else None

    def discard(self) -> None:
        """Forget a request; its one-time code may be used up."""
        self._known = None
        self._asked.drop()

    # --- over the network --------------------------------------------------------
    def enrol_online(
        self, hub_url: str, code_text: str, label: str, password: str, progress: Progress
    ) -> Enrolled:
        """Ask the hub and take its grant; raises what stops it, and may simply be called again."""
        if not hub_url:
            raise InputError("请填写中心地址。", "例如 https://hub.example.cn；没有网络请改用介质登记。")
        self._settings.update({"hub_url": hub_url.strip()})
        applicant = self._applicant(code_text, label, password)
        spool = self._spool()
        request, answer = spool / "request.yzp", spool / "grant.yzp"
        try:
            sealed = self._seal(request, applicant)
            HttpCarrier(self._settings.hub_url).exchange(request, sealed.package_id, answer, progress)
            return self._finish(answer, applicant, password)
        finally:
            request.unlink(missing_ok=True)
            answer.unlink(missing_ok=True)

    # --- by stick ------------------------------------------------------------------
    def write_request(
        self, folder: Path, code_text: str, label: str, password: str, progress: Progress
    ) -> RequestFile:
        """Put a request file into ``folder``; its grant is read later by :meth:`read_grant`."""
        applicant = self._applicant(code_text, label, password)
        draft = self._spool() / "request.yzp"
        try:
            sealed = self._seal(draft, applicant)
            tail = sealed.fingerprint.hex()[:8]
            path = write_safely(
                draft,
                folder,
                (f"驿站登记申请-{tail}.yzp", f"yizhan-request-{tail}.yzp"),
                lambda stream: package.verify(stream, package.self_signed),
                progress,
            )
        finally:
            draft.unlink(missing_ok=True)
        return RequestFile(path, sealed.fingerprint_text, sealed.size)

    def read_grant(self, path: Path, password: str, progress: Progress) -> Enrolled:
        """Take the grant the stick brought back."""
        self._refuse_second()
        pending = self._asked.read()
        if pending is None:
            raise InputError("本机没有等待批复的登记申请。", "请先生成登记申请，交中心批复后再导入。")
        applicant = self._unwrap(pending, password)
        spooled = read_to_spool(path, self._spool(), progress)
        try:
            with spooled.path.open("rb") as stream:
                kind = package.inspect(stream).core.kind
            if kind is not Kind.ENROL_GRANT:
                raise PackageError("这个文件不是登记批复。", "请选择中心返回的登记批复文件。")
            return self._finish(spooled.path, applicant, password)
        finally:
            spooled.path.unlink(missing_ok=True)

    # --- inside --------------------------------------------------------------
    def _refuse_second(self) -> None:
        if self._keys.accounts():
            raise InputError("本机已经登记过。", "请直接登录；更换单位请使用新的数据文件夹。")

    def _spool(self) -> Path:
        self._settings.spool.mkdir(parents=True, exist_ok=True)
        return self._settings.spool

    def _seal(self, path: Path, one: _Applicant) -> Sealed:
        with path.open("w+b") as out:
            return enrol.seal_request(
                out, one.device, one.keys, one.code, one.label, self._clock.stamp()
            )

    def _applicant(self, code_text: str, label: str, password: str) -> _Applicant:
        self._refuse_second()
        code = InviteCode.parse(code_text)
        check_password(password)
        if not label.strip():
            raise InputError("请填写席位名称。", "例如“宝山文旅-01”，便于中心辨认这台电脑。")
        pending = self._asked.read()
        if self._known is not None and self._known.code == code:
            found = _Applicant(self._known.device, code, label.strip(), self._known.keys)
        elif pending is not None and pending.invite == code.name:
            kept = self._unwrap(pending, password)
            found = _Applicant(kept.device, code, label.strip(), kept.keys)
        else:
            found = _Applicant(new_id(), code, label.strip(), DeviceKeys.generate())
        self._keep(found, password)
        return found

    def _keep(self, one: _Applicant, password: str) -> None:
        plain = msgspec.msgpack.encode((one.code.text, one.keys.to_bytes()))
        self._asked.keep(plain, password, device=one.device, invite=one.code.name, label=one.label)
        self._known = one

    def _unwrap(self, pending: _Pending, password: str) -> _Applicant:
        plain = self._asked.open(pending, password)
        code, keys = msgspec.msgpack.decode(plain, type=tuple[str, bytes])
        return _Applicant(pending.device, InviteCode(code), pending.label, DeviceKeys.from_bytes(keys))

    def _finish(self, answer: Path, one: _Applicant, password: str) -> Enrolled:
        with answer.open("rb") as stream:
            grant = enrol.open_grant(stream, one.keys, one.code)
        if grant.device != one.device:
            raise PackageError("这份批复是给另一台设备的。", "请核对是否拿错了文件。")
        check_password(password, grant.account)
        guard = InstanceGuard(self._settings.folder)
        guard.acquire()
        try:
            missing = self._install(grant, one, password)
        finally:
            guard.release()
        self._settings.update({"last_account": grant.account})
        self.discard()
        return Enrolled(
            grant.account, grant.person, grant.bureau_name, grant.hub_name, missing
        )

    def _install(self, grant: Grant, one: _Applicant, password: str) -> bool:
        """Database first, key file last: without the key file there is no installation yet."""
        db_key = os.urandom(32)
        _set_aside(self._settings.database)
        store = open_local(self._settings.database, db_key, self._clock)
        try:
            store.identify(grant.device, 1)
            with store.write() as connection:
                write_text(connection, "evidence_at", grant.at)
        finally:
            store.close()
        unlocked = self._keys.create_account(
            password,
            db_key=db_key,
            device_keys=one.keys,
            hub_trust=enrol.trust_of(grant),
            grant=grant,
        )
        return unlocked.keyring_missing


def _set_aside(database: Path) -> None:
    """A database without its key file: of an attempt that broke off, or of somebody who lost
    the key file and may find it again. Never deleted."""
    stamp = new_id()[:12]
    for leftover in database.parent.glob(database.name + "*"):
        if ".lost-" not in leftover.name:
            leftover.rename(leftover.with_name(f"{leftover.name}.lost-{stamp}"))
