"""Whom a one-time code is for: a new account with all that belongs to it, or the one that is there as it is.

An account that exists is never quietly put in another's place: whoever uses the code signs in as
that person, with that person's roles, and the hub believes a seat only for people of its own bureau
and the bureaus below it (see ``server_stub.people``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.access import Role
from shared.codes import Codes
from shared.errors import InputError
from shared.store import directory, sql
from shared.store.store import Store

ELSEWHERE = "席位只能放在本人的单位或它的上级单位；没有签发。"
_GRANTED = frozenset({Role.OFFICER, Role.BUREAU_ADMIN, Role.HUB_ADMIN})


@dataclass(frozen=True, slots=True)
class Account:
    """The account an invitation is for, and the bureau of the seat."""

    account: str
    name: str
    bureau: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invitee:
    """Whom the code is for.

    :param person: the account; ``bureau`` in it is the seat's.
    :param home: code and name of the person's own bureau; :param seat: those of the seat's.
    :param known: whether the account was there before: this is a further seat of that person.
    """

    person: Account
    home: directory.Place
    seat: directory.Place
    known: bool


def settle(store: Store, codes: Codes, account: str, bureau: str, name: str, roles: Sequence[str]) -> Invitee:
    """Who that is; raises :class:`InputError` when something is missing, or said otherwise than it stands.

    :param bureau: code of the seat's bureau; like ``name`` and ``roles`` empty where nothing was said.
    """
    with store.read() as connection:
        row = sql.execute(
            connection, 'SELECT id FROM "user" WHERE account = ? AND "_deleted" = 0', (account,)
        ).fetchone()
        seat = store.types["bureau"].id_for_key(bureau) if bureau else ""
        place = directory.bureau(connection, seat) if seat else None
        if seat and place is None:
            raise InputError(f"没有这个单位：“{bureau}”。", "请先用 yizhan-hub bureau add 登记单位。")
        if row is not None:
            return _known(connection, codes, account, str(row[0]), seat, name, roles)
    missing = [o for o, v in (("--bureau", bureau), ("--name", name), ("--role", roles)) if not v]
    if missing or place is None:
        raise InputError(
            f"账号 {account} 还没有，签发登记码要写明 {'、'.join(missing)}。",
            "用法见 yizhan-hub invite --help。",
        )
    return Invitee(Account(account, name, seat, tuple(roles)), place, place, known=False)


def _known(
    connection: sa.Connection, codes: Codes, account: str, user: str, seat: str, name: str,
    roles: Sequence[str],
) -> Invitee:  # fmt: skip
    person = directory.person(connection, user)
    home = directory.bureau(connection, person.bureau) if person is not None else None
    if person is None or home is None:
        raise InputError(f"账号 {account} 的单位不在单位名录中。", "请先登记该单位，或换一个账号。")
    titles = "、".join(codes.name("用户角色", r) for r in sorted(person.roles))
    stands = f"账号 {account} 已是 {home.name}（{home.code}）的 {person.name}（{titles}）"
    other = [
        word
        for word, differs in (
            ("--name", bool(name) and name != person.name),
            ("--role", bool(roles) and frozenset(roles) != person.roles),
        )
        if differs
    ]
    if other:
        raise InputError(
            f"{stands}，与所写的 {'、'.join(other)} 不同；没有签发。",
            "若为同一人，请去掉 --name、--role；若是另一人，请换一个账号。",
        )
    seat = seat or person.bureau
    if person.bureau not in directory.subtree(connection, seat):
        raise InputError(
            f"{stands}，{ELSEWHERE}",
            "若为同一人，请去掉 --bureau 或改写为本人的单位；若是另一人，请换一个账号。",
        )
    place = directory.bureau(connection, seat)
    assert place is not None  # looked up before, or the person's own
    kept = Account(account, person.name, seat, tuple(sorted(person.roles)))
    return Invitee(kept, home, place, known=True)


def require_fit(connection: sa.Connection, wanted: Account) -> str | None:
    """The id of the account a code may be issued for; None when it is to be made.

    Whoever invites comes through here. Raises :class:`InputError` for a seat where the person may not
    sit, an account that is not in use or is another person's, and one that could never do anything.
    """
    if not sql.fetch(connection, "bureau", ("id",), [wanted.bureau]):
        raise InputError("没有这个单位。", "请先用 yizhan-hub bureau add 登记单位。")
    row = sql.execute(
        connection, 'SELECT id FROM "user" WHERE account = ?', (wanted.account,)
    ).fetchone()
    if row is None:
        if not (wanted.account.strip() and wanted.name.strip() and wanted.roles):
            raise InputError("账号、姓名和角色都要写明；没有签发。", "请补全后再签发。")
        if unknown := sorted(set(wanted.roles) - _GRANTED):
            known = "、".join(sorted(_GRANTED))
            raise InputError(f"没有角色“{unknown[0]}”；没有签发。", f"可以是：{known}。")
        return None
    _stands(connection, str(row[0]), wanted)
    return str(row[0])


def _stands(connection: sa.Connection, user: str, wanted: Account) -> None:
    """The account is there: it must be in use, that person's, and fit the seat."""
    person = directory.person(connection, user)
    assert person is not None  # the row was just read
    home = directory.bureau(connection, person.bureau)
    who = f"账号 {wanted.account} 已是 {home.name if home else ''} 的 {person.name}"
    if not person.active:
        raise InputError(
            f"{who}，但已停用；没有签发。", "请先用 yizhan-hub user thaw 恢复这个账号，或换一个账号。"
        )
    if (wanted.name and wanted.name != person.name) or (
        wanted.roles and frozenset(wanted.roles) != person.roles
    ):
        raise InputError(
            f"{who}，与所写的姓名或角色不同；没有签发。",
            "若为同一人，请照已有的写；若是另一人，请换一个账号。",
        )
    if person.bureau not in directory.subtree(connection, wanted.bureau):
        raise InputError(
            f"{who}，{ELSEWHERE}", "若为同一人，请改写为本人的单位；若是另一人，请换一个账号。"
        )
