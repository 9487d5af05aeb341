"""同步日志: one exchange of one device with the hub, by network or by stick (R42, R43)."""

from __future__ import annotations

from shared.fields import code, integer, note, ref, text, time_
from shared.record import ADMIN, record_type
from shared.rules import not_negative

CARRIAGE, AMOUNT, OUTCOME = "途径", "数量", "结果"


@record_type(
    "exchange",
    "同步日志",
    number=41,
    label="package_id",
    group="system",
    partitions=(ADMIN,),
    table_order="-started_at",
    requirement="R42",
)
class Exchange:
    """Written by the hub, read by its administrators."""

    device: str | None = text(10, "席位", max=100, search=True, column=True, index=True)
    bureau: str | None = ref(11, "单位", "bureau", must_exist=False, column=True, index=True)
    person: str | None = text(12, "经办人", max=50)
    carrier: str = code(
        13, "途径", "交换途径", required=True, column=True, index=True, group=CARRIAGE, example="网络"
    )
    direction: str = code(14, "方向", "交换方向", required=True, group=CARRIAGE, example="上报")
    kind: str | None = text(15, "内容", max=50, group=CARRIAGE)
    package_id: str | None = text(16, "交换包号", max=100, search=True, group=CARRIAGE)
    fingerprint: str | None = text(17, "指纹", max=128, index=True, group=CARRIAGE)
    sets: int = integer(18, "变更集", required=True, default=0, group=AMOUNT, example="1")
    changes: int = integer(19, "变更", required=True, default=0, column=True, group=AMOUNT, example="12")
    bytes: int = integer(20, "字节", required=True, default=0, column=True, group=AMOUNT, example="4096")
    outcome: str = code(
        21, "结果", "交换结果", required=True, column=True, index=True, group=OUTCOME, example="已入库"
    )
    reason: str | None = note(22, "原因", max=2000, group=OUTCOME)
    started_at: str = time_(
        23, "开始时间", required=True, column=True, index=True, group=OUTCOME, example="2026-05-06 16:00"
    )
    duration_ms: int | None = integer(24, "耗时（毫秒）", column=True, group=OUTCOME)

    counts = not_negative("sets", "changes", "bytes", "duration_ms")
