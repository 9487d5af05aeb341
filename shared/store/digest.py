"""Content digests: whether two databases hold the same records, said in one line.

A digest covers what stands in one stream (sync.md, Scope): every present record that
belongs to it, its values, and whose change each value is. Two installations that have
followed the stream to the same number, with nothing of their own pending, have the
same digest, whatever ways the changes came and in whatever order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from shared.changes import SEQ_BITS, SEQ_MASK
from shared.record import Part, RecordType
from shared.store import sql
from shared.store.references import Origins

COMMON = "common"
ADMIN = "admin"
_BATCH = 2000
_fw = msgspec.msgpack.Decoder(dict[int, int])
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Digest:
    """What a stream's content comes to.

    :param count: records in it; :param text: SHA-256 in hexadecimal digits.
    """

    count: int
    text: str


def digest_of(
    connection: sa.Connection,
    types: Sequence[RecordType],
    stream: str,
    *,
    without: Collection[tuple[str, str]] = (),
) -> Digest:
    """Digest of what stands in ``stream``.

    :param without: ``(type name, record id)`` of records to leave out.
    Reads every record of the stream once, in constant memory.
    """
    hasher, count = hashlib.sha256(), 0
    for one in sorted(types, key=lambda t: t.number):
        for line in lines_of(connection, one, stream, without=without):
            hasher.update(len(line).to_bytes(4, "big") + line)
            count += 1
    return Digest(count, hasher.hexdigest())


def lines_of(
    connection: sa.Connection,
    declared: RecordType,
    stream: str,
    *,
    without: Collection[tuple[str, str]] = (),
) -> Iterator[bytes]:
    """One line of bytes per record of a type in the stream, by id: what the digest covers.

    A line is MessagePack of ``[type number, id, [[field number, value, device, incarnation,
    seq] …]]``, fields without a value left out.
    """
    where, values = _belongs(declared, stream)
    if not where:
        return
    origins = Origins(connection)
    fields = declared.fields
    names = ("id", *(f.name for f in fields), "_w", "_fw")
    # Ids are hexadecimal: every database sorts them alike once told to compare bytes.
    order = '"id" COLLATE "C"' if sql.is_postgres(connection) else '"id"'
    after = ""
    statement = (
        f'SELECT {sql.quoted(names)} FROM "{declared.name}"'
        f' WHERE "_deleted" = 0 AND ({where}) AND {order} > ? ORDER BY {order} LIMIT {_BATCH}'
    )
    while True:
        rows = sql.execute(connection, statement, (*values, after)).fetchall()
        for record_id, *stored, w, fw in rows:
            if (declared.name, record_id) in without:
                continue
            own = _fw.decode(bytes(fw)) if fw else {}
            line = [
                (f.number, value, *_author(origins, own.get(f.number, w)))
                for f, value in zip(fields, stored, strict=True)
                if value is not None
            ]
            yield _encode((declared.number, record_id, sorted(line)))
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]


def _author(origins: Origins, reference: int) -> tuple[str, int, int]:
    device, incarnation = origins.name(reference >> SEQ_BITS)
    return device, incarnation, reference & SEQ_MASK


def _belongs(declared: RecordType, stream: str) -> tuple[str, tuple[str, ...]]:
    """A condition on rows, ``""`` when no record of the type can be in the stream."""
    kind, _, name = stream.partition(":")
    parts: list[str] = []
    values: list[str] = []
    for rule in declared.partitions:
        match rule.part:
            case Part.COMMON if kind == COMMON:
                parts.append("1 = 1")
            case Part.ADMIN if kind == ADMIN:
                parts.append("1 = 1")
            case Part.DIVISION if kind == "division":
                parts.append(f'"{rule.field}" = ?')
                values.append(name)
            case Part.BUREAU if kind == "bureau":
                parts.append(f'"{rule.field}" = ?')
                values.append(name)
            case Part.ENTITY_DIVISION if kind == "division":
                parts.append(f'"{rule.field}" IN (SELECT "id" FROM "market_entity" WHERE "division" = ?)')
                values.append(name)
            case _:
                continue
    return " OR ".join(parts), tuple(values)
