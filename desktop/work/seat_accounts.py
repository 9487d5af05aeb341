"""本机账号: who may sign in at this computer besides its first user, and who no more."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from desktop.work.keys import KnownAccount
from desktop.work.session import Session
from shared.access import Role
from shared.errors import AccessDenied, InputError
from shared.filters import Filter
from shared.ids import key_id
from shared.store import directory, sql

TYPE = "seat_account"


@dataclass(frozen=True, slots=True)
class Issued:
    """A one-time password, shown once.

    :param expires: until when it opens (ISO time).
    """

    account: str
    person: str
    bureau: str
    password: str
    expires: str
    seat: str


class SeatAccounts:
    """The use case behind 设置 › 本机账号."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def here(self) -> list[KnownAccount]:
        """Who can sign in at this computer."""
        return self._session.key_file.accounts()

    @property
    def may_manage(self) -> bool:
        """Whether the person may add and remove accounts here."""
        return self._session.actor.has(Role.BUREAU_ADMIN, Role.HUB_ADMIN)

    def candidates(self) -> list[tuple[str, str]]:
        """Active accounts that may be put on this computer: account, and who that is."""
        actor, records = self._session.actor, self._session.records
        known = {one.account for one in self.here()}
        allowed = {actor.bureau, *actor.bureaus}
        found = records.first(records.type("user"), Filter(order="account"), 500)
        return [
            (str(r.values["account"]), str(r.values["name"]))
            for r in found
            if r.values["state"] == "active"
            and (r.values["bureau"] in allowed or actor.has(Role.HUB_ADMIN))
            and r.values["account"] not in known
        ]

    def issue(self, account: str) -> Issued:
        """Put an account on this computer; raises :class:`AccessDenied` or :class:`InputError`.

        The record first: the hub must know the account before anything it does arrives.
        """
        session = self._session
        self._require()
        user, person, bureau = self._find(account.strip())
        now = session.store.clock.stamp()
        declared = session.store.types[TYPE]
        record_id = key_id(TYPE, [session.device, user])
        with session.store.read() as connection:
            seat = sql.fetch(connection, "device", ("name", "bureau"), [session.device])
            known = sql.fetch(connection, TYPE, ("state",), [record_id])
            place = directory.bureau(connection, bureau)
        grant = msgspec.structs.replace(
            session.grant, user=user, account=account.strip(), person=person, bureau=bureau,
            bureau_name=place.name if place else "", roles=[], proof=b"",
        )  # fmt: skip
        if any(one.account == grant.account and not one.expires for one in self.here()):
            raise InputError(f"账号“{grant.account}”已经可以在本机登录。", "忘记密码请在登录页办理找回。")
        with session.records.unit(initiator=TYPE) as unit:
            if not known:
                row = {
                    "device": session.device, "user": user,
                    "bureau": str(seat[0][1]) if seat else session.grant.bureau,
                    "granted_by": session.actor.user, "granted_at": now, "state": "active",
                }  # fmt: skip
                unit.insert(declared, [row])
            elif known[0][0] != "active":
                unit.update(declared, record_id, {"state": "active"})
        password, expires = session.key_file.issue(session.seat_keys.unlocked, grant)
        session.records.note("account_added", grant.account)
        return Issued(
            grant.account, person, grant.bureau_name, password, expires, str(seat[0][0]) if seat else ""
        )

    def remove(self, account: str) -> None:
        """The account opens nothing here any more, and the hub believes this computer for it no more."""
        session = self._session
        self._require()
        if account == session.grant.account:
            raise InputError("不能移除正在使用的账号。", "请由另一个账号登录后移除。")
        with session.store.read() as connection:
            row = sql.execute(
                connection, 'SELECT id FROM "user" WHERE account = ?', (account,)
            ).fetchone()
            record_id = key_id(TYPE, [session.device, str(row[0])]) if row else ""
            known = sql.fetch(connection, TYPE, ("state",), [record_id]) if row else []
        if known and known[0][0] == "active":
            with session.records.unit(initiator=TYPE) as unit:
                unit.update(session.store.types[TYPE], record_id, {"state": "removed"})
        session.key_file.remove(account)
        session.records.note("account_removed", account)

    # --- inside --------------------------------------------------------------
    def _require(self) -> None:
        if not self.may_manage:
            raise AccessDenied("只有单位管理员可以管理本机账号。", "请单位管理员在这台电脑上登录后办理。")

    def _find(self, account: str) -> tuple[str, str, str]:
        actor = self._session.actor
        with self._session.store.read() as connection:
            row = sql.execute(
                connection,
                'SELECT id, name, bureau, state FROM "user" WHERE account = ? AND "_deleted" = 0',
                (account,),
            ).fetchone()
        if row is None:
            raise InputError(f"没有账号“{account}”。", "请先由管理员在“用户”中登记，并同步一次。")
        if row[3] != "active":
            raise InputError(f"账号“{account}”已冻结。", "请先恢复这个账号。")
        if row[2] not in {actor.bureau, *actor.bureaus} and not actor.has(Role.HUB_ADMIN):
            raise AccessDenied("只能添加本单位及下级单位的账号。", "其他单位的账号请中心管理员办理。")
        return str(row[0]), str(row[1]), str(row[2])
