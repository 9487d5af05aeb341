"""核查: an answer about one entity from the local data, and everything known about it (R65, N15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from desktop.work.entities import find_entities
from desktop.work.evidence import read_evidence
from desktop.work.records import Records, Row
from shared.access import Action
from shared.errors import InputError, Problem, Rejected, StaleRecord, YizhanError
from shared.filters import Filter, Op
from shared.parsing import clean_text
from shared.record import RecordType
from shared.standing import Standing
from shared.store import audit
from shared.store.store import Store
from shared.supervision.verification import Evidence, Finding, find

MOST = 2_000
BLOCKS = "collection"
_SIGNED = frozenset({Standing.APPLIED, Standing.ARCHIVED})


class NoEvidence(YizhanError):
    """Nothing can be said yet: the first load is not whole."""

    code = "no_evidence"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verification says; with several ``candidates`` a person must choose first.

    :param finding: None while there are candidates.
    """

    word: str
    purpose: str
    entity: Row | None = None
    finding: Finding | None = None
    candidates: list[Row] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """Whom the answer is about."""
        return str(self.entity.values["name"]) if self.entity else self.word


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of record in an entity's file: the newest rows, and how many there are."""

    declared: RecordType
    rows: list[Row]
    total: int


class Verifying:
    """Questions about one entity."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self.declared = records.type("verification")
        self._entity_type = records.type("market_entity")

    def verify(self, word: str, purpose: str) -> Answer:
        """Answer about whom the word names: a code, a name, or what only one name holds."""
        word, purpose = clean_text(word), clean_text(purpose)
        problems = []
        if not word:
            problems.append(Problem("word", "请填写统一社会信用代码或名称"))
        if not purpose:
            problems.append(Problem("purpose", "请填写核查用途"))
        for name, text, stored in (("word", word, "subject"), ("purpose", purpose, "purpose")):
            most = self.declared.by_name[stored].max or len(text)
            if len(text) > most:
                problems.append(Problem(name, f"最多 {most} 个字，现有 {len(text)} 个字，请缩短"))
        if problems:
            raise Rejected(problems)
        evidence = self._evidence()
        found = find_entities(self._records, word)
        if len(found) > 1:
            return Answer(word, purpose, candidates=found)
        return self._answer(word, purpose, found[0] if found else None, evidence)

    def verify_entity(self, entity_id: str, purpose: str) -> Answer:
        """The same for an entity that was chosen from a list."""
        purpose = clean_text(purpose)
        if not purpose:
            raise Rejected([Problem("purpose", "请填写核查用途")])
        row = self._records.get(self._entity_type, entity_id)
        if row is None:
            raise StaleRecord("本机没有这个市场主体的登记信息。", "请刷新列表。")
        return self._answer(str(row.values["name"]), purpose, row, self._evidence())

    def record(self, answer: Answer, *, initiator: str = "") -> str:
        """Keep the answer as it was given; returns the id of the 核查记录."""
        finding = answer.finding
        if finding is None:
            raise InputError("还没有选定核查对象。", "请先从列表中选择一户，再保存核查结果。")
        values = {
            "entity_id": answer.entity.id if answer.entity else None,
            "subject": answer.subject,
            "purpose": answer.purpose,
            "verified_by": self._records.actor.user,
            "verified_at": finding.evidence.asked_at,
            "conclusion": finding.conclusion,
            "data_until": finding.evidence.data_until,
            "scope_text": finding.evidence.scope,
            "data_version": finding.evidence.version,
        }
        with self._records.unit(initiator=initiator) as unit:
            made = unit.insert(self.declared, [values])[0]
            at, who = self._store.clock.stamp(), self._records.actor.user
            audit.note(unit.connection, at, who, "verify", f"核查记录 {made}")
            return made

    def everything_about(self, entity_id: str, limit: int = 50) -> list[Section]:
        """The entity's file: every type that is about entities, newest first, the six blocks first."""
        types = [
            t
            for t in sorted(self._store.types.values(), key=lambda t: t.group != BLOCKS)
            if t.about and self._records.may(Action.READ, t)
        ]
        return [self._section(t, entity_id, limit) for t in types]

    # --- inside --------------------------------------------------------------
    def _evidence(self) -> Evidence:
        evidence = read_evidence(self._store, self._records)
        if not evidence.data_until:
            raise NoEvidence(
                "本机还没有从中心收全数据，现在核查会漏掉许可、处罚和惩戒。",
                "请先同步，或导入中心的介质，再核查。",
            )
        return evidence

    def _answer(self, word: str, purpose: str, entity: Row | None, evidence: Evidence) -> Answer:
        known = {
            n: self._all(n, entity.id) if entity else []
            for n in ("permit", "penalty", "sanction", "alert")
        }
        finding = find(
            entity.values if entity else None,
            permits=known["permit"],
            penalties=known["penalty"],
            sanctions=known["sanction"],
            alerts=known["alert"],
            today=self._store.clock.today(),
            evidence=evidence,
            codes=self._records.codes,
            subject=word,
            unsent=_unsent([r for rows in known.values() for r in rows]),
        )
        return Answer(word, purpose, entity, finding)

    def _all(self, type_name: str, entity_id: str) -> list[Row]:
        declared = self._records.type(type_name)
        return self._records.first(declared, self._about(declared, entity_id), MOST)

    def _section(self, declared: RecordType, entity_id: str, limit: int) -> Section:
        wanted = self._about(declared, entity_id)
        rows = self._records.first(declared, wanted, limit)
        total = len(rows) if len(rows) < limit else self._records.count(declared, wanted)
        return Section(declared, rows, total)

    def _about(self, declared: RecordType, entity_id: str) -> Filter:
        return Filter(order="-entered_at").where(declared.about, Op.EQ, entity_id)


def _unsent(rows: Sequence[Any]) -> int:
    return sum(r.standing not in _SIGNED for r in rows)
