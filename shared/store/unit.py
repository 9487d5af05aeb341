"""The write door: the only way any row of any record changes.

One :class:`Unit` is one transaction. It checks access and rules, writes the rows,
captures what changed and hands it to the store's sink (the client's journal, the
hub's streams), all or nothing. Local edits, imports, remote change sets and
packages all come through here (house.md, idea 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from shared import access
from shared.access import Action, Actor, Role
from shared.changes import SEQ_BITS, Op, Value
from shared.clock import Clock
from shared.errors import InputError, StaleRecord
from shared.fields import Field
from shared.record import RecordType
from shared.store import sql
from shared.store.indexing import index_new, reindex, unindex
from shared.store.proving import prove
from shared.store.reviving import enter_again
from shared.store.rowstate import ROW_SYSTEM, RowState, encode_fw, moved_from, read_rows
from shared.store.tables import BIGINT, TEXT, type_name
from shared.store.values import columns_of, from_stored, to_stored

CHUNK = 1000


@dataclass(slots=True)
class Captured:
    """Changes of one shape in this transaction, references in local packing.

    :param author: packed reference of the first change, or None when ``writers`` says.
    :param before: old values of the fields changed that decide where a record travels.
    :param streams: the only streams to tell; empty = those the records belong to.
    """

    declared: RecordType
    op: Op
    fields: tuple[Field, ...]
    ids: list[str]
    columns: list[list[Value]]
    bases: list[list[int]] = field(default_factory=list)
    writers: list[list[int]] = field(default_factory=list)
    author: int = 0
    hlc: int = 0
    actor: str = ""
    cause: str = ""
    tx: int = 0
    before: dict[str, list[Value]] = field(default_factory=dict)
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Whose changes a unit of the hub applies: where the device hears, and what it subscribes to."""

    home: str = ""
    scope: frozenset[str] = frozenset()


class Sink(Protocol):
    """Where captured changes go at the end of a transaction."""

    def last_seq(self, connection: sa.Connection) -> int:
        """Sequence number of the last own change."""

    def flush(self, unit: Unit) -> None:
        """Write ``unit.captured`` within the unit's transaction."""


class Unit:
    """One transaction through the write door.

    :param origin: local number of this device's origin.
    :param searching: whether search indexes are kept (client only).
    """

    def __init__(
        self,
        connection: sa.Connection,
        *,
        origin: int,
        sink: Sink,
        actor: Actor,
        clock: Clock,
        cause: str = "",
        searching: bool = True,
    ) -> None:
        self.connection = connection
        self.origin = origin
        self.actor = actor
        self.clock = clock
        self.cause = cause
        self.captured: list[Captured] = []
        self.changed: set[str] = set()
        self.author = Author()
        self._sink = sink
        self._searching = searching
        self._postgres = sql.is_postgres(connection)
        self._rids: dict[str, int] = {}
        self.seq = sink.last_seq(connection)
        self.tx = self.seq + 1
        self.hlc = clock.tick()

    # --- people's doors ----------------------------------------------------
    def insert(
        self,
        declared: RecordType,
        rows: Sequence[Mapping[str, Any]],
        *,
        way: str = "entry",
        proven: bool = False,
        provenance: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """New records from typed values; returns their ids.

        :param way: 录入方式 (R33): entry, import, media, exchange.
        :param proven: rules and references were already checked on these values.
        :param provenance: only for the hub: values that differ from the actor's.
        Raises :class:`Rejected`, :class:`AccessDenied`, or :class:`InputError`
        when a record with the same key exists.
        """
        stamp = {
            "source_bureau": self.actor.bureau or None,
            "entered_at": self.clock.stamp(),
            "entered_by": self.actor.user,
            "entry_way": way,
            **(provenance or {}),
        }
        complete = [{**row, **stamp} for row in rows]
        self._prepare_new(declared, complete)
        if not proven:
            prove(self.connection, declared, complete)
        for row in complete if declared.name == access.RAISED else complete[:1]:
            access.require(self.actor, Action.CREATE, declared, row, cause=self.cause)
        for row in complete if declared.name == "user" else ():
            access.require_grant(self.actor, declared, row)
        ids: list[str] = []
        for start in range(0, len(complete), CHUNK):
            part = complete[start : start + CHUNK]
            part_ids = [str(r.get("id") or declared.record_id(r)) for r in part]
            fields, columns = columns_of(declared, part)
            self.insert_columns(declared, fields, part_ids, columns)
            ids += part_ids
        return ids

    def insert_columns(
        self, declared: RecordType, fields: Sequence[Field], ids: list[str], columns: list[list[Value]]
    ) -> None:
        """Bulk insert of stored columns, captured; the hot path under :meth:`insert`."""
        first = self._take(len(ids))
        written = self.put_new(declared, fields, ids, columns, range(first, first + len(ids)), self.hlc)
        before: dict[str, list[Value]] = {}
        if written != len(ids):
            before = enter_again(self, declared, fields, ids, columns, first)
        self._capture(declared, Op.INSERT, tuple(fields), ids, columns, first).before = before

    def update(
        self,
        declared: RecordType,
        record_id: str,
        values: Mapping[str, Any],
        *,
        seen: str | None = None,
        proven: bool = False,
        affirmed: str = "",
    ) -> bool:
        """Change fields of one record; returns False when nothing differs.

        :param affirmed: a field that is said again although it has the value: a decision for it.

        :param seen: token of the row as the person saw it; raises
            :class:`StaleRecord` when the row changed since.
        """
        edits = [(record_id, values)]
        return self.update_many(declared, edits, seen=seen, proven=proven, affirmed=affirmed) > 0

    def update_many(
        self,
        declared: RecordType,
        edits: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        seen: str | None = None,
        proven: bool = False,
        affirmed: str = "",
    ) -> int:
        """Change several records; returns how many differed."""
        changed = 0
        for part in _apart(edits):
            states = self.load(declared, [i for i, _ in part])
            shapes: dict[tuple[str, ...], list[tuple[str, dict[str, Value]]]] = {}
            for record_id, values in part:
                state = self._present(declared, states, record_id)
                if seen is not None and seen != self.seen(declared, record_id):
                    raise StaleRecord(
                        f"这条{declared.title}在您编辑期间已被更新。", "请查看最新内容后重新修改。"
                    )
                new = self._difference(declared, state, values, affirmed)
                if not new:
                    continue
                self._may_update(declared, state, new)
                if not proven:
                    merged = from_stored(declared, list(state.values), list(state.values.values()))
                    prove(self.connection, declared, [{**merged, **values}], only=frozenset(new))
                shapes.setdefault(tuple(new), []).append((record_id, new))
            for names, group in shapes.items():
                self._update_shape(declared, names, group, states)
                changed += len(group)
        return changed

    def delete(self, declared: RecordType, record_id: str, reason: str) -> None:
        """Leave a tombstone; the reason is kept with the change."""
        state = self._present(declared, self.load(declared, [record_id]), record_id)
        access.require(self.actor, Action.DELETE, declared, state.values, cause=self.cause)
        self.cause = reason
        seq = self._take(1)
        self.put_deleted(declared, [record_id], [seq], self.hlc)
        seen = tuple(f for f in declared.fields if state.values[f.name] is not None)
        captured = self._capture(declared, Op.DELETE, seen, [record_id], [], seq)
        captured.bases = [[state.writer(f.number)] for f in seen]

    def capture(
        self,
        declared: RecordType,
        op: Op,
        fields: tuple[Field, ...],
        ids: list[str],
        columns: list[list[Value]],
    ) -> int:
        """Note changes whose rows the caller writes itself; returns the reference of the first."""
        first = self._take(len(ids))
        self._capture(declared, op, fields, ids, columns, first)
        return first

    # --- what merging uses too ---------------------------------------------
    def load(
        self, declared: RecordType, ids: Sequence[str], names: tuple[str, ...] | None = None
    ) -> dict[str, RowState]:
        """Rows by id, tombstones included.

        :param names: the only fields wanted; None for all.
        """
        return read_rows(self.connection, declared, ids, names)

    def put_new(
        self,
        declared: RecordType,
        fields: Sequence[Field],
        ids: Sequence[str],
        columns: Sequence[Sequence[Value]],
        writers: Iterable[int],
        hlc: int,
    ) -> int:
        """Write new rows; existing ids are left alone. Returns how many were written."""
        writers = list(writers)
        body: list[tuple[str, str, Sequence[Any]]] = [("id", TEXT, ids)]
        body += [(f.name, type_name(f), column) for f, column in zip(fields, columns, strict=True)]
        body += [("_w", BIGINT, writers), ("_tag", BIGINT, writers), ("_hlc", BIGINT, [hlc] * len(ids))]
        searched = declared.search_fields if self._searching else ()
        if searched:
            first = self._next_rid(declared, len(ids))
            rids = range(first, first + len(ids))
            body.insert(0, ("rid", BIGINT, rids))
        written = sql.insert_new(self.connection, declared.name, body)
        if searched:
            index_new(self.connection, declared, fields, ids, columns, rids, written)
        self.changed.add(declared.name)
        return written

    def put_changed(
        self,
        declared: RecordType,
        names: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        *,
        fresh: Mapping[str, Sequence[Value]] | None = None,
    ) -> None:
        """Write changed columns: per row the values, then ``_fw, _tag, _hlc, id``."""
        statement = sql.update_sql(self._postgres, declared.name, (*names, "_fw", "_tag", "_hlc"))
        sql.executemany(self.connection, statement, rows)
        self.changed.add(declared.name)
        if self._searching and any(f.name in names for f in declared.search_fields):
            reindex(self.connection, declared, [r[-1] for r in rows])

    def put_deleted(
        self, declared: RecordType, ids: Sequence[str], tags: Sequence[int], hlc: int, deleted: int = 1
    ) -> None:
        """Set or lift tombstones; what is deleted is not in the search index."""
        statement = sql.update_sql(self._postgres, declared.name, ("_deleted", "_tag", "_hlc"))
        rows = [(deleted, t, hlc, i) for i, t in zip(ids, tags, strict=True)]
        sql.executemany(self.connection, statement, rows)
        self.changed.add(declared.name)
        if self._searching and declared.search_fields:
            reindex(self.connection, declared, ids)

    def put_gone(self, declared: RecordType, ids: Sequence[str]) -> None:
        """Take rows off this installation without a trace: they left its scope, nobody deleted them."""
        if self._searching and declared.search_fields:
            unindex(self.connection, declared, ids)
        statement = f'DELETE FROM "{declared.name}" WHERE {sql.in_ids(self._postgres)}'
        sql.execute(self.connection, statement, (sql.ids_parameter(self._postgres, ids),))
        self.changed.add(declared.name)

    def seen(self, declared: RecordType, record_id: str) -> str:
        """Token of the row's present version."""
        row = sql.fetch(self.connection, declared.name, ("_n",), [record_id])
        return str(row[0][0]) if row else ""

    def finish(self) -> None:
        """Hand what was captured to the sink; the caller commits."""
        self._sink.flush(self)

    # --- inside --------------------------------------------------------------
    def _take(self, count: int) -> int:
        first = self.seq + 1
        self.seq += count
        return self.origin << SEQ_BITS | first

    def _capture(
        self,
        declared: RecordType,
        op: Op,
        fields: tuple[Field, ...],
        ids: list[str],
        columns: list[list[Value]],
        first: int,
    ) -> Captured:
        one = Captured(
            declared, op, fields, ids, columns, author=first, hlc=self.hlc,
            actor=self.actor.user, cause=self.cause, tx=self.tx,
        )
        self.captured.append(one)
        return one

    def _update_shape(
        self,
        declared: RecordType,
        names: tuple[str, ...],
        group: list[tuple[str, dict[str, Value]]],
        states: Mapping[str, RowState],
    ) -> None:
        fields = tuple(declared.by_name[n] for n in names)
        first = self._take(len(group))
        rows: list[tuple[Any, ...]] = []
        for i, (record_id, new) in enumerate(group):
            fw = {**states[record_id].fw, **{f.number: first + i for f in fields}}
            rows.append((*new.values(), encode_fw(fw), first + i, self.hlc, record_id))
        ids = [i for i, _ in group]
        columns: list[list[Value]] = [[new[n] for _, new in group] for n in names]
        self.put_changed(declared, names, rows)
        captured = self._capture(declared, Op.UPDATE, fields, ids, columns, first)
        captured.bases = [[states[i].writer(f.number) for i in ids] for f in fields]
        captured.before = moved_from(declared, names, [states[i] for i in ids])

    def _difference(
        self, declared: RecordType, state: RowState, values: Mapping[str, Any], affirmed: str
    ) -> dict[str, Value]:
        new: dict[str, Value] = {}
        for field_ in declared.own_fields:
            if field_.name in values:
                value = to_stored(field_, values[field_.name])
                if value != state.values[field_.name] or field_.name == affirmed:
                    new[field_.name] = value
        return new

    def _may_update(self, declared: RecordType, state: RowState, new: Mapping[str, Value]) -> None:
        action = access.action_of(Action.UPDATE, declared, new)
        access.require(self.actor, action, declared, state.values, cause=self.cause)
        access.require_grant(self.actor, declared, state.values)
        access.require_grant(self.actor, declared, {**state.values, **new})
        cycle = declared.lifecycle
        if cycle is not None and cycle.field in new:
            access.require_move(self.actor, declared, state.values, str(new[cycle.field]))
        if any(k in new for k in declared.key):
            raise InputError(f"{declared.title}的标识字段不能修改。", "请作废本条后重新录入。")

    def _present(
        self, declared: RecordType, states: Mapping[str, RowState], record_id: str
    ) -> RowState:
        state = states.get(record_id)
        if state is None or state.deleted:
            raise StaleRecord(f"这条{declared.title}已不存在。", "请刷新列表。")
        return state

    def _prepare_new(self, declared: RecordType, rows: list[dict[str, Any]]) -> None:
        cycle = declared.lifecycle
        for row in rows:
            for one in declared.own_fields:
                if row.get(one.name) is None and one.default is not None:
                    row[one.name] = one.default
            if cycle is not None:
                row[cycle.field] = row.get(cycle.field) or cycle.initial()
                if not self.actor.has(Role.HUB):
                    cycle.require(None, row[cycle.field], self.actor.role)

    def _next_rid(self, declared: RecordType, count: int) -> int:
        last = self._rids.get(declared.name)
        if last is None:
            row = self.connection.exec_driver_sql(f'SELECT max(rid) FROM "{declared.name}"').scalar()
            last = int(row or 0)
        self._rids[declared.name] = last + count
        return last + 1

Edit = tuple[str, Mapping[str, Any]]


def _apart(edits: Sequence[Edit]) -> Iterator[Sequence[Edit]]:
    """Chunks in which no record comes twice: each edit builds on the one before it."""
    if len({i for i, _ in edits}) == len(edits):
        yield from (edits[start : start + CHUNK] for start in range(0, len(edits), CHUNK))
        return
    part: list[Edit] = []
    met: set[str] = set()
    for edit in edits:
        if edit[0] in met or len(part) == CHUNK:
            yield part
            part, met = [], set()
        part.append(edit)
        met.add(edit[0])
    yield part


__all__ = ["ROW_SYSTEM", "Author", "Captured", "RowState", "Sink", "Unit", "encode_fw"]
