"""先照后证目录: the 142 items that decide whom a new entity is notified to (R56)."""

from __future__ import annotations

from shared.fields import integer, note, text
from shared.record import COMMON, record_type


@record_type(
    "licence_catalogue_item",
    "先照后证事项",
    number=23,
    key=("seq",),
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="seq",
    requirement="R56",
)
class LicenceCatalogueItem:
    """One line of the catalogue as printed in 杨府办发〔2017〕5号."""

    seq: int = integer(10, "序号", required=True, column=True, example="1")
    industry: str = text(11, "行业门类", required=True, max=100, column=True, index=True, example="综合")
    name: str = text(
        12, "项目名称", required=True, max=500, search=True, column=True, example="饲料生产企业审批"
    )
    authorities: str | None = text(
        13, "审批部门", max=300, search=True, column=True, example="市农委；农业部"
    )
    scope_wording: str | None = note(
        14, "经营范围规范表述", max=2000, search=True, column=True, example="饲料生产"
    )
    authorities_original: str | None = text(15, "审批部门（原文）", max=300)
    scope_original: str | None = note(16, "经营范围（原文）", max=2000)
    remark: str | None = note(17, "备注", max=512)
