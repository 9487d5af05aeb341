"""入库记录单: what came in on a stick or disc, and what became of it (R31, R32)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import Problem
from shared.fields import code, integer, note, ref, text, time_
from shared.record import ADMIN, OWN_BUREAU, record_type, rule
from shared.rules import not_negative

MEDIUM, CONTENT, RESULT = "介质", "交换包", "入库"


@record_type(
    "media_intake",
    "介质入库记录",
    number=43,
    label="media_no",
    group="system",
    partitions=(OWN_BUREAU, ADMIN),
    table_order="-received_at",
    requirement="R31 R32",
    paper=True,
)
class MediaIntake:
    """Kept for every import from a medium, also for a refused one."""

    media_kind: str = code(10, "介质类型", "介质类型", required=True, column=True, group=MEDIUM, example="1")
    media_no: str = text(
        11, "介质编号", required=True, max=100, search=True, column=True, group=MEDIUM, example="U-2026-001"
    )
    sent_from: str | None = text(12, "来自", max=200, column=True, group=MEDIUM)
    sent_to: str | None = text(13, "发往", max=200, group=MEDIUM)
    package_id: str | None = text(14, "交换包号", max=100, search=True, group=CONTENT)
    fingerprint: str = text(
        15, "交换包指纹", required=True, max=128, search=True, group=CONTENT, example="7c1e 0a55 93d2 41bf"
    )
    sets: int = integer(16, "回执变更集", required=True, default=0, group=CONTENT, example="2")
    changes: int = integer(17, "变更条数", required=True, default=0, column=True, group=CONTENT, example="40")
    applied: int = integer(18, "入库条数", required=True, default=0, column=True, group=RESULT, example="40")
    refused: int = integer(19, "未入库条数", required=True, default=0, group=RESULT, example="0")
    outcome: str = code(
        20, "入库结论", "入库结论", required=True, column=True, group=RESULT, example="全部入库"
    )
    analysis: str | None = note(21, "人工分析与技术处理", max=2000, group=RESULT)
    handled_by: str | None = ref(22, "经办人", "user", must_exist=False, column=True, group=RESULT)
    received_at: str = time_(
        23, "入库时间", required=True, column=True, index=True, group=RESULT, example="2026-05-06 16:30"
    )

    counts = not_negative("sets", "changes", "applied", "refused")

    @rule("changes", "applied", "refused")
    def sums_up(self) -> Iterator[Problem]:
        if self.applied + self.refused > self.changes:
            yield Problem("applied", "入库与未入库条数之和不得大于变更条数，请核对")
