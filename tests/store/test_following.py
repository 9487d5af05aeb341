"""The client applies what stands: runs taken together end as they would one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.access import HUB_ACTOR, Actor
from shared.changes import Block, Op, Run, ids_bytes
from shared.clock import Clock
from shared.filters import Filter
from shared.ids import new_id
from shared.record import type_of
from shared.store import query
from shared.store.database import open_cipher
from shared.store.follow import Follower
from shared.store.query import Place
from shared.store.store import Store, create_client_tables
from shared.types import catalog
from shared.types.market_entity import MarketEntity

ENTITY = type_of(MarketEntity)
OFFICER = Actor("a" * 32, "陈敏", "b" * 32, frozenset({"officer"}), frozenset({"b" * 32}))
OTHERS = [("c" * 32, 1)]
FIRST, SECOND = "1" * 32, "2" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = open_cipher(tmp_path / "client.db", bytes(32))
    create_client_tables(database, catalog.ALL)
    made = Store(database, catalog.ALL, Clock())
    made.identify(new_id(), 1)
    yield made
    made.close()


def run(op: Op, seq: int, ids: list[str], **columns: object) -> Run:
    fields = [ENTITY.by_name[name].number for name in columns]
    values = [[v] * len(ids) for v in columns.values()]
    return Run(
        type=ENTITY.number, op=int(op), schema=1, origin=0, first=seq, hlc=1000 + seq, tx=seq,
        actor="", cause="", fields=fields, ids=ids_bytes(ids), columns=values,
    )  # fmt: skip


def follow(store: Store, *runs: Run) -> Follower:
    with store.unit(HUB_ACTOR) as unit:
        follower = Follower(unit, store.by_number, 0)
        follower.apply("common", Block(OTHERS, list(runs)))
    return follower


def insert(seq: int, record_id: str, name: str) -> Run:
    return run(Op.INSERT, seq, [record_id], name=name, division="310113", status="1", uscc=record_id[:18])


def state(store: Store, record_id: str) -> tuple[dict[str, object], dict[str, int], int, int]:
    with store.unit(HUB_ACTOR) as unit:
        found = unit.load(ENTITY, [record_id])[record_id]
        mask = (1 << 40) - 1
        writers = {f.name: found.writer(f.number) & mask for f in ENTITY.fields}
        return found.values, writers, found.tag & mask, found.hlc


def found(store: Store, text: str) -> tuple[int, list[str]]:
    with store.read() as connection:
        wanted, place = Filter(text=text), Place()
        rows = query.first(connection, ENTITY, wanted, place)
        ids = query.row_ids(connection, ENTITY, wanted, place)
        assert [r.rid for r in rows] == list(ids)
        return query.count(connection, ENTITY, wanted, place), [r.id for r in rows]


def test_updates_of_one_record_in_one_block_build_on_each_other(store: Store) -> None:
    last = follow(
        store,
        insert(1, FIRST, "青穗餐饮"),
        insert(2, SECOND, "霁筠软件"),
        run(Op.UPDATE, 3, [FIRST], phone="1", address="甲"),
        run(Op.UPDATE, 4, [SECOND], phone="2"),
        run(Op.UPDATE, 5, [FIRST], phone="3"),
        run(Op.UPDATE, 6, [FIRST], legal_person="言初"),
    )
    assert last.applied == 6
    values, writers, tag, hlc = state(store, FIRST)
    assert (values["phone"], values["address"], values["legal_person"]) == ("3", "甲", "言初")
    assert (writers["phone"], writers["address"], writers["legal_person"], writers["name"]) == (5, 3, 6, 1)
    assert (tag, hlc) == (6, 1006)
    assert state(store, SECOND)[0]["phone"] == "2"


def test_an_update_of_an_unknown_record_makes_it_and_the_next_one_finds_it(store: Store) -> None:
    follow(
        store,
        run(Op.UPDATE, 1, [FIRST], name="青穗餐饮", division="310113"),
        run(Op.UPDATE, 2, [FIRST], phone="2"),
    )
    values, writers, tag, _ = state(store, FIRST)
    assert (values["name"], values["phone"], writers["name"], tag) == ("青穗餐饮", "2", 1, 2)
    assert found(store, "青穗") == (1, [FIRST])


def test_updates_before_and_after_a_deletion_keep_their_order(store: Store) -> None:
    follow(
        store,
        insert(1, FIRST, "青穗餐饮"),
        run(Op.UPDATE, 2, [FIRST], phone="2"),
        run(Op.DELETE, 3, [FIRST]),
        insert(4, SECOND, "霁筠软件"),
    )
    values, _, tag, _ = state(store, FIRST)
    assert (values["phone"], tag) == ("2", 3)
    assert found(store, "青穗") == (0, [])


def test_own_unreceipted_values_stay_while_others_of_the_block_apply(store: Store) -> None:
    follow(store, insert(1, FIRST, "青穗餐饮"), insert(2, SECOND, "霁筠软件"))
    with store.unit(HUB_ACTOR) as unit:
        unit.update(ENTITY, FIRST, {"phone": "own"}, proven=True)
    follow(
        store,
        run(Op.UPDATE, 3, [FIRST], phone="theirs", address="乙"),
        run(Op.UPDATE, 4, [SECOND], phone="theirs"),
    )
    values, _, tag, _ = state(store, FIRST)
    assert (values["phone"], values["address"], tag) == ("own", "乙", 1)
    assert state(store, SECOND)[0]["phone"] == "theirs"


def test_the_search_index_forgets_what_is_deleted_and_learns_what_comes_back(store: Store) -> None:
    follow(store, insert(1, FIRST, "青穗餐饮"), insert(2, SECOND, "青穗软件"))
    assert found(store, "青穗") == (2, [FIRST, SECOND])
    follow(store, run(Op.DELETE, 3, [FIRST]))
    assert found(store, "青穗") == (1, [SECOND])
    follow(store, run(Op.UPDATE, 4, [FIRST], name="青穗餐饮总店"))
    assert found(store, "青穗") == (1, [SECOND])
    follow(store, insert(5, FIRST, "青穗餐饮"))
    assert found(store, "青穗") == (2, [FIRST, SECOND])


def test_conditions_and_order_beside_the_search(store: Store) -> None:
    follow(store, insert(1, FIRST, "青穗餐饮"), insert(2, SECOND, "青穗软件"))
    follow(store, run(Op.UPDATE, 3, [FIRST], status="2"))
    with store.read() as connection:
        place = Place()
        alive = Filter(text="青穗").where("status", query.Op.EQ, "1")
        assert [r.id for r in query.first(connection, ENTITY, alive, place)] == [SECOND]
        assert query.count(connection, ENTITY, alive, place) == 1
        down = Filter(text="qs", order="-name")
        assert [r.id for r in query.first(connection, ENTITY, down, place)] == [FIRST, SECOND]
        assert len(query.row_ids(connection, ENTITY, down, place)) == 2
        assert query.count(connection, ENTITY, Filter(text="（）"), place) == 0
