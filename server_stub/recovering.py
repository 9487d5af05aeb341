"""A device whose password is lost gets its database key back, by two persons at the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from server_stub.answers import lease_days
from server_stub.device_keys import RECOVERED
from server_stub.devices import REVOKED, DeviceRow
from server_stub.hub import Hub
from server_stub.shares import Holder, join_pair
from shared.access import HUB_ACTOR
from shared.errors import HubRefused, InputError
from shared.store import audit, sql
from shared.store.directory import person
from sync import package, recovery
from sync.layout import Kind, fingerprint_text
from sync.messages import PROTOCOL, Grant
from sync.package import CoreDraft, Opened
from sync.recovery import RecoverAnswer, RecoverRequest
from sync.signing import VerifyKey
from sync.suite import SealPublic


@dataclass(frozen=True, slots=True)
class Examined:
    """A request that may be answered, once two persons agree.

    :param repeated: it was answered before; the same answer may be made again.
    """

    opened: Opened
    request: RecoverRequest
    device: DeviceRow
    seat: str
    bureau: str
    account: str
    person: str
    repeated: bool

    @property
    def fingerprint(self) -> str:
        """As printed on the sheet that came with it."""
        return fingerprint_text(self.opened.verified.fingerprint)


def examine(hub: Hub, stream: BinaryIO) -> Examined:
    """Check everything but the two persons; nothing is changed.

    Raises :class:`HubRefused` for a device that is unknown or revoked, an account that is
    not this device's, and a request made before the device's keys were last changed.
    """
    core = package.inspect(stream).core
    stream.seek(0)
    if core.kind is not Kind.RECOVER_REQUEST:
        raise InputError("这不是找回密码的申请。", "请选择忘记密码的那台电脑生成的申请文件。")
    opened = package.open_package(stream, package.self_signed, hub.keys.opening, hub.keys.hub_id)
    request = recovery.read_request(opened)
    device = hub.ledger.device(request.device)
    if device is None:
        raise HubRefused("这台设备没有在本中心登记。", "请核对申请文件来自哪台电脑。")
    if device.state == REVOKED:
        raise HubRefused("这台设备已被吊销，不能找回密码。", "请为本人的新电脑另发登记码。")
    repeated = core.exporter_key == device.sign.to_bytes()
    if not repeated and request.replaces != device.sign.key_id:
        raise HubRefused(
            "这份申请是设备密钥更换以前生成的，不能再用。", "请在那台电脑上重新生成申请。"
        )
    with hub.store.read() as connection:
        user = sql.execute(
            connection, 'SELECT id FROM "user" WHERE account = ? AND "_deleted" = 0', (request.account,)
        ).fetchone()
        known = person(connection, str(user[0])) if user else None
        if user is None or known is None or not known.active:
            raise HubRefused(f"账号“{request.account}”不存在或已停用。", "请先核对该账号。")
        if not hub.ledger.speaks_for(connection, device.device, str(user[0])):
            raise HubRefused(f"账号“{request.account}”没有登记在这台设备上。", "请核对申请人和电脑。")
        seat = sql.fetch(connection, "device", ("name",), [device.device])
        place = sql.fetch(connection, "bureau", ("name",), [device.bureau])
    return Examined(
        opened, request, device, str(seat[0][0]) if seat else "", str(place[0][0]) if place else "",
        request.account, known.name, repeated,
    )  # fmt: skip


def answer(hub: Hub, one: Examined, first: Holder, second: Holder, out: BinaryIO) -> None:
    """Open the database key with both shares, seal it to the new keys, adopt these.

    Raises :class:`WrongPassword` or :class:`InputError`, and then nothing has changed. The
    answer is written before the keys are adopted: a crash between costs a repetition.
    """
    key = join_pair(first, second, hub.keys.hub_id)
    escrow, core = one.request.escrow, one.opened.core
    if escrow.kid != key.public.kid:
        raise InputError(
            "申请里的数据库密钥是用另一把恢复密钥封存的。", "请使用那一次生成的两份恢复密钥。"
        )
    db_key = recovery.open_escrow(escrow, key, hub.keys.hub_id, one.device.device)
    at = hub.clock.stamp()
    said = RecoverAnswer(
        v=PROTOCOL, hub_id=hub.keys.hub_id, device=one.device.device, request=core.package_id,
        db_key=db_key, grant=_grant(hub, one, at), at=at,
    )  # fmt: skip
    draft = CoreDraft(
        Kind.RECOVER_ANSWER, hub.keys.hub_id, hub.keys.hub_id, at,
        prereqs={"answers": core.package_id, **hub.keys.said(core.trust_version)},
        trust_version=hub.keys.version,
    )  # fmt: skip
    recovery.seal_answer(out, draft, said, SealPublic.from_bytes(one.request.seal_key), hub.keys.sign)
    if one.repeated:
        with hub.store.write() as connection:
            audit.note(connection, at, HUB_ACTOR.user, "recovery_repeated", _detail(one))
        return
    device = hub.device_keys.adopt(one.request.change, one.device)
    hub.device_keys.replace(device, core.exporter_key, one.request.seal_key, 0, 0, RECOVERED)
    found = hub.ledger.device(one.device.device)
    if found is None or found.sign != VerifyKey(core.exporter_key):
        raise HubRefused("这台设备的密钥刚刚被更换。", "请在那台电脑上重新生成申请。")
    with hub.store.write() as connection:
        audit.note(connection, at, HUB_ACTOR.user, "recovery", _detail(one))


def _grant(hub: Hub, one: Examined, at: str) -> Grant:
    with hub.store.read() as connection:
        user, name, roles, bureau = sql.execute(
            connection, 'SELECT id, name, roles, bureau FROM "user" WHERE account = ? AND "_deleted" = 0',
            (one.account,),
        ).fetchone()
        place = sql.fetch(connection, "bureau", ("name", "division"), [bureau])
        lease = lease_days(connection)
    trust = hub.keys.trust()
    return Grant(
        v=PROTOCOL, hub_id=trust.hub_id, hub_name=trust.name, epoch=hub.epoch,
        hub_sign_key=trust.sign.to_bytes(), hub_seal_key=trust.seal.to_bytes(), device=one.device.device,
        bureau=str(bureau), bureau_name=str(place[0][0]), division=str(place[0][1]), user=str(user),
        account=one.account, person=str(name), roles=str(roles).split(","), proof=b"", at=at,
        trust_version=trust.version, recovery_key=trust.recovery.to_bytes() if trust.recovery else b"",
        lease_days=lease,
    )  # fmt: skip


def _detail(one: Examined) -> str:
    return f"{one.device.device} {one.account} {one.fingerprint}"
