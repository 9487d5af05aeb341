"""A task is claimed, the shop inspected by two officers, the record submitted, the task done."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import AccessDenied, IllegalTransition, InputError, Rejected
from tests.fixtures.desk import OURS, SHOP, SHOP_ID, Bureau
from tests.fixtures.samples import sample

FINDINGS = {"ended_at": "2026-05-06 12:40", "findings": "证照齐全。", "result": "1", "disposition": "0"}


def new_task(bureau: Bureau, **changed: str) -> str:
    raw = sample("task", entity_id=SHOP["uscc"], **changed)
    return bureau.desk.tasks.create(raw).id


def task_state(bureau: Bureau, task: str) -> Any:
    return bureau.desk.tasks.get(task).values["state"]


def problems(caught: pytest.ExceptionInfo[Rejected]) -> set[str]:
    return {p.field for p in caught.value.problems}


def test_a_task_runs_its_course(bureau: Bureau) -> None:
    tasks = bureau.desk.tasks
    task = new_task(bureau)
    assert task_state(bureau, task) == "open"
    tasks.claim(task)
    assert tasks.get(task).values["assignee"] == bureau.me.user
    with pytest.raises(Rejected, match="请填写退回原因"):
        tasks.give_back(task, " ")
    tasks.give_back(task, "需要专业人员")
    row = tasks.get(task)
    assert (row.values["state"], row.values["assignee"]) == ("open", None)
    assert row.values["return_reason"] == "需要专业人员"


def test_illegal_steps_are_refused_and_change_nothing(bureau: Bureau) -> None:
    tasks = bureau.desk.tasks
    task = new_task(bureau)
    before = len(bureau.journal())
    with pytest.raises(IllegalTransition, match="还没有认领"):
        bureau.desk.inspecting.start(task_id=task)
    with pytest.raises(Rejected, match="监管对象不符"):
        tasks.finish(task, "0" * 32)
    row = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    raw = row.raw | {"officers": "李伟；周岚", "task_id": task} | FINDINGS
    with pytest.raises(IllegalTransition):
        bureau.desk.inspecting.submit(raw)  # an open task cannot be finished
    assert bureau.rows("inspection") == 0
    assert task_state(bureau, task) == "open"
    assert len(bureau.journal()) == before


def test_only_who_does_a_task_or_is_in_charge_may_go_on_with_it(bureau: Bureau) -> None:
    task = new_task(bureau)
    bureau.desk.tasks.claim(task)
    bureau.sign_in(user=bureau.people["liwei"], name="李伟", roles=frozenset({"officer"}))
    with pytest.raises(AccessDenied, match="这项任务由陈敏承办"):
        bureau.desk.tasks.give_back(task, "我来做")
    meant = new_task(bureau, assignee="chenmin")
    with pytest.raises(AccessDenied, match="指定由陈敏承办"):
        bureau.desk.tasks.claim(meant)


def test_an_inspection_begins_with_what_is_known(bureau: Bureau) -> None:
    task = new_task(bureau)
    bureau.desk.tasks.claim(task)
    begun = bureau.desk.inspecting.start(task_id=task)
    assert begun.raw == {
        "entity_id": SHOP_ID, "task_id": task, "mode": "2", "place": SHOP["address"],
        "started_at": "2026-05-06 12:00",
    }  # fmt: skip
    assert begun.record_id is None
    names = [r.values["name"] for r in bureau.desk.inspecting.officers()]
    assert sorted(names) == ["周岚", "李伟"]  # the third one's certificate has expired


@pytest.mark.parametrize(
    ("officers", "reason"),
    [
        ("李伟", "检查人员不得少于两人"),
        ("李伟；李伟", "检查人员不得少于两人"),
        ("李伟；祝砚", "祝砚的执法证已于 2025-12-31 到期"),
        ("李伟；王五", "没有找到对应的检查人员"),
    ],
)
def test_two_officers_with_valid_certificates_or_nothing(bureau: Bureau, officers: str, reason: str) -> None:
    begun = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    raw = begun.raw | {"officers": officers} | FINDINGS
    for act in (bureau.desk.inspecting.save, bureau.desk.inspecting.submit):
        with pytest.raises(Rejected, match=reason) as caught:
            act(raw)
        assert problems(caught) == {"officers"}
    assert bureau.rows("inspection") == 0


def test_a_retired_officer_may_not_inspect(bureau: Bureau) -> None:
    bureau.arrive("officer", name="退休", certificate_no="R1", status="失效", bureau=OURS)
    begun = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    with pytest.raises(Rejected, match="人员状态为失效"):
        bureau.desk.inspecting.submit(begun.raw | {"officers": "李伟；退休"} | FINDINGS)


def test_submitting_finishes_the_task_in_one_transaction(bureau: Bureau) -> None:
    desk = bureau.desk
    task = new_task(bureau)
    desk.tasks.claim(task)
    begun = desk.inspecting.start(task_id=task)
    draft = desk.inspecting.save(begun.raw | {"officers": "李伟；周岚"}).id
    assert task_state(bureau, task) == "claimed"
    # taken up again: the same record, not a second one
    again = desk.inspecting.start(task_id=task)
    assert again.record_id == draft
    with pytest.raises(Rejected) as caught:
        desk.inspecting.submit(again.raw, again.record_id, again.seen)
    assert problems(caught) == {"ended_at", "findings", "result", "disposition"}
    before = len(bureau.journal())
    done = desk.inspecting.submit(again.raw | FINDINGS, again.record_id, again.seen)
    assert (done.id, done.task_id, done.warnings) == (draft, task, [])
    assert len({run.tx for run in bureau.journal()[before:]}) == 1
    row = desk.tasks.get(task)
    assert (row.values["state"], row.values["inspection"]) == ("done", draft)
    kept = desk.records.get(desk.inspecting.declared, draft)
    assert kept is not None and kept.values["state"] == "submitted"
    assert kept.values["officers"].split(",") == [bureau.officers["李伟"], bureau.officers["周岚"]]
    with pytest.raises(InputError, match="已经提交"):
        desk.inspecting.save(again.raw, draft)
    assert desk.tasks.deadline(row.values).word == "已办结"


def test_an_inspection_without_task_goes_in_at_once_with_its_warnings(bureau: Bureau) -> None:
    begun = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    raw = begun.raw | {"officers": "李伟；周岚"} | FINDINGS | {"result": "5"}
    done = bureau.desk.inspecting.submit(raw)
    assert done.task_id is None
    assert [p.field for p in done.warnings] == ["disposition"]
    with pytest.raises(Rejected, match="结束时间不得早于开始时间"):
        bureau.desk.inspecting.submit(raw | {"ended_at": "2026-05-06 11:00"})
    assert bureau.rows("inspection") == 1


def test_a_task_for_another_shop_is_not_closed(bureau: Bureau) -> None:
    bureau.arrive("market_entity")
    task = bureau.desk.tasks.create(sample("task")).id
    bureau.desk.tasks.claim(task)
    begun = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    with pytest.raises(Rejected, match="不是同一户"):
        bureau.desk.inspecting.submit(begun.raw | {"officers": "李伟；周岚", "task_id": task} | FINDINGS)


def test_deadlines_show_as_words(bureau: Bureau) -> None:
    task = new_task(bureau)
    words = []
    for day in (0, 4, 9, 14, 19):
        bureau.time.millis = 1_778_040_000_000 + day * 86_400_000
        words.append(bureau.desk.tasks.deadline(bureau.desk.tasks.get(task).values).word)
    assert words == [
        "剩 11 个工作日", "提醒，剩 8 个工作日", "警示，剩 3 个工作日", "今日截止", "超期 3 个工作日",
    ]  # fmt: skip
