"""中心备份: one backup of the hub, opened and checked before it counted (sync.md, Receipts)."""

from __future__ import annotations

from shared.fields import code, integer, note, text, time_
from shared.record import ADMIN, record_type
from shared.rules import not_negative

AMOUNT, OUTCOME = "数量", "结果"


@record_type(
    "backup",
    "中心备份",
    number=49,
    label="name",
    group="system",
    partitions=(ADMIN,),
    table_order="-made_at",
    requirement="R216",
)
class Backup:
    """Written by the hub, read by its administrators."""

    name: str = text(10, "备份文件", required=True, max=200, search=True, column=True)
    made_at: str = time_(
        11, "开始时间", required=True, column=True, index=True, example="2026-05-06 23:00"
    )
    outcome: str = code(
        12, "结果", "备份结果", required=True, column=True, index=True, group=OUTCOME, example="已核验"
    )
    reason: str | None = note(13, "原因", max=2000, group=OUTCOME)
    size: int = integer(14, "字节", required=True, default=0, column=True, group=AMOUNT, example="4096")
    changes: int = integer(15, "变更", required=True, default=0, column=True, group=AMOUNT, example="1200")
    duration_ms: int | None = integer(16, "耗时（毫秒）", column=True, group=AMOUNT)
    fingerprint: str | None = text(17, "指纹", max=128, group=OUTCOME)

    counts = not_negative("size", "changes", "duration_ms")
