"""监管事项清单: what is supervised, by whom, how (R3, R4)."""

from __future__ import annotations

from shared.fields import bool_, note, text
from shared.fields import code as code_of
from shared.fields import codes as codes_of
from shared.record import COMMON, record_type


@record_type(
    "supervision_item",
    "监管事项",
    number=22,
    key=("code",),
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="code",
    requirement="R3 R4",
)
class SupervisionItem:
    """谁审批谁监管、谁主管谁监管: entities the department licensed, and others in its charge."""

    code: str = text(10, "事项编码", required=True, max=64, search=True, column=True, example="JG0001")
    name: str = text(
        11, "事项名称", required=True, max=300, search=True, column=True, example="食品经营活动监督检查"
    )
    department: str = text(
        12, "监管部门", required=True, max=200, search=True, column=True, example="区市场监督管理局"
    )
    matter: str | None = code_of(13, "监管事项大类", "监管事项大类", column=True, example="证照监管")
    object_kind: str | None = code_of(
        14, "监管对象类别", "监管对象类别", column=True, example="本部门发证对象"
    )
    basis: str | None = note(15, "设定依据", max=4000, example="《中华人民共和国食品安全法》")
    applies_to: str | None = text(16, "监管对象", max=500, column=True, example="食品经营者")
    methods: str | None = codes_of(17, "监管方式", "监管方式", column=True, example="日常监管；抽查检查")
    process: str | None = note(18, "工作流程与方式", max=4000)
    retired: bool | None = bool_(19, "是否停用", column=True)
    remark: str | None = note(20, "备注", max=512)
