"""Own changes the hub has not signed for, laid over the rows of a first load.

What the snapshot says of such a field waits in ``shadow``, exactly as if it had
come by a stream (``shared.store.follow``). A record of ours that the snapshot does not
hold comes over whole: it was entered here and has not been there yet, or it is
about to leave this scope and something of ours still hangs on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.changes import SEQ_BITS, SEQ_MASK, Value, decode_block
from shared.record import RecordType
from shared.store import sql
from shared.store.database import Database
from shared.store.facts import read_fact, read_number
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
        with old.reader.connect() as before, self._store.unit(HUB_ACTOR) as unit:
            receipted = read_number(unit.connection, "receipted")
            one = _Laying(unit, self._store.unit_on(before, HUB_ACTOR), receipted)
            for declared, pending, ids in self._touched(unit.connection, receipted):
                for start in range(0, len(ids), CHUNK):
                    one.lay(declared, ids[start : start + CHUNK], pending)
            sql.execute(unit.connection, "DELETE FROM fact WHERE name = ?", (DUE,))

    def _touched(
        self, connection: sa.Connection, receipted: int
    ) -> Iterator[tuple[RecordType, frozenset[str], list[str]]]:
        """Per type the records with own changes of interest, and which of them are pending."""
        ids: defaultdict[int, dict[str, None]] = defaultdict(dict)
        pending: defaultdict[int, set[str]] = defaultdict(set)
        first = min(self._recent_after, receipted) + 1
        for raw in raw_blocks(connection, first, Journal().last_seq(connection)):
            for run in decode_block(raw).runs:
                found = run.record_ids()
                ids[run.type].update(dict.fromkeys(found))
                if run.first + run.count - 1 > receipted:
                    pending[run.type].update(found)
        for number, touched in ids.items():
            yield self._store.by_number[number], frozenset(pending[number]), list(touched)


class _Laying:
    """One overlay: what was there before, read; what is there now, written."""

    def __init__(self, unit: Unit, before: Unit, receipted: int) -> None:
        self._unit = unit
        self._before = before
        self._mine = OwnChanges(before.connection, receipted)
        self._old_origins = Origins(before.connection)
        self._origins = Origins(unit.connection)

    def lay(self, declared: RecordType, ids: Sequence[str], pending: frozenset[str]) -> None:
        """The records of one type."""
        before = self._before.load(declared, ids)
        now = self._unit.load(declared, ids)
        for record_id, old in before.items():
            if record_id not in now:
                self._bring(declared, record_id, old)
            elif record_id in pending:
                self._cover(declared, record_id, old, now[record_id])

    def _ref(self, packed: int) -> int:
        """A reference of the old database in the new one's numbers."""
        if not packed:
            return 0
        name = self._old_origins.name(packed >> SEQ_BITS)
        return self._origins.number(*name) << SEQ_BITS | packed & SEQ_MASK

    def _own_pending(self, packed: int) -> bool:
        return self._mine.pending(packed)

    def _bring(self, declared: RecordType, record_id: str, old: RowState) -> None:
        columns = [[old.values[f.name]] for f in declared.fields]
        self._unit.put_new(declared, declared.fields, [record_id], columns, [self._ref(old.w)], old.hlc)
        fw = {number: self._ref(writer) for number, writer in old.fw.items()}
        self._unit.put_changed(declared, (), [(encode_fw(fw), self._ref(old.tag), old.hlc, record_id)])
        if old.deleted:
            self._unit.put_deleted(declared, [record_id], [self._ref(old.tag)], old.hlc)

    def _cover(self, declared: RecordType, record_id: str, old: RowState, now: RowState) -> None:
        values: dict[str, Value] = {}
        fw = dict(now.fw)
        for field in declared.fields:
            if not self._own_pending(old.writer(field.number)):
                continue
            writer = self._ref(old.writer(field.number))
            self._cast(declared, record_id, field.number, now.values[field.name], now.writer(field.number))
            values[field.name] = old.values[field.name]
            fw[field.number] = writer
        if not self._own_pending(old.tag):
            return
        tag = self._ref(old.tag)
        body = (*values.values(), encode_fw(fw), tag, max(old.hlc, now.hlc), record_id)
        self._unit.put_changed(declared, tuple(values), [body])
        if old.deleted != now.deleted:
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
