"""How a new installation gets its place: one-time code, request, grant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO

from server_stub import accounts
from server_stub.answers import lease_days
from server_stub.invitations import open_code, seal_code
from server_stub.invitees import Account, require_fit
from server_stub.keys import HubKeys
from shared.access import HUB_ACTOR
from shared.errors import HubRefused
from shared.store import audit, sql
from shared.store.store import Store
from shared.store.unit import Unit
from sync import messages, package
from sync.enrol import HUB_KEY, EnrolRequest, read_request
from sync.entries import Entry
from sync.layout import Core, Kind
from sync.messages import GRANT, PROTOCOL, Ask, Grant, Holding
from sync.package import CoreDraft
from sync.suite import SealPublic
from sync.trust import InviteCode

VALID_DAYS = 14
_DEVICE = re.compile(r"[0-9a-f]{32}")


class Enrolment:
    """Invitations and grants."""

    def __init__(self, store: Store, keys: HubKeys, epoch: str) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch

    def invite(self, person: Account) -> InviteCode:
        """Make the account if it is new, and a one-time code for one device.

        Raises :class:`InputError` for a person who is not fit for it, see :func:`require_fit`.
        """
        with self._store.unit(HUB_ACTOR) as unit:
            user = require_fit(unit.connection, person)
            if user is None:
                values = {
                    "account": person.account, "name": person.name, "bureau": person.bureau,
                    "roles": ",".join(person.roles), "state": "active",
                }
                user = unit.insert(
                    self._store.types["user"], [values], way="exchange",
                    provenance={"source_bureau": person.bureau},
                )[0]
            code = InviteCode.create(self._keys.sign.public.to_bytes())
            expires = (self._store.clock.now() + timedelta(days=VALID_DAYS)).isoformat()
            # The code itself is needed to check the proof; it is kept sealed to the hub's own key.
            sql.execute(
                unit.connection,
                "INSERT INTO invite (name, code, bureau, \"user\", expires_at, used_by, issued_at)"
                " VALUES (?, ?, ?, ?, ?, '', ?)",
                (
                    code.name, seal_code(code.text, code.name, self._keys), person.bureau, user, expires,
                    self._store.clock.stamp(),
                ),
            )
            at = self._store.clock.stamp()
            audit.note(unit.connection, at, HUB_ACTOR.user, "invite", f"{code.name} {person.bureau}")
        return code

    def grant(self, core: Core, out: BinaryIO) -> str:
        """Check a request and seal its grant; returns the device id.

        The same request again gets the same device and a fresh grant. Raises
        :class:`HubRefused` for a code that is unknown, used or out of date.
        """
        request = read_request(core)
        if not _DEVICE.fullmatch(request.device) or request.device == self._keys.hub_id:
            raise HubRefused("登记申请中的设备编号格式不对。", "请升级客户端后重新生成申请。")
        with self._store.unit(HUB_ACTOR) as unit:
            row = sql.execute(
                unit.connection,
                'SELECT code, bureau, "user", expires_at, used_by, cancelled_at FROM invite WHERE name = ?'
                + sql.held(unit.connection),  # it may be cancelled at this very moment
                (request.invite,),
            ).fetchone()
            if row is None:
                raise HubRefused("登记码不存在。", "请向中心管理员重新索取登记码。")
            sealed, bureau, user, expires, used_by, cancelled = row
            code = open_code(sealed, request.invite, self._keys)
            if cancelled and not used_by:
                raise HubRefused("登记码已作废。", "请向中心管理员重新索取登记码。")
            if used_by not in ("", request.device):
                raise HubRefused("登记码已被另一台设备使用。", "每个登记码只能用一次，请重新索取。")
            if expires < self._store.clock.stamp():
                raise HubRefused("登记码已过期。", "请向中心管理员重新索取登记码。")
            if not InviteCode(code).proves(request.proof, request.sign_key, request.seal_key):
                raise HubRefused("登记申请与登记码不符。", "请核对登记码后重新生成申请。")
            person = _row(unit.connection, "user", user, ("account", "name", "roles"))
            place = _row(unit.connection, "bureau", bureau, ("name", "division"))
            lease = lease_days(unit.connection)
            if not used_by and self._known(unit, request, bureau):
                self._again(unit, request, bureau, user)
            elif not used_by:
                self._admit(unit, request, bureau, user, person)
        grant = Grant(
            v=PROTOCOL,
            hub_id=self._keys.hub_id,
            hub_name=self._keys.name,
            epoch=self._epoch,
            hub_sign_key=self._keys.sign.public.to_bytes(),
            hub_seal_key=self._keys.seal.public.to_bytes(),
            device=request.device,
            bureau=bureau,
            bureau_name=place["name"],
            division=place["division"],
            user=user,
            account=person["account"],
            person=person["name"],
            roles=str(person["roles"]).split(","),
            proof=InviteCode(code).proof(
                self._keys.sign.public.to_bytes(), self._keys.seal.public.to_bytes()
            ),
            at=self._store.clock.stamp(),
            trust_version=self._keys.version,
            recovery_key=self._keys.recovery.to_bytes() if self._keys.recovery else b"",
            lease_days=lease,
        )
        root = next(one for one in self._keys.roots if InviteCode(code).pins(one))
        draft = CoreDraft(
            Kind.ENROL_GRANT,
            self._keys.hub_id,
            self._keys.hub_id,
            self._store.clock.stamp(),
            prereqs={HUB_KEY: root.hex(), **self._keys.since(root)},
            trust_version=self._keys.version,
        )
        entry = Entry(GRANT, {"grant": messages.encode(grant)})
        recipient = SealPublic.from_bytes(request.seal_key)
        package.seal(out, draft, [recipient], self._keys.sign, [entry])
        return request.device

    @staticmethod
    def _known(unit: Unit, request: EnrolRequest, bureau: str) -> bool:
        """Whether this very device is enrolled; raises when somebody else asks in its name."""
        row = sql.execute(
            unit.connection,
            "SELECT sign_key, bureau, state FROM device_key WHERE device = ?",
            (request.device,),
        ).fetchone()
        if row is not None and (bytes(row[0]), row[1], row[2]) != (request.sign_key, bureau, "active"):
            raise HubRefused(
                "这个设备编号已经登记过，与申请的密钥、单位或状态不符。",
                "请联系中心管理员核对这台设备的登记。",
            )
        return row is not None

    def _again(self, unit: Unit, request: EnrolRequest, bureau: str, user: str) -> None:
        """A further code for a device that is there: it speaks for this account too."""
        if not accounts.speaks_for(unit.connection, request.device, user):
            at = self._store.clock.stamp()
            accounts.first_account(unit, self._store.types[accounts.TYPE], request.device, user, bureau, at)
        sql.execute(
            unit.connection, "UPDATE invite SET used_by = ? WHERE name = ?", (request.device, request.invite)
        )

    def _admit(
        self, unit: Any, request: EnrolRequest, bureau: str, user: str, person: Mapping[str, Any]
    ) -> None:
        admin = int("hub_admin" in str(person["roles"]).split(","))
        sql.execute(
            unit.connection,
            "INSERT INTO device_key (device, bureau, sign_key, seal_key, admin, state)"
            " VALUES (?, ?, ?, ?, ?, 'active')",
            (request.device, bureau, request.sign_key, request.seal_key, admin),
        )
        sql.execute(
            unit.connection,
            "INSERT INTO device_reach (device, incarnation, contiguous_to, head, last_receipt)"
            " VALUES (?, 1, 0, ?, '')",
            (request.device, bytes(32)),
        )
        sql.execute(
            unit.connection, "UPDATE invite SET used_by = ? WHERE name = ?",
            (request.device, request.invite),
        )
        if request.snapshot:  # that is its first asking: a courier may bring its first load
            ask = Ask(v=PROTOCOL, incarnation=1, cursors={}, snapshot=Holding(request.snapshot))
            sql.execute(
                unit.connection,
                "INSERT INTO device_asked (device, ask, arrived, at, sets) VALUES (?, ?, '', ?, 0)",
                (request.device, messages.encode(ask), self._store.clock.stamp()),
            )
        unit.insert(
            self._store.types["device"],
            [{
                "id": request.device, "name": request.label, "bureau": bureau,
                "sign_key": request.sign_key.hex(), "seal_key": request.seal_key.hex(),
                "incarnation": 1, "state": "active", "enrolled_at": self._store.clock.stamp(),
                "last_seq": 0,
            }],
            way="exchange", proven=True, provenance={"source_bureau": bureau},
        )
        at = self._store.clock.stamp()
        accounts.first_account(unit, self._store.types[accounts.TYPE], request.device, user, bureau, at)
        detail = f"{request.device} {request.invite}"
        audit.note(unit.connection, at, HUB_ACTOR.user, "enrolled", detail)


def _row(connection: Any, table: str, record_id: str, names: tuple[str, ...]) -> dict[str, Any]:
    found = sql.fetch(connection, table, names, [record_id])
    return dict(zip(names, found[0], strict=True))


__all__ = ["Account", "Enrolment"]
