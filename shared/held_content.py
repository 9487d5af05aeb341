"""What is inside a held change set, as its record carries it: compact, capped, decoded where it is shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import msgspec
import zstandard

from shared.changes import Block, Value

MOST_ROWS = 200
_MOST_TEXT = 190_000
_MOST_RAW = 8 << 20


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One change: type and operation as on the wire, values by field number."""

    type: int
    op: int
    record_id: str
    values: dict[int, Value]


def rows_of(blocks: Iterable[Block]) -> list[Row]:
    """Every change of a set, in order."""
    out: list[Row] = []
    for block in blocks:
        for run in block.runs:
            for at, record_id in enumerate(run.record_ids()):
                columns = zip(run.fields, run.columns, strict=False)
                values = {number: column[at] for number, column in columns if at < len(column)}
                out.append(Row(run.type, run.op, record_id, values))
    return out


def pack(rows: list[Row]) -> str:
    """The first :data:`MOST_ROWS` as text a field can hold; fewer when they are long."""
    kept = rows[:MOST_ROWS]
    while kept:
        raw = zstandard.ZstdCompressor(level=9).compress(msgspec.msgpack.encode(kept))
        text = base64.b64encode(raw).decode()
        if len(text) <= _MOST_TEXT:
            return text
        kept = kept[: len(kept) // 2]
    return ""


def unpack(text: str) -> list[Row]:
    """Back from :func:`pack`; nothing for what cannot be read."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(base64.b64decode(text), _MOST_RAW)
        return msgspec.msgpack.decode(raw, type=list[Row])
    except (binascii.Error, ValueError, zstandard.ZstdError, msgspec.DecodeError):
        return []
