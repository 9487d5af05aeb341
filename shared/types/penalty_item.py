"""处罚事项清单: what may be punished; a penalty must refer to one of these (R2, R4)."""

from __future__ import annotations

from shared.fields import bool_, note, text
from shared.fields import codes as codes_of
from shared.record import COMMON, record_type


@record_type(
    "penalty_item",
    "处罚事项",
    number=21,
    key=("code",),
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="code",
    requirement="R2 R4",
)
class PenaltyItem:
    """The classification penalties are collected by."""

    code: str = text(10, "事项编码", required=True, max=64, search=True, column=True, example="CF0001")
    name: str = text(
        11, "事项名称", required=True, max=300, search=True, column=True,
        example="对未按规定公示食品经营许可证的处罚",
    )  # fmt: skip
    department: str = text(
        12, "处罚部门", required=True, max=200, search=True, column=True, example="区市场监督管理局"
    )
    categories: str | None = codes_of(13, "处罚种类", "处罚类别", column=True, example="警告；罚款")
    basis: str | None = note(14, "处罚依据", max=4000, column=True, example="《食品经营许可和备案管理办法》")
    applies_to: str | None = text(15, "处罚对象", max=500, column=True, example="食品经营者")
    process: str | None = note(16, "工作流程与方式", max=4000)
    retired: bool | None = bool_(17, "是否停用", column=True)
    remark: str | None = note(18, "备注", max=512)
