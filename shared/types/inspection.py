"""检查: one visit or desk check, with its findings (R96, R97, R107, R109, R110)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import Problem
from shared.fields import Merge, code, note, ref, refs, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import OWN_BUREAU, record_type, rule, warn
from shared.rules import in_order

COURSE, RESULT = "检查过程", "检查结果"
NOTHING_FOUND, NOT_OPERATING = "1", "7"
NO_DISPOSITION = "0"
LEAST_OFFICERS = 2

LIFECYCLE = Lifecycle(
    "state",
    (State("draft", "未提交", "wait"), State("submitted", "已提交", "good")),
    (
        Transition(
            "submit", "提交", ("draft",), "submitted",
            needs=("ended_at", "findings", "result", "disposition"),
        ),
    ),
    at="检查",
)  # fmt: skip


@record_type(
    "inspection",
    "检查记录",
    number=32,
    label="entity_id",
    about="entity_id",
    group="work",
    partitions=(OWN_BUREAU,),
    lifecycle=LIFECYCLE,
    table_order="-started_at",
    requirement="R96 R97 R107 R109 R110",
    attachments=True,
)
class Inspection:
    """谁实施、谁记录、谁负责: two officers at least, with times, findings and result."""

    entity_id: str = ref(
        10, "检查对象", "market_entity", required=True, column=True, index=True,
        hint="填统一社会信用代码或名称",
    )  # fmt: skip
    task_id: str | None = ref(11, "相关任务", "task", index=True, must_exist=False)
    mode: str = code(12, "检查方式", "检查方式", required=True, column=True, group=COURSE, example="2")
    place: str | None = text(13, "检查地点", max=300, column=True, group=COURSE)
    started_at: str = time_(
        14, "开始时间", required=True, column=True, index=True, group=COURSE, example="2026-05-06 09:30"
    )
    ended_at: str | None = time_(15, "结束时间", group=COURSE, example="2026-05-06 10:20")
    officers: str = refs(
        16, "检查人员", "officer", required=True, column=True, group=COURSE, merge=Merge.ASK,
        hint="不少于两人，填执法证号或姓名，用分号隔开",
    )  # fmt: skip
    witness: str | None = text(17, "现场负责人", max=50, group=COURSE)
    resources: str | None = text(18, "动用资源", max=300, group=COURSE, hint="如执法记录仪、快检设备")
    findings: str | None = note(19, "检查情况", max=4000, group=RESULT)
    result: str | None = code(20, "检查结果", "抽查检查结果", column=True, index=True, group=RESULT)
    disposition: str | None = code(21, "后续处置", "后续处置", column=True, group=RESULT)
    disposition_note: str | None = note(22, "处理方式说明", max=2000, group=RESULT)
    state: str = text(23, "状态", max=20, form=False, sheet=False, default="draft", column=True, index=True)

    period = in_order("started_at", "ended_at", "结束时间不得早于开始时间")

    @rule("officers")
    def two_officers(self) -> Iterator[Problem]:
        if len(set(self.officers.split(","))) < LEAST_OFFICERS:
            yield Problem("officers", "检查人员不得少于两人，请再选一名持证人员")

    @rule("result", "disposition")
    def disposition_fits(self) -> Iterator[Problem]:
        clean = self.result in (NOTHING_FOUND, NOT_OPERATING)
        if clean and self.disposition != NO_DISPOSITION:
            yield warn("disposition", "检查结果未发现问题，后续处置宜为“无需后续处置”，请核对")
        elif not clean and self.disposition == NO_DISPOSITION:
            yield warn("disposition", "检查结果有问题，请核对是否确实无需后续处置")
