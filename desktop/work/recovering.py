"""A forgotten password, or a lost keyring: the way back in, by files on a stick (N8).

The computer makes new keys and asks the centre, where two persons together can open its
database key. The new password is chosen when the request is made: it protects the new
keys until the answer is there. Nothing that was entered is touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from desktop.work.asked import Asked, AskedFile
from desktop.work.guard import InstanceGuard
from desktop.work.key_format import Argon, Seat
from desktop.work.keys import KeyFile
from desktop.work.local import open_local
from desktop.work.passwords import check_password
from desktop.work.seat_keys import PINNED, pinned, read_pinned
from desktop.work.settings import Settings
from shared.clock import Clock
from shared.errors import InputError, PackageError, StoreError, UnknownSigner, WrongPassword
from shared.store import audit, exchange
from shared.store.facts import read_fact, write_fact, write_text
from shared.store.store import Store
from sync import package, recovery
from sync.carrier import Progress
from sync.credentials import CONFIRMED, KEY_CHANGE, stored_links
from sync.enrol import trust_of
from sync.hub_trust import HubTrust
from sync.layout import Kind, fingerprint_text
from sync.media import read_to_spool, write_safely
from sync.messages import PROTOCOL
from sync.package import Opened
from sync.recovery import RecoverAnswer, RecoverRequest
from sync.rotation import DeviceRing, read_change
from sync.signing import key_id
from sync.trust import DeviceKeys

FILE_NAME = "recovery.json"
_AAD = b"yizhan recovery 1"


class _Pending(Asked, frozen=True, kw_only=True):
    """A request without its answer; its secrets are the new keys."""

    account: str
    request: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class RecoverySheet:
    """What goes with the stick on paper, for the two persons to compare."""

    account: str
    person: str
    bureau: str
    device: str
    hub_name: str
    fingerprint: str
    created: str
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryFile:
    """A request that surely lies on the medium."""

    path: Path
    sheet: RecoverySheet


@dataclass(frozen=True, slots=True)
class Recovered:
    """An account that can sign in again.

    :param pending: own changes that still wait for the hub; all are there.
    """

    account: str
    person: str
    pending: int


@dataclass(frozen=True, slots=True)
class _Asked:
    pending: _Pending
    keys: DeviceKeys = field(repr=False)


class Recovering:
    """The use case behind 忘记密码; nobody is signed in."""

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
            damaged=("找回申请的记录已损坏。", f"请删除数据文件夹中的 {FILE_NAME}，再重新生成申请。"),
            mistyped=(
                "密码与生成找回申请时设置的不同。", "请输入当时设置的新密码；忘记了请重新生成申请。"
            ),
        )  # fmt: skip

    def obstacle(self) -> str:
        """Why a password cannot be recovered here; ``""`` when it can."""
        seat = self._keys.seat
        if seat is None:
            return "本机还没有用新版本登录过，没有可用于找回的信息；请联系中心管理员。"
        if seat.escrow is None:
            return "中心还没有启用恢复密钥，或本机还没有收到；无法找回密码，请联系中心管理员。"
        return ""

    def waiting(self) -> RecoverySheet | None:
        """The request whose answer has not come yet."""
        pending = self._asked.read()
        return self._sheet(pending) if pending else None

    def discard(self) -> None:
        """Forget a request; whoever remembers the old password simply signs in."""
        self._asked.drop()

    def write_request(self, folder: Path, account: str, password: str, progress: Progress) -> RecoveryFile:
        """Make new keys and put the request into ``folder``; a former request is void then."""
        seat = self._seat()
        if account not in {one.account for one in self._keys.accounts()}:
            raise InputError("本机没有这个账号。", "请从列表中选择账号。")
        check_password(password, account)
        keys = DeviceKeys.generate()
        assert seat.escrow is not None
        request = RecoverRequest(
            v=PROTOCOL, hub_id=seat.hub_id, device=seat.device, account=account,
            replaces=key_id(seat.sign_key), seal_key=keys.seal.public.to_bytes(), escrow=seat.escrow,
            at=self._clock.stamp(), change=seat.change,
        )  # fmt: skip
        self._settings.spool.mkdir(parents=True, exist_ok=True)
        draft = self._settings.spool / "recovery.yzp"
        try:
            with draft.open("w+b") as out:
                sealed = recovery.seal_request(out, request, keys, seat.trust())
            pending = self._asked.keep(
                keys.to_bytes(), password, account=account, request=sealed.package_id,
                fingerprint=sealed.fingerprint,
            )  # fmt: skip
            tail = sealed.fingerprint.hex()[:8]
            path = write_safely(
                draft,
                folder,
                (f"驿站找回密码申请-{tail}.yzp", f"yizhan-recovery-{tail}.yzp"),
                lambda stream: package.verify(stream, package.self_signed),
                progress,
            )
        finally:
            draft.unlink(missing_ok=True)
        return RecoveryFile(path, self._sheet(pending, path.name))

    def print_sheet(self, made: RecoveryFile) -> Path:
        """Put the sheet beside the request, to be printed and signed; needs a running application."""
        from desktop.work.paper import Watermark, write_pdf
        from desktop.work.printing import recovery_sheet

        name = made.path.stem.replace("申请", "申请单").replace("recovery", "recovery-sheet")
        path = made.path.with_name(f"{name}.pdf")
        mark = Watermark(made.sheet.person, made.sheet.created)
        write_pdf(recovery_sheet(made.sheet), path, mark, "找回密码申请单")
        return path

    def read_answer(self, path: Path, password: str, progress: Progress) -> Recovered:
        """Take the answer the stick brought back; the password is the one chosen for the request."""
        pending = self._asked.read()
        if pending is None:
            raise InputError("本机没有等待批复的找回申请。", "请先生成找回申请，交中心办理后再导入。")
        asked = _Asked(pending, DeviceKeys.from_bytes(self._asked.open(pending, password)))
        self._settings.spool.mkdir(parents=True, exist_ok=True)
        spooled = read_to_spool(path, self._settings.spool, progress)
        try:
            with spooled.path.open("rb") as stream:
                if package.inspect(stream).core.kind is not Kind.RECOVER_ANSWER:
                    raise PackageError("这个文件不是找回密码的批复。", "请选择中心返回的批复文件。")
                stream.seek(0)
                opened, answer = recovery.open_answer(stream, asked.keys, self._seat().trust())
            if (answer.request, answer.grant.account) != (pending.request, pending.account):
                raise PackageError("这份批复不是针对本机这次申请的。", "请核对是否拿错了文件。")
            guard = InstanceGuard(self._settings.folder)
            guard.acquire()
            try:
                return self._install(asked, opened, answer, password)
            finally:
                guard.release()
        finally:
            spooled.path.unlink(missing_ok=True)

    # --- inside --------------------------------------------------------------
    def _seat(self) -> Seat:
        seat, obstacle = self._keys.seat, self.obstacle()
        if seat is None or obstacle:
            raise StoreError("本机不能找回密码。", obstacle)
        return seat

    def _install(self, asked: _Asked, opened: Opened, answer: RecoverAnswer, password: str) -> Recovered:
        """Database first, key file second: a crash between is mended by reading the answer again."""
        seat, grant = self._seat(), answer.grant
        try:
            store = open_local(self._settings.database, answer.db_key, self._clock)
        except WrongPassword as bad:
            raise StoreError(
                "批复中的密钥打不开本机的数据库。", "请核对数据库文件是不是这台电脑的，再联系中心管理员。"
            ) from bad
        try:
            if store.identity()[0] != answer.device or seat.device != answer.device:
                raise StoreError("数据库与密钥文件不属于同一次登记。", "请把两者从同一份备份中恢复。")
            hub = self._trusted(store, opened, trust_of(grant))
            with store.read() as connection:
                reach = exchange.reach(connection)
            with store.write() as connection:
                write_text(connection, KEY_CHANGE, "")
                write_text(connection, CONFIRMED, "")
                write_fact(connection, PINNED, pinned(hub))
                who, names = grant.user, f"{key_id(seat.sign_key)} → {asked.keys.sign.key_id}"
                detail = f"{grant.account} {fingerprint_text(asked.pending.fingerprint)} {names}"
                audit.note(connection, self._clock.stamp(), who, "recovered", detail)
        finally:
            store.close()
        ring = DeviceRing(asked.keys, None, (), _past(seat))
        unlocked = self._keys.create_account(
            password, db_key=answer.db_key, device_keys=ring, hub_trust=hub, grant=grant
        )
        self._keys.keep_seat(unlocked, hub, ring)
        self._settings.update({"last_account": grant.account})
        self.discard()
        return Recovered(grant.account, grant.person, max(0, reach.written - reach.receipted))

    def _trusted(self, store: Store, opened: Opened, said: HubTrust) -> HubTrust:
        """The hub as the database knows it must have signed the answer: the key file beside it
        could have been exchanged."""
        with store.read() as connection:
            raw, links = read_fact(connection, PINNED), stored_links(connection)
        if raw is None:
            return said
        known = read_pinned(raw).extended(links)
        signer = known.signer(opened.core)
        if signer is None or signer.key_id != opened.core.exporter_key_id:
            raise UnknownSigner("这份批复不是由本机所属的中心签发的。", "请联系中心管理员核实，不要使用它。")
        return said

    def _sheet(self, pending: _Pending, file_name: str = "") -> RecoverySheet:
        seat = self._seat()
        known = next(one for one in self._keys.accounts() if one.account == pending.account)
        return RecoverySheet(
            account=known.account, person=known.person, bureau=known.bureau, device=seat.device,
            hub_name=seat.hub_name, fingerprint=fingerprint_text(pending.fingerprint),
            created=pending.created, file_name=file_name,
        )  # fmt: skip


def _past(seat: Seat) -> tuple[bytes, ...]:
    """Public keys this device has signed with, the announced ones included."""
    announced = (read_change(seat.change).sign_key,) if seat.change else ()
    return (*seat.past, seat.sign_key, *announced)
