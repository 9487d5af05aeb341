"""监管信息: one supervisory act and its result (R15)."""

from __future__ import annotations

from datetime import date

from shared.fields import code, date_, note, ref, refs, text
from shared.identifiers import check_uscc
from shared.record import OWN_BUREAU, record_type
from shared.rules import required_when

OBJECT, MATTER, ACT, RESULT = "监管对象", "监管事项", "履职行为", "监管结果"


@record_type(
    "supervision",
    "监管信息",
    number=12,
    label="entity_name",
    about="entity_id",
    partitions=(OWN_BUREAU,),
    requirement="R15",
    attachments=True,
)
class Supervision:
    """Who supervised whom, why, how, and what came of it."""

    uscc: str = text(
        10, "统一社会信用代码", required=True, check=check_uscc, search=True, column=True, index=True,
        group=OBJECT, example="91310113XN12345667",
    )  # fmt: skip
    entity_name: str = text(
        11, "市场主体名称", required=True, max=200, search=True, column=True, group=OBJECT,
        example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    matter: str = code(
        12, "监管事项大类", "监管事项大类", required=True, column=True, group=MATTER, example="证照监管"
    )
    item: str = ref(
        13, "监管事项", "supervision_item", required=True, group=MATTER, example="JG0001",
        hint="只能选清单内的事项，填事项编码或名称",
    )  # fmt: skip
    method: str = code(
        14, "监管方式", "监管方式", required=True, column=True, group=MATTER, example="日常监管"
    )
    reason: str = code(15, "监管原因", "监管原因", required=True, group=MATTER, example="制度性监管")
    department: str | None = text(16, "监管部门", max=100, group=ACT, example="宝山区市场监督管理局")
    officers: str | None = refs(17, "监管人员", "officer", group=ACT, hint="填执法证号或姓名，用分号隔开")
    acted_on: date = date_(
        18, "监管日期", required=True, column=True, index=True, group=ACT, example="2026-05-06"
    )
    task: str | None = ref(19, "相关任务", "task", must_exist=False, group=ACT)
    result: str = code(
        20, "监管结果", "抽查检查结果", required=True, column=True, group=RESULT, example="未发现问题"
    )
    findings: str | None = note(21, "发现的问题", max=4000, group=RESULT)
    handling: str | None = note(22, "处理情况", max=4000, group=RESULT)
    remark: str | None = note(23, "其他", max=512, group=RESULT)
    entity_id: str | None = ref(
        24, "市场主体", "market_entity", derive_from="uscc", must_exist=False, index=True
    )

    findings_given = required_when(
        "result", ("2", "3", "4", "5", "6", "8"), "findings", "监管结果为发现问题，请填发现的问题"
    )
