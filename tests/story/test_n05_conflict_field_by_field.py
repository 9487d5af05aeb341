"""N5: field by field, three ways; what the law weighs is never decided by a clock; the loser stays readable."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from desktop.work.conflicts import Choice, Conflicts
from desktop.work.records import Records
from shared.clock import Clock
from tests.fixtures.devices import Device, Enrol, value
from tests.fixtures.disputes import PENALTY, two_bureaus
from tests.fixtures.hubs import Place


def conflicts_at(device: Device) -> Conflicts:
    return Conflicts(device.store, Records(device.store, lambda: device.actor))


def shared_penalty(a: Device, a2: Device, **more: Any) -> str:
    """One penalty that two seats of a bureau have on file."""
    (one,) = a.insert("penalty", {**PENALTY, **more}, proven=True)
    a.sync(), a2.sync()
    return one


def test_different_fields_merge_without_a_question(place: Place, enrol_at: Enrol) -> None:
    a, _ = two_bureaus(place, enrol_at)
    a2 = enrol_at(place.a, "liwei")
    one = shared_penalty(a, a2)
    a.update("penalty", one, content="警告并责令改正")
    a2.update("penalty", one, remark="已送达")
    a.sync(), a2.sync(), a.sync()
    for device in (a, a2):
        assert device.value("penalty", one, "content") == "警告并责令改正"
        assert device.value("penalty", one, "remark") == "已送达"
        assert device.conflicts() == []


@pytest.mark.parametrize(
    ("field", "first", "second"),
    [
        ("document_no", "驿罚〔2026〕8号", "驿罚〔2026〕9号"), ("fine", 100_000, 200_000), ("status", "2", "3"),
        ("decided_on", date(2026, 5, 6), date(2026, 4, 29)),
    ],
)  # fmt: skip
def test_number_amount_state_and_date_always_ask_whatever_the_clocks_say(
    place: Place, enrol_at: Enrol, field: str, first: Any, second: Any
) -> None:
    """The one who comes second has a clock a year ahead: it wins nothing by that."""
    fast = Clock(lambda: place.hub.clock.tick() // 65536 + 365 * 86_400_000)
    a, _ = two_bureaus(place, enrol_at)
    a2 = enrol_at(place.a, "liwei", clock=fast)
    type_name = "market_entity" if field == "status" else "penalty"
    one = shared_penalty(a, a2)
    if field == "status":
        shop = {"uscc": "91310113XN12345667", "name": "某店", "status": "1", "division": "310113"}
        (one,) = a.insert("market_entity", shop)
        a.sync(), a2.sync()
    before = a.value(type_name, one, field)
    a.update(type_name, one, **{field: first})
    a2.update(type_name, one, **{field: second})
    a.sync(), a2.sync(), a.sync()
    stands = first.isoformat() if isinstance(first, date) else first
    assert value(place.hub.store, type_name, one, field) == stands
    for device in (a, a2):  # the author's own device learns of it, and shows what stands
        assert device.value(type_name, one, field) == stands
        (conflict,) = device.conflicts()
        texts = [conflict[n] for n in ("base_value", "ours_value", "theirs_value")]
        assert texts == [None if before is None else str(before), str(first), str(second)]
        assert (conflict["ours_person"], conflict["theirs_person"]) == ("chenmin", "liwei")


def test_many_are_decided_at_once_and_the_losers_stay_readable(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    rows = [
        {"uscc": u, "name": "某店", "status": "1", "division": "310113", "address": "原址"}
        for u in ("91310113XN12345667", "91310113XN12345742")
    ]
    shops = a.insert("market_entity", *rows)
    a.sync(), b.sync()
    for shop in shops:
        a.update("market_entity", shop, address="甲说的地址", phone="1")
        b.update("market_entity", shop, address="乙说的地址", phone="2")
    a.sync(), b.sync()
    centre = conflicts_at(b)
    ids = [c["id"] for c in b.conflicts()]
    assert len(ids) == 4 and centre.detail(ids[0]).siblings == 1
    done = centre.resolve_many(ids, Choice.THEIRS, "乙局现场核实")
    assert (done.done, done.left) == (4, ())
    b.sync(), a.sync()
    assert b.statuses()[-1] == "applied"
    for shop in shops:
        assert a.value("market_entity", shop, "address") == "乙说的地址"
        assert a.value("market_entity", shop, "phone") == "2"
    for conflict in a.conflicts():  # at the one whose value went
        assert conflict["state"] == "resolved" and conflict["reason"] == "乙局现场核实"
        assert (conflict["ours_value"], conflict["decision"]) in (("甲说的地址", "theirs"), ("1", "theirs"))
        assert conflict["ours_person"] == "chenmin" and conflict["resolved_by"] == b.actor.user


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS])
def test_the_centre_decides_about_a_record_it_does_not_hold(
    place: Place, enrol_at: Enrol, choice: Choice
) -> None:
    """The conflict carries both values and what stands by reference: nothing else is needed."""
    a, _ = two_bureaus(place, enrol_at)
    a2, centre = enrol_at(place.a, "liwei"), enrol_at(place.b, "wang", roles=("hub_admin",))
    one = shared_penalty(a, a2)
    a.update("penalty", one, fine=100_000)
    a2.update("penalty", one, fine=200_000)
    a.sync(), a2.sync(), centre.sync()
    assert centre.count("penalty") == 0  # another bureau's
    here, (conflict,) = conflicts_at(centre), centre.conflicts()
    detail = here.detail(conflict["id"])
    assert detail.absent and detail.choices == (Choice.OURS, Choice.THEIRS) and not detail.moved
    here.resolve(conflict["id"], choice, reason="核对了处罚决定书")
    centre.sync(), a.sync(), a2.sync()
    assert centre.statuses() == ["applied"] and centre.count("penalty") == 0
    wanted = 100_000 if choice is Choice.OURS else 200_000
    assert value(place.hub.store, "penalty", one, "fine") == wanted
    for device in (a, a2):
        assert device.value("penalty", one, "fine") == wanted
        (decided,) = device.conflicts()
        assert (decided["state"], decided["decision"]) == ("resolved", str(choice))


def test_what_was_edited_since_is_not_overwritten_by_a_decision_from_afar(
    place: Place, enrol_at: Enrol
) -> None:
    a, _ = two_bureaus(place, enrol_at)
    a2, centre = enrol_at(place.a, "liwei"), enrol_at(place.b, "wang", roles=("hub_admin",))
    one = shared_penalty(a, a2)
    a.update("penalty", one, fine=100_000)
    a2.update("penalty", one, fine=200_000)
    a.sync(), a2.sync(), centre.sync()
    a.update("penalty", one, fine=300_000)
    a.sync()
    (conflict,) = centre.conflicts()
    conflicts_at(centre).resolve(conflict["id"], Choice.THEIRS, reason="核对了处罚决定书")
    centre.sync()
    assert value(place.hub.store, "penalty", one, "fine") == 300_000
    assert sorted(c["state"] for c in centre.conflicts()) == ["open", "resolved"]
