"""预警: an automatic or manual warning about an entity (R17, R138 to R147)."""

from __future__ import annotations

from datetime import date

from shared.fields import code, date_, note, ref, text
from shared.identifiers import check_uscc
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import OWN_BUREAU, in_division_of, record_type
from shared.rules import in_order

LIFECYCLE = Lifecycle(
    "state",
    (
        State("raised", "预警中", "wait"),
        State("answered", "已响应", "good"),
        State("cancelled", "已解除", "off"),
    ),
    (
        Transition("answer", "响应", ("raised",), "answered", needs=("response", "answered_on")),
        Transition("cancel", "解除", ("raised", "answered"), "cancelled", needs=("cancel_reason",)),
    ),
)


@record_type(
    "alert",
    "预警信息",
    number=14,
    label="entity_name",
    about="entity_id",
    partitions=(OWN_BUREAU, in_division_of("entity_id")),
    lifecycle=LIFECYCLE,
    requirement="R17 R139 R140 R141 R142 R143 R144 R145 R146",
    attachments=True,
)
class Alert:
    """Shown whenever the entity turns up in any business, by whichever bureau of its division."""

    uscc: str = text(
        10, "统一社会信用代码", required=True, check=check_uscc, search=True, column=True, index=True,
        example="91310113XN12345667",
    )  # fmt: skip
    entity_name: str = text(
        11, "市场主体名称", required=True, max=200, search=True, column=True,
        example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    kind: str = code(12, "预警类型", "预警类型", required=True, column=True, index=True, example="失联预警")
    origin: str = code(
        13, "产生方式", "预警产生方式", required=True, default="2", column=True, example="手工预警"
    )
    reason: str = note(14, "预警事由", required=True, max=2000, example="登记住所查无此企业，三次联系不上")
    raised_on: date = date_(15, "预警日期", required=True, column=True, index=True, example="2026-05-06")
    valid_to: date | None = date_(16, "预警有效期至", hint="无期限可空")
    measures: str | None = note(17, "管理措施", max=2000)
    source: str | None = text(18, "信息来源", max=200)
    state: str = text(19, "状态", max=20, form=False, sheet=False, default="raised", column=True, index=True)
    response: str | None = note(20, "响应情况", max=2000, form=False, sheet=False, group="响应")
    answered_on: date | None = date_(21, "响应日期", form=False, sheet=False, group="响应")
    cancel_reason: str | None = note(22, "解除原因", max=1000, form=False, sheet=False, group="响应")
    entity_id: str | None = ref(
        23, "市场主体", "market_entity", derive_from="uscc", must_exist=False, index=True
    )

    term = in_order("raised_on", "valid_to", "预警有效期至不得早于预警日期")
    answered_after = in_order("raised_on", "answered_on", "响应日期不得早于预警日期")
