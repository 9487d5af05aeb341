"""A stored row as merging and editing see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from shared.changes import Value
from shared.record import RecordType
from shared.store import sql

ROW_SYSTEM = ("_w", "_fw", "_tag", "_hlc", "_deleted")


@dataclass(slots=True)
class RowState:
    """Values with the references of the changes that set them."""

    values: dict[str, Value]
    w: int
    fw: dict[int, int]
    tag: int
    hlc: int
    deleted: bool

    def writer(self, number: int) -> int:
        """Reference of the change that set this field."""
        return self.fw.get(number, self.w)


_fw_decoder = msgspec.msgpack.Decoder(dict[int, int])
_fw_encoder = msgspec.msgpack.Encoder()


def encode_fw(fw: dict[int, int]) -> bytes | None:
    """Per-field references as stored."""
    return _fw_encoder.encode(fw) if fw else None


def decode_fw(stored: bytes | None) -> dict[int, int]:
    """Back from storage."""
    return _fw_decoder.decode(stored) if stored else {}


def read_rows(
    connection: sa.Connection,
    declared: RecordType,
    ids: Sequence[str],
    names: tuple[str, ...] | None = None,
) -> dict[str, RowState]:
    """Rows by id, tombstones included.

    :param names: the only fields wanted; None for all.
    """
    names = declared.names if names is None else names
    found = sql.fetch_by_id(connection, declared.name, (*names, *ROW_SYSTEM), ids)
    out: dict[str, RowState] = {}
    for record_id, row in found.items():
        w, fw, tag, hlc, deleted = row[len(names) :]
        out[record_id] = RowState(
            dict(zip(names, row, strict=False)),
            w,
            decode_fw(fw),
            tag,
            hlc,
            bool(deleted),
        )
    return out


def moved_from(
    declared: RecordType, names: Iterable[str], states: Sequence[RowState]
) -> dict[str, list[Value]]:
    """What the changed fields that decide where records travel held before."""
    decisive = declared.partition_fields.intersection(names)
    return {name: [s.values[name] for s in states] for name in decisive}
