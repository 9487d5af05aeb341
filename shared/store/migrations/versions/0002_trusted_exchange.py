"""trusted exchange"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = '0002'
down_revision = '0001'
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
    pass


def _client() -> None:
    op.create_table('audit',
    sa.Column('no', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('who', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_audit'))
    )
    op.create_table('carried_mail',
    sa.Column('package_id', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('bureau', sa.Text(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('created', sa.Text(), nullable=False),
    sa.Column('received_at', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('done_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('package_id', name=op.f('pk_carried_mail'))
    )


def _hub() -> None:
    op.create_table('audit',
    sa.Column('no', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('who', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_audit'))
    )
    op.create_table('device_asked',
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('ask', sa.LargeBinary(), nullable=False),
    sa.Column('arrived', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('sets', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('device', name=op.f('pk_device_asked'))
    )
    op.create_table('mail',
    sa.Column('package_id', sa.Text(), nullable=False),
    sa.Column('bureau', sa.Text(), nullable=False),
    sa.Column('about', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('package_id', name=op.f('pk_mail'))
    )
    with op.batch_alter_table('mail', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mail_about'), ['about'], unique=False)
