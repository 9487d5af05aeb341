"""The encrypted database of this installation, opened and brought up to date."""

from __future__ import annotations

from pathlib import Path

from shared.clock import Clock
from shared.store.migrate import open_client_database
from shared.store.store import Store
from shared.types import catalog


def open_local(path: Path, key: bytes, clock: Clock) -> Store:
    """Open or create it; raises a :class:`StoreError` that says why it cannot be used."""
    return Store(open_client_database(path, key), catalog.ALL, clock)
