"""隔离待审: what the hub put aside, why, what is inside, and the decision that travels back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.work.records import Records, Row
from shared import held_content
from shared.access import Role
from shared.changes import Op
from shared.errors import AccessDenied, InputError, StaleRecord
from shared.store.store import Store
from shared.types.held_set import MOVED

OPS = {int(Op.INSERT): "新增", int(Op.UPDATE): "修改", int(Op.DELETE): "作废"}


@dataclass(frozen=True, slots=True)
class Inside:
    """One change in words: what happened to which record, and the values as people read them."""

    title: str
    operation: str
    label: str
    values: str


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

    def decide(self, ids: Sequence[str], *, release: bool, note: str, initiator: str = "") -> int:
        """Release or reject; one transaction for all. Raises :class:`InputError` for no reason given."""
        if not release and not note.strip():
            raise InputError("退回必须写明理由。", "填报人会看到这段话，请说明怎样改正。")
        rows = [self._records.get(self.declared, i) for i in ids]
        present = [r for r in rows if r is not None]
        if len(present) != len(ids) or any(r.values["state"] != "held" for r in present):
            raise StaleRecord("所选的变更集已由他人处理。", "请刷新列表。")
        if not all(map(self.may_decide, present)):
            raise AccessDenied("您没有处理这个变更集的权限。", "请由中心管理员处理。")
        end = {
            "state": "released" if release else "rejected",
            "decision_note": note.strip() or None,
            "decided_by": self._records.actor.user,
            "decided_at": self._store.clock.stamp(),
        }
        with self._records.unit(initiator=initiator) as unit:
            for row in present:
                unit.update(self.declared, row.id, end, seen=row.seen, proven=True)
        return len(present)
