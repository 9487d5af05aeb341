"""问题数据统计: by bureau and by kind of information, against the former month (R52)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop.work.evidence import read_evidence, until_words
from desktop.work.records import Records
from shared import access
from shared.access import Action
from shared.sheets.listing import write_listing
from shared.store import problem_counts
from shared.store.problem_counts import BY_BUREAU, BY_TYPE, Counts
from shared.store.store import Store

WAYS = ((BY_BUREAU, "按单位"), (BY_TYPE, "按信息类别"))
HEADS = ("待整改", "待核销", "已核销", "本月新增", "上月新增", "增减", "本月核销", "上月核销")
_TITLE = "问题数据统计"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is read: whose, and the figures under :data:`HEADS`."""

    name: str
    figures: tuple[str, ...]


class ProblemStatistics:
    """Figures over the problems this installation holds: a bureau sees its own and those below."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def lines(self, by: str) -> list[Line]:
        """A line for each bureau or type, and 合计; empty where there are no problems."""
        declared = self._records.type("data_problem")
        access.require(self._records.actor, Action.READ, declared)
        with self._store.read() as connection:
            found = problem_counts.counts(connection, by, self._store.clock.today())
        if not found:
            return []
        field = declared.by_name[by]
        if by == BY_BUREAU:
            self._records.labels("bureau", {c.key for c in found})
        named = [(self._records.show(field, c.key), c) for c in found]
        named.append(("合计", problem_counts.total(found)))
        return [Line(name, _figures(one)) for name, one in named]

    def export(self, path: Path, by: str) -> int:
        """The same as a workbook; returns how many lines."""
        lines = self.lines(by)
        actor, evidence = self._records.actor, read_evidence(self._store, self._records)
        facts = [
            ("导出人", actor.name),
            ("导出单位", self._records.label("bureau", actor.bureau) if actor.bureau else ""),
            ("导出时间", self._store.clock.stamp()[:16].replace("T", " ")),
            ("统计方式", dict(WAYS)[by]),
            ("数据截止时间", until_words(evidence)),
            ("数据范围", evidence.scope),
        ]
        self._records.note("export", f"{_TITLE} {len(lines):,} 行")
        head = self._records.type("data_problem").by_name[by].title
        rows = [(one.name, *one.figures) for one in lines]
        return write_listing(path, _TITLE, (head, *HEADS), rows, [(k, v) for k, v in facts if v])


def _figures(one: Counts) -> tuple[str, ...]:
    change = one.raised - one.raised_before
    return (
        f"{one.open:,}", f"{one.answered:,}", f"{one.closed:,}", f"{one.raised:,}", f"{one.raised_before:,}",
        f"{change:+,}" if change else "0", f"{one.closed_now:,}", f"{one.closed_before:,}",
    )  # fmt: skip


__all__ = ["HEADS", "WAYS", "Line", "ProblemStatistics"]
