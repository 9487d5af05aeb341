"""The oracle's own idea of what must come out: a merge in plain dictionaries, written from the protocol page.

It sees what people did (noted as they did it) and in which order the hub accepted change
sets; it never looks at the code under test to decide anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.changes import Block, Op, Value
from shared.fields import Merge
from shared.record import PROVENANCE, RecordType

Ref = tuple[str, int, int]
"""Device, incarnation, number; :data:`NOBODY` for no change at all."""
NOBODY: Ref = ("", 0, 0)
RESOLVES = "resolve:"
"""How the cause of a decision begins."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One change as somebody made it."""

    op: Op
    type_name: str
    record_id: str
    values: dict[str, Value]


@dataclass(slots=True)
class Record:
    """What stands of one record.

    :param w: who made it; of every value not named in ``writers``.
    """

    w: Ref
    values: dict[str, Value] = field(default_factory=dict)
    writers: dict[str, Ref] = field(default_factory=dict)
    deleted: bool = False

    def writer(self, name: str) -> Ref:
        """Whose value a field has."""
        return self.writers.get(name, self.w)

    def present(self) -> dict[str, tuple[Value, Ref]]:
        """Values that stand, with their authors."""
        return {n: (v, self.writer(n)) for n, v in self.values.items() if v is not None}


@dataclass(frozen=True, slots=True)
class Clash:
    """Two people decided differently."""

    type_name: str
    record_id: str
    field: str
    theirs: Ref


@dataclass(slots=True)
class Life:
    """What was done on one copy of one device's data, by incarnation and number.

    :param over: nobody goes on with it; what it had not delivered may never come.
    """

    device: str
    acts: dict[tuple[int, int], Change] = field(default_factory=dict)
    over: bool = False


@dataclass(slots=True)
class Model:
    """Acts of people, and what the hub must make of them.

    :param lives: one for each device, and one more for each copy of it that went on.
    """

    types: dict[int, RecordType]
    records: dict[Key, Record] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    clashes: set[Clash] = field(default_factory=set)
    left: set[Key] = field(default_factory=set)

    def live(self, device: str, acts: Mapping[tuple[int, int], Change] | None = None) -> Life:
        """A device begins, or a copy of it with what it had done."""
        self.lives.append(Life(device, dict(acts or {})))
        return self.lives[-1]

    @staticmethod
    def act(life: Life, incarnation: int, first: int, changes: Iterable[Change]) -> None:
        """Somebody did this, and it was committed."""
        for number, change in enumerate(changes, first):
            life.acts[incarnation, number] = change

    def accept(
        self, device: str, incarnation: int, blocks: Iterable[Block], known: Callable[[Ref], Ref] = lambda r: r
    ) -> int:
        """The hub applied these; returns how many clashes that must have made.

        :param known: which change a reference means; of a fork's numbers some mean another.
        """
        before = len(self.clashes)
        for block in blocks:
            for run in block.runs:
                declared = self.types[run.type]
                names = [declared.by_number[n].name for n in run.fields]
                for row, record_id in enumerate(run.record_ids()):
                    own = known((device, incarnation, run.first + row))
                    values = {n: c[row] for n, c in zip(names, run.columns, strict=False)}
                    bases = {
                        n: known(_ref(block, c[row])) for n, c in zip(names, run.bases, strict=False)
                    }
                    decided = run.cause.startswith(RESOLVES)
                    self._merge(declared, Op(run.op), record_id, own, values, bases, names, decided)
        return len(self.clashes) - before

    # --- inside --------------------------------------------------------------
    def _merge(
        self, declared: RecordType, op: Op, record_id: str, own: Ref, values: dict[str, Value],
        bases: dict[str, Ref], names: list[str], decided: bool,
    ) -> None:  # fmt: skip
        if declared.name == "held_set":
            return  # the hub's own; a decision about it takes effect when the set it is about is applied
        key = (declared.name, record_id)
        record = self.records.get(key)
        match op:
            case Op.INSERT if record is None:
                self.records[key] = Record(own, dict(values))
            case Op.INSERT if record is not None and record.deleted:
                self._lift(declared, record, own, values, PROVENANCE if decided else ())
            case Op.INSERT:
                assert record is not None
                own_fields = {n: v for n, v in values.items() if n not in PROVENANCE}
                self._fields(declared, key, record, own, own_fields, {})
            case Op.UPDATE:
                if record is None and declared.name == "conflict":
                    # The hub made it; what it says is checked by O5. From here on people change it.
                    record = self.records[key] = Record(NOBODY, {}, dict(bases))
                assert record is not None, f"an update of {key} that never was"
                self._fields(declared, key, record, own, values, bases)
            case Op.DELETE:
                if record is None or record.deleted:
                    return
                if all(_seen(bases.get(n, NOBODY), w, own) for n, (_, w) in record.present().items()):
                    record.deleted = True
                else:
                    self.clashes.add(Clash(*key, "", own))

    @staticmethod
    def _lift(
        declared: RecordType, record: Record, own: Ref, values: dict[str, Value], kept: Iterable[str]
    ) -> None:
        """Entered again after a deletion: it holds what the insert says, nothing of before (protocol, § 11)."""
        for name in declared.names:
            if name not in kept:
                record.values[name], record.writers[name] = values.get(name), own
        record.deleted = False

    def _fields(
        self, declared: RecordType, key: Key, record: Record, own: Ref, values: dict[str, Value],
        bases: dict[str, Ref],
    ) -> None:  # fmt: skip
        if record.deleted:
            self.clashes.add(Clash(*key, "", own))
            return
        for name, proposed in values.items():
            current, writer, base = record.values.get(name), record.writer(name), bases.get(name, NOBODY)
            policy: Any = declared.by_name[name].merge
            if writer[:2] == own[:2] and writer > own:
                continue
            if _seen(base, writer, own) or current == proposed or (current is None and base == NOBODY):
                record.values[name] = proposed
                record.writers[name] = own
            elif policy is Merge.UNION:
                parts = {p for v in (current, proposed) if v for p in str(v).split(",")}
                record.values[name] = ",".join(sorted(parts)) or None
                record.writers[name] = own
            elif policy is Merge.FIRST:
                continue
            else:
                self.clashes.add(Clash(*key, name, own))


def _seen(base: Ref, writer: Ref, own: Ref) -> bool:
    """What stands is the base, or an earlier change of the same line."""
    return base == writer or (writer[:2] == own[:2] and writer < own)


def _ref(block: Block, wire: int) -> Ref:
    return (*block.origins[wire & 0xFF], wire >> 8) if wire else NOBODY
