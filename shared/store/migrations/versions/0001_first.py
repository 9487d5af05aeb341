"""first"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = '0001'
down_revision = None
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
    op.create_table('alert',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('entity_name', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('origin', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('raised_on', sa.Text(), nullable=True),
    sa.Column('valid_to', sa.Text(), nullable=True),
    sa.Column('measures', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('response', sa.Text(), nullable=True),
    sa.Column('answered_on', sa.Text(), nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_alert')),
    sa.UniqueConstraint('id', name=op.f('uq_alert_id'))
    )
    op.create_index('ix_alert_entity_id', 'alert', ['entity_id'], unique=False)
    op.create_index('ix_alert_kind', 'alert', ['kind'], unique=False)
    op.create_index('ix_alert_raised_on', 'alert', ['raised_on'], unique=False)
    op.create_index('ix_alert_state', 'alert', ['state'], unique=False)
    op.create_index('ix_alert_uscc', 'alert', ['uscc'], unique=False)
    op.create_table('approval_item',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('tier', sa.Text(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=True),
    sa.Column('applies_to', sa.Text(), nullable=True),
    sa.Column('process', sa.Text(), nullable=True),
    sa.Column('retired', sa.SmallInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_approval_item')),
    sa.UniqueConstraint('id', name=op.f('uq_approval_item_id'))
    )
    op.create_table('bureau',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('division', sa.Text(), nullable=True),
    sa.Column('duties', sa.Text(), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('leader', sa.Text(), nullable=True),
    sa.Column('liaison', sa.Text(), nullable=True),
    sa.Column('system_officer', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_bureau')),
    sa.UniqueConstraint('id', name=op.f('uq_bureau_id'))
    )
    op.create_table('claim',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('claimed_on', sa.Text(), nullable=True),
    sa.Column('claimed_by', sa.Text(), nullable=True),
    sa.Column('way', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('return_reason', sa.Text(), nullable=True),
    sa.Column('returned_on', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_claim')),
    sa.UniqueConstraint('id', name=op.f('uq_claim_id'))
    )
    op.create_index('ix_claim_bureau', 'claim', ['bureau'], unique=False)
    op.create_index('ix_claim_entity_id', 'claim', ['entity_id'], unique=False)
    op.create_index('ix_claim_state', 'claim', ['state'], unique=False)
    op.create_table('code_item',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('table_name', sa.Text(), nullable=True),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('short_name', sa.Text(), nullable=True),
    sa.Column('order_no', sa.BigInteger(), nullable=True),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('verified', sa.Text(), nullable=True),
    sa.Column('since_version', sa.BigInteger(), nullable=True),
    sa.Column('retired_version', sa.BigInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_code_item')),
    sa.UniqueConstraint('id', name=op.f('uq_code_item_id'))
    )
    op.create_index('ix_code_item_table_name', 'code_item', ['table_name'], unique=False)
    op.create_table('code_table',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('version', sa.BigInteger(), nullable=True),
    sa.Column('source', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_code_table')),
    sa.UniqueConstraint('id', name=op.f('uq_code_table_id'))
    )
    op.create_table('conflict',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('record_type', sa.Text(), nullable=True),
    sa.Column('record_id', sa.Text(), nullable=True),
    sa.Column('field', sa.Text(), nullable=True),
    sa.Column('field_title', sa.Text(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('ours_value', sa.Text(), nullable=True),
    sa.Column('ours_person', sa.Text(), nullable=True),
    sa.Column('ours_bureau', sa.Text(), nullable=True),
    sa.Column('ours_at', sa.Text(), nullable=True),
    sa.Column('ours_ref', sa.Text(), nullable=True),
    sa.Column('theirs_value', sa.Text(), nullable=True),
    sa.Column('theirs_person', sa.Text(), nullable=True),
    sa.Column('theirs_bureau', sa.Text(), nullable=True),
    sa.Column('theirs_at', sa.Text(), nullable=True),
    sa.Column('theirs_ref', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.Column('resolved_by', sa.Text(), nullable=True),
    sa.Column('resolved_at', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_conflict')),
    sa.UniqueConstraint('id', name=op.f('uq_conflict_id'))
    )
    op.create_index('ix_conflict_record_id', 'conflict', ['record_id'], unique=False)
    op.create_index('ix_conflict_record_type', 'conflict', ['record_type'], unique=False)
    op.create_index('ix_conflict_state', 'conflict', ['state'], unique=False)
    op.create_table('device',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('sign_key', sa.Text(), nullable=True),
    sa.Column('seal_key', sa.Text(), nullable=True),
    sa.Column('incarnation', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('last_seq', sa.BigInteger(), nullable=True),
    sa.Column('enrolled_at', sa.Text(), nullable=True),
    sa.Column('revoked_at', sa.Text(), nullable=True),
    sa.Column('revoke_reason', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_device')),
    sa.UniqueConstraint('id', name=op.f('uq_device_id'))
    )
    op.create_index('ix_device_bureau', 'device', ['bureau'], unique=False)
    op.create_index('ix_device_state', 'device', ['state'], unique=False)
    op.create_table('exchange',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('person', sa.Text(), nullable=True),
    sa.Column('carrier', sa.Text(), nullable=True),
    sa.Column('direction', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('package_id', sa.Text(), nullable=True),
    sa.Column('fingerprint', sa.Text(), nullable=True),
    sa.Column('sets', sa.BigInteger(), nullable=True),
    sa.Column('changes', sa.BigInteger(), nullable=True),
    sa.Column('bytes', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('started_at', sa.Text(), nullable=True),
    sa.Column('duration_ms', sa.BigInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_exchange')),
    sa.UniqueConstraint('id', name=op.f('uq_exchange_id'))
    )
    op.create_index('ix_exchange_bureau', 'exchange', ['bureau'], unique=False)
    op.create_index('ix_exchange_carrier', 'exchange', ['carrier'], unique=False)
    op.create_index('ix_exchange_device', 'exchange', ['device'], unique=False)
    op.create_index('ix_exchange_outcome', 'exchange', ['outcome'], unique=False)
    op.create_index('ix_exchange_started_at', 'exchange', ['started_at'], unique=False)
    op.create_table('external_unit',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('qualification', sa.Text(), nullable=True),
    sa.Column('qualified_until', sa.Text(), nullable=True),
    sa.Column('abilities', sa.Text(), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('contact', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_external_unit')),
    sa.UniqueConstraint('id', name=op.f('uq_external_unit_id'))
    )
    op.create_index('ix_external_unit_kind', 'external_unit', ['kind'], unique=False)
    op.create_table('inspection',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Text(), nullable=True),
    sa.Column('task_id', sa.Text(), nullable=True),
    sa.Column('mode', sa.Text(), nullable=True),
    sa.Column('place', sa.Text(), nullable=True),
    sa.Column('started_at', sa.Text(), nullable=True),
    sa.Column('ended_at', sa.Text(), nullable=True),
    sa.Column('officers', sa.Text(), nullable=True),
    sa.Column('witness', sa.Text(), nullable=True),
    sa.Column('resources', sa.Text(), nullable=True),
    sa.Column('findings', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('disposition', sa.Text(), nullable=True),
    sa.Column('disposition_note', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_inspection')),
    sa.UniqueConstraint('id', name=op.f('uq_inspection_id'))
    )
    op.create_index('ix_inspection_entity_id', 'inspection', ['entity_id'], unique=False)
    op.create_index('ix_inspection_result', 'inspection', ['result'], unique=False)
    op.create_index('ix_inspection_started_at', 'inspection', ['started_at'], unique=False)
    op.create_index('ix_inspection_state', 'inspection', ['state'], unique=False)
    op.create_index('ix_inspection_task_id', 'inspection', ['task_id'], unique=False)
    op.create_table('licence_catalogue_item',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=True),
    sa.Column('industry', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('authorities', sa.Text(), nullable=True),
    sa.Column('scope_wording', sa.Text(), nullable=True),
    sa.Column('authorities_original', sa.Text(), nullable=True),
    sa.Column('scope_original', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_licence_catalogue_item')),
    sa.UniqueConstraint('id', name=op.f('uq_licence_catalogue_item_id'))
    )
    op.create_index('ix_licence_catalogue_item_industry', 'licence_catalogue_item', ['industry'], unique=False)
    op.create_table('market_entity',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('entity_type', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('legal_person', sa.Text(), nullable=True),
    sa.Column('legal_person_id', sa.Text(), nullable=True),
    sa.Column('registered_capital', sa.BigInteger(), nullable=True),
    sa.Column('established_on', sa.Text(), nullable=True),
    sa.Column('industry', sa.Text(), nullable=True),
    sa.Column('division', sa.Text(), nullable=True),
    sa.Column('street', sa.Text(), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('scope', sa.Text(), nullable=True),
    sa.Column('registry_office', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('registration_no', sa.Text(), nullable=True),
    sa.Column('revoked_on', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_market_entity')),
    sa.UniqueConstraint('id', name=op.f('uq_market_entity_id'))
    )
    op.create_index('ix_market_entity_division', 'market_entity', ['division'], unique=False)
    op.create_index('ix_market_entity_industry', 'market_entity', ['industry'], unique=False)
    op.create_index('ix_market_entity_status', 'market_entity', ['status'], unique=False)
    op.create_table('media_intake',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('media_kind', sa.Text(), nullable=True),
    sa.Column('media_no', sa.Text(), nullable=True),
    sa.Column('sent_from', sa.Text(), nullable=True),
    sa.Column('sent_to', sa.Text(), nullable=True),
    sa.Column('package_id', sa.Text(), nullable=True),
    sa.Column('fingerprint', sa.Text(), nullable=True),
    sa.Column('sets', sa.BigInteger(), nullable=True),
    sa.Column('changes', sa.BigInteger(), nullable=True),
    sa.Column('applied', sa.BigInteger(), nullable=True),
    sa.Column('refused', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('analysis', sa.Text(), nullable=True),
    sa.Column('handled_by', sa.Text(), nullable=True),
    sa.Column('received_at', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_media_intake')),
    sa.UniqueConstraint('id', name=op.f('uq_media_intake_id'))
    )
    op.create_index('ix_media_intake_received_at', 'media_intake', ['received_at'], unique=False)
    op.create_table('officer',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('certificate_no', sa.Text(), nullable=True),
    sa.Column('certificate_expires', sa.Text(), nullable=True),
    sa.Column('government_no', sa.Text(), nullable=True),
    sa.Column('government_expires', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('position', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('internal_no', sa.Text(), nullable=True),
    sa.Column('staff_no', sa.Text(), nullable=True),
    sa.Column('sex', sa.Text(), nullable=True),
    sa.Column('id_number', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('education', sa.Text(), nullable=True),
    sa.Column('post', sa.Text(), nullable=True),
    sa.Column('post_since', sa.Text(), nullable=True),
    sa.Column('area', sa.Text(), nullable=True),
    sa.Column('qualification', sa.Text(), nullable=True),
    sa.Column('is_expert', sa.SmallInteger(), nullable=True),
    sa.Column('item_scope', sa.Text(), nullable=True),
    sa.Column('user', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_officer')),
    sa.UniqueConstraint('id', name=op.f('uq_officer_id'))
    )
    op.create_index('ix_officer_bureau', 'officer', ['bureau'], unique=False)
    op.create_index('ix_officer_certificate_no', 'officer', ['certificate_no'], unique=False)
    op.create_index('ix_officer_status', 'officer', ['status'], unique=False)
    op.create_table('other_information',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('entity_name', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('document_no', sa.Text(), nullable=True),
    sa.Column('authority', sa.Text(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=True),
    sa.Column('occurred_on', sa.Text(), nullable=True),
    sa.Column('valid_from', sa.Text(), nullable=True),
    sa.Column('valid_to', sa.Text(), nullable=True),
    sa.Column('remark', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_other_information')),
    sa.UniqueConstraint('id', name=op.f('uq_other_information_id'))
    )
    op.create_index('ix_other_information_entity_id', 'other_information', ['entity_id'], unique=False)
    op.create_index('ix_other_information_kind', 'other_information', ['kind'], unique=False)
    op.create_index('ix_other_information_occurred_on', 'other_information', ['occurred_on'], unique=False)
    op.create_index('ix_other_information_uscc', 'other_information', ['uscc'], unique=False)
    op.create_table('penalty',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('party_name', sa.Text(), nullable=True),
    sa.Column('party_kind', sa.Text(), nullable=True),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('registration_no', sa.Text(), nullable=True),
    sa.Column('org_code', sa.Text(), nullable=True),
    sa.Column('tax_no', sa.Text(), nullable=True),
    sa.Column('institution_no', sa.Text(), nullable=True),
    sa.Column('association_no', sa.Text(), nullable=True),
    sa.Column('legal_person', sa.Text(), nullable=True),
    sa.Column('legal_person_id_type', sa.Text(), nullable=True),
    sa.Column('legal_person_id', sa.Text(), nullable=True),
    sa.Column('person_id_type', sa.Text(), nullable=True),
    sa.Column('person_id', sa.Text(), nullable=True),
    sa.Column('document_no', sa.Text(), nullable=True),
    sa.Column('offence', sa.Text(), nullable=True),
    sa.Column('facts', sa.Text(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=True),
    sa.Column('categories', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('fine', sa.BigInteger(), nullable=True),
    sa.Column('confiscated', sa.BigInteger(), nullable=True),
    sa.Column('withheld_licence', sa.Text(), nullable=True),
    sa.Column('decided_on', sa.Text(), nullable=True),
    sa.Column('valid_to', sa.Text(), nullable=True),
    sa.Column('published_until', sa.Text(), nullable=True),
    sa.Column('authority', sa.Text(), nullable=True),
    sa.Column('authority_uscc', sa.Text(), nullable=True),
    sa.Column('data_source', sa.Text(), nullable=True),
    sa.Column('data_source_uscc', sa.Text(), nullable=True),
    sa.Column('remark', sa.Text(), nullable=True),
    sa.Column('item', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_penalty')),
    sa.UniqueConstraint('id', name=op.f('uq_penalty_id'))
    )
    op.create_index('ix_penalty_authority_uscc_document_no_party_name', 'penalty', ['authority_uscc', 'document_no', 'party_name'], unique=False)
    op.create_index('ix_penalty_decided_on', 'penalty', ['decided_on'], unique=False)
    op.create_index('ix_penalty_entity_id', 'penalty', ['entity_id'], unique=False)
    op.create_index('ix_penalty_item', 'penalty', ['item'], unique=False)
    op.create_index('ix_penalty_uscc', 'penalty', ['uscc'], unique=False)
    op.create_table('penalty_item',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('categories', sa.Text(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=True),
    sa.Column('applies_to', sa.Text(), nullable=True),
    sa.Column('process', sa.Text(), nullable=True),
    sa.Column('retired', sa.SmallInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_penalty_item')),
    sa.UniqueConstraint('id', name=op.f('uq_penalty_item_id'))
    )
    op.create_table('permit',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('party_name', sa.Text(), nullable=True),
    sa.Column('party_kind', sa.Text(), nullable=True),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('registration_no', sa.Text(), nullable=True),
    sa.Column('org_code', sa.Text(), nullable=True),
    sa.Column('tax_no', sa.Text(), nullable=True),
    sa.Column('institution_no', sa.Text(), nullable=True),
    sa.Column('association_no', sa.Text(), nullable=True),
    sa.Column('legal_person', sa.Text(), nullable=True),
    sa.Column('legal_person_id_type', sa.Text(), nullable=True),
    sa.Column('legal_person_id', sa.Text(), nullable=True),
    sa.Column('person_id_type', sa.Text(), nullable=True),
    sa.Column('person_id', sa.Text(), nullable=True),
    sa.Column('document_name', sa.Text(), nullable=True),
    sa.Column('document_no', sa.Text(), nullable=True),
    sa.Column('category', sa.Text(), nullable=True),
    sa.Column('licence_name', sa.Text(), nullable=True),
    sa.Column('licence_no', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('decided_on', sa.Text(), nullable=True),
    sa.Column('valid_from', sa.Text(), nullable=True),
    sa.Column('valid_to', sa.Text(), nullable=True),
    sa.Column('authority', sa.Text(), nullable=True),
    sa.Column('authority_uscc', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('data_source', sa.Text(), nullable=True),
    sa.Column('data_source_uscc', sa.Text(), nullable=True),
    sa.Column('remark', sa.Text(), nullable=True),
    sa.Column('item', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_permit')),
    sa.UniqueConstraint('id', name=op.f('uq_permit_id'))
    )
    op.create_index('ix_permit_authority_uscc_document_no_party_name_item', 'permit', ['authority_uscc', 'document_no', 'party_name', 'item'], unique=False)
    op.create_index('ix_permit_decided_on', 'permit', ['decided_on'], unique=False)
    op.create_index('ix_permit_entity_id', 'permit', ['entity_id'], unique=False)
    op.create_index('ix_permit_item', 'permit', ['item'], unique=False)
    op.create_index('ix_permit_uscc', 'permit', ['uscc'], unique=False)
    op.create_index('ix_permit_valid_to', 'permit', ['valid_to'], unique=False)
    op.create_table('sanction',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('party_kind', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('registration_no', sa.Text(), nullable=True),
    sa.Column('person_id_type', sa.Text(), nullable=True),
    sa.Column('person_id', sa.Text(), nullable=True),
    sa.Column('person_role', sa.Text(), nullable=True),
    sa.Column('breach', sa.Text(), nullable=True),
    sa.Column('place', sa.Text(), nullable=True),
    sa.Column('occurred_on', sa.Text(), nullable=True),
    sa.Column('details', sa.Text(), nullable=True),
    sa.Column('measures', sa.Text(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=True),
    sa.Column('valid_from', sa.Text(), nullable=True),
    sa.Column('valid_to', sa.Text(), nullable=True),
    sa.Column('authority', sa.Text(), nullable=True),
    sa.Column('authority_department', sa.Text(), nullable=True),
    sa.Column('receivers', sa.Text(), nullable=True),
    sa.Column('contact', sa.Text(), nullable=True),
    sa.Column('contact_phone', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('lift_reason', sa.Text(), nullable=True),
    sa.Column('lifted_on', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_sanction')),
    sa.UniqueConstraint('id', name=op.f('uq_sanction_id'))
    )
    op.create_index('ix_sanction_entity_id', 'sanction', ['entity_id'], unique=False)
    op.create_index('ix_sanction_state', 'sanction', ['state'], unique=False)
    op.create_index('ix_sanction_uscc', 'sanction', ['uscc'], unique=False)
    op.create_index('ix_sanction_valid_to', 'sanction', ['valid_to'], unique=False)
    op.create_table('supervision',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('entity_name', sa.Text(), nullable=True),
    sa.Column('matter', sa.Text(), nullable=True),
    sa.Column('item', sa.Text(), nullable=True),
    sa.Column('method', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('officers', sa.Text(), nullable=True),
    sa.Column('acted_on', sa.Text(), nullable=True),
    sa.Column('task', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('findings', sa.Text(), nullable=True),
    sa.Column('handling', sa.Text(), nullable=True),
    sa.Column('remark', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_supervision')),
    sa.UniqueConstraint('id', name=op.f('uq_supervision_id'))
    )
    op.create_index('ix_supervision_acted_on', 'supervision', ['acted_on'], unique=False)
    op.create_index('ix_supervision_entity_id', 'supervision', ['entity_id'], unique=False)
    op.create_index('ix_supervision_uscc', 'supervision', ['uscc'], unique=False)
    op.create_table('supervision_item',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('department', sa.Text(), nullable=True),
    sa.Column('matter', sa.Text(), nullable=True),
    sa.Column('object_kind', sa.Text(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=True),
    sa.Column('applies_to', sa.Text(), nullable=True),
    sa.Column('methods', sa.Text(), nullable=True),
    sa.Column('process', sa.Text(), nullable=True),
    sa.Column('retired', sa.SmallInteger(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_supervision_item')),
    sa.UniqueConstraint('id', name=op.f('uq_supervision_item_id'))
    )
    op.create_table('task',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('entity_id', sa.Text(), nullable=True),
    sa.Column('item', sa.Text(), nullable=True),
    sa.Column('items', sa.Text(), nullable=True),
    sa.Column('requirements', sa.Text(), nullable=True),
    sa.Column('urgency', sa.Text(), nullable=True),
    sa.Column('remind_on', sa.Text(), nullable=True),
    sa.Column('warn_on', sa.Text(), nullable=True),
    sa.Column('due_on', sa.Text(), nullable=True),
    sa.Column('assignee', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('return_reason', sa.Text(), nullable=True),
    sa.Column('inspection', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_task')),
    sa.UniqueConstraint('id', name=op.f('uq_task_id'))
    )
    op.create_index('ix_task_assignee', 'task', ['assignee'], unique=False)
    op.create_index('ix_task_due_on', 'task', ['due_on'], unique=False)
    op.create_index('ix_task_entity_id', 'task', ['entity_id'], unique=False)
    op.create_index('ix_task_state', 'task', ['state'], unique=False)
    op.create_table('user',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('bureau', sa.Text(), nullable=True),
    sa.Column('roles', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_user')),
    sa.UniqueConstraint('id', name=op.f('uq_user_id'))
    )
    op.create_index('ix_user_account', 'user', ['account'], unique=False)
    op.create_index('ix_user_bureau', 'user', ['bureau'], unique=False)
    op.create_index('ix_user_state', 'user', ['state'], unique=False)
    op.create_table('verification',
    sa.Column('rid', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Text(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('purpose', sa.Text(), nullable=True),
    sa.Column('verified_by', sa.Text(), nullable=True),
    sa.Column('verified_at', sa.Text(), nullable=True),
    sa.Column('conclusion', sa.Text(), nullable=True),
    sa.Column('data_until', sa.Text(), nullable=True),
    sa.Column('scope_text', sa.Text(), nullable=True),
    sa.Column('data_version', sa.Text(), nullable=True),
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
    sa.PrimaryKeyConstraint('rid', name=op.f('pk_verification')),
    sa.UniqueConstraint('id', name=op.f('uq_verification_id'))
    )
    op.create_index('ix_verification_entity_id', 'verification', ['entity_id'], unique=False)
    op.create_index('ix_verification_verified_at', 'verification', ['verified_at'], unique=False)


def _client() -> None:
    op.create_table('change_set',
    sa.Column('cs_id', sa.Text(), nullable=False),
    sa.Column('from_seq', sa.BigInteger(), nullable=False),
    sa.Column('to_seq', sa.BigInteger(), nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), server_default='', nullable=False),
    sa.Column('sealed_at', sa.Text(), nullable=False),
    sa.Column('carrier', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('cs_id', name=op.f('pk_change_set')),
    sa.UniqueConstraint('from_seq', name=op.f('uq_change_set_from_seq'))
    )
    op.create_table('draft',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('user', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('raw', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft'))
    )
    op.create_index(op.f('ix_draft_type'), 'draft', ['type'], unique=False)
    op.create_table('fact',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_fact'))
    )
    op.create_table('held_run',
    sa.Column('no', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('type', sa.Integer(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_held_run'))
    )
    op.create_table('journal',
    sa.Column('first_seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('last_seq', sa.BigInteger(), nullable=False),
    sa.Column('tx', sa.BigInteger(), nullable=False),
    sa.Column('tx_end', sa.SmallInteger(), nullable=False),
    sa.Column('raw_len', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('first_seq', name=op.f('pk_journal'))
    )
    op.create_table('origin',
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('incarnation', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_origin')),
    sa.UniqueConstraint('device', 'incarnation', name=op.f('uq_origin_device_incarnation'))
    )
    op.create_table('receipt',
    sa.Column('no', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('received_at', sa.Text(), nullable=False),
    sa.Column('carrier', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_receipt')),
    sa.UniqueConstraint('digest', name=op.f('uq_receipt_digest'))
    )
    op.create_table('shadow',
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('record_id', sa.Text(), nullable=False),
    sa.Column('field', sa.Integer(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.Column('writer', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('type', 'record_id', 'field', name=op.f('pk_shadow'))
    )
    op.create_table('stream_cursor',
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('epoch', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('stream', name=op.f('pk_stream_cursor'))
    )
    op.create_table('sync_attempt',
    sa.Column('no', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.Column('carrier', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('package_id', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), server_default='', nullable=False),
    sa.Column('sets', sa.Integer(), nullable=False),
    sa.Column('changes', sa.BigInteger(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_sync_attempt'))
    )
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_market_entity USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_bureau USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_user USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_officer USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_external_unit USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_permit USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_penalty USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_supervision USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_sanction USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_alert USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_other_information USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_approval_item USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_penalty_item USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_supervision_item USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_licence_catalogue_item USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_code_table USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_code_item USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_task USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_verification USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_conflict USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_exchange USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_device USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")
    op.execute("CREATE VIRTUAL TABLE IF NOT EXISTS search_media_intake USING fts5(words, initials, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0')")


def _hub() -> None:
    op.create_table('accepted_set',
    sa.Column('cs_id', sa.Text(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('incarnation', sa.Integer(), nullable=False),
    sa.Column('first', sa.BigInteger(), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('package_id', sa.Text(), nullable=False),
    sa.Column('received_at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('cs_id', name=op.f('pk_accepted_set'))
    )
    op.create_index('ix_accepted_set_device', 'accepted_set', ['device', 'incarnation', 'first'], unique=False)
    op.create_table('device_key',
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('bureau', sa.Text(), nullable=False),
    sa.Column('sign_key', sa.LargeBinary(), nullable=False),
    sa.Column('seal_key', sa.LargeBinary(), nullable=False),
    sa.Column('admin', sa.SmallInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('device', name=op.f('pk_device_key'))
    )
    op.create_table('device_reach',
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('incarnation', sa.Integer(), nullable=False),
    sa.Column('contiguous_to', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.Column('last_receipt', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('device', 'incarnation', name=op.f('pk_device_reach'))
    )
    op.create_table('fact',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_fact'))
    )
    op.create_table('invite',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('bureau', sa.Text(), nullable=False),
    sa.Column('user', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.Text(), nullable=False),
    sa.Column('used_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_invite'))
    )
    op.create_table('origin',
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('incarnation', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('no', name=op.f('pk_origin')),
    sa.UniqueConstraint('device', 'incarnation', name=op.f('uq_origin_device_incarnation'))
    )
    op.create_table('package_seen',
    sa.Column('package_id', sa.Text(), nullable=False),
    sa.Column('receipt', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('package_id', name=op.f('pk_package_seen'))
    )
    op.create_table('stream',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('head', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_stream'))
    )
    op.create_table('stream_block',
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('first', sa.BigInteger(), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.Column('raw_len', sa.BigInteger(), nullable=False),
    sa.Column('prev_head', sa.LargeBinary(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('stream', 'first', name=op.f('pk_stream_block'))
    )
