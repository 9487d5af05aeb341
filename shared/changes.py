"""Changes as they are journaled, signed and sent: runs in blocks, column by column.

A *run* holds neighbouring changes of one transaction that share type, operation
and set of fields, so that a thousand imported rows cost one header and go into
``executemany`` as they are. A *block* is what the journal stores and the chain
hashes: at most :data:`BLOCK_ROWS` changes, never across a transaction's end.

A *reference* to a change packs an origin and a sequence number in one integer:
``origin << 40 | seq`` in a database, where the origin is that database's local
number; ``seq << 8 | index`` on the wire, where the index points into the block's
own table of origins (``shared.store.references``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import IntEnum

import msgspec
import zstandard

Value = str | int | None
BLOCK_ROWS = 1000
SEQ_BITS = 40
SEQ_MASK = (1 << SEQ_BITS) - 1
MAX_BLOCK = 64 << 20
GENESIS = bytes(32)


class Op(IntEnum):
    """What a change does to its record; ``EVICT`` comes down only: it left a stream."""

    INSERT = 1
    UPDATE = 2
    DELETE = 3
    EVICT = 4

    @property
    def bare(self) -> bool:
        """Whether it sets no values."""
        return self in (Op.DELETE, Op.EVICT)


class Glance(msgspec.Struct, array_like=True, frozen=True):
    """A run without its values: read forty times as fast where only its records are asked for.

    :param type: record type number.
    :param origin: index of the author in the block's origins.
    :param first: sequence number of the first change at its origin.
    :param tx: sequence number that began the transaction.
    :param actor: id of the user who acted.
    :param cause: why, e.g. ``"import:…"`` or a reason; may be empty.
    :param fields: wire numbers of the fields set.
    :param ids: 16 bytes per change.
    """

    type: int
    op: int
    schema: int
    origin: int
    first: int
    hlc: int
    tx: int
    actor: str
    cause: str
    fields: list[int]
    ids: bytes

    @property
    def count(self) -> int:
        """How many changes."""
        return len(self.ids) // 16

    def record_ids(self) -> list[str]:
        """Ids as the store writes them."""
        text = self.ids.hex()
        return [text[i : i + 32] for i in range(0, len(text), 32)]


class Run(Glance, array_like=True, frozen=True):
    """Neighbouring changes of one kind.

    :param columns: one list of values per field.
    :param bases: per field the references last seen, in order; empty = no base.
    :param writers: per field the references that stand; empty = ``first + i``.
    """

    columns: list[list[Value]]
    bases: list[list[int]] = []
    writers: list[list[int]] = []


class Block(msgspec.Struct, array_like=True, frozen=True):
    """What is hashed and stored: runs and the origins they refer to.

    :param origins: ``[device id, incarnation]``; the first wrote the block: the author
        on the way up, the hub on the way down.
    """

    origins: list[tuple[str, int]]
    runs: list[Run]

    @property
    def count(self) -> int:
        """How many changes."""
        return sum(r.count for r in self.runs)


class _Glances(msgspec.Struct, array_like=True, frozen=True):
    origins: list[tuple[str, int]]
    runs: list[Glance]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Block)
_glancer = msgspec.msgpack.Decoder(_Glances)


def encode_block(block: Block) -> bytes:
    """The bytes that are hashed and signed."""
    return _encoder.encode(block)


def decode_block(raw: bytes) -> Block:
    """Back from bytes; raises ``msgspec.DecodeError`` for anything else."""
    try:
        block = _decoder.decode(raw)
    except RecursionError:
        raise msgspec.ValidationError("nested too deep") from None
    for run in block.runs:
        n, width = run.count, len(run.fields)
        whole = len(run.ids) % 16 == 0 and len(run.columns) in (width, 0) and n > 0
        even = all(len(c) == n for part in (run.columns, run.bases, run.writers) for c in part)
        if not whole or not even or not 0 <= run.origin < len(block.origins):
            raise msgspec.ValidationError("run of uneven shape")
        if len(run.bases) not in (0, width, 1) or len(run.writers) not in (0, 1, width):
            raise msgspec.ValidationError("references of uneven shape")
    return block


def glance(raw: bytes) -> list[Glance]:
    """Which records an own block is about; it was examined when it was written."""
    return _glancer.decode(raw).runs


def pack(raw: bytes) -> bytes:
    """Compress one block for storage."""
    return zstandard.ZstdCompressor(level=1).compress(raw)


def unpack(packed: bytes) -> bytes:
    """Decompress one block; refuses more than :data:`MAX_BLOCK` bytes."""
    size = zstandard.frame_content_size(packed)
    if not 0 <= size <= MAX_BLOCK:
        raise msgspec.ValidationError("block of unbelievable size")
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BLOCK)


def chain(head: bytes, raw: bytes) -> bytes:
    """The next head of a hash chain over blocks."""
    return hashlib.sha256(head + hashlib.sha256(raw).digest()).digest()


def join_blocks(raws: Iterable[bytes]) -> bytes:
    """The payload of a change set: length-prefixed blocks."""
    return b"".join(len(r).to_bytes(4, "big") + r for r in raws)


def split_blocks(payload: bytes) -> list[bytes]:
    """Blocks of a payload; raises ``msgspec.ValidationError`` when cut short."""
    out: list[bytes] = []
    view, at = memoryview(payload), 0
    while at < len(view):
        size = int.from_bytes(view[at : at + 4], "big")
        at += 4
        if at + size > len(view):
            raise msgspec.ValidationError("payload ends inside a block")
        out.append(bytes(view[at : at + size]))
        at += size
    return out


def ids_bytes(ids: Sequence[str]) -> bytes:
    """Record ids as the wire carries them."""
    return bytes.fromhex("".join(ids))
