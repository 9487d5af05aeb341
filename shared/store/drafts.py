"""Drafts (草稿): raw text in a local table that is never synchronized."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.store import sql


@dataclass(frozen=True, slots=True)
class Draft:
    """Unfinished input of one person."""

    id: str
    type_name: str
    title: str
    raw: dict[str, str]
    updated_at: str


def keep(
    connection: sa.Connection,
    draft_id: str,
    type_name: str,
    user: str,
    title: str,
    raw: dict[str, Any],
    at: str,
) -> None:
    """Write or overwrite a draft."""
    sql.execute(
        connection,
        'INSERT INTO draft (id, type, "user", title, raw, updated_at) VALUES (?, ?, ?, ?, ?, ?)'
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, raw = excluded.raw,"
        " updated_at = excluded.updated_at",
        (draft_id, type_name, user, title, json.dumps(raw, ensure_ascii=False), at),
    )


def listed(connection: sa.Connection, type_name: str, user: str) -> list[Draft]:
    """A person's drafts of one type, newest first."""
    rows = sql.execute(
        connection,
        'SELECT id, type, title, raw, updated_at FROM draft WHERE type = ? AND "user" = ?'
        " ORDER BY updated_at DESC",
        (type_name, user),
    )
    return [Draft(r[0], r[1], r[2], json.loads(r[3]), r[4]) for r in rows]


def drop(connection: sa.Connection, draft_id: str) -> None:
    """Forget a draft."""
    sql.execute(connection, "DELETE FROM draft WHERE id = ?", (draft_id,))


def counts(connection: sa.Connection, user: str) -> dict[str, int]:
    """How many drafts a person has, by type."""
    rows = sql.execute(
        connection, 'SELECT type, count(*) FROM draft WHERE "user" = ? GROUP BY type', (user,)
    )
    return {r[0]: r[1] for r in rows}
