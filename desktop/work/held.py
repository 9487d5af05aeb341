"""隔离待审: what the hub put aside, why, what is inside, and the decision that travels back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.work.records import Records, Row
from shared import held_content
from shared.access import Role
from shared.changes import Op
from shared.errors import AccessDenied, InputError, StaleRecord, YizhanError
from shared.filters import Condition, Filter
from shared.filters import Op as Is
from shared.store.store import Store
from shared.supervision.held_sets import ALONE, lacks_record, no_release, no_return
from shared.types.held_set import MOVED

MOST = 200
"""So many earlier sets are looked into for what another one lacks."""
OPS = {int(Op.INSERT): "新增", int(Op.UPDATE): "修改", int(Op.DELETE): "作废"}


@dataclass(frozen=True, slots=True)
class Inside:
    """One change in words: what happened to which record, and the values as people read them."""

    title: str
    operation: str
    label: str
    values: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What may be decided about one set, known before anybody decides.

    :param named: how people call it; :param kind: why it is held, in words.
    :param seat: the installation it was written at.
    :param needs: ids of held sets that bring what this one changes: it is released together with them.
    :param no_release: why 放行 has no effect, ``""`` when it has; :param no_return: likewise for 退回.
    """

    row: Row
    named: str
    kind: str
    needs: frozenset[str] = frozenset()
    no_release: str = ""
    no_return: str = ""
    seat: str = ""

    def against(self, *, release: bool, chosen: Mapping[str, Prospect]) -> str:
        """Why this decision cannot be made together with what else is chosen; ``""`` when it can."""
        if not release:
            return self.no_return
        if self.no_release or not self.needs:
            return self.no_release
        there = [chosen[i] for i in self.needs if i in chosen]
        if any(not one.no_release for one in there):
            return ""
        return "所改的记录在另一个待审的变更集里，请一并选中放行"


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of several decided with one action: sets and, of those left, why."""

    done: tuple[Prospect, ...]
    left: tuple[tuple[Prospect, str], ...] = ()


def by_kind(found: Sequence[Prospect]) -> str:
    """How many of each kind, most first: 权限不符 3 个、吊销之后 1 个."""
    counts = Counter(one.kind for one in found)
    return "、".join(f"{kind} {count:,} 个" for kind, count in counts.most_common())


class Held:
    """The held sets this device knows of."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self.declared = records.type("held_set")

    def may_decide(self, row: Row) -> bool:
        """Whether the signed-in person may decide about this one."""
        actor = self._records.actor
        if row.values["state"] != "held":
            return False
        mine = row.values["kind"] == MOVED and row.values["owner"] in {actor.bureau, *actor.bureaus}
        return actor.has(Role.HUB_ADMIN) or (mine and actor.has(Role.BUREAU_ADMIN))

    def inside(self, row: Row) -> list[Inside]:
        """What the set would change, decoded; at most :data:`held_content.MOST_ROWS` changes."""
        out: list[Inside] = []
        for one in held_content.unpack(str(row.values["content"] or "")):
            declared = self._store.by_number.get(one.type)
            if declared is None:
                out.append(Inside("尚不认识的类型", OPS.get(one.op, ""), "", ""))
                continue
            known = {n: declared.by_number[n] for n in one.values if n in declared.by_number}
            texts = [
                f"{f.title}：{self._records.show(f, one.values[n])}"
                for n, f in known.items()
                if one.values[n] is not None and f in declared.own_fields
            ]
            named = {f.name: one.values[n] for n, f in known.items()}
            label = self._records.label(declared.name, one.record_id) or str(named.get(declared.label) or "")
            out.append(Inside(declared.title, OPS.get(one.op, ""), label, "；".join(texts)))
        return out

    def prospects(self, rows: Sequence[Row]) -> list[Prospect]:
        """What may be decided about each, in the order they were written."""
        return [self._prospect(row) for row in sorted(rows, key=_in_order)]

    def decide(self, ids: Sequence[str], *, release: bool, note: str, initiator: str = "") -> Decided:
        """Release or reject, each a transaction of its own; what cannot be decided is named with why.

        Raises :class:`InputError` for a return without a reason.
        """
        if not release and not note.strip():
            raise InputError("退回必须写明理由。", "填报人会看到这段话，请说明怎样改正。")
        rows = [self._records.get(self.declared, i) for i in ids]
        found = self.prospects([r for r in rows if r is not None])
        chosen = {one.row.id: one for one in found}
        done: list[Prospect] = []
        left: list[tuple[Prospect, str]] = []
        for one in found:
            against = one.against(release=release, chosen=chosen)
            try:
                if not against:
                    self._decide(one.row, release=release, note=note, initiator=initiator)
            except YizhanError as refused:
                against = refused.message.rstrip("。")
            if against:
                left.append((one, against))
            else:
                done.append(one)
        return Decided(tuple(done), tuple(left))

    # --- inside --------------------------------------------------------------
    def _decide(self, row: Row, *, release: bool, note: str, initiator: str) -> None:
        if row.values["state"] != "held":
            raise StaleRecord("已由他人处理。", "请刷新列表。")
        if not self.may_decide(row):
            raise AccessDenied("您没有处理这个变更集的权限。", "请由中心管理员处理。")
        end = {
            "state": "released" if release else "rejected",
            "decision_note": note.strip() or None,
            "decided_by": self._records.actor.user,
            "decided_at": self._store.clock.stamp(),
        }
        with self._records.unit(initiator=initiator) as unit:
            unit.update(self.declared, row.id, end, seen=row.seen, proven=True)

    def _prospect(self, row: Row) -> Prospect:
        one = row.values
        kind = str(one["kind"])
        bureau = self._records.label("bureau", str(one["bureau"])) if one["bureau"] else ""
        named = f"{bureau} 第 {numbers(one)} 号".strip()
        needs, against = frozenset[str](), no_release(kind)
        if lacks_record(kind, str(one["reason"])):
            needs = self._bringing(row)
            against = "" if needs else ALONE
        closed = self._closed(row)
        return Prospect(
            row, named, self._records.show(self.declared.by_name["kind"], kind), needs,
            closed or against, closed or no_return(kind),
            self._records.label("device", str(one["device"] or "")),
        )  # fmt: skip

    def _closed(self, row: Row) -> str:
        """Why the signed-in person cannot decide about it at all."""
        if row.values["state"] != "held":
            return "已经处理过"
        return "" if self.may_decide(row) else "由中心管理员处理，负责单位已变的由现在负责的单位处理"

    def _bringing(self, row: Row) -> frozenset[str]:
        """Held sets of the same seat with a new record that this one changes, or too many to show all."""
        changed = held_content.unpack(str(row.values["content"] or ""))
        edited = {r.record_id for r in changed if r.op == Op.UPDATE}
        before = Filter(
            (
                Condition("device", Is.EQ, row.values["device"]),
                Condition("state", Is.EQ, "held"),
                Condition("first", Is.LT, row.values["first"]),
            )
        )
        found = set()
        for other in self._records.first(self.declared, before, MOST):
            inside = held_content.unpack(str(other.values["content"] or ""))
            new = {r.record_id for r in inside if r.op == Op.INSERT}
            if not edited.isdisjoint(new) or int(other.values["changes"]) > len(inside):
                found.add(other.id)
        return frozenset(found)


def _in_order(row: Row) -> tuple[str, int, int]:
    one = row.values
    return str(one["device"]), int(one["incarnation"]), int(one["first"])


def numbers(one: Mapping[str, object]) -> str:
    """Its sequence numbers, as 41–52."""
    first, last = one["first"], one["last"]
    return f"{first:,}–{last:,}" if first != last else f"{first:,}"
