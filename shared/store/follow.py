"""The client applies what the hub says stands.

The hub's stream is the truth; an own change without a receipt stays on screen
over it (sync.md: downloads never wait for uploads). What arrives for such a
field waits in ``shadow`` and is shown when the receipt says the hub kept it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from typing import Any

import msgspec

from shared.changes import Block, Op, Value, encode_block, pack
from shared.scope import LEFT, bureaus_of, divisions_of, named_streams
from shared.store import exchange, rewinding, sql
from shared.store.catching import CatchingUp
from shared.store.facts import read_number, read_text, write_number, write_text
from shared.store.incarnations import OwnChanges
from shared.store.incoming import Incoming, understand
from shared.store.leaving import Leaving
from shared.store.references import Origins, local_table
from shared.store.rowstate import RowState, encode_fw
from shared.store.unit import Unit

ECHOED = "echoed_to"
"""Fact: own changes up to here have come back by the streams, or what the hub made of them has."""
STREAMS = "streams"
"""Fact: what the hub last said this device follows."""
OWN_NOTES = frozenset({"seat_state"})
"""What the hub notes about the exchange itself, anew at each: not counted as something received."""


class Follower:
    """Applies blocks of the hub's streams inside one transaction.

    :param receipted: last own sequence number the hub has signed for.
    """

    def __init__(self, unit: Unit, types: dict[int, Any], receipted: int) -> None:
        self._unit = unit
        self._types = types
        self._origins = Origins(unit.connection)
        self._receipted = receipted
        self._mine = OwnChanges(unit.connection, receipted)
        self._catching = CatchingUp(unit.connection, self._mine)
        self._leaving = Leaving(unit, {t.name: t for t in types.values()}, self._own_pending)
        self.applied = 0
        self.held = 0
        self.doubted = False

    def apply(self, stream: str, block: Block) -> None:
        """Apply one block; unknown types and fields are held for a later version.

        Officers' updates come as one run each: neighbours of one type are taken together.
        """
        table = local_table(self._origins, block.origins)
        updates: list[Incoming] = []
        for run in block.runs:
            self._unit.clock.observe(run.hlc)
            known = understand(run, table, self._types)
            if known is None or known.partial:
                self._hold(stream, Block(block.origins, [run]))
            if known is None:
                continue
            if updates and (known.op is not Op.UPDATE or known.declared is not updates[0].declared):
                self._merge_rows(updates)
                updates = []
            if known.op is Op.UPDATE:
                updates.append(known)
            else:
                self._apply(known, stream)
            if known.declared.name not in OWN_NOTES:
                self.applied += run.count
        if updates:
            self._merge_rows(updates)

    def take(self, one: Incoming) -> None:
        """Apply one run that had waited for this version of the program."""
        if one.op is Op.UPDATE or (one.op is Op.INSERT and one.writers):
            self._merge_rows([one])
        else:
            self._apply(one)

    def lift_shadows(self) -> None:
        """Show what waited under own changes that now have their receipt."""
        connection = self._unit.connection
        rows = sql.execute(connection, "SELECT type, record_id, field, value, writer FROM shadow")
        by_name = {t.name: t for t in self._types.values()}
        for type_name, record_id, number, value, writer in rows.fetchall():
            declared = by_name[type_name]
            state = self._unit.load(declared, [record_id]).get(record_id)
            writer_now = state.writer(number) if state is not None else 0
            if self._own_pending(writer_now) or self._catching.recent(writer_now):
                continue
            if state is not None:
                field = declared.by_number[number]
                self._set(declared, record_id, state, {field.name: msgspec.msgpack.decode(value)},
                          {number: writer}, state.hlc)
            self._uncast(type_name, record_id, number)
        self._leaving.settle()

    def caught_up(self) -> None:
        """The streams are at their end: what the hub decided about own changes it has signed for stands."""
        write_number(self._unit.connection, ECHOED, self._receipted)
        if self._catching.after is not None:
            self._catching.end()
            self.lift_shadows()

    def narrow(self, streams: Collection[str]) -> None:
        """Only these streams are followed from now on.

        What the hub made of own changes may have been told in a stream that is not followed any more
        (another bureau had entered the same record): it is asked about those not heard of yet.
        """
        connection = self._unit.connection
        followed = {one.stream for one in exchange.cursors(connection)}
        for dropped in followed.difference(streams):
            exchange.forget_cursor(connection, dropped)
        subscribed = set(filter(None, read_text(connection, STREAMS).split(",")))  # the empty too
        write_text(connection, STREAMS, ",".join(streams))
        if not followed | subscribed <= set(streams):
            self._leaving.narrow(streams)
            echoed = read_number(connection, ECHOED)
            if echoed < self._receipted:
                rewinding.doubt_own(connection, echoed + 1, self._receipted)
                self.doubted = True

    # --- inside --------------------------------------------------------------
    def _own_pending(self, reference: int) -> bool:
        return self._mine.pending(reference)

    def _stands(self, one: Incoming) -> bool:
        """Whether this is the echo of rows entered here that are still as they were entered.

        An echo is not always idle: a receipt may run ahead of the streams, and what
        stood before our change then arrives, and is shown, before our change does.
        """
        if not self._mine.own(one.first) or one.writers:
            return False
        states = self._unit.load(one.declared, one.ids, ())
        return len(states) == len(one.ids) and all(
            states[i].w == one.first + row and not states[i].fw and not states[i].deleted
            for row, i in enumerate(one.ids)
        )

    def _apply(self, one: Incoming, stream: str = "") -> None:
        if one.op is Op.EVICT:
            self._evict(one, stream)
            return
        self._leaving.returned(one.declared, one.ids)
        if one.op is Op.INSERT and self._stands(one):
            return
        if one.op is Op.DELETE:
            self._delete(one)
        elif not self._insert_all(one):
            self._merge_rows([one])

    def _evict(self, one: Incoming, stream: str) -> None:
        """They left a stream; those in another that we follow stay.

        Streams are told one after another. What this one tells of the past may have come over what
        another had said before (also a later one, when this one is followed anew): the hub is asked
        how those records stand.
        """
        now = set(one.run.cause.removeprefix(LEFT).split(","))
        followed = {c.stream for c in exchange.cursors(self._unit.connection)}
        others, stays = followed - {stream}, not now.isdisjoint(followed)
        if not stays:
            back = self._elsewhere(one, others)
            self._leaving.leave(one.declared, [i for i in one.ids if i not in back])
        if stays or divisions_of(others) or bureaus_of(others):  # where it is, or can have changed to
            rewinding.doubt(self._unit.connection, one.declared, one.ids)
            self.doubted = True

    def _elsewhere(self, one: Incoming, streams: Set[str]) -> list[str]:
        """Those that, as they stand here, another stream has brought back since."""
        states = self._unit.load(one.declared, one.ids)
        where = {i: named_streams(one.declared, s.values) for i, s in states.items()}
        return [i for i, names in where.items() if not streams.isdisjoint(names)]

    def _insert_all(self, one: Incoming) -> bool:
        if len(one.writers) > 1:
            return False
        writers = one.writers[0] if one.writers else range(one.first, one.first + len(one.ids))
        unit = self._unit
        written = unit.put_new(one.declared, one.fields, one.ids, one.columns, writers, one.run.hlc)
        return written == len(one.ids)

    def _merge_rows(self, group: Sequence[Incoming]) -> None:
        """Merge runs of one type, in order; each row is read once and written once."""
        unit, declared = self._unit, group[0].declared
        names = tuple({f.name: None for one in group for f in one.fields})
        states = unit.load(declared, list({i: None for one in group for i in one.ids}), names)
        changed: dict[str, dict[str, Value]] = {}
        for one in group:
            for row, record_id in enumerate(one.ids):
                state = states.get(record_id)
                if state is None:
                    self._create(one, row)
                    if one.op is Op.UPDATE:  # a part of a record: the hub is asked for the whole
                        rewinding.doubt(unit.connection, declared, [record_id])
                        self.doubted = True
                    states.update(unit.load(declared, [record_id], names))
                    continue
                values = self._merge_row(one, row, state)
                if values:
                    changed.setdefault(record_id, {}).update(values)
                if one.op is Op.INSERT and state.deleted and not self._own_pending(state.tag):
                    unit.put_deleted(declared, [record_id], [one.writer(row, 0)], one.run.hlc, 0)
        shapes: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for record_id, values in changed.items():
            state = states[record_id]
            body = (*values.values(), encode_fw(state.fw), state.tag, state.hlc, record_id)
            shapes.setdefault(tuple(values), []).append(body)
        for shape, rows in shapes.items():
            unit.put_changed(declared, shape, rows)

    def _merge_row(self, one: Incoming, row: int, state: RowState) -> dict[str, Value]:
        """What one change sets; ``state`` is brought up to it."""
        record_id = one.ids[row]
        values: dict[str, Value] = {}
        newest = 0
        for column, field in enumerate(one.fields):
            writer = one.writer(row, column)
            value = one.columns[column][row]
            current = state.writer(field.number)
            if self._own_pending(current):
                if self._mine.own(writer):
                    self._uncast(one.declared.name, record_id, field.number)
                else:
                    self._cast(one.declared.name, record_id, field.number, value, writer)
            elif self._catching.covers(one.declared.name, record_id, field.number, current):
                if writer == current:
                    self._catching.settled(one.declared.name, record_id, field.number)
                    self._uncast(one.declared.name, record_id, field.number)
                elif not self._catching.outdated(current, writer):
                    self._cast(one.declared.name, record_id, field.number, value, writer)
            elif self._catching.outdated(current, writer):
                continue
            elif current != writer or state.values[field.name] != value:
                values[field.name] = state.values[field.name] = value
                state.fw[field.number] = writer
                newest = max(newest, writer)
        if values:
            state.tag = state.tag if self._own_pending(state.tag) else newest
            state.hlc = max(one.run.hlc, state.hlc)
        return values

    def _create(self, one: Incoming, row: int) -> None:
        columns = [[c[row]] for c in one.columns]
        first = one.writer(row, 0)
        self._unit.put_new(
            one.declared, one.fields, [one.ids[row]], columns, [first], one.run.hlc
        )
        fw = {
            f.number: one.writer(row, i)
            for i, f in enumerate(one.fields)
            if one.writer(row, i) != first
        }
        if fw:
            body = (encode_fw(fw), first, one.run.hlc, one.ids[row])
            self._unit.put_changed(one.declared, (), [body])

    def _set(
        self,
        declared: Any,
        record_id: str,
        state: RowState,
        values: dict[str, Value],
        writers: dict[int, int],
        hlc: int,
    ) -> None:
        tag = state.tag if self._own_pending(state.tag) else max(writers.values())
        body = (*values.values(), encode_fw({**state.fw, **writers}), tag, max(hlc, state.hlc), record_id)
        self._unit.put_changed(declared, tuple(values), [body])

    def _delete(self, one: Incoming) -> None:
        states = self._unit.load(one.declared, one.ids)
        gone = [
            (i, one.writer(row, 0))
            for row, i in enumerate(one.ids)
            if i in states and not self._own_pending(states[i].tag)
        ]
        if gone:
            ids, tags = zip(*gone, strict=True)
            self._unit.put_deleted(one.declared, ids, tags, one.run.hlc)

    def _cast(self, type_name: str, record_id: str, number: int, value: Value, writer: int) -> None:
        sql.execute(
            self._unit.connection,
            "INSERT INTO shadow (type, record_id, field, value, writer) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (type, record_id, field) DO UPDATE SET value = excluded.value,"
            " writer = excluded.writer",
            (type_name, record_id, number, msgspec.msgpack.encode(value), writer),
        )

    def _uncast(self, type_name: str, record_id: str, number: int) -> None:
        """Nothing waits under this field any more."""
        sql.execute(
            self._unit.connection,
            "DELETE FROM shadow WHERE type = ? AND record_id = ? AND field = ?",
            (type_name, record_id, number),
        )

    def _hold(self, stream: str, block: Block) -> None:
        self.held += block.count
        sql.execute(
            self._unit.connection,
            "INSERT INTO held_run (stream, type, payload) VALUES (?, ?, ?)",
            (stream, block.runs[0].type, pack(encode_block(block))),
        )
