"""其他信息: what belongs to an entity's file and to none of the other five kinds (R18)."""

from __future__ import annotations

from datetime import date

from shared.fields import code, date_, money, note, ref, text
from shared.identifiers import check_uscc
from shared.record import OWN_BUREAU, in_division_of, record_type
from shared.rules import in_order, not_negative


@record_type(
    "other_information",
    "其他信息",
    number=15,
    label="title",
    about="entity_id",
    partitions=(OWN_BUREAU, in_division_of("entity_id")),
    requirement="R18",
    attachments=True,
)
class OtherInformation:
    """For instance 股权冻结 notified by a court."""

    uscc: str = text(
        10, "统一社会信用代码", required=True, check=check_uscc, search=True, column=True, index=True,
        example="91310113XN12345667",
    )  # fmt: skip
    entity_name: str = text(
        11, "市场主体名称", required=True, max=200, search=True, column=True,
        example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    kind: str = code(
        12, "信息类别", "其他信息类别", required=True, column=True, index=True, example="司法股权冻结"
    )
    title: str = text(13, "标题", required=True, max=200, search=True, column=True, example="股权冻结通知")
    content: str = note(14, "内容", required=True, max=4000, example="冻结股东言初所持股权 30 万元")
    document_no: str | None = text(15, "文书号", max=128)
    authority: str | None = text(16, "作出机关", max=200, column=True)
    amount: int | None = money(17, "涉及金额", unit="万元", example="30")
    occurred_on: date = date_(18, "发生日期", required=True, column=True, index=True, example="2026-05-06")
    valid_from: date | None = date_(19, "期限自")
    valid_to: date | None = date_(20, "期限至", column=True)
    remark: str | None = note(21, "备注", max=512)
    entity_id: str | None = ref(
        22, "市场主体", "market_entity", derive_from="uscc", must_exist=False, index=True
    )

    term = in_order("valid_from", "valid_to", "期限至不得早于期限自")
    amounts = not_negative("amount")
