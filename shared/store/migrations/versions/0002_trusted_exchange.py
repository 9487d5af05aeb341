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
    op.create_table('attachment',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('record_type', sa.Text(), nullable=True),
    sa.Column('record_id', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('file_name', sa.Text(), nullable=True),
    sa.Column('media_type', sa.Text(), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.Text(), nullable=True),
    sa.Column('pieces', sa.BigInteger(), nullable=True),
    sa.Column('taken_at', sa.Text(), nullable=True),
    sa.Column('taken_by', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_attachment')),
    sa.UniqueConstraint('id', name=op.f('uq_attachment_id'))
    )
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        batch_op.create_index('ix_attachment_entity_id', ['entity_id'], unique=False)
        batch_op.create_index('ix_attachment_record_id', ['record_id'], unique=False)
        batch_op.create_index('ix_attachment_sha256', ['sha256'], unique=False)

    op.create_table('backup',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('made_at', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('changes', sa.BigInteger(), nullable=True),
    sa.Column('duration_ms', sa.BigInteger(), nullable=True),
    sa.Column('fingerprint', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_backup')),
    sa.UniqueConstraint('id', name=op.f('uq_backup_id'))
    )
    with op.batch_alter_table('backup', schema=None) as batch_op:
        batch_op.create_index('ix_backup_made_at', ['made_at'], unique=False)
        batch_op.create_index('ix_backup_outcome', ['outcome'], unique=False)

    op.create_table('hand_over',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('medium', sa.Text(), nullable=True),
    sa.Column('medium_kind', sa.Text(), nullable=True),
    sa.Column('medium_no', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('package_id', sa.Text(), nullable=True),
    sa.Column('fingerprint', sa.Text(), nullable=True),
    sa.Column('file_name', sa.Text(), nullable=True),
    sa.Column('sets', sa.BigInteger(), nullable=True),
    sa.Column('changes', sa.BigInteger(), nullable=True),
    sa.Column('bytes', sa.BigInteger(), nullable=True),
    sa.Column('first_seq', sa.BigInteger(), nullable=True),
    sa.Column('last_seq', sa.BigInteger(), nullable=True),
    sa.Column('again_of', sa.Text(), nullable=True),
    sa.Column('sent_from', sa.Text(), nullable=True),
    sa.Column('sent_to', sa.Text(), nullable=True),
    sa.Column('person', sa.Text(), nullable=True),
    sa.Column('handed_at', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('arrived_at', sa.Text(), nullable=True),
    sa.Column('lost_reason', sa.Text(), nullable=True),
    sa.Column('lost_at', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_hand_over')),
    sa.UniqueConstraint('id', name=op.f('uq_hand_over_id'))
    )
    with op.batch_alter_table('hand_over', schema=None) as batch_op:
        batch_op.create_index('ix_hand_over_handed_at', ['handed_at'], unique=False)
        batch_op.create_index('ix_hand_over_package_id', ['package_id'], unique=False)
        batch_op.create_index('ix_hand_over_state', ['state'], unique=False)

    op.create_table('held_set',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=True),
    sa.Column('device', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('persons', sa.Text(), nullable=True),
    sa.Column('incarnation', sa.BigInteger(), nullable=True),
    sa.Column('first', sa.BigInteger(), nullable=True),
    sa.Column('last', sa.BigInteger(), nullable=True),
    sa.Column('changes', sa.BigInteger(), nullable=True),
    sa.Column('cs_id', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('owner', sa.Text(), nullable=True),
    sa.Column('held_at', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('decision_note', sa.Text(), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_at', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_held_set')),
    sa.UniqueConstraint('id', name=op.f('uq_held_set_id'))
    )
    with op.batch_alter_table('held_set', schema=None) as batch_op:
        batch_op.create_index('ix_held_set_bureau', ['bureau'], unique=False)
        batch_op.create_index('ix_held_set_cs_id', ['cs_id'], unique=False)
        batch_op.create_index('ix_held_set_device', ['device'], unique=False)
        batch_op.create_index('ix_held_set_held_at', ['held_at'], unique=False)
        batch_op.create_index('ix_held_set_kind', ['kind'], unique=False)
        batch_op.create_index('ix_held_set_state', ['state'], unique=False)

    op.create_table('medium',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('capacity_gb', sa.BigInteger(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('keeper', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('state_reason', sa.Text(), nullable=True),
    sa.Column('state_at', sa.Text(), nullable=True),
    sa.Column('remark', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_medium')),
    sa.UniqueConstraint('id', name=op.f('uq_medium_id'))
    )
    with op.batch_alter_table('medium', schema=None) as batch_op:
        batch_op.create_index('ix_medium_bureau', ['bureau'], unique=False)
        batch_op.create_index('ix_medium_state', ['state'], unique=False)

    op.create_table('seat_account',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=True),
    sa.Column('user', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('granted_by', sa.Text(), nullable=True),
    sa.Column('granted_at', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_seat_account')),
    sa.UniqueConstraint('id', name=op.f('uq_seat_account_id'))
    )
    with op.batch_alter_table('seat_account', schema=None) as batch_op:
        batch_op.create_index('ix_seat_account_bureau', ['bureau'], unique=False)
        batch_op.create_index('ix_seat_account_device', ['device'], unique=False)
        batch_op.create_index('ix_seat_account_state', ['state'], unique=False)
        batch_op.create_index('ix_seat_account_user', ['user'], unique=False)

    op.create_table('seat_state',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('person', sa.Text(), nullable=True),
    sa.Column('last_contact_at', sa.Text(), nullable=True),
    sa.Column('carrier', sa.Text(), nullable=True),
    sa.Column('program', sa.Text(), nullable=True),
    sa.Column('ahead_minutes', sa.BigInteger(), nullable=True),
    sa.Column('pending', sa.BigInteger(), nullable=True),
    sa.Column('parked', sa.BigInteger(), nullable=True),
    sa.Column('quarantined', sa.BigInteger(), nullable=True),
    sa.Column('received_to', sa.BigInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_seat_state')),
    sa.UniqueConstraint('id', name=op.f('uq_seat_state_id'))
    )
    with op.batch_alter_table('seat_state', schema=None) as batch_op:
        batch_op.create_index('ix_seat_state_bureau', ['bureau'], unique=False)
        batch_op.create_index('ix_seat_state_device', ['device'], unique=False)
        batch_op.create_index('ix_seat_state_last_contact_at', ['last_contact_at'], unique=False)

    with op.batch_alter_table('conflict', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('other_id', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('base_value', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('base_person', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('base_bureau', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('base_at', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('base_ref', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('edits', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('decision', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('reason', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('explanation', sa.Text(), nullable=True))
        batch_op.create_index('ix_conflict_other_id', ['other_id'], unique=False)

    with op.batch_alter_table('external_unit', schema=None) as batch_op:
        batch_op.create_index('ix_external_unit_uscc_kind', ['uscc', 'kind'], unique=False)


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
    op.create_table('content',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('whole', sa.SmallInteger(), nullable=False),
    sa.Column('delivered', sa.SmallInteger(), nullable=False),
    sa.Column('asked', sa.SmallInteger(), nullable=False),
    sa.Column('wanted', sa.SmallInteger(), nullable=False),
    sa.Column('absent', sa.SmallInteger(), nullable=False),
    sa.Column('used_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_content'))
    )
    op.create_table('doubtful',
    sa.Column('type', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('record_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('type', 'record_id', name=op.f('pk_doubtful'))
    )
    op.create_table('incarnation',
    sa.Column('no', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('start', sa.BigInteger(), nullable=False),
    sa.Column('parent', sa.Integer(), nullable=False),
    sa.Column('parent_seq', sa.BigInteger(), nullable=False),
    sa.Column('parent_head', sa.LargeBinary(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('began_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_incarnation'))
    )
    op.create_table('leaving',
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('record_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('type', 'record_id', name=op.f('pk_leaving'))
    )
    op.create_table('load_tail',
    sa.Column('no', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_load_tail'))
    )
    op.create_table('piece',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('at_hub', sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', 'no', name=op.f('pk_piece'))
    )
    op.create_table('stream_tail',
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('last', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('first', sa.BigInteger(), nullable=False),
    sa.Column('epoch', sa.Text(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.Column('ids', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('stream', 'last', name=op.f('pk_stream_tail'))
    )
    with op.batch_alter_table('change_set', schema=None) as batch_op:
        batch_op.add_column(sa.Column('archived_at', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('incarnation', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('apart', sa.SmallInteger(), server_default='0', nullable=False))

    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_seat_state USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_held_set USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_attachment USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_medium USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_hand_over USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_backup USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")


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
    op.create_table('content',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('verified_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_content'))
    )
    op.create_table('device_asked',
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('ask', sa.LargeBinary(), nullable=False),
    sa.Column('arrived', sa.Text(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('sets', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('device', name=op.f('pk_device_asked'))
    )
    op.create_table('device_key_past',
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('sign_key', sa.LargeBinary(), nullable=False),
    sa.Column('seal_key', sa.LargeBinary(), nullable=False),
    sa.Column('until_incarnation', sa.Integer(), nullable=False),
    sa.Column('until_seq', sa.BigInteger(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('replaced_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('device', 'sign_key', name=op.f('pk_device_key_past'))
    )
    op.create_table('epoch',
    sa.Column('epoch', sa.Text(), nullable=False),
    sa.Column('before', sa.Text(), nullable=False),
    sa.Column('began_at', sa.Text(), nullable=False),
    sa.Column('incarnation', sa.Integer(), nullable=False),
    sa.Column('own_seq', sa.BigInteger(), nullable=False),
    sa.Column('backup', sa.Text(), nullable=False),
    sa.Column('backup_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', name=op.f('pk_epoch'))
    )
    op.create_table('epoch_fork',
    sa.Column('epoch', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('epoch', 'stream', name=op.f('pk_epoch_fork'))
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

    op.create_table('piece',
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('sha256', 'no', name=op.f('pk_piece'))
    )
    with op.batch_alter_table('accepted_set', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Text(), server_default='', nullable=False))

    with op.batch_alter_table('device_key', schema=None) as batch_op:
        batch_op.add_column(sa.Column('last_incarnation', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('last_seq', sa.BigInteger(), server_default='0', nullable=False))

    with op.batch_alter_table('device_reach', schema=None) as batch_op:
        batch_op.add_column(sa.Column('start', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('parent', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('parent_seq', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('parent_head', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('archived_to', sa.BigInteger(), server_default='0', nullable=False))

    with op.batch_alter_table('invite', schema=None) as batch_op:
        batch_op.add_column(sa.Column('issued_at', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('cancelled_at', sa.Text(), server_default='', nullable=False))
