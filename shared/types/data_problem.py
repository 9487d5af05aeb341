"""问题数据: what is wrong with a record, told to the bureau that provided it, mended, closed (R52, R54)."""

from __future__ import annotations

from datetime import date

from shared.fields import Merge, code, date_, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, OWN_BUREAU, in_bureau, record_type

RECORD, PROBLEM, ANSWER, DECISION = "记录", "问题", "整改", "核销"

INCOMPLETE, DUPLICATE, UNLINKED, WRONG, OTHER = "1", "2", "3", "4", "9"
"""Codes of the table 问题种类 (R54)."""

ABOUT = (
    ("permit", "行政许可"),
    ("penalty", "行政处罚"),
    ("supervision", "监管信息"),
    ("sanction", "惩戒信息"),
    ("alert", "预警信息"),
    ("other_information", "其他信息"),
    ("market_entity", "市场主体"),
    ("officer", "监管人员"),
    ("external_unit", "外部资源单位"),
    ("claim", "监管认领"),
    ("task", "监管任务"),
    ("inspection", "检查记录"),
)
"""What a problem may be about: what bureaus provide."""

_ANSWERS = ("officer", "bureau_admin", "hub_admin")
_DECIDES = ("hub_admin", "bureau_admin")

LIFECYCLE = Lifecycle(
    "state",
    (
        State("open", "待整改", "bad"),
        State("mended", "已整改", "wait"),
        State("pleaded", "申辩", "wait"),
        State("closed", "已核销", "good"),
    ),
    (
        Transition(
            "mend", "整改完成", ("open",), "mended", _ANSWERS, of="provider",
            needs=("answered_by", "answered_at"), offers=("answer",),
        ),
        Transition(
            "plead", "申辩", ("open",), "pleaded", _ANSWERS, of="provider",
            needs=("answer", "answered_by", "answered_at"),
        ),
        Transition(
            "close", "核销", ("open", "mended", "pleaded"), "closed", _DECIDES, above="provider",
            needs=("decided_by", "decided_at"), offers=("decision_note",),
        ),
        Transition(
            "send_back", "退回", ("mended", "pleaded"), "open", _DECIDES, above="provider",
            needs=("decision_note", "decided_by", "decided_at"),
        ),
    ),
)  # fmt: skip


@record_type(
    "data_problem",
    "问题数据",
    number=51,
    label="subject",
    group="system",
    partitions=(in_bureau("provider"), OWN_BUREAU, ADMIN),
    lifecycle=LIFECYCLE,
    table_order="due_on",
    requirement="R52 R54",
    made_by="信息录入 › 反馈问题",
)
class DataProblem:
    """Raised by administrators above the bureau that provided the record; who raised it, and when, is
    its provenance. It travels in the provider's stream, so on a stick together with the receipts.

    Of two steps taken apart the first to arrive stays: the record itself is where people disagree.
    """

    subject: str = text(10, "记录", required=True, max=300, search=True, column=True, group=RECORD)
    record_type: str = text(
        11, "信息类别", required=True, max=50, index=True, column=True, group=RECORD, words=ABOUT
    )
    record_id: str = text(12, "记录标识", required=True, max=32, index=True, group=RECORD)
    business_on: date | None = date_(13, "业务日期", group=RECORD)
    kind: str = code(14, "问题种类", "问题种类", required=True, column=True, index=True, group=PROBLEM)
    field: str | None = text(15, "字段", max=50, group=PROBLEM)
    field_title: str | None = text(16, "所涉字段", max=100, column=True, group=PROBLEM)
    description: str = note(17, "问题说明", required=True, max=2000, column=True, group=PROBLEM)
    provider: str = ref(18, "提供单位", "bureau", required=True, column=True, index=True, group=PROBLEM)
    due_on: date = date_(19, "整改期限", required=True, column=True, index=True, group=PROBLEM)
    state: str = text(
        20, "状态", max=20, form=False, sheet=False, default="open", column=True, index=True,
        merge=Merge.FIRST,
    )  # fmt: skip
    answer: str | None = note(
        21, "整改或申辩说明", max=2000, form=False, sheet=False, group=ANSWER, merge=Merge.FIRST
    )
    answered_by: str | None = ref(
        22, "答复人", "user", must_exist=False, form=False, sheet=False, group=ANSWER, merge=Merge.FIRST
    )
    answered_at: str | None = time_(
        23, "答复时间", form=False, sheet=False, group=ANSWER, merge=Merge.FIRST
    )
    decision_note: str | None = note(
        24, "核销或退回说明", max=2000, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    decided_by: str | None = ref(
        25, "审核人", "user", must_exist=False, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    decided_at: str | None = time_(
        26, "审核时间", form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
