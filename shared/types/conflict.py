"""冲突: two values of one field that a person must decide between (sync.md, Merge)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.fields import Merge, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, in_bureau, record_type

RECORD, BASE, OURS, THEIRS, DECISION = "记录", "原值", "中心现值", "未采用的值", "处理"

FIELD, DELETION, UNIQUE, RULE = "field", "deletion", "unique", "rule"
KINDS = ((FIELD, "同一处不同"), (DELETION, "作废与修改"), (UNIQUE, "编号重复"), (RULE, "合并后不合规则"))

LIFECYCLE = Lifecycle(
    "state",
    (State("open", "待处理", "bad"), State("resolved", "已处理", "good")),
    (
        Transition(
            "resolve", "处理", ("open",), "resolved", ("bureau_admin", "hub_admin"),
            needs=("resolution", "resolved_by", "resolved_at"), offers=("decision", "reason"),
        ),
    ),
    at="冲突",
)  # fmt: skip


@record_type(
    "conflict",
    "冲突",
    number=40,
    label="subject",
    group="system",
    partitions=(in_bureau("ours_bureau"), in_bureau("theirs_bureau"), ADMIN),
    lifecycle=LIFECYCLE,
    requirement="R41",
)
class Conflict:
    """Made by the hub: its value stands, the other is kept here with its author.

    ``kind``: two values of one field; a deletion against an edit (``edits`` holds the edit as
    JSON, stored values by field name); two records with what must be unique (``record_id``
    came first, ``other_id`` later); a value that together with another's breaks a rule.
    Of two decisions the first to arrive stays noted here: where they differ, the record they are
    about is asked about again.
    Conflicts of the first release have no kind: see :func:`kind_of`.
    """

    record_type: str = text(10, "记录类型", required=True, max=50, index=True, group=RECORD)
    record_id: str = text(11, "记录标识", required=True, max=32, index=True, group=RECORD)
    field: str = text(12, "字段", required=True, max=50, group=RECORD)
    field_title: str = text(13, "字段名称", required=True, max=100, column=True, group=RECORD)
    subject: str = text(14, "记录", required=True, max=300, search=True, column=True, group=RECORD)
    ours_value: str | None = note(15, "中心现值", max=5000, column=True, group=OURS)
    ours_person: str | None = text(16, "中心现值填写人", max=50, group=OURS)
    ours_bureau: str | None = ref(17, "中心现值单位", "bureau", must_exist=False, column=True, group=OURS)
    ours_at: str | None = time_(18, "中心现值时间", group=OURS)
    ours_ref: str | None = text(19, "中心现值变更号", max=200, index=True, group=OURS)
    theirs_value: str | None = note(20, "未采用的值", max=5000, column=True, group=THEIRS)
    theirs_person: str | None = text(21, "未采用的值填写人", max=50, group=THEIRS)
    theirs_bureau: str | None = ref(
        22, "未采用的值单位", "bureau", must_exist=False, column=True, group=THEIRS
    )
    theirs_at: str | None = time_(23, "未采用的值时间", group=THEIRS)
    theirs_ref: str | None = text(24, "未采用的值变更号", max=200, index=True, group=THEIRS)
    state: str = text(25, "状态", max=20, form=False, sheet=False, default="open", column=True, index=True)
    resolution: str | None = note(
        26, "处理结果", max=5000, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    resolved_by: str | None = ref(
        27, "处理人", "user", must_exist=False, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    resolved_at: str | None = time_(
        28, "处理时间", form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    kind: str | None = text(29, "种类", max=20, group=RECORD, words=KINDS)
    other_id: str | None = text(30, "另一条记录标识", max=32, index=True, group=RECORD)
    base_value: str | None = note(31, "原值", max=5000, group=BASE)
    base_person: str | None = text(32, "原值填写人", max=50, group=BASE)
    base_bureau: str | None = ref(33, "原值单位", "bureau", must_exist=False, group=BASE)
    base_at: str | None = time_(34, "原值时间", group=BASE)
    base_ref: str | None = text(35, "原值变更号", max=200, group=BASE)
    edits: str | None = note(36, "未采用的修改内容", max=20000, form=False, sheet=False, group=THEIRS)
    decision: str | None = text(
        37, "处理方式", max=20, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    reason: str | None = note(
        38, "处理理由", max=1000, form=False, sheet=False, group=DECISION, merge=Merge.FIRST
    )
    explanation: str | None = note(39, "说明", max=1000, group=RECORD)


def kind_of(values: Mapping[str, Any]) -> str:
    """The kind of a conflict; the first release knew two, told apart by the field."""
    return str(values.get("kind") or "") or (FIELD if values.get("field") else DELETION)
