"""Streams are told one after another: what a later one says of the past does not stand over an earlier one."""

from __future__ import annotations

from typing import Any

import pytest

from shared.access import HUB_ACTOR
from shared.fictitious import market_entities
from tests.fixtures.agreeing import agree
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_scope import ALERT, held, hub_insert, hub_update

LOWER, HIGHER, FAR = "310112", "310114", "330106"
ENTITY, OTHER = market_entities(2, DIVISION, 5)


@pytest.fixture
def above(place: Place) -> str:
    """A bureau above bureaus of three divisions: it follows what each of them is told."""
    for code, division in (("W", LOWER), ("M", DIVISION), ("E", HIGHER)):
        hub_insert(place, "bureau", code=code, name=f"{code}所", division=division, parent=place.b)
    return place.b


def hub_delete(place: Place, type_name: str, record_id: str) -> None:
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.delete(place.hub.store.types[type_name], record_id, "登记错误")


def as_at_the_hub(place: Place, device: Device, type_name: str = "market_entity") -> None:
    assert rows(device.store, type_name) == rows(place.hub.store, type_name)
    with device.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM doubtful").scalar() == 0


def entered(place: Place, **values: Any) -> str:
    """An entity of a bureau nobody here follows."""
    return hub_insert(place, "market_entity", **{**ENTITY, **values})


@pytest.mark.parametrize("edited", [False, True], ids=["as entered", "edited between"])
@pytest.mark.parametrize("known", [False, True], ids=["in one go", "known at the hub"])
def test_what_a_lower_bureau_entered_and_voided_is_there_again_when_the_upper_one_enters_it(
    place: Place, enrol_at: Enrol, known: bool, edited: bool
) -> None:
    hub_update(place, "bureau", place.a, parent=place.b)
    lower, upper = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    lower.sync(), upper.sync()
    (record,) = lower.insert("market_entity", {**ENTITY, "address": "驿西路2号"})
    if known:
        lower.sync()
    if edited:
        lower.update("market_entity", record, address="驿西路3号")
    lower.delete("market_entity", record)
    upper.insert("market_entity", {**ENTITY, "address": "驿东路1号"})
    for _ in range(2):
        lower.sync(), upper.sync()
    agree(place, lower, upper)
    assert [d.value("market_entity", record, "address") for d in (lower, upper)] == ["驿东路1号"] * 2


@pytest.mark.parametrize(("old", "new"), [(LOWER, HIGHER), (HIGHER, LOWER)], ids=["told later", "told before"])
def test_what_was_edited_before_and_after_it_moved_stands_as_edited_last(
    place: Place, enrol_at: Enrol, above: str, old: str, new: str
) -> None:
    record = entered(place, division=old)
    device = enrol_at(above, "laozhou")
    device.sync()
    for address in ("驿西路2号", "驿西路3号"):
        hub_update(place, "market_entity", record, address=address)
    hub_update(place, "market_entity", record, division=new)
    hub_update(place, "market_entity", record, address="驿东路1号")
    device.sync()
    as_at_the_hub(place, device)


@pytest.mark.parametrize("seen", [False, True], ids=["first told now", "seen before"])
def test_what_left_for_afar_and_came_back_to_another_division_is_here(
    place: Place, enrol_at: Enrol, above: str, seen: bool
) -> None:
    device = enrol_at(above, "laozhou")
    device.sync()
    record = entered(place, division=HIGHER)
    if seen:
        device.sync()
    for division in (FAR, LOWER):
        hub_update(place, "market_entity", record, division=division)
    device.sync()
    as_at_the_hub(place, device)
    assert len(rows(device.store, "market_entity")) == 1


def test_what_left_for_afar_is_gone(place: Place, enrol_at: Enrol, above: str) -> None:
    record = entered(place, division=HIGHER)
    device = enrol_at(above, "laozhou")
    device.sync()
    hub_update(place, "market_entity", record, division=FAR)
    device.sync()
    assert rows(device.store, "market_entity") == []


def test_what_was_voided_while_its_entity_moved_is_there_when_it_is_entered_again(
    place: Place, enrol_at: Enrol, above: str
) -> None:
    record = entered(place, division=HIGHER)
    device = enrol_at(above, "laozhou")
    device.sync()
    alert = {**ALERT, "id": "a1" * 16, "entity_id": record}
    made = hub_insert(place, "alert", **alert)
    hub_delete(place, "alert", made)
    hub_update(place, "market_entity", record, division=LOWER)
    assert hub_insert(place, "alert", **alert, note="再次录入") == made
    device.sync()
    as_at_the_hub(place, device, "alert")
    assert len(rows(device.store, "alert")) == 1


def test_what_is_about_a_voided_entity_moves_with_it_when_it_is_entered_again(
    place: Place, enrol_at: Enrol, above: str
) -> None:
    record = entered(place, division=HIGHER)
    made = hub_insert(place, "alert", **{**ALERT, "entity_id": record})
    device, far = enrol_at(above, "laozhou"), enrol_at(hub_insert(place, "bureau", code="F", name="远局", division=FAR), "hong")
    device.sync(), far.sync()
    hub_delete(place, "market_entity", record)
    assert entered(place, division=FAR) == record
    device.sync(), far.sync()
    assert rows(device.store, "alert") == [] and [r["id"] for r in rows(far.store, "alert")] == [made]
    assert rows(device.store, "market_entity") == []
    as_at_the_hub(place, far)


def test_what_a_stream_followed_anew_lost_long_ago_stays_where_a_later_one_has_it(
    place: Place, enrol_at: Enrol, above: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The past of the other division comes in several stretches: it tells that the record came, and that it left."""
    monkeypatch.setattr("server_stub.answers.SEGMENT_RAW", 1)
    west = place.hub.store.types["bureau"].id_for_key("W")
    hub_update(place, "bureau", west, parent=place.a)
    record = entered(place, division=LOWER)
    device = enrol_at(above, "laozhou")
    device.sync()
    for division in (FAR, HIGHER):
        hub_update(place, "market_entity", record, division=division)
    device.sync()
    assert held(device.store) == {record}
    hub_update(place, "bureau", west, parent=above)
    device.sync(), device.sync()  # hears that it follows more, and follows it
    as_at_the_hub(place, device)


@pytest.mark.parametrize("to", [FAR, HIGHER], ids=["to one far away", "to one where the first has gone"])
def test_an_alert_given_to_another_entity_while_its_own_moves_leaves_with_neither(
    place: Place, enrol_at: Enrol, above: str, to: str
) -> None:
    """Both in one change set: where the alert was before is nowhere to be read any more."""
    first, second = entered(place, division=LOWER), hub_insert(place, "market_entity", **{**OTHER, "division": to})
    made = hub_insert(place, "alert", **{**ALERT, "entity_id": first})
    next_door = [
        enrol_at(hub_insert(place, "bureau", code=f"N{d}", name=f"{d}局", division=d), f"acc{d}") for d in (LOWER, to)
    ]
    for one in next_door:
        one.sync()
    types = place.hub.store.types
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(types["market_entity"], first, {"division": HIGHER}, proven=True)
        unit.update(types["alert"], made, {"entity_id": second}, proven=True)
    for one in next_door:
        one.sync()
    left, came = next_door
    assert held(left.store, "alert") == set()
    as_at_the_hub(place, came, "alert")
    assert len(rows(came.store, "alert")) == 1


def test_what_was_changed_while_the_hub_was_asked_about_it_leaves_with_its_receipt(
    place: Place, enrol_at: Enrol, above: str
) -> None:
    """By stick: the answer that the hub has nothing for us here comes over an edit made meanwhile."""
    hub_insert(place, "market_entity", **{**OTHER, "division": HIGHER})  # a stream that has something to tell
    record = entered(place, division=LOWER)
    device = enrol_at(above, "laozhou", roles=["officer"])
    device.sync()
    hub_update(place, "market_entity", record, division=HIGHER)
    hub_update(place, "bureau", place.hub.store.types["bureau"].id_for_key("E"), parent=place.a)
    device.take(handle(place.hub, device.export())[1])
    asked = device.export()
    device.update("market_entity", record, address="改到一半")
    device.take(handle(place.hub, asked)[1])
    assert held(device.store) == {record}
    device.sync()
    assert device.statuses() == ["quarantined"] and held(device.store) == set()
    with device.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM doubtful").scalar() == 0


def test_an_alert_that_loses_its_entity_while_that_moves_has_none_where_it_stays(
    place: Place, enrol_at: Enrol, above: str
) -> None:
    first = entered(place, division=LOWER)
    author = enrol_at(place.a, "chenmin")
    (made,) = author.insert("alert", {**ALERT, "entity_id": first}, proven=True)
    author.sync()
    types = place.hub.store.types
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(types["market_entity"], first, {"division": HIGHER}, proven=True)
        unit.update(types["alert"], made, {"entity_id": None}, proven=True)
    author.sync()
    as_at_the_hub(place, author, "alert")
    assert author.value("alert", made, "entity_id") is None


def test_what_another_bureau_had_entered_goes_when_that_bureau_is_not_followed_any_more(
    place: Place, enrol_at: Enrol, above: str
) -> None:
    """The hub tells the lower bureau's stream that the two are one; the upper one's seat never hears of it."""
    west = place.hub.store.types["bureau"].id_for_key("W")
    device = enrol_at(above, "laozhou")
    device.sync()
    entity = {**ENTITY, "division": LOWER}
    (record,) = device.insert("market_entity", entity)
    with place.hub.store.unit(HUB_ACTOR) as unit:
        declared = place.hub.store.types["market_entity"]
        assert unit.insert(declared, [entity], proven=True, provenance={"source_bureau": west}) == [record]
    package = device.export()
    handle(place.hub, package)
    hub_update(place, "bureau", west, parent=place.a)
    device.sync()
    assert rows(device.store, "market_entity") == []
    as_at_the_hub(place, device, "alert")
