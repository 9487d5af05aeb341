"""审批事项清单: what may be permitted at all; a permit must refer to one of these (R1, R4)."""

from __future__ import annotations

from shared.fields import bool_, note, text
from shared.fields import code as code_of
from shared.record import COMMON, record_type


@record_type(
    "approval_item",
    "审批事项",
    number=20,
    key=("code",),
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="code",
    requirement="R1 R4",
)
class ApprovalItem:
    """不得在公布的清单之外实施行政审批."""

    code: str = text(10, "事项编码", required=True, max=64, search=True, column=True, example="SP0001")
    name: str = text(11, "事项名称", required=True, max=300, search=True, column=True, example="食品经营许可")
    department: str = text(
        12, "审批部门", required=True, max=200, search=True, column=True, example="区市场监督管理局"
    )
    tier: str | None = code_of(13, "审批层级", "审批层级", column=True, example="区县级")
    basis: str | None = note(14, "设定依据", max=4000, column=True, example="《中华人民共和国食品安全法》")
    applies_to: str | None = text(15, "审批对象", max=500, column=True, example="从事食品经营的主体")
    process: str | None = note(16, "工作流程与方式", max=4000)
    retired: bool | None = bool_(17, "是否停用", column=True)
    remark: str | None = note(18, "备注", max=512)
