"""Conflicts nobody need decide close by themselves; those about an absent record are decided as far as they can be."""

from __future__ import annotations

from typing import Any

import pytest

from desktop.work.conflicts import Choice, Detail
from desktop.work.history import History
from desktop.work.records import Records
from server_stub.collisions import GONE
from shared.errors import InputError
from tests.fixtures.devices import Device, Enrol, count, value
from tests.fixtures.disputes import PENALTY, conflicts_at, penalty, two_bureaus
from tests.fixtures.hubs import Place

NUMBER = "驿罚〔2026〕0077号"


def only(device: Device) -> Detail:
    """The one open conflict."""
    (one,) = [c for c in device.conflicts() if c["state"] == "open"]
    return conflicts_at(device).detail(one["id"])


# --- by themselves ---------------------------------------------------------------------------
def test_a_number_that_was_corrected_needs_no_decision(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    one, other = penalty(a), penalty(b)
    a.sync(), b.sync(), a.sync()
    assert [c["state"] for c in a.conflicts()] == ["open"]
    b.update("penalty", other, content="罚款")  # something else: still the same number
    b.sync()
    assert [c["state"] for c in b.conflicts()] == ["open"]
    b.update("penalty", other, document_no=NUMBER)
    b.sync(), a.sync()
    for device, mine in ((a, one), (b, other)):
        (conflict,) = device.conflicts()
        assert (conflict["state"], conflict["decision"], conflict["resolved_by"]) == ("resolved", GONE, None)
        assert "决定书文号" in conflict["resolution"] and "已更正（laozhou）" in conflict["resolution"]
        assert conflict["resolution"].endswith("编号已不再重复，自动了结")
        records = Records(device.store, lambda d=device: d.actor)
        past = History(device.store, records).of(device.store.types["penalty"], mine)
        (told,) = [e for e in past.entries if "重复" in e.title]
        assert told.state == "已处理"
        assert any("自动了结" in line.text and not line.text.endswith("）") for line in told.lines)
    assert count(place.hub.store, "penalty") == 2 and b.statuses()[-1] == "applied"


def test_a_record_that_was_voided_needs_no_decision(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    other = penalty(b)
    a.sync(), b.sync()
    b.delete("penalty", other, "重复录入")
    b.sync(), a.sync()
    (conflict,) = a.conflicts()
    assert conflict["state"] == "resolved"
    assert conflict["resolution"] == "其中一条已作废（laozhou），编号已不再重复，自动了结"


def test_what_ended_by_itself_begins_again_when_the_number_does(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    other = penalty(b)
    a.sync(), b.sync()
    for number, state in ((NUMBER, "resolved"), (PENALTY["document_no"], "open"), (NUMBER, "resolved")):
        b.update("penalty", other, document_no=number)
        b.sync()
        assert [c["state"] for c in b.conflicts()] == [state]


def test_what_a_person_decided_stays_decided(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    other = penalty(b)
    a.sync(), b.sync()
    conflicts_at(b).resolve(b.conflicts()[0]["id"], Choice.BOTH, reason="确属两件事")
    b.sync()
    b.update("penalty", other, document_no=NUMBER)
    b.sync()
    b.update("penalty", other, document_no=PENALTY["document_no"])
    b.sync()
    (conflict,) = b.conflicts()
    assert (conflict["state"], conflict["decision"], conflict["reason"]) == ("resolved", "both", "确属两件事")


# --- two numbers, decided by who holds one of the records or none -----------------------------------
@pytest.mark.parametrize("where", ["party", "centre"])
@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS, Choice.BOTH])
def test_each_choice_about_two_numbers(place: Place, enrol_at: Enrol, where: str, choice: Choice) -> None:
    a, b = two_bureaus(place, enrol_at)
    centre = enrol_at(place.a1, "wang", roles=("hub_admin",))  # holds neither
    one, other = penalty(a), penalty(b)
    a.sync(), b.sync(), a.sync(), centre.sync()
    decider = a if where == "party" else centre
    detail = only(decider)
    assert detail.choices == (Choice.OURS, Choice.THEIRS, Choice.BOTH) and detail.closed == {}
    assert detail.other is None and (detail.record is None) == (where == "centre")
    conflicts_at(decider).resolve(detail.conflict.id, choice, reason="核对了纸质文书")
    decider.sync(), a.sync(), b.sync()
    assert decider.statuses()[-1] == "applied"
    stands = {Choice.OURS: {one}, Choice.THEIRS: {other}, Choice.BOTH: {one, other}}[choice]
    for record in (one, other):
        assert (value(place.hub.store, "penalty", record, "content") is not None) == (record in stands)
    assert a.count("penalty") == (one in stands) and b.count("penalty") == (other in stands)
    for device in (a, b):
        assert {c["state"] for c in device.conflicts()} == {"resolved"}


def test_a_record_whose_number_changed_meanwhile_is_not_voided_from_afar(place: Place, enrol_at: Enrol) -> None:
    a, b = two_bureaus(place, enrol_at)
    penalty(a)
    other = penalty(b)
    a.sync(), b.sync(), a.sync()
    b.update("penalty", other, document_no=NUMBER)
    b.sync()
    conflicts_at(a).resolve(only(a).conflict.id, Choice.OURS, reason="重复")
    a.sync()
    assert value(place.hub.store, "penalty", other, "document_no") == NUMBER


# --- a deletion against an edit, decided where the record is not ---------------------------------------
def met(place: Place, enrol_at: Enrol, first: str) -> tuple[Device, Device, Device, str]:
    """A record two seats of one bureau hold and the centre does not: one deletes it, the other edits it."""
    a, _ = two_bureaus(place, enrol_at)
    a2, centre = enrol_at(place.a, "liwei"), enrol_at(place.b, "wang", roles=("hub_admin",))
    one = penalty(a)
    a.sync(), a2.sync()
    a.update("penalty", one, content="罚款五千元")
    a2.delete("penalty", one)
    for device in (a, a2) if first == "edit" else (a2, a):
        device.sync()
    a.sync(), a2.sync(), centre.sync()
    assert centre.count("penalty") == 0
    return a, a2, centre, one


@pytest.mark.parametrize("choice", [Choice.KEEP, Choice.VOID])
def test_deleted_first_then_edited(place: Place, enrol_at: Enrol, choice: Choice) -> None:
    a, a2, centre, one = met(place, enrol_at, "deletion")
    assert a.count("penalty") == 0
    detail = only(centre)
    assert detail.choices == (Choice.KEEP, Choice.VOID) and detail.closed == {}
    assert detail.ours.text == "已作废" and "罚款五千元" in detail.theirs.text
    conflicts_at(centre).resolve(detail.conflict.id, choice, reason="核对了处罚决定书")
    centre.sync(), a.sync(), a2.sync()
    assert centre.statuses() == ["applied"]
    for device in (a, a2):
        assert device.count("penalty") == (choice is Choice.KEEP)
        assert {c["state"] for c in device.conflicts()} == {"resolved"}
        if choice is Choice.KEEP:
            assert device.value("penalty", one, "content") == "罚款五千元"
            assert device.value("penalty", one, "facts") == PENALTY["facts"]  # as it was
            assert device.value("penalty", one, "source_bureau") == place.a


def test_edited_first_then_deleted(place: Place, enrol_at: Enrol) -> None:
    """It can stay by a word; to void it one must see what it holds now, and the reason is said beforehand."""
    a, a2, centre, one = met(place, enrol_at, "edit")
    detail = only(centre)
    assert detail.choices == (Choice.KEEP,)
    why = detail.closed[Choice.VOID]
    assert why.startswith("本机没有这条记录") and "请由甲局处理" in why
    with pytest.raises(InputError, match="看不到修改后的全部内容"):
        conflicts_at(centre).resolve(detail.conflict.id, Choice.VOID, reason="x")
    conflicts_at(centre).resolve(detail.conflict.id, Choice.KEEP, reason="核对了")
    centre.sync(), a.sync(), a2.sync()
    for device in (a, a2):
        assert device.value("penalty", one, "content") == "罚款五千元"
        assert {c["state"] for c in device.conflicts()} == {"resolved"}


def test_a_third_value_says_why_it_cannot_be_taken(place: Place, enrol_at: Enrol) -> None:
    a, _ = two_bureaus(place, enrol_at)
    a2, centre = enrol_at(place.a, "liwei"), enrol_at(place.b, "wang", roles=("hub_admin",))
    one = penalty(a)
    a.sync(), a2.sync()
    a.update("penalty", one, content="甲说"), a2.update("penalty", one, content="乙说")
    a.sync(), a2.sync(), centre.sync()
    closed: dict[Any, str] = only(centre).closed
    assert list(closed) == [Choice.OTHER] and "无法按整条记录核对" in closed[Choice.OTHER]
