"""监管认领: taking entities as the bureau's subjects, and giving them back (R68 to R73)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from desktop.work.entities import find_entities
from desktop.work.records import Records, Row
from shared.errors import InputError
from shared.filters import Filter, Op
from shared.store import query
from shared.store.store import Store
from shared.supervision import queues

Progress = Callable[[int, int, str], None]
CHUNK = 1000
SINGLE, BATCH = "1", "2"


@dataclass(slots=True)
class Claimed:
    """What became of a wish to claim; ids of claims."""

    new: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """One sentence for the person."""
        parts = []
        if self.new:
            parts.append(f"认领 {len(self.new)} 户")
        if self.again:
            parts.append(f"重新认领 {len(self.again)} 户")
        if self.already:
            parts.append(f"{len(self.already)} 户本单位已认领，不必重复")
        return "，".join(parts) + "。" if parts else "没有选择市场主体。"


class Claims:
    """The claims of the signed-in person's bureau."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self.declared = records.type("claim")

    def find(self, word: str) -> list[Row]:
        """Entities by 统一社会信用代码 or name (R71)."""
        return find_entities(self._records, word)

    def claimable(self, wanted: Filter | None = None) -> Filter:
        """Entities that fit ``wanted`` and are not claimed by the bureau (R69)."""
        return (wanted or Filter()).having(queues.CLAIMED_BY_US.absent())

    def mine(self) -> Filter:
        """Claims the bureau holds."""
        return queues.OUR_CLAIMS.filter

    def of_entity(self, entity_id: str) -> list[Row]:
        """All claims of one entity, by whatever bureau: they do not exclude each other (R73)."""
        wanted = Filter(order="claimed_on").where("entity_id", Op.EQ, entity_id)
        return self._records.first(self.declared, wanted)

    def claim(self, entity_ids: Sequence[str], *, initiator: str = "") -> Claimed:
        """Claim these entities for the bureau; repeating it changes nothing."""
        return self._claim(list(dict.fromkeys(entity_ids)), lambda done, total, text: None, initiator)

    def claim_matching(self, wanted: Filter, progress: Progress, *, initiator: str = "") -> Claimed:
        """Claim everything that fits the filter and is not claimed yet (R69)."""
        entity_type = self._records.type("market_entity")
        rids = self._records.row_ids(entity_type, self.claimable(wanted))
        with self._store.read() as connection:
            ids = [r.id for part in query.stream(connection, entity_type, rids) for r in part]
        return self._claim(ids, progress, initiator)

    def give_back(self, claim_id: str, reason: str, *, initiator: str = "") -> None:
        """Give an entity back with a reason."""
        raw = {"return_reason": reason, "returned_on": self._store.clock.today().isoformat()}
        self._records.step(self.declared, claim_id, "give_back", raw, initiator=initiator)

    # --- inside --------------------------------------------------------------
    def _claim(self, entity_ids: Sequence[str], progress: Progress, initiator: str) -> Claimed:
        out = Claimed()
        if not entity_ids:
            return out
        actor = self._records.actor
        if not actor.bureau:
            raise InputError("您的账号不属于任何单位，不能认领。", "请联系管理员设置所属单位。")
        today = self._store.clock.today()
        way = SINGLE if len(entity_ids) == 1 else BATCH
        again = self.declared.lifecycle.transition("claim_again") if self.declared.lifecycle else None
        with self._records.unit(initiator=initiator) as unit:
            for start in range(0, len(entity_ids), CHUNK):
                progress(start, len(entity_ids), "正在认领")
                part = {
                    self.declared.id_for_key(actor.bureau, i): i
                    for i in entity_ids[start : start + CHUNK]
                }
                known = unit.load(self.declared, list(part))
                fresh = [
                    {
                        "entity_id": entity, "bureau": actor.bureau, "claimed_on": today,
                        "claimed_by": actor.user, "way": way,
                    }
                    for claim, entity in part.items()
                    if claim not in known
                ]  # fmt: skip
                out.new += unit.insert(self.declared, fresh)
                for claim, state in known.items():
                    if again is None or state.values["state"] not in again.sources:
                        out.already.append(claim)
                        continue
                    taken = {
                        "state": again.target, "claimed_on": today, "claimed_by": actor.user,
                        "way": way, "return_reason": None, "returned_on": None,
                    }  # fmt: skip
                    unit.update(self.declared, claim, taken)
                    out.again.append(claim)
        return out
