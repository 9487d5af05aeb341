"""After the hub's upgrade: what it did not know before comes in by itself (sync.md, Schema).

Change sets of a newer program wait in quarantine, kind ``unknown``; what followed them and
found something missing waits too. Both are tried again, in the order of their device.
"""

from __future__ import annotations

from server_stub.review import Review
from shared.store.facts import read_text, write_text
from shared.store.store import Store
from shared.upcasting import mark

_TRIED = "schema_tried"


def retry_unknown(store: Store, review: Review) -> None:
    """Try again what an older catalogue could not read; asked once per catalogue."""
    now = mark(store.types.values())
    with store.read() as connection:
        if read_text(connection, _TRIED) == now:
            return
    with store.write() as connection:
        store.take_turn(connection)
        if read_text(connection, _TRIED) == now:
            return  # another process of this hub has just done it
        review.retry(connection, ("unknown", "missing"))
        write_text(connection, _TRIED, now)
