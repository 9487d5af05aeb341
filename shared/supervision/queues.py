"""What waits for people, as data: pages, buttons and to-do counts read these (house.md, idea 5)."""

from __future__ import annotations

from shared.filters import ME, MY_BUREAU, TODAY, Condition, Filter, Here, Op, Related
from shared.lifecycle import WorkQueue
from shared.record import type_of
from shared.types.claim import Claim
from shared.types.permit import Permit

EXPIRES_WITHIN = 30

CLAIMED_BY_US = Related(
    type_of(Claim),
    "entity_id",
    (Condition("bureau", Op.EQ, MY_BUREAU), Condition("state", Op.EQ, "claimed")),
)
PERMITTED_BY_US = Related(
    type_of(Permit),
    "entity_id",
    (Condition("source_bureau", Op.EQ, MY_BUREAU), Condition("status", Op.EQ, "1")),
)

CLAIMABLE = WorkQueue(
    "claimable",
    "未认领主体",
    "market_entity",
    Filter().where("status", Op.EQ, "1").having(CLAIMED_BY_US.absent()),
)
CLAIM_DUTY = WorkQueue(
    # rule 1 of R70: whom the bureau has licensed is its subject
    "claim_duty",
    "权限内认领",
    "market_entity",
    Filter().where("status", Op.EQ, "1").having(PERMITTED_BY_US).having(CLAIMED_BY_US.absent()),
)
OUR_CLAIMS = WorkQueue(
    "our_claims",
    "本单位监管对象",
    "claim",
    Filter(order="-claimed_on").where("bureau", Op.EQ, MY_BUREAU).where("state", Op.EQ, "claimed"),
    ("give_back",),
)
RETURNED_CLAIMS = WorkQueue(
    "returned_claims",
    "已退回认领",
    "claim",
    Filter(order="-returned_on").where("bureau", Op.EQ, MY_BUREAU).where("state", Op.EQ, "returned"),
    ("claim_again",),
)
OPEN_TASKS = WorkQueue(
    "open_tasks",
    "待认领任务",
    "task",
    Filter(order="due_on").where("source_bureau", Op.EQ, MY_BUREAU).where("state", Op.EQ, "open"),
    ("claim",),
    deadline="due_on",
)
MY_TASKS = WorkQueue(
    "my_tasks",
    "我的任务",
    "task",
    Filter(order="due_on").where("assignee", Op.EQ, ME).where("state", Op.EQ, "claimed"),
    ("give_back", "finish"),
    deadline="due_on",
)
LATE_TASKS = WorkQueue(
    "late_tasks",
    "超期任务",
    "task",
    Filter(order="due_on")
    .where("source_bureau", Op.EQ, MY_BUREAU)
    .where("state", Op.IN, ("open", "claimed"))
    .where("due_on", Op.LT, TODAY),
    deadline="due_on",
)
UNSUBMITTED = WorkQueue(
    "unsubmitted",
    "待提交检查",
    "inspection",
    Filter(order="-started_at").where("entered_by", Op.EQ, ME).where("state", Op.EQ, "draft"),
    ("submit",),
)
OPEN_CONFLICTS = WorkQueue(
    "open_conflicts",
    "待处理冲突",
    "conflict",
    Filter(order="-theirs_at").where("state", Op.EQ, "open"),
    ("resolve",),
)
HELD_SETS = WorkQueue(
    "held_sets",
    "隔离待审",
    "held_set",
    Filter(order="-held_at").where("state", Op.EQ, "held"),
    ("release", "reject"),
)
RAISED_ALERTS = WorkQueue(
    "raised_alerts",
    "待响应预警",
    "alert",
    Filter(order="-raised_on").where("source_bureau", Op.EQ, MY_BUREAU).where("state", Op.EQ, "raised"),
    ("answer", "cancel"),
)
OPEN_PROBLEMS = WorkQueue(
    "open_problems",
    "待整改问题数据",
    "data_problem",
    Filter(order="due_on").where("provider", Op.EQ, MY_BUREAU).where("state", Op.EQ, "open"),
    ("mend", "plead"),
    deadline="due_on",
)
ANSWERED_PROBLEMS = WorkQueue(
    "answered_problems",
    "待核销问题数据",
    "data_problem",
    Filter(order="answered_at")
    .where("provider", Op.NE, MY_BUREAU)
    .where("state", Op.IN, ("mended", "pleaded")),
    ("close", "send_back"),
)
EXPIRING_PERMITS = WorkQueue(
    "expiring_permits",
    "30 天内到期许可",
    "permit",
    Filter(order="valid_to")
    .where("source_bureau", Op.EQ, MY_BUREAU)
    .where("status", Op.EQ, "1")
    .where("valid_to", Op.GE, TODAY)
    .where("valid_to", Op.LE, Here("today", EXPIRES_WITHIN)),
    deadline="valid_to",
)

HOME: tuple[WorkQueue, ...] = (
    CLAIM_DUTY,
    OPEN_TASKS,
    MY_TASKS,
    LATE_TASKS,
    UNSUBMITTED,
    RAISED_ALERTS,
    EXPIRING_PERMITS,
    OPEN_PROBLEMS,
    ANSWERED_PROBLEMS,
    OPEN_CONFLICTS,
    HELD_SETS,
)
"""What the home page counts, in order."""

ALL: tuple[WorkQueue, ...] = (*HOME, CLAIMABLE, OUR_CLAIMS, RETURNED_CLAIMS)

_BY_NAME = {one.name: one for one in ALL}


def by_name(name: str) -> WorkQueue:
    """The queue of that name; KeyError when there is none."""
    return _BY_NAME[name]
