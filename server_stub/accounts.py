"""Which accounts a device speaks for: the one it was enrolled for, and those an administrator put there."""

from __future__ import annotations

import sqlalchemy as sa

from shared.access import Actor, Role
from shared.errors import AccessDenied
from shared.ids import key_id
from shared.record import RecordType
from shared.store import sql
from shared.store.directory import subtree
from shared.store.incoming import Incoming
from shared.store.unit import Unit

TYPE = "seat_account"


def speaks_for(connection: sa.Connection, device: str, user: str) -> bool:
    """Whether the hub believes ``device`` what it says in the name of ``user``."""
    rows = sql.fetch(connection, TYPE, ("state", "_deleted"), [key_id(TYPE, [device, user])])
    if rows:
        return rows[0][0] == "active" and not rows[0][1]
    # enrolled before these records were kept: the invitation says for whom
    enrolled = sql.execute(
        connection, 'SELECT 1 FROM invite WHERE used_by = ? AND "user" = ?', (device, user)
    ).fetchone()
    return enrolled is not None


def first_account(unit: Unit, declared: RecordType, device: str, user: str, bureau: str, at: str) -> None:
    """The account a device is enrolled for."""
    row = {
        "device": device, "user": user, "bureau": bureau, "granted_by": None, "granted_at": at,
        "state": "active",
    }  # fmt: skip
    unit.insert(declared, [row], way="exchange", proven=True, provenance={"source_bureau": bureau})


def require(connection: sa.Connection, one: Incoming, actor: Actor) -> None:
    """Raise :class:`AccessDenied` unless ``actor`` administers both the device and the account.

    A change may only enter, move along or end such a record, never make it speak of another pair.
    """
    if one.declared.name != TYPE or actor.has(Role.HUB, Role.HUB_ADMIN):
        return
    names = [f.name for f in one.fields]
    if not {"device", "user"} <= set(names):
        rows = sql.fetch(connection, TYPE, ("device", "user"), one.ids)
        pairs = [(str(d), str(u)) for d, u in rows]
    else:
        at = dict(zip(names, one.columns, strict=True))
        pairs = [(str(d), str(u)) for d, u in zip(at["device"], at["user"], strict=True)]
        if [key_id(TYPE, list(pair)) for pair in pairs] != list(one.ids):
            raise AccessDenied("席位账号的编号与内容不符。", "请升级程序后重新办理。")
    below = subtree(connection, actor.bureau)
    for device, user in pairs:
        home = sql.execute(connection, "SELECT bureau FROM device_key WHERE device = ?", (device,)).fetchone()
        place = sql.fetch(connection, "user", ("bureau",), [user])
        if home is None or not place or home[0] not in below or place[0][0] not in below:
            raise AccessDenied(
                "只能在本单位及下级单位的设备上，为本单位及下级单位的人员添加账号。", "请联系中心管理员办理。"
            )
