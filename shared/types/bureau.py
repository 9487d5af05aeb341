"""单位: a department, section or grass-roots station; a tree (R8, R195, R228)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import Problem
from shared.fields import code as code_of
from shared.fields import note, ref, text
from shared.identifiers import check_phone, check_uscc
from shared.ids import key_id
from shared.record import COMMON, record_type, rule


@record_type(
    "bureau",
    "单位",
    number=2,
    key=("code",),
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="code",
    requirement="R8 R228",
)
class Bureau:
    """A bureau; its division decides which entities it must be able to look up."""

    code: str = text(10, "单位代码", required=True, max=32, search=True, column=True, example="BSWH01")
    name: str = text(
        11, "单位名称", required=True, max=100, search=True, column=True, example="宝山区文化和旅游局"
    )
    uscc: str | None = text(
        21, "统一社会信用代码", check=check_uscc, hint="录入许可、处罚时自动带出为机关代码"
    )
    kind: str | None = code_of(12, "单位类型", "机构类型", column=True, example="委办局")
    parent: str | None = ref(13, "上级单位", "bureau", column=True)
    division: str = code_of(14, "行政区划", "行政区划", required=True, column=True, example="310113")
    duties: str | None = note(15, "监管职责", max=2000)
    address: str | None = text(16, "办公地址", max=200, group="联络方式")
    phone: str | None = text(17, "联系电话", max=50, check=check_phone, column=True, group="联络方式")
    leader: str | None = text(18, "分管领导", max=50, group="平台责任人", hint="考核要求必填，缺一名扣 5 分")
    liaison: str | None = text(19, "联络员", max=50, group="平台责任人", hint="考核要求必填，缺一名扣 5 分")
    system_officer: str | None = text(20, "单位系统管理员", max=50, group="平台责任人")

    @rule("code", "parent")
    def not_its_own_parent(self) -> Iterator[Problem]:
        if self.parent == key_id("bureau", [self.code]):
            yield Problem("parent", "上级单位不能是本单位自己，请重新选择")
