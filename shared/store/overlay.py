"""Own changes that may be younger than a first load, laid over its rows; signed for or not.

What the snapshot says of such a field waits in ``shadow``, exactly as if it had
come by a stream (``shared.store.follow``). A record of ours that the snapshot does not
hold comes over whole: it was entered here and has not been there yet, or it has left
this scope and something of ours still hangs on it. No stream tells the latter any more:
the hub is asked about it, until it has signed for what is ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.changes import SEQ_BITS, SEQ_MASK, Value, decode_block
from shared.record import RecordType
from shared.store import rewinding, sql
from shared.store.catching import UNSEEN
from shared.store.database import Database, storage_errors
from shared.store.facts import read_fact, read_number, write_number
from shared.store.incarnations import OwnChanges
from shared.store.journal import Journal, raw_blocks
from shared.store.references import Origins
from shared.store.store import Store
from shared.store.unit import CHUNK, RowState, Unit, encode_fw

DUE = "overlay_due"
"""Fact: the overlay has not been laid yet; its value is ``recent_after``."""


class Overlay:
    """Lays what the old database holds of our own over the new one; all in one transaction.

    :param recent_after: own changes above this may be younger than the snapshot, signed for or not.
    """

    def __init__(self, store: Store, recent_after: int) -> None:
        self._store = store
        self._recent_after = recent_after

    @staticmethod
    def due(connection: sa.Connection) -> int | None:
        """What :data:`DUE` says; None when nothing is to be done."""
        raw = read_fact(connection, DUE)
        return int.from_bytes(raw, "big") if raw is not None else None

    def lay(self, old: Database) -> None:
        """Do it; the mark that it is due goes in the same transaction."""
        with storage_errors(), old.reader.connect() as before, self._store.unit(HUB_ACTOR) as unit:
            receipted = read_number(unit.connection, "receipted")
            recent_after = min(self._recent_after, receipted)
            one = _Laying(unit, self._store.unit_on(before, HUB_ACTOR), receipted, recent_after)
            for declared, ids in self._touched(unit.connection, recent_after):
                for start in range(0, len(ids), CHUNK):
                    one.lay(declared, ids[start : start + CHUNK])
            sql.execute(unit.connection, "DELETE FROM fact WHERE name = ?", (UNSEEN,))
            if recent_after < receipted:
                write_number(unit.connection, UNSEEN, recent_after)
            sql.execute(unit.connection, "DELETE FROM fact WHERE name = ?", (DUE,))

    def _touched(self, connection: sa.Connection, after: int) -> Iterator[tuple[RecordType, list[str]]]:
        """Per type the records with own changes of interest."""
        ids: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for raw in raw_blocks(connection, after + 1, Journal().last_seq(connection)):
            for run in decode_block(raw).runs:
                ids[run.type].update(dict.fromkeys(run.record_ids()))
        for number, touched in ids.items():
            yield self._store.by_number[number], list(touched)


class _Laying:
    """One overlay: what was there before, read; what is there now, written."""

    def __init__(self, unit: Unit, before: Unit, receipted: int, recent_after: int) -> None:
        self._unit = unit
        self._before = before
        self._mine = OwnChanges(before.connection, receipted)
        self._recent = OwnChanges(before.connection, recent_after)
        self._old_origins = Origins(before.connection)
        self._origins = Origins(unit.connection)

    def lay(self, declared: RecordType, ids: Sequence[str]) -> None:
        """The records of one type."""
        before = self._before.load(declared, ids)
        now = self._unit.load(declared, ids)
        for record_id, old in before.items():
            if record_id not in now:
                self._bring(declared, record_id, old)
            else:
                self._cover(declared, record_id, old, now[record_id])

    def _ref(self, packed: int) -> int:
        """A reference of the old database in the new one's numbers."""
        if not packed:
            return 0
        name = self._old_origins.name(packed >> SEQ_BITS)
        return self._origins.number(*name) << SEQ_BITS | packed & SEQ_MASK

    def _bring(self, declared: RecordType, record_id: str, old: RowState) -> None:
        columns = [[old.values[f.name]] for f in declared.fields]
        self._unit.put_new(declared, declared.fields, [record_id], columns, [self._ref(old.w)], old.hlc)
        fw = {number: self._ref(writer) for number, writer in old.fw.items()}
        self._unit.put_changed(declared, (), [(encode_fw(fw), self._ref(old.tag), old.hlc, record_id)])
        if old.deleted:
            self._unit.put_deleted(declared, [record_id], [self._ref(old.tag)], old.hlc)
        if not self._recent.pending(old.w):
            rewinding.doubt(self._unit.connection, declared, [record_id])

    def _cover(self, declared: RecordType, record_id: str, old: RowState, now: RowState) -> None:
        values: dict[str, Value] = {}
        fw = dict(now.fw)
        for field in declared.fields:
            number, known = field.number, now.writer(field.number)
            if not self._recent.pending(old.writer(number)):
                continue
            writer = self._ref(old.writer(number))
            if writer == known:  # the snapshot holds it
                continue
            self._cast(declared, record_id, number, now.values[field.name], known)
            values[field.name] = old.values[field.name]
            fw[number] = writer
        tag = self._ref(old.tag)
        ours = self._recent.pending(old.tag) and tag != now.tag
        if values or ours:
            last, hlc = tag if ours else now.tag, max(old.hlc, now.hlc)
            body = (*values.values(), encode_fw(fw), last, hlc, record_id)
            self._unit.put_changed(declared, tuple(values), [body])
        if ours and old.deleted != now.deleted and (old.deleted or self._mine.pending(old.tag)):
            self._unit.put_deleted(declared, [record_id], [tag], old.hlc, int(old.deleted))

    def _cast(
        self, declared: RecordType, record_id: str, number: int, value: Value, writer: int
    ) -> None:
        sql.execute(
            self._unit.connection,
            "INSERT OR REPLACE INTO shadow (type, record_id, field, value, writer) VALUES (?, ?, ?, ?, ?)",
            (declared.name, record_id, number, msgspec.msgpack.encode(value), writer),
        )


__all__ = ["DUE", "Overlay"]
