"""Records into a workbook that says who took them out, when, and until when they reach (R181)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop.work.evidence import read_evidence, until_words
from desktop.work.records import Records
from shared import access
from shared.access import Action
from shared.fields import Field, Kind
from shared.filters import Condition, Filter, Here, Op
from shared.record import RecordType
from shared.sheets.checking import Progress
from shared.sheets.export import write_export
from shared.store import query
from shared.store.query import Place
from shared.store.store import Store

_WORDS = {
    Op.EQ: "为", Op.NE: "不为", Op.IN: "为", Op.HAS: "含", Op.EMPTY: "为空", Op.FILLED: "不为空",
    Op.LT: "小于", Op.LE: "不大于", Op.GT: "大于", Op.GE: "不小于",
}  # fmt: skip
_OF_TIME = {Op.LT: "早于", Op.LE: "不晚于", Op.GT: "晚于", Op.GE: "不早于"}


class Exporting:
    """What a person may read, as a workbook."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def export(
        self,
        path: Path | str,
        declared: RecordType,
        wanted: Filter,
        progress: Progress | None = None,
        *,
        masked: bool = True,
        purpose: str = "",
        conditions: str = "",
    ) -> int:
        """Write everything that matches; returns how many records.

        :param conditions: the filter in the words of the page; derived when empty.
        """
        actor = self._records.actor
        access.require(actor, Action.READ, declared)
        evidence = read_evidence(self._store, self._records)
        facts = [
            ("导出人", actor.name),
            ("导出单位", self._records.label("bureau", actor.bureau) if actor.bureau else ""),
            ("导出时间", self._store.clock.stamp()[:16].replace("T", " ")),
            ("导出用途", purpose),
            ("查询条件", conditions or self.words(declared, wanted)),
            ("数据截止时间", until_words(evidence)),
            ("数据范围", evidence.scope),
            ("数据版本", evidence.version),
        ]
        place = Place(actor.user, actor.bureau, self._store.clock.today())
        with self._store.read() as connection:
            rids = query.row_ids(connection, declared, wanted, place)
            use = f"，用途：{purpose}" if purpose else ""
            self._records.note("export", f"{declared.title} {len(rids):,} 条{use}")
            return write_export(
                path, declared, self._values(connection, declared, rids), self._records.show,
                [(k, v) for k, v in facts if v], self._records.codes,
                masked=masked, total=len(rids), progress=progress,
            )  # fmt: skip

    def words(self, declared: RecordType, wanted: Filter) -> str:
        """A filter as a person would say it."""
        parts = [self._condition(declared, c) for c in wanted.conditions]
        if wanted.text.strip():
            parts.insert(0, f"关键字“{wanted.text.strip()}”")
        for related in wanted.related:
            parts.append(f"{'有' if related.present else '没有'}符合条件的{related.declared.title}")
        return "；".join(parts) or "全部"

    # --- inside --------------------------------------------------------------
    def _values(self, connection: Any, declared: RecordType, rids: Any) -> Iterator[dict[str, Any]]:
        fields = [f for f in declared.fields if f.kind in (Kind.REF, Kind.REFS)]
        for batch in query.stream(connection, declared, rids):
            for one in fields:
                # names of a whole batch in one query; showing then finds them remembered
                ids = {i for r in batch for i in str(r.values[one.name] or "").split(",") if i}
                self._records.labels(one.target, ids)
            for row in batch:
                yield row.values

    def _condition(self, declared: RecordType, one: Condition) -> str:
        known = declared.by_name[one.field]
        timely = known.kind in (Kind.DATE, Kind.TIME)
        word = _OF_TIME.get(one.op, _WORDS[one.op]) if timely else _WORDS[one.op]
        if one.op in (Op.EMPTY, Op.FILLED):
            return f"{known.title}{word}"
        values = one.value if one.op is Op.IN else [one.value]
        return f"{known.title}{word} {'、'.join(self._value(known, v) for v in values)}"

    def _value(self, one: Field, value: Any) -> str:
        if isinstance(value, Here):
            days = f"后 {value.days} 天" if value.days else ""
            return {"me": "本人", "bureau": "本单位"}.get(value.what, f"今天{days}")
        return self._records.show(one, value)
