"""After the hub's upgrade: what it did not know before comes in by itself (sync.md, Schema).

Code tables that are new are loaded. Change sets of a newer program wait in quarantine, kind
``unknown``; what followed them and found something missing waits too. Both are tried again, in
the order of their device.
"""

from __future__ import annotations

from server_stub.lists import load_new_tables
from server_stub.review import Review
from shared.store.facts import read_text, write_text
from shared.store.store import Store
from shared.upcasting import mark

_TRIED = "schema_tried"


def catch_up(store: Store, review: Review) -> None:
    """Load what a newer catalogue needs, try again what an older one could not read; once per catalogue."""
    now = mark(store.types.values())
    with store.read() as connection:
        if read_text(connection, _TRIED) == now:
            return
    load_new_tables(store)
    with store.write() as connection:
        store.take_turn(connection)
        if read_text(connection, _TRIED) == now:
            return  # another process of this hub has just done it
        review.retry(connection, ("unknown", "missing"))
        write_text(connection, _TRIED, now)
