"""隔离变更集: a change set the hub keeps without effect until a person decides (sync.md, Order)."""

from __future__ import annotations

from shared.fields import Merge, code, integer, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, in_bureau, record_type
from shared.rules import not_negative

SET, WHY, DECISION = "变更集", "原因", "处理"
MOVED = "moved"

LIFECYCLE = Lifecycle(
    "state",
    (
        State("held", "隔离待审", "bad"),
        State("released", "已放行", "good"),
        State("rejected", "已退回", "off"),
    ),
    (
        Transition(
            "release", "放行", ("held",), "released", ("hub_admin", "bureau_admin"),
            needs=("decided_by", "decided_at"), offers=("decision_note",),
        ),
        Transition(
            "reject", "退回", ("held",), "rejected", ("hub_admin", "bureau_admin"),
            needs=("decision_note", "decided_by", "decided_at"),
        ),
    ),
    at="隔离待审",
)  # fmt: skip


@record_type(
    "held_set",
    "隔离变更集",
    number=44,
    label="summary",
    group="system",
    partitions=(in_bureau("bureau"), in_bureau("owner"), ADMIN),
    lifecycle=LIFECYCLE,
    table_order="-held_at",
    requirement="R41 R208",
)
class HeldSet:
    """Made by the hub. Decided by its administrators, or by the new owner's for :data:`MOVED`.

    The first decision to arrive is carried out and stays; a later one changes nothing.
    """

    summary: str = text(10, "内容", required=True, max=300, search=True, column=True, group=SET)
    device: str | None = ref(11, "席位", "device", must_exist=False, column=True, index=True, group=SET)
    bureau: str | None = ref(12, "单位", "bureau", must_exist=False, column=True, index=True, group=SET)
    persons: str | None = text(13, "填报人", max=200, group=SET)
    incarnation: int = integer(14, "代次", required=True, default=1, group=SET, example="1")
    first: int = integer(15, "起始序号", required=True, group=SET, example="41")
    last: int = integer(16, "截止序号", required=True, group=SET, example="52")
    changes: int = integer(17, "变更", required=True, default=0, column=True, group=SET, example="12")
    cs_id: str = text(18, "变更集号", required=True, max=64, index=True, group=SET, example="7c1e")
    content: str | None = note(19, "变更内容", max=200_000, form=False, sheet=False, group=SET)
    kind: str = code(
        20, "隔离原因", "隔离原因", required=True, column=True, index=True, group=WHY, example="权限不符"
    )
    reason: str = note(21, "说明", required=True, max=2000, group=WHY, example="账号已停用。")
    owner: str | None = ref(22, "现负责单位", "bureau", must_exist=False, group=WHY)
    held_at: str = time_(
        23, "隔离时间", required=True, column=True, index=True, group=WHY, example="2026-05-06 16:00"
    )
    state: str = text(
        24, "状态", max=20, form=False, sheet=False, default="held", column=True, index=True,
        merge=Merge.FIRST,
    )  # fmt: skip
    decision_note: str | None = note(
        25, "处理说明", max=1000, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    decided_by: str | None = ref(
        26, "处理人", "user", must_exist=False, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    decided_at: str | None = time_(
        27, "处理时间", form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    result: str | None = note(28, "结果", max=1000, form=False, sheet=False, group=DECISION)

    counts = not_negative("incarnation", "first", "last", "changes")
