"""Who a change says it is from, as the hub's own records know them."""

from __future__ import annotations

import sqlalchemy as sa

from server_stub import accounts
from shared.access import HUB_ACTOR, Actor, Role
from shared.errors import AccessDenied
from shared.store import directory, sql


class People:
    """Accounts and bureaus, read inside one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._actors: dict[tuple[str, str], Actor] = {}
        self._names: dict[str, str] = {}
        self._seats: dict[tuple[str, str], tuple[str, str]] = {}

    def actor(self, user: str, device: str) -> Actor:
        """The account behind ``user``; raises :class:`AccessDenied` when it may not act there.

        A device speaks only for accounts that were put on it, of its own bureau and the bureaus below it.
        """
        found = self._actors.get((user, device))
        if found is None:
            found = self._actors[user, device] = self._load(user, device)
        return found

    def waived(self, user: str, device: str) -> Actor:
        """The author of what a person released: the name stays, the rights are the decider's."""
        name, bureau = self.find(user)
        return Actor(user, name, bureau, frozenset({Role.HUB, Role.HUB_ADMIN}))

    def bureau_name(self, bureau: str) -> str:
        """Name of a bureau; ``""`` when unknown."""
        if bureau not in self._names:
            rows = sql.fetch(self._connection, "bureau", ("name",), [bureau])
            self._names[bureau] = str(rows[0][0]) if rows else ""
        return self._names[bureau]

    def subtree(self, bureau: str) -> frozenset[str]:
        """The bureau and all below it."""
        return directory.subtree(self._connection, bureau)

    def find(self, user: str) -> tuple[str, str]:
        """Name and bureau of an account, ``("中心", "")`` for the hub."""
        if user == HUB_ACTOR.user:
            return HUB_ACTOR.name, ""
        rows = sql.fetch(self._connection, "user", ("name", "bureau"), [user])
        return (str(rows[0][0]), str(rows[0][1] or "")) if rows else ("", "")

    def at_seat(self, user: str, device: str) -> tuple[str, str]:
        """Name of an account, and the bureau by which its device hears of it.

        That is its own, or the device's where the account belongs to another bureau by now.
        """
        if (user, device) not in self._seats:
            (name, bureau), home = self.find(user), self._home(device)
            kept = not home or bureau in self.subtree(home)
            self._seats[user, device] = (name, bureau if kept else home)
        return self._seats[user, device]

    def _home(self, device: str) -> str:
        row = sql.execute(
            self._connection, "SELECT bureau FROM device_key WHERE device = ?", (device,)
        ).fetchone()
        return str(row[0]) if row is not None else ""

    def _load(self, user: str, device: str) -> Actor:
        rows = sql.fetch(
            self._connection, "user", ("name", "bureau", "roles", "state", "_deleted"), [user]
        )
        if not rows:
            raise AccessDenied("变更集的提交人不在用户名录中。", "请中心管理员核对该账号。")
        name, bureau, roles, state, deleted = rows[0]
        if deleted or state != "active":
            raise AccessDenied(f"账号“{name}”已停用。", "请中心管理员核对该账号。")
        home, admin = sql.execute(
            self._connection, "SELECT bureau, admin FROM device_key WHERE device = ?", (device,)
        ).fetchone() or ("", 0)
        if bureau not in self.subtree(str(home)):
            raise AccessDenied(f"账号“{name}”不属于该设备所在的单位。", "请在本单位的设备上办理。")
        if not accounts.speaks_for(self._connection, device, user):
            raise AccessDenied(
                f"账号“{name}”没有登记在这台设备上。", "请单位管理员在该设备上添加这个账号，或核对该设备。"
            )
        granted = frozenset(str(roles or "").split(","))
        if not admin:  # a device speaks with its hub's rights only when it was enrolled for them
            granted -= {Role.HUB_ADMIN}
        return Actor(user, str(name), str(bureau), granted, self.subtree(str(bureau)))
