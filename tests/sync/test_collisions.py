"""The same document entered twice under different ids: both stay, a person decides which one goes."""

from __future__ import annotations

from typing import Any

from shared.access import HUB_ACTOR
from tests.fixtures.devices import Device, Enrol, count, value
from tests.fixtures.disputes import PENALTY, penalty, two_bureaus
from tests.fixtures.hubs import Place

UNIT = {"name": "青穗食品检验检测中心", "kind": "1"}


def decide(device: Device, conflict: dict[str, Any], loser: str) -> None:
    """Void one of the two, as the page does."""
    cause = f"resolve:{conflict['id']}"
    with device.store.unit(device.actor, cause=cause) as unit:
        unit.delete(device.store.types["penalty"], loser, cause)
        end = {"state": "resolved", "resolution": "重复录入", "resolved_by": device.actor.user}
        unit.update(device.store.types["conflict"], conflict["id"], end, proven=True)


def test_both_stay_and_one_conflict_names_both(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    one, other = penalty(a), penalty(b, content="罚款")
    a.sync(), b.sync(), a.sync()
    assert a.statuses() == ["applied"] and b.statuses() == ["conflicted"]
    assert count(place.hub.store, "penalty") == 2
    for device in (a, b):
        (conflict,) = device.conflicts()
        assert conflict["kind"] == "unique" and conflict["record_type"] == "penalty"
        assert (conflict["record_id"], conflict["other_id"]) == (one, other)
        assert (conflict["ours_person"], conflict["theirs_person"]) == ("chenmin", "laozhou")
        assert (conflict["ours_bureau"], conflict["theirs_bureau"]) == (place.a, place.b)
        assert "决定书文号" in conflict["field_title"] and "驿罚〔2026〕0001号" in conflict["theirs_value"]


def test_the_decision_is_an_ordinary_change_and_reaches_both(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    one, other = penalty(a), penalty(b)
    a.sync(), b.sync(), a.sync()
    decide(b, b.conflicts()[0], other)
    b.sync(), a.sync()
    assert b.statuses()[-1] == "applied"
    assert value(place.hub.store, "penalty", one, "document_no") == PENALTY["document_no"]
    assert value(place.hub.store, "penalty", other, "document_no") is None
    assert [c["state"] for c in a.conflicts()] == ["resolved"]
    assert a.count("penalty") == 1 and b.count("penalty") == 0


def test_a_decision_touches_no_third_record_and_edits_neither(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    third = penalty(b, document_no="驿罚〔2026〕0099号")
    penalty(a), penalty(b)
    a.sync(), b.sync()
    conflict = b.conflicts()[0]
    decide(b, conflict, third)
    b.sync()
    assert b.statuses()[-1] == "quarantined" and count(place.hub.store, "penalty") == 3


def test_a_number_changed_into_a_taken_one_collides_too(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    mine = penalty(b, document_no="驿罚〔2026〕0002号")
    a.sync(), b.sync()
    assert b.conflicts() == []
    b.update("penalty", mine, document_no=PENALTY["document_no"])
    b.sync()
    assert b.statuses() == ["applied", "conflicted"] and b.conflicts()[0]["other_id"] == mine


def test_what_is_voided_or_incomplete_collides_with_nothing(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    gone = penalty(a)
    a.insert("external_unit", UNIT)
    a.sync()
    a.delete("penalty", gone)
    a.sync()
    penalty(b)
    b.insert("external_unit", UNIT)
    b.sync()
    assert b.statuses() == ["applied"] and b.conflicts() == []
    b.insert("external_unit", {**UNIT, "uscc": PENALTY["uscc"]})
    a.insert("external_unit", {**UNIT, "uscc": PENALTY["uscc"]})
    b.sync(), a.sync()
    assert [c["field"] for c in a.conflicts()] == ["uscc,kind"]


def test_an_officer_entered_by_two_bureaus(place: Place, enrol_at: Enrol) -> None:
    """Every type that declares ``unique``, not only penalties."""
    a, b = two_bureaus(place, enrol_at)
    officer = {"name": "李伟", "certificate_no": "09130118001", "status": "1"}
    a.insert("officer", {**officer, "bureau": place.a}, proven=True)
    b.insert("officer", {**officer, "bureau": place.b}, proven=True)
    a.sync(), b.sync()
    assert [c["record_type"] for c in b.conflicts()] == ["officer"]


def test_a_thousand_rows_are_asked_for_at_once(place: Place, enrol_at: Enrol) -> None:
    from sqlalchemy import event

    a, b = two_bureaus(place, enrol_at)
    numbers = [{**PENALTY, "document_no": f"驿罚〔2026〕{i}号"} for i in range(1000)]
    a.insert("penalty", *numbers[:3], proven=True)
    a.sync()
    b.insert("penalty", *numbers, proven=True)
    asked: list[str] = []

    def noted(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if 'JOIN "penalty"' in statement:
            asked.append(statement)

    writer = place.hub.store.database.writer
    event.listen(writer, "before_cursor_execute", noted)
    b.sync()
    event.remove(writer, "before_cursor_execute", noted)
    assert len(asked) == 1 and len(b.conflicts()) == 3


def test_a_pair_is_asked_about_once(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    mine = penalty(b)
    a.sync(), b.sync()
    b.update("penalty", mine, party_name="别名")
    b.sync()
    b.update("penalty", mine, party_name=PENALTY["party_name"])
    b.sync()
    assert len(b.conflicts()) == 1


def test_the_base_is_found_in_a_set_of_a_device_and_in_the_hubs_own_stream(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    entity = {"uscc": "91310113XN12345667", "name": "某店", "status": "1", "division": "310113"}
    with place.hub.store.unit(HUB_ACTOR) as unit:
        (shop,) = unit.insert(
            place.hub.store.types["market_entity"], [{**entity, "address": "原来的地址"}], way="exchange"
        )
    a.sync(), b.sync()
    a.update("market_entity", shop, address="甲说的地址", phone="1")
    b.update("market_entity", shop, address="乙说的地址")
    a.sync(), b.sync()
    (conflict,) = b.conflicts()
    assert (conflict["base_value"], conflict["base_person"]) == ("原来的地址", "中心")
    assert conflict["kind"] == "field" and conflict["base_at"] and conflict["base_ref"]
    a.update("market_entity", shop, phone="2")
    b.update("market_entity", shop, phone="3")
    a.sync(), b.sync()
    phone = next(c for c in b.conflicts() if c["field"] == "phone")
    assert (phone["base_value"], phone["base_person"], phone["base_bureau"]) == ("1", "chenmin", place.a)


def test_no_base_where_nothing_had_been_seen(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    entity = {"uscc": "91310113XN12345667", "name": "某店", "status": "1", "division": "310113"}
    a.insert("market_entity", {**entity, "address": "甲"})
    b.insert("market_entity", {**entity, "address": "乙"})
    a.sync(), b.sync()
    (conflict,) = b.conflicts()
    assert conflict["base_value"] is None and conflict["base_ref"] is None
