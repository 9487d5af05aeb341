"""介质登记: a stick or disc with its number, whose it is, and what became of it (R31)."""

from __future__ import annotations

from shared.fields import code, integer, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, OWN_BUREAU, in_bureau, record_type
from shared.rules import not_negative

_ROLES = ("officer", "bureau_admin", "hub_admin")
COURSE = "状态"

LIFECYCLE = Lifecycle(
    "state",
    (
        State("in_use", "在用", "good"),
        State("lost", "丢失", "bad"),
        State("damaged", "损坏", "wait"),
        State("destroyed", "已销毁", "off"),
    ),
    (
        Transition("lose", "报失", ("in_use",), "lost", _ROLES, ("state_reason", "state_at")),
        Transition("damage", "报损", ("in_use",), "damaged", _ROLES, ("state_reason", "state_at")),
        Transition("restore", "恢复使用", ("lost", "damaged"), "in_use", _ROLES, ("state_at",)),
        Transition(
            "destroy", "销毁", ("in_use", "lost", "damaged"), "destroyed", _ROLES,
            ("state_reason", "state_at"),
        ),
    ),
)  # fmt: skip


@record_type(
    "medium",
    "介质登记",
    number=47,
    key=("bureau", "number"),
    label="number",
    group="system",
    partitions=(OWN_BUREAU, in_bureau("bureau"), ADMIN),
    lifecycle=LIFECYCLE,
    table_order="number",
    requirement="R31",
    paper=True,
)
class Medium:
    """Keyed by bureau and the number on its label: registered twice it is still one medium."""

    number: str = text(10, "介质编号", required=True, max=100, search=True, column=True, example="U-2026-001")
    kind: str = code(11, "介质类型", "介质类型", required=True, column=True, example="1")
    capacity_gb: int | None = integer(12, "容量（GB）", column=True, example="64")
    bureau: str = ref(
        13, "所属单位", "bureau", required=True, must_exist=False, column=True, index=True
    )
    keeper: str | None = text(14, "保管人", max=50, column=True, example="周建国")
    state: str = text(15, "状态", max=20, form=False, sheet=False, default="in_use", column=True, index=True)
    state_reason: str | None = note(16, "状态说明", max=1000, form=False, sheet=False, group=COURSE)
    state_at: str | None = time_(17, "状态变更时间", form=False, sheet=False, group=COURSE)
    remark: str | None = note(18, "备注", max=512)

    counts = not_negative("capacity_gb")
