"""席位: one enrolled installation with its public keys (sync.md, Keys and trust)."""

from __future__ import annotations

from shared.fields import Merge, integer, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, OWN_BUREAU, in_bureau, record_type
from shared.rules import not_negative

KEYS, COURSE = "密钥", "状态"

LIFECYCLE = Lifecycle(
    "state",
    (State("active", "在用", "good"), State("revoked", "已吊销", "bad")),
    (
        Transition(
            "revoke", "吊销", ("active",), "revoked", ("hub_admin",),
            needs=("revoke_reason", "revoked_at"),
            warning="不能撤销：此后上报的内容须逐件审核，该席位不能再录入、不再接收数据，已收到的内容继续有效；"
            "要继续使用须重新登记",
        ),
    ),
)  # fmt: skip


@record_type(
    "device",
    "席位",
    number=42,
    label="name",
    group="system",
    partitions=(OWN_BUREAU, in_bureau("bureau"), ADMIN),
    lifecycle=LIFECYCLE,
    table_order="name",
    requirement="R195",
)
class Device:
    """A revocation names the last accepted number: up to there valid, after it quarantined.

    Of two revocations the first to arrive stays noted: they mean the same.
    """

    name: str = text(10, "席位名称", required=True, max=100, search=True, column=True, example="宝山文旅-01")
    bureau: str = ref(11, "单位", "bureau", required=True, column=True, index=True)
    sign_key: str = text(12, "签名公钥", required=True, max=4000, group=KEYS)
    seal_key: str = text(13, "封装公钥", required=True, max=8000, group=KEYS)
    incarnation: int = integer(14, "代次", required=True, default=1, group=COURSE, example="1")
    state: str = text(15, "状态", max=20, form=False, sheet=False, default="active", column=True, index=True)
    last_seq: int | None = integer(16, "最后接受的变更序号", column=True, merge=Merge.MAX, group=COURSE)
    enrolled_at: str = time_(
        17, "登记时间", required=True, column=True, group=COURSE, example="2026-05-06 09:00"
    )
    revoked_at: str | None = time_(
        18, "吊销时间", column=True, form=False, sheet=False, group=COURSE, merge=Merge.FIRST
    )
    revoke_reason: str | None = note(
        19, "吊销原因", max=1000, form=False, sheet=False, group=COURSE, merge=Merge.FIRST
    )

    counts = not_negative("incarnation", "last_seq")
