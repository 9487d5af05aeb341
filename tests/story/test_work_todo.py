"""08:30: what waits for her, and a dash where she has no say."""

from __future__ import annotations

from sqlalchemy import event

from desktop.work.todo import TodoItem
from shared.store import sql
from shared.store.query import Place, select
from shared.supervision import queues
from tests.fixtures.desk import OTHERS, OURS, SHOP_ID, UNTIL, Bureau


def counts(bureau: Bureau) -> dict[str, TodoItem]:
    return {i.queue: i for i in bureau.desk.todo.counts()}


def task(bureau: Bureau, due: str, source: str = OURS) -> str:
    return bureau.about_shop("task", source=source, remind_on="", warn_on="", due_on=due)


def test_an_empty_desk_counts_zero_and_names_its_data(bureau: Bureau) -> None:
    found = counts(bureau)
    assert list(found) == [*(q.name for q in queues.HOME), "drafts", "pending"]
    assert found["answered_problems"].count is None  # no bureau stands below this one
    assert {i.count for i in found.values() if i.queue != "answered_problems"} == {0}
    assert found["open_tasks"].as_of == UNTIL
    assert found["pending"].as_of == "2026-05-06T12:00:00+08:00"


def test_tasks_count_with_what_is_late_and_due_today(bureau: Bureau) -> None:
    for due in ("2026-05-05", "2026-05-06", "2026-05-20"):
        task(bureau, due)
    task(bureau, "2026-05-01", source=OTHERS)
    mine = task(bureau, "2026-05-06")
    bureau.desk.tasks.claim(mine)
    found = counts(bureau)
    open_ = found["open_tasks"]
    assert (open_.count, open_.overdue, open_.due_today) == (3, 1, 1)
    assert (open_.page, open_.params) == ("tasks", {"queue": "open_tasks", "type": "task"})
    assert (found["my_tasks"].count, found["my_tasks"].due_today) == (1, 1)
    assert found["late_tasks"].count == 1
    bureau.sign_in(user=bureau.people["liwei"], roles=frozenset({"officer"}))
    assert counts(bureau)["my_tasks"].count == 0


def test_permits_that_expire_soon_and_entities_to_claim(bureau: Bureau) -> None:
    for number, last in enumerate(("2026-05-05", "2026-05-06", "2026-06-05", "2026-06-06")):
        bureau.about_shop("permit", source=OURS, document_no=f"许{number}", valid_to=last)
    bureau.about_shop("permit", source=OTHERS, document_no="别", valid_to="2026-05-20")
    found = counts(bureau)
    assert (found["expiring_permits"].count, found["expiring_permits"].due_today) == (2, 1)
    assert found["claim_duty"].count == 1
    bureau.desk.claims.claim([SHOP_ID])
    assert counts(bureau)["claim_duty"].count == 0


def test_alerts_inspections_drafts_and_pending(bureau: Bureau) -> None:
    bureau.about_shop("alert", source=OURS)
    bureau.about_shop("alert", source=OTHERS)
    begun = bureau.desk.inspecting.start(entity_id=SHOP_ID)
    bureau.desk.inspecting.save(begun.raw | {"officers": "李伟；周岚"})
    records = bureau.desk.records
    records.save_draft(records.type("permit"), {"document_no": "半张"})
    found = counts(bureau)
    assert found["raised_alerts"].count == 1
    assert (found["unsubmitted"].count, found["unsubmitted"].page) == (1, "inspections")
    assert (found["drafts"].count, found["drafts"].params["types"]) == (1, ["permit"])
    assert found["pending"].count == 1


def test_a_dash_where_there_is_no_right(bureau: Bureau) -> None:
    bureau.arrive("conflict", record_id=SHOP_ID)
    assert counts(bureau)["open_conflicts"].count == 1
    bureau.sign_in(roles=frozenset({"officer"}))
    found = counts(bureau)
    assert found["open_conflicts"].count is None
    assert found["my_tasks"].count == 0
    bureau.sign_in(roles=frozenset({"hub_admin"}))
    found = counts(bureau)
    assert found["open_conflicts"].count == 1
    dashes = {n for n, i in found.items() if i.count is None}
    assert dashes == {q.name for q in queues.HOME} - {
        "open_conflicts", "held_sets", "open_problems", "answered_problems",
    }


def test_held_sets_wait_for_the_centre_and_for_the_bureau_responsible_now(bureau: Bureau) -> None:
    bureau.arrive("held_set", owner=None)
    bureau.arrive("held_set", owner=bureau.desk.records.actor.bureau)
    assert counts(bureau)["held_sets"].count == 1
    bureau.sign_in(roles=frozenset({"officer"}))
    assert counts(bureau)["held_sets"].count is None
    bureau.sign_in(roles=frozenset({"hub_admin"}))
    found = counts(bureau)["held_sets"]
    assert (found.title, found.count, found.page) == ("隔离待审", 2, "held")


def test_counting_reads_with_one_connection_and_few_queries(bureau: Bureau) -> None:
    statements: list[str] = []
    sql_engine = bureau.store.database.reader
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(sql_engine, "before_cursor_execute", note)
    try:
        bureau.desk.todo.counts()
    finally:
        event.remove(sql_engine, "before_cursor_execute", note)
    assert len(statements) <= 2 * len(queues.ALL)
    assert all(s.startswith(("SELECT count(*)", "SELECT value", "SELECT type, count(*)", "SELECT max"))
               for s in statements)  # fmt: skip


def test_every_queue_can_be_asked_and_steps_belong_to_its_type(bureau: Bureau) -> None:
    for queue in queues.ALL:
        declared = bureau.desk.records.type(queue.type_name)
        bureau.desk.records.count(declared, queue.filter)
        assert queues.by_name(queue.name) is queue
        for step in queue.transitions:
            assert declared.lifecycle is not None and declared.lifecycle.transition(step)
        assert not queue.deadline or queue.deadline in declared.by_name


def test_related_records_are_listed_once_not_asked_per_entity(bureau: Bureau) -> None:
    declared = bureau.desk.records.type("market_entity")
    with bureau.store.read() as connection:
        chosen = select(declared, queues.CLAIM_DUTY.filter, Place("u", OURS))
        statement = f'EXPLAIN QUERY PLAN SELECT count(*) FROM "{declared.name}" t WHERE {chosen.where}'
        plan = [r[3] for r in sql.execute(connection, statement, chosen.parameters)]
    assert not any("CORRELATED" in line for line in plan), plan
