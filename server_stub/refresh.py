"""Records as they stand, for a device that asks: whole, with the writer of every field."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from server_stub.partitions import places
from shared.access import HUB_ACTOR
from shared.changes import SEQ_BITS, Op, encode_block, ids_bytes, join_blocks
from shared.record import RecordType
from shared.store import sql
from shared.store.blocks import to_blocks
from shared.store.facts import read_number
from shared.store.references import Origins
from shared.store.rowstate import RowState, read_rows
from shared.store.store import Store
from shared.store.unit import Captured
from sync import messages
from sync.entries import Entry
from sync.messages import PROTOCOL, REFRESH, Ask, Refresh

RECORDS = 2000
ROWS = 50
"""Rows in a run: each may bring as many authors as it has fields."""


class Room(Protocol):
    """How much an answer may still hold, and whether something had to stay."""

    left: int
    more: bool


class Refresher:
    """Answers for one device, within one reading of the database."""

    def __init__(
        self, connection: sa.Connection, store: Store, hub_id: str, epoch: str, streams: Collection[str]
    ) -> None:
        self._connection = connection
        self._store = store
        self._hub_id = hub_id
        self._epoch = epoch
        self._streams = frozenset(streams)
        self._origins = Origins(connection)
        self._own = read_number(connection, "origin")

    def entries(self, wanted: Mapping[int, bytes], room: Room) -> Iterator[Entry]:
        """One entry for at most :data:`RECORDS` records, as far as there is room."""
        for number, packed in sorted(wanted.items()):
            ids = list(dict.fromkeys(_ids(packed)))
            for start in range(0, len(ids), RECORDS):
                if room.left <= 0:
                    room.more = True
                    return
                entry = self._entry(number, ids[start : start + RECORDS])
                room.left -= len(entry.data)
                yield entry

    def _entry(self, number: int, ids: list[str]) -> Entry:
        # how far the streams are is read first: what comes after it, they bring
        as_of = {
            str(name): int(n)
            for name, n in sql.execute(self._connection, "SELECT name, n FROM stream")
            if name in self._streams
        }
        declared = self._store.by_number.get(number)
        rows = self._rows(declared, ids) if declared is not None else {}
        raws = [
            encode_block(block)
            for block in to_blocks(
                self._captured(declared, rows) if declared else (), self._origins, self._own
            )
        ]
        payload = join_blocks(raws)
        said = Refresh(
            v=PROTOCOL,
            hub_id=self._hub_id,
            epoch=self._epoch,
            as_of=as_of,
            absent={number: ids_bytes([i for i in ids if i not in rows])},
            answered={number: ids_bytes([i for i in ids if i in rows])},
            payload_hash=hashlib.sha256(payload).digest(),
        )
        return Entry(REFRESH, {"refresh": messages.encode(said)}, payload)

    def _rows(self, declared: RecordType, ids: Sequence[str]) -> dict[str, RowState]:
        """Those the device may have."""
        states = read_rows(self._connection, declared, ids)
        present = list(states)
        where = places(self._connection, declared, present)
        return {
            record_id: states[record_id]
            for record_id, names in zip(present, where, strict=True)
            if not self._streams.isdisjoint(names)
        }

    def _captured(self, declared: RecordType, rows: Mapping[str, RowState]) -> Iterator[Captured]:
        """As if each had just been entered whole; tombstones after that are deleted."""
        by_time: defaultdict[int, list[str]] = defaultdict(list)
        for record_id, state in rows.items():
            by_time[state.hlc].append(record_id)
        for hlc, together in by_time.items():
            for start in range(0, len(together), ROWS):
                ids = together[start : start + ROWS]
                states = [rows[i] for i in ids]
                yield Captured(
                    declared, Op.INSERT, declared.fields, ids,
                    [[s.values[f.name] for s in states] for f in declared.fields],
                    writers=[[s.writer(f.number) for s in states] for f in declared.fields],
                    author=self._own << SEQ_BITS | 1, hlc=hlc, actor=HUB_ACTOR.user, tx=1,
                )
                gone = [i for i in ids if rows[i].deleted]
                if gone:
                    yield Captured(
                        declared, Op.DELETE, (), gone, [], writers=[[rows[i].tag for i in gone]],
                        author=self._own << SEQ_BITS | 1, hlc=hlc, actor=HUB_ACTOR.user, tx=1,
                    )


def joined(asks: Sequence[Ask]) -> Ask:
    """What all asks of a package want together."""
    first, *further = asks or [Ask(v=PROTOCOL, incarnation=1, cursors={})]
    if not further:
        return first
    wanted: dict[int, bytes] = {}
    for one in asks:
        for number, packed in (one.refresh or {}).items():
            wanted[number] = wanted.get(number, b"") + packed[: len(packed) // 16 * 16]
    return msgspec.structs.replace(first, refresh=wanted)


def _ids(packed: bytes) -> list[str]:
    text = packed[: len(packed) // 16 * 16].hex()
    return [text[i : i + 32] for i in range(0, len(text), 32)]
