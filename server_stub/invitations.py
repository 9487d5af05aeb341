"""One-time codes as the hub keeps them: sealed, listed, cancelled.

The proof of an applicant can only be checked by who has the code, so it is kept, but
sealed to the hub's own key: the database alone enrols nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from server_stub.keys import HubKeys
from shared.access import HUB_ACTOR
from shared.errors import InputError, StoreError
from shared.store import audit, sql
from shared.store.store import Store

_MARK = "sealed:"
NAME_SHOWN = 8
"""So many characters of a code's name are shown, and are enough to cancel it."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One code that was issued.

    :param name: what it is looked up by; tells nothing about the code.
    :param state: ``open``, ``used``, ``cancelled`` or ``expired``.
    """

    name: str
    account: str
    person: str
    bureau: str
    issued_at: str
    expires_at: str
    state: str


def seal_code(code: str, name: str, keys: HubKeys) -> str:
    """As it stands in the database."""
    sealed = keys.seal.public.wrap(code.encode(), _info(name))
    return f"{_MARK}{keys.seal.kid}:{sealed.hex()}"


def open_code(kept: str, name: str, keys: HubKeys) -> str:
    """The code; one of an older version stands in clear until :func:`seal_old` was here."""
    if not kept.startswith(_MARK):
        return kept
    _, kid, sealed = kept.split(":")
    key = keys.opening.get(kid)
    if key is None:
        raise StoreError("登记码是用已经停用的中心密钥保存的。", "请重新签发登记码。")
    return key.unwrap(bytes.fromhex(sealed), _info(name)).decode()


def seal_old(store: Store, keys: HubKeys) -> None:
    """Seal what an older version has left in clear."""
    with store.read() as connection:
        rows = sql.execute(connection, "SELECT name, code FROM invite ORDER BY name").fetchall()
    clear = [(seal_code(code, name, keys), name) for name, code in rows if not code.startswith(_MARK)]
    if clear:
        with store.write() as connection:
            for sealed, name in clear:
                sql.execute(connection, "UPDATE invite SET code = ? WHERE name = ?", (sealed, name))


def issued(store: Store) -> list[Invitation]:
    """Every code, newest first."""
    now = store.clock.now().isoformat()
    with store.read() as connection:
        rows = sql.execute(
            connection,
            "SELECT i.name, u.account, u.name, b.name, i.issued_at, i.expires_at, i.used_by, i.cancelled_at"
            ' FROM invite i LEFT JOIN "user" u ON u.id = i."user" LEFT JOIN bureau b ON b.id = i.bureau'
            " ORDER BY i.expires_at DESC, i.name",
        ).fetchall()
    return [
        Invitation(r[0], str(r[1]), str(r[2]), str(r[3]), r[4], r[5], _state(r[6], r[7], r[5] < now))
        for r in rows
    ]


def cancel(store: Store, wanted: str) -> Invitation:
    """Withdraw an unused code, by account or by the beginning of its name; raises :class:`InputError`."""
    unused = [one for one in issued(store) if one.state == "open"]
    named = [one for one in unused if len(wanted) >= NAME_SHOWN and one.name.startswith(wanted)]
    found = named or [one for one in unused if one.account == wanted]
    if not found:
        raise InputError("没有这个尚未使用的登记码。", "请用 yizhan-hub invite list 查看。")
    if len(found) > 1:
        raise InputError("符合的登记码不止一个。", "请写登记码的编号，见 yizhan-hub invite list。")
    at = store.clock.stamp()
    with store.write() as connection:
        done = sql.execute(
            connection,
            "UPDATE invite SET cancelled_at = ? WHERE name = ? AND used_by = '' AND cancelled_at = ''",
            (at, found[0].name),
        )
        if done.rowcount != 1:
            raise InputError("这个登记码刚刚被使用。", "请核对新登记的设备，必要时吊销。")
        audit.note(connection, at, HUB_ACTOR.user, "invite_cancelled", found[0].name)
    return found[0]


def _state(used_by: str, cancelled_at: str, over: bool) -> str:
    if used_by:
        return "used"
    if cancelled_at:
        return "cancelled"
    return "expired" if over else "open"


def _info(name: str) -> bytes:
    return b"yizhan invite 1 " + name.encode()
