"""What a device holds follows its scope: things enter whole, leave, wait for what is pending, come back."""

from __future__ import annotations

from typing import Any

import pytest

from shared.access import HUB_ACTOR
from shared.filters import Filter
from shared.store import query
from shared.store.query import Place as Here
from shared.store.store import Store
from tests.fixtures.devices import Device, Enrol, handle, rows, value
from tests.fixtures.hubs import DIVISION, Place

NEXT_DOOR = "310112"
ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
    "address": "驿东路18号", "legal_person": "言初",
}  # fmt: skip
ALERT = {
    "uscc": "91310113XN12345667", "entity_name": "上海宝山青穗餐饮有限公司", "kind": "1", "origin": "2", "reason": "住所查无此企业", "raised_on": "2026-05-06",
}  # fmt: skip


def hub_update(place: Place, type_name: str, record_id: str, **values: Any) -> None:
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types[type_name], record_id, values, proven=True)


def hub_insert(place: Place, type_name: str, **values: Any) -> str:
    with place.hub.store.unit(HUB_ACTOR) as unit:
        return unit.insert(place.hub.store.types[type_name], [values], way="exchange", proven=True)[0]


def held(store: Store, type_name: str = "market_entity") -> set[str]:
    return {row["id"] for row in rows(store, type_name)}


def found(store: Store, words: str) -> int:
    declared = store.types["market_entity"]
    with store.read() as connection:
        return len(query.row_ids(connection, declared, Filter(text=words), Here()))


@pytest.fixture
def across(place: Place) -> str:
    """A bureau of the next division."""
    return hub_insert(place, "bureau", code="C", name="丙局", division=NEXT_DOOR)


@pytest.fixture
def entity(place: Place) -> str:
    return hub_insert(place, "market_entity", **ENTITY)


def alert(device: Device, entity: str) -> str:
    return device.insert("alert", {"entity_id": entity, **ALERT}, proven=True)[0]


# --- records move ------------------------------------------------------------------
def test_an_entity_that_moves_leaves_here_and_arrives_there_whole(
    place: Place, enrol_at: Enrol, across: str, entity: str
) -> None:
    a, c = enrol_at(place.a, "chenmin"), enrol_at(across, "hong")
    a.sync()
    c.sync()
    assert held(a.store) == {entity} and held(c.store) == set() and found(a.store, "青穗") == 1
    hub_update(place, "market_entity", entity, division=NEXT_DOOR)
    a.sync()
    c.sync()
    assert held(a.store) == set() and found(a.store, "青穗") == 0
    assert rows(c.store, "market_entity") == rows(place.hub.store, "market_entity")
    assert found(c.store, "青穗") == 1
    hub_update(place, "market_entity", entity, division=DIVISION, address="回来了")
    a.sync()
    c.sync()
    assert rows(a.store, "market_entity") == rows(place.hub.store, "market_entity")
    assert held(c.store) == set() and found(a.store, "青穗") == 1


def test_what_is_about_it_moves_with_it_and_its_author_keeps_it(
    place: Place, enrol_at: Enrol, across: str, entity: str
) -> None:
    a, b, c = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou"), enrol_at(across, "hong")
    a.sync()
    made = alert(a, entity)
    for one in (a, b, c):
        one.sync()
    assert held(b.store, "alert") == {made} and held(c.store, "alert") == set()
    hub_update(place, "market_entity", entity, division=NEXT_DOOR)
    for one in (a, b, c):
        one.sync()
    assert held(a.store, "alert") == {made} and held(b.store, "alert") == set()
    assert rows(c.store, "alert") == rows(place.hub.store, "alert")


def test_what_was_rejected_and_is_not_ours_any_more_leaves_the_screen(
    place: Place, enrol_at: Enrol, entity: str
) -> None:
    """乙局 answers for the next division by now and took the entity along, which nobody else has agreed to."""
    b, centre = enrol_at(place.b, "laozhou"), enrol_at(place.a, "zhongxin", roles=["hub_admin"])
    b.sync()
    hub_update(place, "bureau", place.b, division=NEXT_DOOR)
    b.update("market_entity", entity, division=NEXT_DOOR)
    b.sync()
    centre.sync()
    (case,) = rows(centre.store, "held_set")
    assert case["kind"] == "moved"
    centre.update(
        "held_set", case["id"], state="rejected", decision_note="不随迁", decided_by=centre.actor.user,
        decided_at=centre.store.clock.stamp(),
    )
    centre.sync()
    b.sync()
    b.sync()
    assert b.statuses() == ["rejected"] and held(b.store) == set()


def test_given_away_and_taken_back_before_anybody_heard_of_it_it_stays(
    place: Place, enrol_at: Enrol, entity: str
) -> None:
    b = enrol_at(place.b, "zhongxin", roles=["hub_admin", "bureau_admin"])
    b.sync()
    b.update("market_entity", entity, division=NEXT_DOOR)
    b.engine.cut()  # two sets: the streams are told of both
    b.update("market_entity", entity, division=DIVISION)
    b.sync()
    assert b.statuses() == ["applied", "applied"]
    assert rows(b.store, "market_entity") == rows(place.hub.store, "market_entity")


@pytest.mark.parametrize("first", [True, False], ids=["new seat", "follows another division later"])
def test_the_past_of_a_stream_does_not_come_over_what_another_has_said(
    place: Place, enrol_at: Enrol, across: str, first: bool
) -> None:
    """A stream followed from its beginning still tells what stood before the entity moved to the other one."""
    entity = hub_insert(place, "market_entity", **ENTITY)
    hub_insert(place, "bureau", code="A9", name="甲局西所", division=DIVISION if first else NEXT_DOOR, parent=across)
    hub_update(place, "market_entity", entity, division=NEXT_DOOR, address="迁入地址")
    c = enrol_at(across, "hong")
    c.sync()
    if not first:
        (west,) = (r["id"] for r in rows(c.store, "bureau") if r["code"] == "A9")
        hub_update(place, "bureau", west, division=DIVISION)
    c.sync()
    assert rows(c.store, "market_entity") == rows(place.hub.store, "market_entity")
    with c.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM doubtful").scalar() == 0


def test_an_entity_that_comes_later_brings_what_is_about_it(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = a.store.types["market_entity"].id_for_key(ENTITY["uscc"])
    made = alert(a, entity)
    a.sync()
    b.sync()
    assert held(b.store, "alert") == set()
    hub_insert(place, "market_entity", **ENTITY)
    b.sync()
    assert held(b.store, "alert") == {made} and held(b.store) == {entity}


def test_both_in_one_set_are_told_once(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (entity,) = a.insert("market_entity", ENTITY)
    made = alert(a, entity)
    a.sync()
    b.sync()
    assert held(b.store, "alert") == {made}
    with place.hub.store.read() as connection:
        told = connection.exec_driver_sql(f"SELECT n FROM stream WHERE name = 'division:{DIVISION}'").scalar()
    assert told == 2


# --- with something pending --------------------------------------------------------
def test_a_pending_edit_keeps_it_until_the_receipt(
    place: Place, enrol_at: Enrol, across: str, entity: str
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.sync()
    a.update("market_entity", entity, address="改到一半")
    hub_update(place, "market_entity", entity, division=NEXT_DOOR)
    a.take(downstream(place, a))
    assert held(a.store) == {entity} and value(a.store, "market_entity", entity, "address") == "改到一半"
    a.sync()
    assert a.statuses() == ["quarantined"]
    assert held(a.store) == set()
    assert value(place.hub.store, "market_entity", entity, "address") == ENTITY["address"]
    a.sync()


def downstream(place: Place, device: Device) -> bytes:
    """What the hub has for a device whose own changes have not arrived."""
    return handle(place.hub, device.export_only())[1]


def test_it_stays_when_it_comes_back_before_the_receipt(
    place: Place, enrol_at: Enrol, across: str, entity: str
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.sync()
    a.update("market_entity", entity, address="改到一半")
    hub_update(place, "market_entity", entity, division=NEXT_DOOR)
    a.take(downstream(place, a))
    hub_update(place, "market_entity", entity, division=DIVISION)
    a.sync()
    assert a.statuses() == ["applied"]
    assert rows(a.store, "market_entity") == rows(place.hub.store, "market_entity")
    assert value(a.store, "market_entity", entity, "address") == "改到一半"


# --- the device's own scope --------------------------------------------------------
def test_a_bureau_that_changes_its_division(
    place: Place, enrol_at: Enrol, across: str, entity: str
) -> None:
    b = enrol_at(place.b, "laozhou")
    b.sync()
    made = alert(b, entity)
    other = hub_insert(place, "market_entity", **{**ENTITY, "uscc": "91310113XN12345742", "division": NEXT_DOOR})
    b.sync()
    assert held(b.store) == {entity}
    hub_update(place, "bureau", place.b, division=NEXT_DOOR)
    b.sync()
    b.sync()
    assert held(b.store) == {other} and held(b.store, "alert") == {made}
    hub_update(place, "bureau", place.b, division=DIVISION)
    b.sync()
    b.sync()
    assert held(b.store) == {entity}
    assert rows(b.store, "bureau") == rows(place.hub.store, "bureau")


def test_an_entity_of_elsewhere_entered_here_stays_with_us(
    place: Place, enrol_at: Enrol, across: str
) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", {**ENTITY, "division": NEXT_DOOR})
    a.sync()
    a.update("market_entity", entity, address="次日改正")
    a.sync()
    assert a.statuses() == ["applied", "applied"]
    assert rows(a.store, "market_entity") == rows(place.hub.store, "market_entity")


def test_an_entity_others_keep_is_not_kept_twice(place: Place, enrol_at: Enrol, across: str) -> None:
    """Entered here though the next division has it: a conflict to decide, and no second truth on our screen."""
    a, c = enrol_at(place.a, "chenmin"), enrol_at(across, "hong")
    (entity,) = c.insert("market_entity", {**ENTITY, "division": NEXT_DOOR})
    c.sync()
    a.insert("market_entity", {**ENTITY, "address": "另一处"})
    a.sync()
    assert a.statuses() == ["conflicted"]
    assert held(a.store) == set() and len(held(a.store, "conflict")) >= 1
    c.sync()
    assert rows(c.store, "market_entity") == rows(place.hub.store, "market_entity")
    assert value(c.store, "market_entity", entity, "address") == ENTITY["address"]
