"""After the hub's upgrade: what it did not know before comes in by itself (sync.md, Schema).

Change sets of a newer program wait in quarantine, kind ``unknown``; what followed them and
found something missing waits too. Both are tried again, in the order of their device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store import sql
from shared.store.facts import read_text, write_text
from shared.store.store import Store
from shared.upcasting import mark

if TYPE_CHECKING:
    from server_stub.ledger import Ledger

_TRIED = "schema_tried"


def retry_unknown(store: Store, ledger: Ledger) -> int:
    """Try again what an older catalogue could not read; returns how many sets came in.

    Asked once per catalogue. Several processes may start together: a set that came in is not tried again.
    """
    now = mark(store.types.values())
    with store.read() as connection:
        if read_text(connection, _TRIED) == now:
            return 0
        rows = sql.execute(
            connection,
            "SELECT cs_id, kind FROM accepted_set WHERE status = 'quarantined'"
            " AND kind IN ('unknown', 'missing') ORDER BY device, incarnation, first",
        ).fetchall()
    came = 0
    if any(kind == "unknown" for _, kind in rows):
        came = sum(ledger.again(cs_id) for cs_id, _ in rows)
    with store.write() as connection:
        write_text(connection, _TRIED, now)
    return came
