"""The encrypted database of this installation, opened and brought up to date."""

from __future__ import annotations

from pathlib import Path

from shared.clock import Clock
from shared.store import swapping
from shared.store.held import replay_held
from shared.store.migrate import open_client_database
from shared.store.store import Store
from shared.types import catalog


def open_local(path: Path, key: bytes, clock: Clock) -> Store:
    """Open or create it; raises a :class:`StoreError` that says why it cannot be used."""
    swapping.recover(path)
    store = Store(open_client_database(path, key), catalog.ALL, clock)
    try:
        swapping.complete(store)
        replay_held(store)
    except BaseException:
        store.close()
        raise
    return store


def is_there(path: Path) -> bool:
    """Whether this installation has its database, also when exchanging it broke off."""
    swapping.recover(path)
    return path.exists()
