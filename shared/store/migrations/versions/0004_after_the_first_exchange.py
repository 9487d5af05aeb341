"""after the first exchange"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = '0004'
down_revision = '0003'
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
    op.create_table('data_problem',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('record_type', sa.Text(), nullable=True),
    sa.Column('record_id', sa.Text(), nullable=True),
    sa.Column('business_on', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('field', sa.Text(), nullable=True),
    sa.Column('field_title', sa.Text(), nullable=True),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('provider', sa.Text(), nullable=True),
    sa.Column('due_on', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_by', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.Text(), nullable=True),
    sa.Column('decision_note', sa.Text(), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.Text(), nullable=True),
    sa.Column('source_bureau', sa.Text(), nullable=True),
    sa.Column('entered_at', sa.Text(), nullable=True),
    sa.Column('entered_by', sa.Text(), nullable=True),
    sa.Column('entry_way', sa.Text(), nullable=True),
    sa.Column('_w', sa.BigInteger(), nullable=False),
    sa.Column('_fw', sa.LargeBinary(), nullable=True),
    sa.Column('_tag', sa.BigInteger(), nullable=False),
    sa.Column('_hlc', sa.BigInteger(), nullable=False),
    sa.Column('_n', sa.BigInteger(), server_default='1', nullable=False),
    sa.Column('_deleted', sa.SmallInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_data_problem')),
    sa.UniqueConstraint('id', name=op.f('uq_data_problem_id'))
    )
    with op.batch_alter_table('data_problem', schema=None) as batch_op:
        batch_op.create_index('ix_data_problem_due_on', ['due_on'], unique=False)
        batch_op.create_index('ix_data_problem_kind', ['kind'], unique=False)
        batch_op.create_index('ix_data_problem_provider', ['provider'], unique=False)
        batch_op.create_index('ix_data_problem_record_id', ['record_id'], unique=False)
        batch_op.create_index('ix_data_problem_record_type', ['record_type'], unique=False)
        batch_op.create_index('ix_data_problem_state', ['state'], unique=False)

    with op.batch_alter_table('conflict', schema=None) as batch_op:
        batch_op.create_index('ix_conflict_ours_ref', ['ours_ref'], unique=False)
        batch_op.create_index('ix_conflict_theirs_ref', ['theirs_ref'], unique=False)

    with op.batch_alter_table('exchange', schema=None) as batch_op:
        batch_op.create_index('ix_exchange_fingerprint', ['fingerprint'], unique=False)


def _client() -> None:
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_data_problem USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")


def _hub() -> None:
    pass
