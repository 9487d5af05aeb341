"""核查记录: what was answered about an entity, on what evidence, until when (R65, R181, N15)."""

from __future__ import annotations

from shared.fields import note, ref, text, time_
from shared.record import OWN_BUREAU, record_type
from shared.rules import in_order


@record_type(
    "verification",
    "核查记录",
    number=33,
    label="subject",
    about="entity_id",
    group="work",
    partitions=(OWN_BUREAU,),
    table_order="-verified_at",
    requirement="R65 R181",
)
class Verification:
    """Kept as answered: a newer fact elsewhere never makes an old answer a lie."""

    entity_id: str | None = ref(10, "市场主体", "market_entity", column=True, index=True, must_exist=False)
    subject: str = text(
        11, "核查对象", required=True, max=200, search=True, column=True, example="上海宝山青穗餐饮有限公司"
    )
    purpose: str = text(12, "核查用途", required=True, max=200, column=True, example="评优评先")
    verified_by: str | None = ref(13, "核查人", "user", column=True, must_exist=False)
    verified_at: str = time_(
        14, "核查时间", required=True, column=True, index=True, example="2026-05-06 11:00"
    )
    conclusion: str = note(
        15, "核查结论", required=True, max=4000, column=True, group="结论",
        example="许可有效 1 件；惩戒中 0 件",
    )  # fmt: skip
    data_until: str = time_(
        16, "数据截止时间", required=True, column=True, group="依据", example="2026-05-06 08:40"
    )
    scope_text: str = note(
        17, "核查范围", required=True, max=1000, group="依据", example="宝山区许可、处罚，全部惩戒信息"
    )
    data_version: str = text(18, "数据版本", required=True, max=100, group="依据", example="a1b2c3d4-1024")

    evidence = in_order("data_until", "verified_at", "核查时间不得早于数据截止时间，请检查本机时钟")
