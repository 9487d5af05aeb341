"""What is left to decide about a change set, found by the references of its conflicts."""

from __future__ import annotations

import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.store.disputes import Dispute, disputes, open_about
from shared.store.exchange import SetRow
from shared.store.store import Store

DEVICE, OTHER = "a" * 32, "b" * 32


def met(store: Store, ours: str, theirs: str, state: str = "open") -> None:
    row = {
        "record_type": "penalty", "record_id": "0" * 32, "field": "content", "field_title": "处罚内容",
        "subject": "青穗餐饮", "ours_ref": ours, "theirs_ref": theirs, "state": state,
    }  # fmt: skip
    with store.unit(HUB_ACTOR) as unit:
        unit.insert(store.types["conflict"], [row], way="exchange")


def conflicted(cs_id: str, incarnation: int, first: int, last: int) -> SetRow:
    return SetRow(cs_id, first, last, b"", "conflicted", "", incarnation)


def test_each_set_has_its_own_conflicts_and_no_others(store: Store) -> None:
    mine, fork = conflicted("c" * 64, 1, 5, 10), conflicted("d" * 64, 2, 1, 3)
    met(store, f"{OTHER}:1:7", f"{DEVICE}:1:5")
    met(store, f"{DEVICE}:1:10", f"{OTHER}:1:9", "resolved")
    met(store, f"{DEVICE}:1:6", f"{DEVICE}:1:7")  # both sides are its own: one conflict
    met(store, f"{OTHER}:1:8", f"{'d' * 32}:1:2", "resolved")  # the fork, released
    for elsewhere in (f"{DEVICE}:1:4", f"{DEVICE}:1:11", f"{DEVICE}:10:6", f"{DEVICE}:2:9", f"{OTHER}:1:6", "hub"):
        met(store, elsewhere, f"{OTHER}:3:1")
    with store.read() as connection:
        assert disputes(connection, DEVICE, [mine, fork]) == {"c" * 64: Dispute(3, 2), "d" * 64: Dispute(1, 0)}
        assert disputes(connection, OTHER, [conflicted("e" * 64, 7, 1, 9)]) == {}
        assert [open_about(connection, one) for one in (DEVICE, OTHER, "c" * 32)] == [6, 7, 0]


def test_it_looks_up_its_own_conflicts_and_reads_no_others(store: Store) -> None:
    asked: list[str] = []
    with store.read() as connection:
        engine = connection.engine
        sa.event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        disputes(connection, DEVICE, [conflicted("c" * 64, 1, 5, 10)])
        (statement,) = asked
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("[]", "[]"))]
    ways = [line for line in plan if line.startswith(("SEARCH c ", "SCAN c "))]
    assert [line.split(" INDEX ")[1].split()[0] for line in ways] == ["ix_conflict_ours_ref", "ix_conflict_theirs_ref"]
