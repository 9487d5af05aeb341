"""The journal: everything changed here, in order, chained, cut where transactions end."""

from __future__ import annotations

from datetime import date
from typing import Any

from shared.access import Actor
from shared.changes import BLOCK_ROWS, GENESIS, SEQ_BITS, Op, chain, decode_block, unpack
from shared.fictitious import market_entities
from shared.store import exchange
from shared.store.facts import read_fact
from shared.store.incarnations import head_at
from shared.store.journal import count_after, ranges, raw_blocks
from shared.store.store import Store
from shared.store.tables import SYSTEM_COLUMNS

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": "310113",
}  # fmt: skip
BIG = 1 << 30


def insert(store: Store, actor: Actor, *values: dict[str, Any], cause: str = "") -> list[str]:
    with store.unit(actor, cause=cause) as unit:
        return unit.insert(store.types["market_entity"], list(values), proven=True)


def journal(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        return [
            tuple(r)
            for r in connection.exec_driver_sql(
                "SELECT first_seq, last_seq, tx, tx_end, raw_len, head, payload FROM journal ORDER BY first_seq"
            )
        ]


def runs(store: Store) -> list[Any]:
    return [run for row in journal(store) for run in decode_block(unpack(row[-1])).runs]


def test_one_insert_is_one_change_with_all_it_set(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, {**ENTITY, "established_on": date(2019, 3, 18)}, cause="import:1")
    (run,) = runs(store)
    declared = store.types["market_entity"]
    said = {declared.by_number[n].name: c[0] for n, c in zip(run.fields, run.columns, strict=True)}
    assert (run.type, run.op, run.first, run.tx) == (declared.number, Op.INSERT, 1, 1)
    assert run.record_ids() == [entity] and (run.actor, run.cause) == (officer.user, "import:1")
    assert said["established_on"] == "2019-03-18" and said["name"] == ENTITY["name"]
    assert said["source_bureau"] == officer.bureau and "address" not in said
    assert not set(said) & set(SYSTEM_COLUMNS)


def test_an_update_says_what_its_author_had_seen(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, ENTITY)
    for address in ("一号", "二号"):
        with store.unit(officer) as unit:
            unit.update(store.types["market_entity"], entity, {"address": address})
    _, first, second = runs(store)
    assert (first.op, first.columns, first.bases) == (Op.UPDATE, [["一号"]], [[1 << 8]])
    assert (second.columns, second.bases) == ([["二号"]], [[2 << 8]])


def test_a_deletion_says_what_its_author_had_seen(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, ENTITY)
    with store.unit(officer) as unit:
        unit.update(store.types["market_entity"], entity, {"name": "朔风面馆"})
    with store.unit(officer) as unit:
        unit.delete(store.types["market_entity"], entity, "重复录入")
    run = runs(store)[-1]
    declared = store.types["market_entity"]
    seen = {declared.by_number[n].name: b[0] for n, b in zip(run.fields, run.bases, strict=True)}
    assert (run.op, run.columns, run.cause) == (Op.DELETE, [], "重复录入")
    assert seen["name"] == 2 << 8 and seen["uscc"] == 1 << 8 and "address" not in seen


def test_a_bulk_of_rows_is_captured_in_blocks_of_a_thousand(store: Store, officer: Actor) -> None:
    insert(store, officer, *market_entities(2500))
    kept = journal(store)
    assert [(r[0], r[1], r[2], r[3]) for r in kept] == [(1, 1000, 1, 0), (1001, 2000, 1, 0), (2001, 2500, 1, 1)]
    assert all(r[1] - r[0] < BLOCK_ROWS for r in kept)
    assert sum(run.count for run in runs(store)) == 2500


def test_many_edits_of_one_shape_share_a_run(store: Store, officer: Actor) -> None:
    ids = insert(store, officer, *market_entities(50))
    with store.unit(officer) as unit:
        unit.update_many(store.types["market_entity"], [(i, {"address": f"{n}号"}) for n, i in enumerate(ids)])
    assert [run.count for run in runs(store)] == [50, 50]


def test_the_chain_covers_every_block(store: Store, officer: Actor) -> None:
    for entity in market_entities(5):
        insert(store, officer, entity)
    head = GENESIS
    for row in journal(store):
        raw = unpack(row[-1])
        head = chain(head, raw)
        assert row[-2] == head and row[4] == len(raw)
    with store.read() as connection:
        assert read_fact(connection, "head") == head
        assert head_at(connection, 5) == head and head_at(connection, 0) == GENESIS


def test_changes_are_cut_only_where_a_transaction_ends(store: Store, officer: Actor) -> None:
    entities = list(market_entities(3600))
    insert(store, officer, *entities[:2500])  # one transaction in three blocks
    insert(store, officer, *entities[2500:3500])
    for entity in entities[3500:3510]:
        insert(store, officer, entity)
    with store.read() as connection:
        whole = ranges(connection, 0, max_raw=BIG, max_changes=BIG)
        small = ranges(connection, 0, max_raw=BIG, max_changes=1005)
        tiny = ranges(connection, 0, max_raw=1, max_changes=1)
        later = ranges(connection, 3500, max_raw=BIG, max_changes=4)
    assert [(r.first, r.last) for r in whole] == [(1, 3510)]
    assert [(r.first, r.last) for r in small] == [(1, 2500), (2501, 3505), (3506, 3510)]
    assert [(r.first, r.last) for r in tiny] == [(1, 2500), (2501, 3500), *((n, n) for n in range(3501, 3511))]
    assert [(r.first, r.last) for r in later] == [(3501, 3504), (3505, 3508), (3509, 3510)]
    assert sum(r.raw_len for r in tiny) == whole[0].raw_len == sum(r[4] for r in journal(store))


def test_a_cut_range_is_read_back_as_it_was_written(store: Store, officer: Actor) -> None:
    for entity in market_entities(3):
        insert(store, officer, entity)
    with store.read() as connection:
        middle = list(raw_blocks(connection, 2, 2))
        assert [decode_block(raw).runs[0].first for raw in middle] == [2]
        assert chain(head_at(connection, 1), middle[0]) == head_at(connection, 2)
        assert count_after(connection, 1) == 2
        reach = exchange.reach(connection)
    assert (reach.written, reach.sealed, reach.receipted) == (3, 0, 0)


def test_a_row_knows_who_wrote_each_field(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, ENTITY)
    with store.unit(officer) as unit:
        unit.update(store.types["market_entity"], entity, {"address": "一号"})
    declared = store.types["market_entity"]
    with store.unit(officer) as unit:
        state = unit.load(declared, [entity])[entity]
    own = unit.origin << SEQ_BITS
    assert state.writer(declared.by_name["address"].number) == own | 2
    assert state.writer(declared.by_name["name"].number) == own | 1
    assert state.tag == own | 2
