"""代码表: a versioned list of codes (R40)."""

from __future__ import annotations

from shared.fields import integer, text
from shared.record import COMMON, record_type
from shared.rules import not_negative


@record_type(
    "code_table",
    "代码表",
    number=24,
    key=("name",),
    label="name",
    group="system",
    partitions=(COMMON,),
    table_order="name",
    requirement="R40",
)
class CodeTable:
    """The head of a code table; its codes are ``code_item`` records."""

    name: str = text(10, "代码表", required=True, max=100, search=True, column=True, example="许可类别")
    title: str | None = text(11, "全称", max=200, column=True, example="行政许可类别")
    version: int = integer(12, "版本", required=True, default=1, column=True, example="1")
    source: str | None = text(13, "来源", max=300, column=True, example="发改办财金〔2018〕424号")

    counted = not_negative("version")
