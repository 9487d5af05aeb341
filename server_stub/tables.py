"""The hub's own tables, beside the record tables every installation has."""

from __future__ import annotations

import sqlalchemy as sa

from shared.store.tables import NAMES, installation_tables

hub = sa.MetaData(naming_convention=NAMES)

installation_tables(hub)
device_key = sa.Table(
    "device_key",
    hub,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("bureau", sa.Text, nullable=False),
    sa.Column("sign_key", sa.LargeBinary, nullable=False),
    sa.Column("seal_key", sa.LargeBinary, nullable=False),
    sa.Column("admin", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("last_incarnation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_seq", sa.BigInteger, nullable=False, server_default="0"),
)
device_key_past = sa.Table(
    "device_key_past",
    hub,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("sign_key", sa.LargeBinary, primary_key=True),
    sa.Column("seal_key", sa.LargeBinary, nullable=False),
    sa.Column("until_incarnation", sa.Integer, nullable=False),
    sa.Column("until_seq", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("replaced_at", sa.Text, nullable=False),
)
device_reach = sa.Table(
    "device_reach",
    hub,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("incarnation", sa.Integer, primary_key=True),
    sa.Column("contiguous_to", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("last_receipt", sa.Text, nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("parent", sa.Integer, nullable=False, server_default="0"),
    sa.Column("parent_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("parent_head", sa.LargeBinary),
    sa.Column("archived_to", sa.BigInteger, nullable=False, server_default="0"),
)
accepted_set = sa.Table(
    "accepted_set",
    hub,
    sa.Column("cs_id", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("incarnation", sa.Integer, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("package_id", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_accepted_set_device", "device", "incarnation", "first"),
)
stream = sa.Table(
    "stream",
    hub,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
)
stream_block = sa.Table(
    "stream_block",
    hub,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("raw_len", sa.BigInteger, nullable=False),
    sa.Column("prev_head", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)
invite = sa.Table(
    "invite",
    hub,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("bureau", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("used_by", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False, server_default=""),
    sa.Column("cancelled_at", sa.Text, nullable=False, server_default=""),
)
package_seen = sa.Table(
    "package_seen",
    hub,
    sa.Column("package_id", sa.Text, primary_key=True),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
device_asked = sa.Table(
    "device_asked",
    hub,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("ask", sa.LargeBinary, nullable=False),
    sa.Column("arrived", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("sets", sa.Integer, nullable=False),
)
mail = sa.Table(
    "mail",
    hub,
    sa.Column("package_id", sa.Text, primary_key=True),
    sa.Column("bureau", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False, index=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
)
content = sa.Table(
    "content",
    hub,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("verified_at", sa.Text, nullable=False),
)
content_piece = sa.Table(
    "piece",
    hub,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)
epoch = sa.Table(
    "epoch",
    hub,
    sa.Column("epoch", sa.Text, primary_key=True),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("began_at", sa.Text, nullable=False),
    sa.Column("incarnation", sa.Integer, nullable=False),
    sa.Column("own_seq", sa.BigInteger, nullable=False),
    sa.Column("backup", sa.Text, nullable=False),
    sa.Column("backup_at", sa.Text, nullable=False),
)
epoch_fork = sa.Table(
    "epoch_fork",
    hub,
    sa.Column("epoch", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
)
