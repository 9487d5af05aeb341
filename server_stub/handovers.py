"""介质交接单 at the hub: it closes them, by whichever carrier the news of a delivery comes (ADR 0025).

A hand-over is closed when its package came in here; when its receiver's intake record of
that package did; or, without a time, when its own content came by another way. The change
travels down like any other, so nobody has to report that something arrived.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.store import sql
from shared.store.store import Store
from shared.types.hand_over import IN_ITSELF
from sync.layout import fingerprint_text
from sync.package import Verified

MOST = 500
RECENT = 200
"""So many of a bureau's latest intake records are looked at when something new came from it."""
_OPEN = "handed_over"
_LIVE = '"_deleted" = 0'


def close(
    store: Store, bureau: str, package: Verified, arrived: Collection[str], *, news: bool
) -> int:
    """What one package that came in settles; returns how many hand-overs that are.

    :param arrived: ids of the device's latest packages; :param news: it brought changes.
    """
    now = store.clock.stamp()

    def settled(connection: sa.Connection) -> dict[str, dict[str, object]]:
        found = _this(connection, package, now)
        if news:
            found |= _received(connection, bureau)
            found = _own(connection, bureau, arrived, now) | found
        return found

    with store.read() as connection:
        if not settled(connection):
            return 0
    with store.unit(HUB_ACTOR) as unit:  # looked at again: somebody may have closed or voided one meanwhile
        return unit.update_many(store.types["hand_over"], list(settled(unit.connection).items()), proven=True)


def _this(connection: sa.Connection, package: Verified, now: str) -> dict[str, dict[str, object]]:
    """Hand-overs of the very package; what it is called and how large it is, is now known."""
    rows = sql.execute(
        connection,
        f"SELECT id, fingerprint, arrived_at FROM hand_over WHERE package_id = ? AND {_LIVE}",
        (package.core.package_id,),
    ).fetchall()
    found: dict[str, dict[str, object]] = {}
    for record, fingerprint, at in rows:
        values: dict[str, object] = {} if at else {"state": "arrived", "arrived_at": now}
        if fingerprint == IN_ITSELF:
            values |= {"fingerprint": fingerprint_text(package.fingerprint), "bytes": package.size}
        if values:
            found[record] = values
    return found


def _received(connection: sa.Connection, bureau: str) -> dict[str, dict[str, object]]:
    """Hand-overs of packages that this bureau has noted as taken in: those of couriers to it."""
    rows = sql.execute(
        connection,
        "SELECT package_id, received_at FROM media_intake WHERE source_bureau = ? AND outcome IN ('1', '2')"
        f" AND package_id IS NOT NULL AND {_LIVE} ORDER BY received_at DESC LIMIT ?",
        (bureau, RECENT),
    ).fetchall()
    taken = {str(i): str(at) for i, at in rows}
    pg = sql.is_postgres(connection)
    found = sql.execute(
        connection,
        f"SELECT id, package_id FROM hand_over WHERE {sql.in_ids(pg, 'package_id')}"
        f" AND arrived_at IS NULL AND {_LIVE}",
        (sql.ids_parameter(pg, list(taken)),),
    )
    return {i: {"state": "arrived", "arrived_at": taken[str(p)]} for i, p in found}


def _own(
    connection: sa.Connection, bureau: str, arrived: Collection[str], now: str
) -> dict[str, dict[str, object]]:
    """Exports of this bureau whose content is here: their record is the last thing inside them."""
    rows = sql.execute(
        connection,
        "SELECT id, package_id, state, first_seq FROM hand_over WHERE state IN ('handed_over', 'lost')"
        f" AND source_bureau = ? AND {_LIVE} ORDER BY handed_at DESC LIMIT ?",
        (bureau, MOST),
    ).fetchall()
    found: dict[str, dict[str, object]] = {}
    for record, package_id, state, first in rows:
        if package_id in arrived:
            found[record] = {"state": "arrived", "arrived_at": now}
        elif state == _OPEN and first is not None:
            found[record] = {"state": "arrived"}
    return found


__all__ = ["close"]
