"""What is put aside waits as a record; a person's decision about it is carried out here (ADR 0012).

The decision is an ordinary change of the ``held_set`` record and takes effect in the
transaction that takes it in: released, the kept set is applied with the decider's
authority under its author's name; rejected, what stands is announced again, so that
the author's screen ends equal to everybody's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import zstandard

from server_stub.devices import author_of
from server_stub.people import People
from shared import held_content
from shared.access import HUB_ACTOR
from shared.changes import SEQ_BITS, Block, Op
from shared.errors import AccessDenied, YizhanError
from shared.ids import key_id
from shared.record import RecordType
from shared.scope import bureau_stream, bureaus_of, divisions_of
from shared.store import audit, sql
from shared.store.merging import Moved
from shared.store.references import Origins
from shared.store.store import Store
from shared.store.unit import Captured, RowState
from shared.supervision.held_sets import no_release, no_return
from sync import changeset
from sync.changeset import ChangeSet

HELD, RELEASED, REJECTED = "held", "released", "rejected"
MISSING = "missing"
MOST_TRIED = 200
"""How many sets that lack something are tried again when a package has come; the others by the next."""
_TYPE = "held_set"
_OPS = {int(Op.INSERT): "新增", int(Op.UPDATE): "修改", int(Op.DELETE): "作废"}

Apply = Callable[..., tuple[str, str]]
"""``apply(connection, set, waived=…)``: status and reason; raises what stands against it."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A held set with the archive of what it holds."""

    id: str
    state: str
    note: str
    decided_by: str
    one: ChangeSet
    kind: str


class Review:
    """Held sets at the hub.

    :param refusals: what may stand against applying a set.
    """

    def __init__(self, store: Store, apply: Apply, refusals: tuple[type[YizhanError], ...]) -> None:
        self._store = store
        self._apply = apply
        self._refusals = refusals
        self._declared = store.types[_TYPE]

    # --- putting aside -----------------------------------------------------------
    def hold(
        self, connection: sa.Connection, one: ChangeSet, kind: str, refused: YizhanError
    ) -> None:
        """The record of a quarantined set, for those who decide and for its bureau."""
        st = one.statement
        blocks = _readable(one)
        row = sql.execute(
            connection, "SELECT bureau FROM device_key WHERE device = ?", (st.device,)
        ).fetchone()
        people = People(connection)
        actors = dict.fromkeys(run.actor for block in blocks for run in block.runs if run.actor.isprintable())
        names = [name for name, _ in map(people.find, actors) if name]
        held = held_id(one.cs_id)
        values = {
            "id": held,
            "summary": self._summary(blocks) or "内容无法读取",
            "device": st.device,
            "bureau": row[0] if row else None,
            "persons": "、".join(names)[:200] or None,
            "incarnation": st.incarnation,
            "first": st.first,
            "last": st.last,
            "changes": st.last - st.first + 1,
            "cs_id": one.cs_id,
            "content": held_content.pack(held_content.rows_of(blocks)) or None,
            "kind": kind,
            "reason": f"{refused.message}{refused.hint}"[:2000],
            "owner": self._owner(connection, refused),
            "held_at": self._store.clock.stamp(),
            "state": HELD,
        }
        unit = self._store.unit_on(connection, HUB_ACTOR)
        if not unit.load(self._declared, [held], ()):
            unit.insert(
                self._declared, [values], way="exchange", proven=True,
                provenance={"source_bureau": values["bureau"]},
            )
        audit.note(connection, self._store.clock.stamp(), "hub", "held", f"{one.cs_id[:16]} {kind}")
        unit.finish()

    # --- deciding -------------------------------------------------------------------
    def carry_out(self, connection: sa.Connection, ids: Iterable[str]) -> None:
        """Let decisions take effect; what stands against a release goes back to the decider in words."""
        found = [c for held in dict.fromkeys(ids) if (c := self._case(connection, held)) is not None]
        for case in found:
            if case.state == REJECTED:
                self._reject(connection, case)
        # decided together, in whatever order: one may bring what another builds on
        waiting = sorted((c for c in found if c.state == RELEASED), key=_in_order)
        refused: dict[str, str] = {}
        before = len(waiting) + 1
        while 0 < len(waiting) < before:
            before = len(waiting)
            refused = {c.id: self._release(connection, c) for c in waiting}
            waiting = [c for c in waiting if refused[c.id]]
        for case in waiting:
            self._again(connection, case, f"放行没有成功：{refused[case.id]}")
        if len(waiting) < sum(c.state == RELEASED for c in found):
            self.retry(connection)

    def decide(self, held: str, decision: str, note: str) -> None:
        """The hub's own command line decides; raises :class:`AccessDenied` for one decided already."""
        with self._store.write() as connection:
            self._store.take_turn(connection)
            if (case := self._case(connection, held)) is None or case.state != HELD:
                raise AccessDenied("没有这个待审的变更集。", "请用 yizhan-hub held list 查看。")
            self._write(connection, held, {
                "state": decision, "decision_note": note or None, "decided_at": self._store.clock.stamp(),
            })  # fmt: skip
            self.carry_out(connection, [held])

    def retry(self, connection: sa.Connection, kinds: tuple[str, ...] = (MISSING,)) -> None:
        """Sets that lacked something are tried again in order, with their authors' own rights."""
        marks = ", ".join("?" * len(kinds))
        rows = sql.execute(
            connection,
            f"SELECT cs_id FROM accepted_set WHERE kind IN ({marks}) AND status = 'quarantined'"
            " ORDER BY received_at, device, incarnation, first",
            kinds,
        ).fetchall()
        waiting = [held_id(str(r[0])) for r in rows]
        again = True
        while again and waiting:
            again = False
            for held in list(waiting):
                case = self._case(connection, held)
                if case is None or case.state != HELD or not self._release(connection, case, waived=False):
                    waiting.remove(held)
                    again = True

    def lacking(self, connection: sa.Connection) -> list[tuple[str, str]]:
        """Sets that lacked something and nobody has decided about: record and device, in order."""
        rows = sql.execute(
            connection,
            'SELECT id, device FROM "held_set" WHERE kind = ? AND state = ? AND "_deleted" = 0'
            ' ORDER BY held_at, device, incarnation, "first" LIMIT ?',
            (MISSING, HELD, MOST_TRIED),
        ).fetchall()
        return [(str(r[0]), str(r[1])) for r in rows]

    def try_again(self, connection: sa.Connection, held: str) -> bool:
        """Whether what it lacked has come and it is in now, with its authors' own rights."""
        case = self._case(connection, held)
        return case is not None and case.state == HELD and not self._release(connection, case, waived=False)

    # --- inside --------------------------------------------------------------
    def _release(self, connection: sa.Connection, case: _Case, *, waived: bool = True) -> str:
        """Let it take effect; says what stands against it, ``""`` when nothing did."""
        try:
            with connection.begin_nested():
                status, reason = self._apply(connection, case.one, waived=waived, kind=case.kind)
        except self._refusals as refused:
            return no_release(case.kind) or refused.message
        words = "已放行入库" if waived else "所缺的内容已经到达，自动入库"
        _mark(connection, case.one.cs_id, status, f"{words}，{reason}" if reason else words)
        done = {"result": f"{words}，{reason}" if reason else words}
        self._write(connection, case.id, done if waived else {**done, "state": RELEASED})
        self._note(connection, case, "release")
        return ""

    def _again(self, connection: sa.Connection, case: _Case, words: str) -> None:
        """The decision could not be carried out: it waits as before, and says why."""
        self._write(connection, case.id, {"state": HELD, "result": words})

    def _reject(self, connection: sa.Connection, case: _Case) -> None:
        if against := no_return(case.kind):
            self._again(connection, case, f"退回没有成功：{against}")
            return
        self._announce(connection, case)
        words = f"已退回：{case.note}" if case.note else "已退回"
        _mark(connection, case.one.cs_id, REJECTED, words)
        self._write(connection, case.id, {"result": "没有入库，填报的席位下次同步时收到退回说明"})
        self._note(connection, case, "reject")

    def _case(self, connection: sa.Connection, held: str) -> _Case | None:
        names = ("state", "decision_note", "decided_by", "cs_id", "kind")
        found = sql.fetch(connection, _TYPE, names, [held])
        if not found:
            return None
        state, note, decided_by, cs_id, kind = found[0]
        row = sql.execute(
            connection,
            "SELECT envelope, payload FROM accepted_set WHERE cs_id = ? AND status = 'quarantined'",
            (cs_id,),
        ).fetchone()
        if row is None:
            return None
        envelope, payload = bytes(row[0]), zstandard.ZstdDecompressor().decompress(bytes(row[1]))
        one = ChangeSet(cs_id, changeset.peek(envelope), envelope, payload)
        return _Case(held, state, str(note or ""), str(decided_by or ""), one, kind)

    def _write(self, connection: sa.Connection, held: str, values: Mapping[str, Any]) -> None:
        unit = self._store.unit_on(connection, HUB_ACTOR)
        unit.update(self._declared, held, values, proven=True)
        unit.finish()

    def _note(self, connection: sa.Connection, case: _Case, event: str) -> None:
        who = case.decided_by or "hub"
        audit.note(connection, self._store.clock.stamp(), who, event, case.one.cs_id[:16])

    def _announce(self, connection: sa.Connection, case: _Case) -> None:
        """What stands of every record the set touched; what the hub does not have is gone there too."""
        unit = self._store.unit_on(connection, HUB_ACTOR)
        st = case.one.statement
        unit.author = author_of(connection, st.device)  # what is not its bureau's any more leaves its screen
        row = sql.execute(
            connection, "SELECT bureau FROM device_key WHERE device = ?", (st.device,)
        ).fetchone()
        touched: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for one in held_content.rows_of(_readable(case.one)):
            touched[one.type][one.record_id].update(one.values)
        own = Origins(connection).number(st.device, st.incarnation) << SEQ_BITS | st.first
        home = bureau_stream(str(row[0])) if row else ""
        for number, records in touched.items():
            declared = self._store.by_number.get(number)
            if declared is None:
                continue
            states = unit.load(declared, list(records))
            for record_id, numbers in records.items():
                told = _standing(declared, record_id, states.get(record_id), numbers, own, home)
                told.hlc = unit.hlc
                unit.captured.append(told)
        unit.finish()

    def _summary(self, blocks: list[Block]) -> str:
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for block in blocks:
            for run in block.runs:
                counts[run.type][_OPS.get(run.op, "其他")] += run.count
        parts = []
        for number, found in counts.items():
            declared = self._store.by_number.get(number)
            title = declared.title if declared else "尚不认识的类型"
            inside = "、".join(f"{word} {n:,}" for word, n in found.items())
            parts.append(f"{title} {found.total():,} 条（{inside}）")
        return "；".join(parts)[:300]

    def _owner(self, connection: sa.Connection, refused: YizhanError) -> str | None:
        """The bureau responsible now, where that is what the refusal is about."""
        if not isinstance(refused, Moved):
            return None
        named = bureaus_of(refused.streams)
        return named[0] if named else _responsible(connection, refused)


def _responsible(connection: sa.Connection, moved: Moved) -> str | None:
    """Who keeps records of a division: whoever has claimed one of them, else the highest bureau there."""
    divisions = set(divisions_of(moved.streams))
    rows = sql.execute(
        connection, 'SELECT id, parent, division, code FROM bureau WHERE "_deleted" = 0 ORDER BY code'
    ).fetchall()
    there = {str(r[0]): r for r in rows if r[2] in divisions}
    claimed = connection.exec_driver_sql(
        'SELECT bureau FROM claim WHERE "_deleted" = 0 AND '
        + sql.in_ids(sql.is_postgres(connection), "entity_id")
        + " ORDER BY rid DESC",
        (sql.ids_parameter(sql.is_postgres(connection), list(moved.record_ids)),),
    ).fetchall()
    for (bureau,) in claimed:
        if str(bureau) in there:
            return str(bureau)
    return next((bureau for bureau, row in there.items() if row[1] not in there), None)


def _in_order(case: _Case) -> tuple[str, int, int]:
    st = case.one.statement
    return st.device, st.incarnation, st.first


def held_id(cs_id: str) -> str:
    """Id of the record about a change set."""
    return key_id(_TYPE, [cs_id])


def words_on(connection: sa.Connection, device: str, ids: Iterable[str]) -> list[tuple[Any, ...]]:
    """``(cs_id, first, last, status, reason)`` of sets of a device, as they stand now."""
    postgres = sql.is_postgres(connection)
    mark = "%s" if postgres else "?"
    rows = connection.exec_driver_sql(
        "SELECT cs_id, first, last, status, reason FROM accepted_set WHERE "
        + sql.in_ids(postgres, "cs_id")
        + f" AND device = {mark} ORDER BY first",
        (sql.ids_parameter(postgres, list(ids)), device),
    )
    return [tuple(r) for r in rows]


def _mark(connection: sa.Connection, cs_id: str, status: str, reason: str) -> None:
    sql.execute(
        connection, "UPDATE accepted_set SET status = ?, reason = ? WHERE cs_id = ?",
        (status, reason, cs_id),
    )  # fmt: skip


def _readable(one: ChangeSet) -> list[Block]:
    """The blocks as far as they can be read at all."""
    try:
        return changeset.blocks(one)
    except YizhanError:
        return []


def _standing(
    declared: RecordType, record_id: str, state: RowState | None, numbers: set[int], own: int, home: str
) -> Captured:
    if state is None:
        return Captured(
            declared, Op.DELETE, (), [record_id], [], writers=[[own]], author=own, streams=(home,)
        )
    if state.deleted:
        return Captured(declared, Op.DELETE, (), [record_id], [], writers=[[state.tag]], author=own)
    fields = tuple(
        f for f in declared.fields if state.values[f.name] is not None or f.number in numbers
    )
    return Captured(
        declared, Op.INSERT, fields, [record_id], [[state.values[f.name]] for f in fields],
        writers=[[state.writer(f.number)] for f in fields], author=own,
    )


__all__ = ["HELD", "REJECTED", "RELEASED", "Review", "held_id", "words_on"]
