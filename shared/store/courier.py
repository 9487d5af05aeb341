"""Packages this installation carries for others, as its database keeps them; the bytes are files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.store import sql

TO_HUB, FROM_HUB = "to_hub", "from_hub"
WAITING, DELIVERED, REPLACED, REFUSED = "waiting", "delivered", "replaced", "refused"
_NAMES = (
    "package_id", "direction", "bureau", "audience", "kind", "fingerprint", "size", "created",
    "received_at", "state", "detail", "done_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Carried:
    """One sealed package of somebody else.

    :param direction: ``to_hub`` (came on a stick) or ``from_hub`` (to be written to one).
    :param bureau: whose it is; ``""`` where the cover does not tell.
    :param audience: key ids it is sealed to, joined by a comma.
    :param fingerprint: hex; :param created: when it was sealed; :param detail: where it went, or why not.
    """

    package_id: str
    direction: str
    bureau: str
    audience: str
    kind: str
    fingerprint: str
    size: int
    created: str
    received_at: str
    state: str = WAITING
    detail: str = ""
    done_at: str = ""


def keep(connection: sa.Connection, one: Carried) -> bool:
    """Note a package that is whole; False when it was known already."""
    if find(connection, one.package_id) is not None:
        return False
    values = tuple(getattr(one, name) for name in _NAMES)
    marks = ", ".join("?" * len(_NAMES))
    sql.execute(
        connection, f"INSERT INTO carried_mail ({', '.join(_NAMES)}) VALUES ({marks})", values
    )
    return True


def find(connection: sa.Connection, package_id: str) -> Carried | None:
    """One package."""
    row = sql.execute(
        connection, f"SELECT {', '.join(_NAMES)} FROM carried_mail WHERE package_id = ?", (package_id,)
    ).fetchone()
    return Carried(*row) if row else None


def every(connection: sa.Connection, limit: int = 500) -> list[Carried]:
    """All of them, newest first."""
    rows = sql.execute(
        connection,
        f"SELECT {', '.join(_NAMES)} FROM carried_mail ORDER BY received_at DESC, package_id LIMIT ?",
        (limit,),
    )
    return [Carried(*row) for row in rows]


def mark(connection: sa.Connection, package_ids: Sequence[str], state: str, detail: str, at: str) -> None:
    """What became of packages."""
    for package_id in package_ids:
        sql.execute(
            connection,
            "UPDATE carried_mail SET state = ?, detail = ?, done_at = ? WHERE package_id = ?",
            (state, detail, at, package_id),
        )


def forget(connection: sa.Connection, package_id: str) -> None:
    """Drop a line."""
    sql.execute(connection, "DELETE FROM carried_mail WHERE package_id = ?", (package_id,))
