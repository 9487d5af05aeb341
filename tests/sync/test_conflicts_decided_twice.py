"""Two administrators decide about the same conflict without knowing of each other, or about several at once."""

from __future__ import annotations

import pytest

from desktop.work.conflicts import Choice
from tests.fixtures.devices import Device, Enrol, count, value
from tests.fixtures.disputes import conflicts_at, open_at, penalty, two_bureaus
from tests.fixtures.hubs import Place


def decide(device: Device, conflict: str, choice: Choice, raw: str | None = None) -> None:
    conflicts_at(device).resolve(conflict, choice, raw, reason=f"{device.actor.name}定")


def seats(place: Place, enrol_at: Enrol) -> tuple[Device, Device, str]:
    """Two seats of one bureau that hold the same record."""
    one, _ = two_bureaus(place, enrol_at)
    other = enrol_at(place.a, "liwei")
    record = penalty(one)
    one.sync(), other.sync()
    return one, other, record


def three(place: Place, enrol_at: Enrol) -> tuple[Device, Device, Device, str]:
    """The same with a third seat, which holds it too."""
    one, other, record = seats(place, enrol_at)
    third = enrol_at(place.a, "zhaoqi")
    third.sync()
    return one, other, third, record


def edited_by_two_and_deleted(place: Place, enrol_at: Enrol) -> tuple[Device, Device, Device, str]:
    """The first of three has voided the record, the others have edited it; he knows of both."""
    one, other, third, record = three(place, enrol_at)
    other.update("penalty", record, content="乙说"), third.update("penalty", record, basis="条例")
    one.delete("penalty", record)
    one.sync(), other.sync(), third.sync(), one.sync()
    return one, other, third, record


def differing(place: Place, enrol_at: Enrol) -> tuple[Device, Device, str, str]:
    """A field two seats filled differently: both know of the conflict, the hub has 甲说."""
    one, other, record = seats(place, enrol_at)
    one.update("penalty", record, content="甲说"), other.update("penalty", record, content="乙说")
    one.sync(), other.sync(), one.sync()
    return one, other, record, open_at(one)[0]["id"]


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        ((Choice.THEIRS, None), (Choice.OTHER, "丙说"), ("乙说", "丙说")),
        ((Choice.OURS, None), (Choice.THEIRS, None), ("甲说", "乙说")),
        ((Choice.THEIRS, None), (Choice.OURS, None), ("乙说", "甲说")),
    ],
)
def test_two_different_decisions_ask_once_about_the_value(
    place: Place, enrol_at: Enrol, first: tuple[Choice, str | None], second: tuple[Choice, str | None],
    asked: tuple[str, str],
) -> None:
    one, other, record, conflict = differing(place, enrol_at)
    decide(one, conflict, *first), decide(other, conflict, *second)
    one.sync(), other.sync(), one.sync()
    for device in (one, other):
        (left,) = open_at(device)
        assert (left["record_type"], left["field"]) == ("penalty", "content")
        assert (left["ours_value"], left["theirs_value"]) == asked
        assert (left["ours_person"], left["theirs_person"]) == ("chenmin", "liwei")
        assert device.value("conflict", conflict, "reason") == "chenmin定"  # the first word stays noted
        assert device.value("conflict", conflict, "decision") == str(first[0])
        assert device.value("penalty", record, "content") == asked[0]
    assert other.statuses()[-1] == "conflicted"


def test_two_equal_decisions_ask_nothing(place: Place, enrol_at: Enrol) -> None:
    one, other, record, conflict = differing(place, enrol_at)
    decide(one, conflict, Choice.THEIRS), decide(other, conflict, Choice.THEIRS)
    one.sync(), other.sync(), one.sync()
    for device in (one, other):
        assert open_at(device) == []
        assert device.value("penalty", record, "content") == "乙说"
        assert device.value("conflict", conflict, "reason") == "chenmin定"


@pytest.mark.parametrize("first", [Choice.KEEP, Choice.VOID])
def test_kept_by_one_and_voided_by_the_other(place: Place, enrol_at: Enrol, first: Choice) -> None:
    """Whatever came first stands and says so; the other one is asked about."""
    one, other, record = seats(place, enrol_at)
    other.update("penalty", record, content="乙说"), one.delete("penalty", record)
    one.sync(), other.sync(), one.sync()
    (conflict,) = open_at(one)
    second = Choice.VOID if first is Choice.KEEP else Choice.KEEP
    decide(one, conflict["id"], first), decide(other, conflict["id"], second)
    one.sync(), other.sync(), one.sync()
    for device in (one, other):
        (left,) = open_at(device)
        assert (left["record_type"], left["kind"]) == ("penalty", "deletion")
        assert device.value("conflict", conflict["id"], "decision") == str(first)
        assert device.count("penalty") == (first is Choice.KEEP)
    (left,) = open_at(one)
    decide(one, left["id"], second)
    one.sync(), other.sync()
    for device in (one, other):
        assert open_at(device) == [] and device.count("penalty") == (second is Choice.KEEP)


def test_many_about_one_deleted_record_mean_the_same(place: Place, enrol_at: Enrol) -> None:
    """改用未采用的值 for two edits that met a deletion: the record stays, and does not go again by the second."""
    one, other, third, record = edited_by_two_and_deleted(place, enrol_at)
    both = open_at(one)
    assert len(both) == 2
    done = conflicts_at(one).resolve_many([c["id"] for c in both], Choice.THEIRS, "核对了文书")
    assert (done.done, done.left) == (2, ())
    one.sync(), other.sync(), third.sync()
    assert value(place.hub.store, "penalty", record, "document_no") is not None
    for device in (one, other, third):
        assert device.count("penalty") == 1
        assert {c["decision"] for c in device.conflicts()} == {"keep"}


def test_many_deletions_of_one_record_mean_the_same(place: Place, enrol_at: Enrol) -> None:
    """The other way round: two deletions that met an edit; the second does not bring the record back."""
    one, other, third, record = three(place, enrol_at)
    one.update("penalty", record, content="甲说")
    other.delete("penalty", record), third.delete("penalty", record)
    one.sync(), other.sync(), third.sync(), one.sync()
    both = open_at(one)
    assert len(both) == 2
    done = conflicts_at(one).resolve_many([c["id"] for c in both], Choice.THEIRS, "确系重复录入")
    assert (done.done, done.left) == (2, ())
    one.sync(), other.sync(), third.sync()
    for device in (one, other, third):
        assert device.count("penalty") == 0
        assert {c["decision"] for c in device.conflicts()} == {"void"}


def test_who_deleted_is_named_so_after_the_record_came_back(place: Place, enrol_at: Enrol) -> None:
    one, *_ = edited_by_two_and_deleted(place, enrol_at)
    first, second = open_at(one)
    decide(one, first["id"], Choice.KEEP)
    detail = conflicts_at(one).detail(second["id"])
    assert (detail.ours.person, detail.ours.text) == ("chenmin", "已作废")
    assert detail.theirs.person != "chenmin" and detail.theirs.text != "作废"


@pytest.mark.parametrize("seen", [True, False])
def test_of_two_with_one_number_one_is_left_whoever_decides(place: Place, enrol_at: Enrol, seen: bool) -> None:
    """Each voids the other one of the two: the second deletion is asked about, not carried out."""
    one, b = two_bureaus(place, enrol_at)
    other = enrol_at(place.a, "liwei") if seen else b
    other.sync()
    penalty(one), penalty(other)
    one.sync(), other.sync(), one.sync()
    assert one.count("penalty") == (2 if seen else 1)
    (conflict,) = open_at(one)
    decide(one, conflict["id"], Choice.OURS), decide(other, conflict["id"], Choice.THEIRS)
    one.sync(), other.sync(), one.sync()
    assert count(place.hub.store, "penalty") == 1
    assert value(place.hub.store, "penalty", conflict["record_id"], "document_no") is not None
    for device in (one, other):
        (left,) = open_at(device)
        assert (left["kind"], left["record_id"]) == ("deletion", conflict["record_id"])
        assert device.value("conflict", conflict["id"], "decision") == "ours"
        assert device.count("penalty") == (1 if seen or device is one else 0)
