"""Between devices and the hub, on both databases: what one enters, others receive, once."""

from __future__ import annotations

from typing import Any

import pytest

from server_stub.hub import NETWORK
from shared.access import HUB_ACTOR
from shared.errors import PackageError
from shared.store.exchange import cursors, last_receipt, reach
from shared.store.store import Store
from sync import messages
from sync.messages import Receipt
from sync.signing import Envelope
from tests.fixtures.devices import Device, Enrol, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, Place

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
    "address": "驿东路18号", "legal_person": "言初",
}  # fmt: skip
OTHER = {**ENTITY, "uscc": "91310113XN12345742", "name": "上海宝山霁舟茶饮有限公司"}


def known_entity(place: Place) -> str:
    """An entity everybody received from the hub."""
    with place.hub.store.unit(HUB_ACTOR) as unit:
        return unit.insert(place.hub.store.types["market_entity"], [ENTITY], way="exchange")[0]


def content(store: Store, type_name: str = "market_entity") -> list[dict[str, Any]]:
    return sorted(rows(store, type_name), key=lambda row: row["id"])


def receipt_of(device: Device) -> Receipt:
    with device.store.read() as connection:
        found = last_receipt(connection)
    assert found is not None
    return messages.decode(Envelope.decode(found[0]).payload, Receipt)


def task(entity: str, title: str = "五月巡查") -> dict[str, Any]:
    from datetime import date

    return {"title": title, "source": "1", "entity_id": entity, "due_on": date(2026, 5, 20)}


# --- the main road ---------------------------------------------------------------
def test_what_one_device_enters_another_receives(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou", roles=["officer"])
    (entity,) = a.insert("market_entity", ENTITY)
    done = a.sync()
    assert (done.sent_sets, done.sent_changes) == (1, 1)
    assert a.statuses() == ["applied"]
    assert value(place.hub.store, "market_entity", entity, "name") == ENTITY["name"]
    b.sync()
    assert content(a.store) == content(b.store) == content(place.hub.store)
    with a.store.read() as connection:
        assert reach(connection).receipted == reach(connection).written == 1


def test_nothing_new_needs_one_round_and_changes_nothing(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.sync()
    before = content(a.store, "bureau")
    again = a.sync()
    assert (again.sent_sets, again.received.changes) == (0, 0)
    assert content(a.store, "bureau") == before and len(before) == 3


def test_a_bureau_sees_its_own_and_those_below_and_no_other(place: Place, enrol_at: Enrol) -> None:
    a, below, b = enrol_at(place.a, "chenmin"), enrol_at(place.a1, "liwei"), enrol_at(place.b, "laozhou")
    entity = known_entity(place)
    for one in (a, below, b):
        one.sync()
    (mine,) = below.insert("task", task(entity))
    for one in (below, a, b):
        one.sync()
    assert a.value("task", mine, "title") == "五月巡查"
    assert b.count("task") == 0


def test_twenty_five_hundred_rows_arrive_in_order_and_whole(place: Place, enrol_at: Enrol) -> None:
    from shared.fictitious import market_entities

    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    a.insert("market_entity", *market_entities(2500, DIVISION), proven=True)
    a.sync()
    b.sync()
    assert b.count("market_entity") == 2500
    assert content(a.store) == content(b.store) == content(place.hub.store)


# --- merge -----------------------------------------------------------------------
def test_edits_of_different_fields_merge(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = known_entity(place)
    a.sync(), b.sync()
    a.update("market_entity", entity, address="驿西路1号")
    b.update("market_entity", entity, legal_person="冼宁")
    a.sync(), b.sync(), a.sync()
    for one in (a, b):
        assert one.value("market_entity", entity, "address") == "驿西路1号"
        assert one.value("market_entity", entity, "legal_person") == "冼宁"
        assert one.conflicts() == []
    assert content(a.store) == content(b.store) == content(place.hub.store)


def both_changed_the_address(place: Place, a: Device, b: Device) -> str:
    entity = known_entity(place)
    a.sync(), b.sync()
    a.update("market_entity", entity, address="甲说的地址")
    b.update("market_entity", entity, address="乙说的地址")
    a.sync(), b.sync(), a.sync()
    return entity


def test_the_same_field_conflicts_and_the_hub_value_stands_for_all(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "陈敏"), enrol_at(place.b, "老周")
    entity = both_changed_the_address(place, a, b)
    assert b.statuses() == ["conflicted"]
    for one in (a, b):
        assert one.value("market_entity", entity, "address") == "甲说的地址"
        (conflict,) = one.conflicts()
        assert conflict["record_id"] == entity and conflict["field"] == "address"
        assert (conflict["ours_value"], conflict["theirs_value"]) == ("甲说的地址", "乙说的地址")
        assert (conflict["ours_person"], conflict["theirs_person"]) == ("陈敏", "老周")
        assert (conflict["ours_bureau"], conflict["theirs_bureau"]) == (place.a, place.b)
        assert conflict["ours_ref"] == f"{a.grant.device}:1:1"
        assert conflict["theirs_ref"] == f"{b.grant.device}:1:1"
        assert conflict["state"] == "open"


def test_a_decision_travels_to_everybody(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "陈敏"), enrol_at(place.b, "老周")
    entity = both_changed_the_address(place, a, b)
    (conflict,) = b.conflicts()
    with b.store.unit(b.actor, cause=f"resolve:{conflict['id']}") as unit:
        unit.update(b.store.types["market_entity"], entity, {"address": "乙说的地址"})
        unit.update(
            b.store.types["conflict"], conflict["id"],
            {"state": "resolved", "resolution": "乙局现场核实", "resolved_by": b.actor.user},
        )  # fmt: skip
    b.sync(), a.sync()
    assert b.statuses()[-1] == "applied"
    for one in (a, b):
        assert one.value("market_entity", entity, "address") == "乙说的地址"
        assert [c["state"] for c in one.conflicts()] == ["resolved"]


def test_one_fact_entered_twice_is_one_record(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (one,) = a.insert("market_entity", ENTITY)
    (other,) = b.insert("market_entity", {**ENTITY, "phone": "021-00000018"})
    assert one == other
    a.sync(), b.sync(), a.sync()
    assert b.statuses() == ["applied"]
    assert place.hub is a.hub and count(place.hub.store, "market_entity") == 1
    assert a.value("market_entity", one, "phone") == "021-00000018"
    assert content(a.store) == content(b.store) == content(place.hub.store)


def test_an_edit_meets_a_deletion(place: Place, enrol_at: Enrol) -> None:
    """Whoever comes second, nothing is lost: the hub keeps what stands and asks."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = known_entity(place)
    a.sync(), b.sync()
    a.update("market_entity", entity, address="驿西路1号")
    b.delete("market_entity", entity)
    a.sync(), b.sync(), a.sync()
    for one in (a, b):
        assert one.value("market_entity", entity, "address") == "驿西路1号"
        assert [c["field_title"] for c in one.conflicts()] == ["整条记录（一方作废，一方修改）"]


def test_a_deletion_meets_an_edit(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = known_entity(place)
    a.sync(), b.sync()
    a.delete("market_entity", entity)
    b.update("market_entity", entity, address="驿西路1号")
    a.sync(), b.sync(), a.sync()
    for one in (a, b):
        assert one.count("market_entity") == 0
        assert len(one.conflicts()) == 1


def test_a_deletion_after_a_merge_needs_no_decision(place: Place, enrol_at: Enrol) -> None:
    """The deleting device had seen every value that stands, whoever wrote it."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = both_changed_the_address(place, a, b)
    b.update("market_entity", entity, legal_person="冼宁")
    b.sync(), a.sync()
    b.delete("market_entity", entity)
    b.sync(), a.sync()
    assert b.statuses()[-1] == "applied"
    assert a.count("market_entity") == b.count("market_entity") == 0


# --- late, early, twice ------------------------------------------------------------
def test_a_second_import_gives_the_same_receipt_and_no_new_row(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    package = a.export()
    first, answer = handle(place.hub, package)
    a.take(answer)
    once, before = receipt_of(a), content(place.hub.store)
    second, answer = handle(place.hub, package)
    told = a.take(answer)
    assert (first.intake.outcome, second.intake.outcome) == ("applied", "duplicate")
    assert second.intake.changes == 0
    assert content(place.hub.store) == before
    assert receipt_of(a) == once and told.receipts == 0


def test_what_comes_early_waits_for_its_gap(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    for address in ("一号", "二号", "三号"):
        if address == "一号":
            (entity,) = a.insert("market_entity", {**ENTITY, "address": address})
        else:
            a.update("market_entity", entity, address=address)
        a.engine.cut()
    early, answer = handle(place.hub, a.export_only(3))
    a.take(answer)
    assert early.intake.outcome == "parked"
    assert receipt_of(a).gaps == [(1, 2)] and receipt_of(a).contiguous_to == 0
    assert count(place.hub.store, "market_entity") == 0
    assert a.statuses() == ["sealed", "sealed", "parked"]
    handle(place.hub, a.export_only(1))
    closing, answer = handle(place.hub, a.export_only(2))
    a.take(answer)
    assert [s.status for s in closing.intake.sets] == ["applied", "applied"]
    assert receipt_of(a).gaps == [] and receipt_of(a).contiguous_to == 3
    assert value(place.hub.store, "market_entity", entity, "address") == "三号"
    assert a.statuses() == ["applied"] * 3


@pytest.mark.parametrize("order", [(3, 2, 1), (2, 3, 1), (1, 3, 2)])
def test_any_order_with_repetitions_ends_equal(place: Place, enrol_at: Enrol, order: tuple[int, ...]) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (entity,) = a.insert("market_entity", ENTITY)
    a.engine.cut()
    a.update("market_entity", entity, address="二号")
    a.insert("market_entity", OTHER)
    a.engine.cut()
    a.update("market_entity", entity, legal_person="冼宁")
    packages = {n: a.export_only(n) for n in order}
    for n in (*order, order[0], order[-1]):
        handle(place.hub, packages[n])
    a.sync(), b.sync()
    assert a.statuses() == ["applied"] * 3
    assert content(a.store) == content(b.store) == content(place.hub.store)
    assert value(place.hub.store, "market_entity", entity, "address") == "二号"


def test_by_stick_and_by_network_at_once_is_once(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    a.insert("market_entity", ENTITY)
    stick = a.export()
    a.insert("market_entity", OTHER)
    a.sync()
    late, answer = handle(place.hub, stick)
    assert late.intake.outcome == "duplicate"
    a.take(answer)
    b.sync()
    assert a.statuses() == ["applied", "applied"]
    assert content(a.store) == content(b.store) == content(place.hub.store)


def test_answers_that_overlap_or_come_late_are_harmless(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    a.sync(), b.sync()
    a.insert("market_entity", ENTITY)
    a.sync()
    _, old = handle(place.hub, b.export())
    a.insert("market_entity", OTHER)
    a.sync()
    _, overlapping = handle(place.hub, b.export())  # from the same cursor, reaches further
    b.take(old)
    b.take(overlapping)
    with b.store.read() as connection:
        reached = cursors(connection)
    late = b.take(old)
    assert late.repeated and late.changes == 0
    with b.store.read() as connection:
        assert cursors(connection) == reached
    assert content(b.store) == content(place.hub.store)
    assert b.count("market_entity") == 2


def test_an_answer_that_skips_something_is_refused(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    twin = enrol_at(place.b, "laowu")
    a.sync(), b.sync(), twin.sync()
    a.insert("market_entity", ENTITY)
    a.sync()
    _, missing = handle(place.hub, b.export())
    b_after = b.clone(b.folder.parent / "restored")
    b.take(missing)
    a.insert("market_entity", OTHER)
    a.sync()
    _, further = handle(place.hub, b.export())
    with pytest.raises(PackageError, match="前面还有没有收到的数据"):
        b_after.take(further)
    assert b_after.count("market_entity") == 0
    b_after.take(missing)
    b_after.take(further)
    assert b_after.count("market_entity") == 2
    b_after.close()


# --- what is pending stays on screen -------------------------------------------------
def test_a_download_leaves_a_pending_value_until_its_receipt(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    entity = known_entity(place)
    a.sync(), b.sync()
    _, answer = handle(place.hub, b.export(NETWORK))  # nothing in it yet
    b.take(answer)
    waiting = b.export(NETWORK)
    b.update("market_entity", entity, address="乙说的地址", legal_person="冼宁")
    a.update("market_entity", entity, address="甲说的地址", phone="021-00000018")
    a.sync()
    _, answer = handle(place.hub, waiting)  # downloads only: the edit is not in it
    b.take(answer)
    assert b.value("market_entity", entity, "address") == "乙说的地址"
    assert b.value("market_entity", entity, "phone") == "021-00000018"
    b.sync()
    assert b.value("market_entity", entity, "address") == "甲说的地址"
    assert b.value("market_entity", entity, "legal_person") == "冼宁"
    a.sync()
    assert content(a.store) == content(b.store) == content(place.hub.store)


def test_the_log_says_who_brought_what(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    handle(place.hub, a.export())
    a.sync()
    logged = [r for r in rows(place.hub.store, "exchange") if r["kind"] == "changes"]
    assert [(r["carrier"], r["outcome"], r["sets"], r["changes"]) for r in logged] == [
        ("media", "applied", 1, 1),
        ("network", "duplicate", 1, 0),
    ]
    assert all(r["bureau"] == place.a and a.grant.device[-8:] in r["device"] for r in logged)
