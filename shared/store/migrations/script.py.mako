"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Record tables everywhere, then what only a client or only a hub has."""
    _records()
    if context.config.attributes["role"] == "client":
        _client()
    else:
        _hub()


def _records() -> None:
${records}


def _client() -> None:
${client}


def _hub() -> None:
${hub}
