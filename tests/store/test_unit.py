"""The write door: what it lets through, what it refuses, what it finds again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shared.access import HUB_ACTOR, Actor
from shared.errors import (
    AccessDenied,
    DatabaseBusy,
    IllegalTransition,
    InputError,
    Rejected,
    StaleRecord,
    WrongPassword,
)
from shared.fictitious import market_entities
from shared.filters import Filter
from shared.store import query
from shared.store.database import open_cipher
from shared.store.query import Place
from shared.store.store import Store
from tests.fixtures.devices import count, rows, value
from tests.store.conftest import opened

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": "310113",
}  # fmt: skip
OTHER = {**ENTITY, "uscc": "91310113XN12345742", "name": "上海宝山霁舟茶饮有限公司"}


def insert(store: Store, actor: Actor, type_name: str, *values: dict[str, Any], **options: Any) -> list[str]:
    with store.unit(actor) as unit:
        return unit.insert(store.types[type_name], list(values), **options)


def update(store: Store, actor: Actor, type_name: str, record_id: str, **values: Any) -> None:
    with store.unit(actor) as unit:
        unit.update(store.types[type_name], record_id, values)


def found(store: Store, words: str) -> list[str]:
    declared = store.types["market_entity"]
    with store.read() as connection:
        return [r.values["name"] for r in query.first(connection, declared, Filter(text=words), Place(), 50)]


def written(store: Store) -> int:
    with store.read() as connection:
        return int(connection.exec_driver_sql("SELECT coalesce(max(last_seq), 0) FROM journal").scalar() or 0)


# --- the only way --------------------------------------------------------------------
def test_a_reading_connection_cannot_write(store: Store) -> None:
    with store.read() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM market_entity")


def test_every_record_says_where_it_comes_from(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY, way="import")
    (row,) = rows(store, "market_entity")
    assert (row["source_bureau"], row["entered_by"], row["entry_way"]) == (
        officer.bureau, officer.user, "import",
    )  # fmt: skip
    assert row["entered_at"].endswith("+08:00") and row["id"] == entity


def test_one_bad_row_and_nothing_is_written(store: Store, officer: Actor) -> None:
    bad = {**OTHER, "name": None}
    with pytest.raises(Rejected, match="主体名称"):
        insert(store, officer, "market_entity", ENTITY, bad)
    assert count(store, "market_entity") == 0 and written(store) == 0


def test_rules_run_on_the_whole_record_when_a_part_changes(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", {**ENTITY, "established_on": date(2020, 5, 1)})
    with pytest.raises(Rejected, match="不得早于成立日期"):
        update(store, officer, "market_entity", entity, revoked_on=date(2019, 1, 1))
    assert value(store, "market_entity", entity, "revoked_on") is None and written(store) == 1


def test_what_a_record_refers_to_must_exist(store: Store, officer: Actor) -> None:
    task = {"title": "巡查", "source": "1", "entity_id": "0" * 32, "due_on": date(2026, 5, 20)}
    with pytest.raises(Rejected, match="所指的记录不存在"):
        insert(store, officer, "task", task)
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    insert(store, officer, "task", {**task, "entity_id": entity})


def test_the_same_key_twice_is_refused(store: Store, officer: Actor) -> None:
    insert(store, officer, "market_entity", ENTITY)
    with pytest.raises(InputError, match="已经存在"):
        insert(store, officer, "market_entity", OTHER, ENTITY)
    assert count(store, "market_entity") == 1 and found(store, "霁舟") == []


def test_an_officer_writes_neither_lists_nor_other_bureaus_records(store: Store, officer: Actor) -> None:
    with pytest.raises(AccessDenied):
        insert(store, officer, "approval_item", {"code": "SP1", "name": "许可", "department": "局"})
    with store.unit(HUB_ACTOR) as unit:
        (entity,) = unit.insert(store.types["market_entity"], [ENTITY])
        (task,) = unit.insert(
            store.types["task"],
            [{"title": "巡查", "source": "1", "entity_id": entity, "due_on": date(2026, 5, 20)}],
            provenance={"source_bureau": "f" * 32},
        )
    with pytest.raises(AccessDenied):
        update(store, officer, "task", task, title="改")
    update(store, officer, "market_entity", entity, address="市场主体人人可补")


def test_a_workflow_allows_only_its_steps(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    task = {"title": "巡查", "source": "1", "entity_id": entity, "due_on": date(2026, 5, 20)}
    (one,) = insert(store, officer, "task", task)
    assert value(store, "task", one, "state") == "open"
    with pytest.raises(IllegalTransition, match=r"不能从.待认领.变为.已完成"):
        update(store, officer, "task", one, state="done")
    update(store, officer, "task", one, state="claimed", assignee=officer.user)
    assert value(store, "task", one, "state") == "claimed"


def test_the_key_of_a_record_does_not_change(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    with pytest.raises(InputError, match="标识字段不能修改"):
        update(store, officer, "market_entity", entity, uscc=OTHER["uscc"])


def test_a_form_opened_before_another_change_is_stale(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    declared = store.types["market_entity"]
    with store.unit(officer) as unit:
        seen = unit.seen(declared, entity)
    update(store, officer, "market_entity", entity, address="先到")
    with pytest.raises(StaleRecord, match="已被更新"), store.unit(officer) as unit:
        unit.update(declared, entity, {"address": "后到"}, seen=seen)
    assert value(store, "market_entity", entity, "address") == "先到"


def test_saving_without_a_difference_is_no_change(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    with store.unit(officer) as unit:
        assert not unit.update(store.types["market_entity"], entity, {"name": ENTITY["name"]})
    assert written(store) == 1


def test_several_edits_of_one_record_build_on_each_other(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    with store.unit(officer) as unit:
        done = unit.update_many(
            store.types["market_entity"],
            [(entity, {"address": "一号"}), (entity, {"phone": "021-00000018"}), (entity, {"address": "二号"})],
        )
        state = unit.load(store.types["market_entity"], [entity])[entity]
    assert done == 3 and (state.values["address"], state.values["phone"]) == ("二号", "021-00000018")
    number = store.types["market_entity"].by_name
    assert {state.writer(number["address"].number) & 0xFF, state.writer(number["phone"].number) & 0xFF} == {4, 3}


def test_a_deleted_record_is_gone_and_leaves_a_tombstone(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    with store.unit(officer) as unit:
        unit.delete(store.types["market_entity"], entity, "重复录入")
    assert count(store, "market_entity") == 0 and found(store, "青穗") == []
    with pytest.raises(StaleRecord, match="已不存在"):
        update(store, officer, "market_entity", entity, address="x")
    assert written(store) == 2


def test_what_fails_in_the_middle_leaves_nothing(store: Store, officer: Actor) -> None:
    with pytest.raises(Rejected), store.unit(officer) as unit:
        assert unit.insert(store.types["market_entity"], [ENTITY]) and unit.insert(
            store.types["market_entity"], [{**OTHER, "name": None}]
        )
    assert count(store, "market_entity") == 0 and written(store) == 0 and found(store, "青穗") == []


# --- search --------------------------------------------------------------------------------
def test_any_part_of_a_name_is_found(store: Store, officer: Actor) -> None:
    insert(store, officer, "market_entity", ENTITY, OTHER)
    both = {ENTITY["name"], OTHER["name"]}
    assert found(store, "青穗") == found(store, "穗餐") == found(store, "餐饮有限") == [ENTITY["name"]]
    assert set(found(store, "上海宝山")) == both
    assert found(store, "穗青") == [] and found(store, "青穗 茶饮") == []
    assert found(store, "上海 茶饮") == [OTHER["name"]]


def test_initials_and_parts_of_codes_are_found(store: Store, officer: Actor) -> None:
    insert(store, officer, "market_entity", ENTITY, OTHER)
    assert found(store, "qscy") == found(store, "QSCY") == [ENTITY["name"]]
    assert found(store, "1234566") == [ENTITY["name"]]
    assert found(store, "ＸＮ12345667") == [ENTITY["name"]]
    assert len(found(store, "xn1234")) == 2


def test_signs_in_a_query_do_no_harm(store: Store, officer: Actor) -> None:
    insert(store, officer, "market_entity", {**ENTITY, "name": '青穗"（有限）* OR 公司'})
    for words in ('"', "*", "青穗 AND", "(有限", 'name:"x', "NOT", "青穗\"*"):
        found(store, words)
    assert len(found(store, "青穗（有限）")) == 1


def test_the_index_follows_a_changed_name(store: Store, officer: Actor) -> None:
    (entity,) = insert(store, officer, "market_entity", ENTITY)
    update(store, officer, "market_entity", entity, name="上海宝山朔风面馆")
    assert found(store, "青穗") == [] and found(store, "朔风") == found(store, "sfmg") == ["上海宝山朔风面馆"]


# --- two windows ------------------------------------------------------------------------------
@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.store.database.BUSY_MS", 50)


def test_two_windows_on_one_database_take_turns(
    impatient: None, path: Path, store: Store, officer: Actor
) -> None:
    other = opened(path)
    with store.unit(officer) as unit:
        unit.insert(store.types["market_entity"], [ENTITY])
        with pytest.raises(DatabaseBusy, match="另一个窗口"):
            insert(other, officer, "market_entity", OTHER)
        assert count(other, "market_entity") == 0  # reading goes on
    insert(other, officer, "market_entity", OTHER)
    assert count(store, "market_entity") == 2 and written(store) == 2
    other.close()


def test_a_full_disk_is_a_sentence_and_loses_nothing(store: Store, officer: Actor) -> None:
    from shared.errors import DiskFull

    insert(store, officer, "market_entity", ENTITY)
    handle = store.database.writer.raw_connection()
    pages = handle.cursor().execute("PRAGMA page_count").fetchone()[0]
    handle.cursor().execute(f"PRAGMA max_page_count = {pages + 2}")
    handle.close()
    with pytest.raises(DiskFull, match="磁盘空间不足"):
        insert(store, officer, "market_entity", *market_entities(3000), proven=True)
    assert count(store, "market_entity") == 1 and written(store) == 1


def test_a_wrong_key_is_a_wrong_password(path: Path) -> None:
    with pytest.raises(WrongPassword, match="密码不正确"):
        open_cipher(path, bytes(32)).reader.connect()


def test_a_file_is_private(path: Path, tmp_path: Path) -> None:
    database = open_cipher(tmp_path / "new.db", bytes(32))
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
    database.close()


@pytest.fixture(autouse=True)
def _no_plain_text(store: Store, path: Path) -> Iterator[None]:
    """Whatever a test writes, the files never hold it in the clear."""
    yield
    for file in path.parent.glob("client.db*"):
        assert "青穗".encode() not in file.read_bytes()
