"""Alembic's entry: upgrades run on the connection and in the transaction they are given.

``config.attributes``: ``connection``, and ``role`` (``"client"`` or ``"hub"``),
which the revisions ask for.
"""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
