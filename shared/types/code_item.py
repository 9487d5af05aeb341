"""代码: one code of one code table, with the versions it is valid in (R40)."""

from __future__ import annotations

from shared.fields import integer, text
from shared.record import COMMON, record_type
from shared.rules import in_order


@record_type(
    "code_item",
    "代码",
    number=25,
    key=("table_name", "code"),
    label="name",
    group="system",
    partitions=(COMMON,),
    table_order="order_no",
    requirement="R40",
)
class CodeItem:
    """Retired codes stay: old records are shown by them."""

    table_name: str = text(10, "代码表", required=True, max=100, index=True, column=True, example="许可类别")
    code: str = text(11, "代码", required=True, max=64, search=True, column=True, example="01")
    name: str = text(12, "名称", required=True, max=300, search=True, column=True, example="普通")
    short_name: str | None = text(13, "简称", max=100)
    order_no: int = integer(14, "顺序", required=True, column=True, example="1")
    parent: str | None = text(15, "上级代码", max=64, column=True)
    source: str | None = text(16, "来源", max=300)
    verified: str | None = text(17, "核实", max=100)
    since_version: int = integer(18, "启用版本", required=True, default=1, column=True, example="1")
    retired_version: int | None = integer(19, "停用版本", column=True)

    versions = in_order("since_version", "retired_version", "停用版本不得小于启用版本")
