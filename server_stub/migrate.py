"""Opening the hub's database at the schema this program knows."""

from __future__ import annotations

from shared.store.database import Database, open_url
from shared.store.migrate import HUB, bring_up


def open_hub_database(url: str) -> Database:
    """Open and bring up to date; a SQLite hub gets its copy first, PostgreSQL has its own backups."""
    database = open_url(url)
    try:
        bring_up(database, HUB)
    except BaseException:
        database.close()
        raise
    return database
