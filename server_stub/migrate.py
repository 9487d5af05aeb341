"""Opening the hub's database at the schema this program knows."""

from __future__ import annotations

from server_stub.tables import hub
from shared.store import tables
from shared.store.database import Database, open_url
from shared.types import catalog


def open_hub_database(url: str) -> Database:
    """Open and bring up to date."""
    database = open_url(url)
    tables.derive_all(catalog.ALL)
    with database.writer.begin() as connection:
        tables.records.create_all(connection)
        hub.create_all(connection)
    return database
