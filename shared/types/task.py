"""任务: something to be supervised, with its three deadlines (R88, R90, R92, R94, R95)."""

from __future__ import annotations

from datetime import date

from shared.fields import code, date_, note, ref, text
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import OWN_BUREAU, record_type
from shared.rules import in_order

CONTENT, DEADLINES, COURSE = "任务内容", "时限", "办理"

LIFECYCLE = Lifecycle(
    "state",
    (State("open", "待认领", "wait"), State("claimed", "办理中"), State("done", "已完成", "good")),
    (
        Transition("claim", "认领", ("open",), "claimed", needs=("assignee",)),
        Transition("give_back", "退回", ("claimed",), "open", needs=("return_reason",)),
        Transition("finish", "完成", ("claimed",), "done", needs=("inspection",)),
    ),
    at="任务",
)


@record_type(
    "task",
    "监管任务",
    number=31,
    label="title",
    about="entity_id",
    group="work",
    partitions=(OWN_BUREAU,),
    lifecycle=LIFECYCLE,
    table_order="due_on",
    requirement="R88 R90 R92 R93 R94 R95",
    attachments=True,
)
class Task:
    """A task about one entity; done when its inspection is submitted."""

    title: str = text(
        10, "任务名称", required=True, max=200, search=True, column=True, example="五月食品经营日常巡查"
    )
    source: str = code(11, "任务来源", "日常监管任务来源", required=True, column=True, example="日常巡查")
    entity_id: str = ref(
        12, "监管对象", "market_entity", required=True, column=True, index=True,
        hint="填统一社会信用代码或名称",
    )  # fmt: skip
    item: str | None = ref(13, "监管事项", "supervision_item", must_exist=False)
    items: str | None = note(14, "监管内容", max=2000, group=CONTENT)
    requirements: str | None = note(15, "监管要求", max=2000, group=CONTENT)
    urgency: str = code(
        16, "紧急程度", "紧急程度", required=True, default="1", column=True, group=CONTENT, example="一般"
    )
    remind_on: date | None = date_(
        17, "提醒日期", group=DEADLINES, example="2026-05-10", hint="到期未办，本人界面提醒"
    )
    warn_on: date | None = date_(
        18, "警示日期", group=DEADLINES, example="2026-05-15", hint="到期未办，主管领导可见"
    )
    due_on: date = date_(
        19, "截止日期", required=True, column=True, index=True, group=DEADLINES, example="2026-05-20"
    )
    assignee: str | None = ref(20, "承办人", "user", column=True, index=True, must_exist=False, group=COURSE)
    state: str = text(21, "状态", max=20, form=False, sheet=False, default="open", column=True, index=True)
    return_reason: str | None = note(22, "退回原因", max=1000, form=False, sheet=False, group=COURSE)
    inspection: str | None = ref(
        23, "检查记录", "inspection", must_exist=False, form=False, sheet=False, group=COURSE
    )

    remind_first = in_order("remind_on", "warn_on", "警示日期不得早于提醒日期")
    warn_before_end = in_order("warn_on", "due_on", "截止日期不得早于警示日期")
    remind_before_end = in_order("remind_on", "due_on", "截止日期不得早于提醒日期")
