"""监管人员: a person with an enforcement certificate; the roster draws choose from (R9, R108)."""

from __future__ import annotations

from datetime import date

from shared.errors import Level
from shared.fields import bool_, code, date_, note, ref, text
from shared.identifiers import check_id_card, check_phone
from shared.record import OWN_BUREAU, in_bureau, record_type
from shared.rules import in_order, required_when


@record_type(
    "officer",
    "监管人员",
    number=4,
    label="name",
    group="list",
    partitions=(OWN_BUREAU, in_bureau("bureau")),
    unique=(("certificate_no",),),
    table_order="name",
    requirement="R9",
)
class Officer:
    """One line of 执法人员名录."""

    name: str = text(10, "姓名", required=True, max=50, search=True, column=True, example="李伟")
    certificate_no: str = text(
        11, "执法证号", required=True, max=64, search=True, column=True, example="09130118001",
        hint="部门执法证号；检查时出示并记入笔录",
    )  # fmt: skip
    certificate_expires: date | None = date_(12, "执法证有效期至", column=True, example="2028-12-31")
    government_no: str | None = text(13, "政府执法证号", max=64)
    government_expires: date | None = date_(14, "政府执法证有效期至")
    bureau: str = ref(15, "单位", "bureau", required=True, column=True, index=True)
    department: str | None = text(16, "业务部门", max=100, column=True)
    position: str | None = code(17, "担任职务", "担任职务", column=True, example="一般干部")
    status: str = code(
        18, "人员状态", "人员状态", required=True, column=True, index=True, default="1", example="有效",
        hint="失效人员不纳入抽取",
    )  # fmt: skip
    internal_no: str | None = text(19, "内部编号", max=50, group="个人信息")
    staff_no: str | None = text(20, "单位工号", max=50, group="个人信息")
    sex: str | None = code(21, "性别", "性别", group="个人信息")
    id_number: str | None = text(
        22, "身份证号", check=check_id_card, personal=True, search=True, group="个人信息"
    )
    phone: str | None = text(23, "手机号", max=50, check=check_phone, personal=True, group="个人信息")
    education: str | None = text(24, "最高学历及专业", max=100, group="个人信息")
    post: str | None = text(25, "岗位大类", max=100, group="岗位")
    post_since: date | None = date_(26, "从事本岗起始日期", group="岗位")
    area: str | None = text(27, "岗位管辖片区", max=200, group="岗位")
    qualification: str | None = text(28, "岗位资格资质", max=200, group="岗位")
    is_expert: bool | None = bool_(29, "是否专家", group="岗位")
    item_scope: str | None = note(30, "执法事项范围", max=2000, group="岗位")
    user: str | None = ref(31, "对应用户", "user", group="岗位", must_exist=False)

    service = in_order(
        "post_since", "certificate_expires", "执法证有效期早于从事本岗起始日期，请核对", Level.WARN
    )
    expiry = required_when("status", ("1",), "certificate_expires", "有效人员宜填执法证有效期至", Level.WARN)
