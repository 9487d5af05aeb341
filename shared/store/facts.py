"""Small facts of one database, by name: device identity, chain head, receipts' reach."""

from __future__ import annotations

import sqlalchemy as sa

from shared.store import sql


def read_fact(connection: sa.Connection, name: str) -> bytes | None:
    """A fact's value, or None."""
    row = sql.execute(connection, "SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def write_fact(connection: sa.Connection, name: str, value: bytes) -> None:
    """Set a fact."""
    sql.execute(
        connection,
        "INSERT INTO fact (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def read_text(connection: sa.Connection, name: str) -> str:
    """A fact as text; ``""`` when absent."""
    value = read_fact(connection, name)
    return value.decode() if value else ""


def write_text(connection: sa.Connection, name: str, value: str) -> None:
    """Set a fact to text."""
    write_fact(connection, name, value.encode())


def read_number(connection: sa.Connection, name: str) -> int:
    """A fact as a whole number; 0 when absent."""
    return int.from_bytes(read_fact(connection, name) or b"", "big")


def write_number(connection: sa.Connection, name: str, value: int) -> None:
    """Set a fact to a whole number (not negative)."""
    write_fact(connection, name, value.to_bytes(8, "big"))
