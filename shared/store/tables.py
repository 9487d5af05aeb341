"""Tables derived from declarations, and the tables of the exchange itself.

Every record table carries, besides its fields:

``rid``   local row number, stable, for windows and search;
``_w``    reference of the change that set every field not named in ``_fw``;
``_fw``   msgpack map field number → reference, for fields changed since;
``_tag``  the last change, an own unreceipted one before all others;
``_hlc``  hybrid time of the last change (shown, breaks ties);
``_n``    how often this row changed here (detects a stale form);
``_deleted`` tombstone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from shared.fields import Field, Kind
from shared.record import RecordType

SYSTEM_COLUMNS = ("_w", "_fw", "_tag", "_hlc", "_n", "_deleted")
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

COLUMN_TYPES: dict[Kind, Callable[[], sa.types.TypeEngine[Any]]] = {
    Kind.TEXT: sa.Text,
    Kind.NOTE: sa.Text,
    Kind.CODE: sa.Text,
    Kind.CODES: sa.Text,
    Kind.MONEY: sa.BigInteger,
    Kind.DATE: sa.Text,
    Kind.TIME: sa.Text,
    Kind.INTEGER: sa.BigInteger,
    Kind.DECIMAL: sa.Text,
    Kind.BOOL: sa.SmallInteger,
    Kind.REF: sa.Text,
    Kind.REFS: sa.Text,
}

TEXT, BIGINT = str(sa.Text()), str(sa.BigInteger())


def type_name(field: Field) -> str:
    """How SQL names the type of a field's column."""
    return str(COLUMN_TYPES[field.kind]())


NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a later migration can speak of it."""

records = sa.MetaData(naming_convention=NAMES)
client = sa.MetaData(naming_convention=NAMES)


def table_of(declared: RecordType, metadata: sa.MetaData = records) -> sa.Table:
    """The table of a record type; built once per metadata."""
    found = metadata.tables.get(declared.name)
    return found if found is not None else _build(declared, metadata)


def _build(declared: RecordType, metadata: sa.MetaData) -> sa.Table:
    name = declared.name
    indexes = [
        sa.Index(f"ix_{name}_{'_'.join(columns)}", *columns) for columns in _indexed(declared)
    ]
    return sa.Table(
        name,
        metadata,
        sa.Column("rid", BIG, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *(sa.Column(f.name, COLUMN_TYPES[f.kind]()) for f in declared.fields),
        sa.Column("_w", sa.BigInteger, nullable=False),
        sa.Column("_fw", sa.LargeBinary),
        sa.Column("_tag", sa.BigInteger, nullable=False),
        sa.Column("_hlc", sa.BigInteger, nullable=False),
        sa.Column("_n", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("_deleted", sa.SmallInteger, nullable=False, server_default="0"),
        *indexes,
    )


def _indexed(declared: RecordType) -> list[tuple[str, ...]]:
    """Columns worth an index: where one looks things up, nothing more."""
    wanted: list[tuple[str, ...]] = []
    if declared.about:
        wanted.append((declared.about,))
    wanted += [(f.name,) for f in declared.fields if f.index and f.name != "source_bureau"]
    wanted += list(declared.unique)
    if declared.lifecycle is not None:
        wanted.append((declared.lifecycle.field,))
    return list(dict.fromkeys(wanted))


def derive_all(types: Iterable[RecordType], metadata: sa.MetaData = records) -> sa.MetaData:
    """Build every table of the catalogue."""
    for declared in types:
        table_of(declared, metadata)
    return metadata


def installation_tables(metadata: sa.MetaData) -> None:
    """What client and hub both have: known origins, small facts, the audit chain."""
    sa.Table(
        "origin",
        metadata,
        sa.Column("no", sa.Integer, primary_key=True),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("incarnation", sa.Integer, nullable=False),
        sa.UniqueConstraint("device", "incarnation"),
    )
    sa.Table(
        "fact",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    sa.Table(
        "audit",
        metadata,
        sa.Column("no", BIG, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


# --- the client's own tables ----------------------------------------------
installation_tables(client)
journal = sa.Table(
    "journal",
    client,
    sa.Column("first_seq", BIG, primary_key=True, autoincrement=False),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("tx", sa.BigInteger, nullable=False),
    sa.Column("tx_end", sa.SmallInteger, nullable=False),
    sa.Column("raw_len", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)
change_set = sa.Table(
    "change_set",
    client,
    sa.Column("cs_id", sa.Text, primary_key=True),
    sa.Column("from_seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("to_seq", sa.BigInteger, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("sealed_at", sa.Text, nullable=False),
    sa.Column("carrier", sa.Text, nullable=False, server_default=""),
    sa.Column("archived_at", sa.Text, nullable=False, server_default=""),
    sa.Column("incarnation", sa.Integer, nullable=False, server_default="1"),
    sa.Column("apart", sa.SmallInteger, nullable=False, server_default="0"),
)
incarnation = sa.Table(
    "incarnation",
    client,
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("parent", sa.Integer, nullable=False),
    sa.Column("parent_seq", sa.BigInteger, nullable=False),
    sa.Column("parent_head", sa.LargeBinary, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("began_at", sa.Text, nullable=False),
)
receipt = sa.Table(
    "receipt",
    client,
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("carrier", sa.Text, nullable=False),
)
cursor = sa.Table(
    "stream_cursor",
    client,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
)
stream_tail = sa.Table(
    "stream_tail",
    client,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("last", BIG, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("head", sa.LargeBinary, nullable=False),
    sa.Column("ids", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
doubtful = sa.Table(
    "doubtful",
    client,
    sa.Column("type", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.Text, primary_key=True),
)
shadow = sa.Table(
    "shadow",
    client,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Integer, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("writer", sa.BigInteger, nullable=False),
)
leaving = sa.Table(
    "leaving",
    client,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
)
held = sa.Table(
    "held_run",
    client,
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("type", sa.Integer, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)
draft = sa.Table(
    "draft",
    client,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False, index=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
)
attempt = sa.Table(
    "sync_attempt",
    client,
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("carrier", sa.Text, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("package_id", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False, server_default=""),
    sa.Column("sets", sa.Integer, nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)
content = sa.Table(
    "content",
    client,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("whole", sa.SmallInteger, nullable=False),
    sa.Column("delivered", sa.SmallInteger, nullable=False),
    sa.Column("asked", sa.SmallInteger, nullable=False),
    sa.Column("wanted", sa.SmallInteger, nullable=False),
    sa.Column("absent", sa.SmallInteger, nullable=False),
    sa.Column("used_at", sa.Text, nullable=False),
)
content_piece = sa.Table(
    "piece",
    client,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at_hub", sa.SmallInteger, nullable=False),
)


carried_mail = sa.Table(
    "carried_mail",
    client,
    sa.Column("package_id", sa.Text, primary_key=True),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("bureau", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("done_at", sa.Text, nullable=False),
)


load_tail = sa.Table(
    "load_tail",  # streams that came with a first load and go on from it; applied when it is in
    client,
    sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)


def search_ddl(declared: RecordType) -> str:
    """The search index of a type: single characters and pinyin initials (ADR 0003)."""
    return (
        f"CREATE VIRTUAL TABLE IF NOT EXISTS search_{declared.name} USING fts5("
        "words, initials, content='', contentless_delete=1, "
        "tokenize='unicode61 remove_diacritics 0')"
    )
