"""席位状态: where one installation stands with the hub, as the hub saw it last (R42, R43)."""

from __future__ import annotations

from shared.fields import code, integer, ref, text, time_
from shared.record import ADMIN, in_bureau, record_type

CONTACT, UP = "最近联系", "上报"


@record_type(
    "seat_state",
    "席位状态",
    number=46,
    key=("device",),
    label="name",
    group="system",
    partitions=(in_bureau("bureau"), ADMIN),
    table_order="last_contact_at",
    requirement="R42 R43",
)
class SeatState:
    """Kept by the hub at each exchange; nobody else writes it."""

    device: str = text(10, "席位号", required=True, max=32, index=True)
    name: str = text(11, "席位", required=True, max=100, search=True, column=True)
    bureau: str = ref(12, "单位", "bureau", required=True, must_exist=False, column=True, index=True)
    person: str | None = text(13, "经办人", max=50, column=True, group=CONTACT)
    last_contact_at: str = time_(
        14, "最近联系", required=True, column=True, index=True, group=CONTACT, example="2026-05-06 16:00"
    )
    carrier: str = code(15, "途径", "交换途径", required=True, column=True, group=CONTACT, example="网络")
    program: str | None = text(16, "程序版本", max=40, group=CONTACT)
    ahead_minutes: int | None = integer(17, "时钟超前（分钟）", group=CONTACT)
    pending: int = integer(18, "待上报变更", required=True, default=0, column=True, group=UP, example="3")
    parked: int = integer(19, "待前序变更集", required=True, default=0, column=True, group=UP, example="0")
    quarantined: int = integer(
        20, "隔离待审变更集", required=True, default=0, column=True, group=UP, example="0"
    )
    received_to: int = integer(21, "中心已收到", required=True, default=0, group=UP, example="128")
    missing: str | None = text(22, "缺少的变更号", max=200, group=UP)
