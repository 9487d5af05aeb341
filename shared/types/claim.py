"""监管认领: a bureau takes an entity as its subject, and may give it back (R68 to R73)."""

from __future__ import annotations

from datetime import date

from shared.errors import Level
from shared.fields import code, date_, note, ref, text
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import OWN_BUREAU, in_bureau, record_type
from shared.rules import in_order

LIFECYCLE = Lifecycle(
    "state",
    (State("claimed", "已认领", "good"), State("returned", "已退回", "off")),
    (
        Transition("give_back", "退回", ("claimed",), "returned", needs=("return_reason", "returned_on")),
        Transition("claim_again", "重新认领", ("returned",), "claimed", needs=("claimed_on",)),
    ),
    at="认领",
)


@record_type(
    "claim",
    "监管认领",
    number=30,
    key=("bureau", "entity_id"),
    label="entity_id",
    about="entity_id",
    group="work",
    partitions=(OWN_BUREAU, in_bureau("bureau")),
    lifecycle=LIFECYCLE,
    requirement="R68 R69 R71 R73",
)
class Claim:
    """Keyed by bureau and entity: one bureau's double claim is one, two bureaus' both stand."""

    entity_id: str = ref(
        10, "市场主体", "market_entity", required=True, column=True, index=True,
        hint="填统一社会信用代码或名称",
    )  # fmt: skip
    bureau: str = ref(11, "认领单位", "bureau", required=True, column=True, index=True)
    claimed_on: date = date_(12, "认领日期", required=True, column=True, example="2026-05-06")
    claimed_by: str | None = ref(13, "认领人", "user", column=True, must_exist=False)
    way: str = code(14, "认领方式", "认领方式", required=True, default="1", column=True, example="单体认领")
    state: str = text(15, "状态", max=20, form=False, sheet=False, default="claimed", column=True, index=True)
    return_reason: str | None = note(16, "退回原因", max=1000, form=False, sheet=False, group="退回")
    returned_on: date | None = date_(17, "退回日期", form=False, sheet=False, group="退回")
    remark: str | None = note(18, "备注", max=512)

    sequence = in_order("claimed_on", "returned_on", "退回日期早于认领日期，请核对", Level.WARN)
