"""问题数据 on its way: raised above, mended below, closed above, by stick; and what the hub lets nobody do (R54)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.errors import AccessDenied, IllegalTransition
from shared.ids import new_id
from tests.fixtures.devices import Device, Enrol, handle, rows, value
from tests.fixtures.hubs import Place
from tests.sync.test_hub_vetting import reasons

OFFICER, BUREAU_ADMIN = ("officer",), ("bureau_admin",)


def problem(provider: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": "驿许〔2026〕0001号", "record_type": "permit", "record_id": new_id(), "kind": "1",
        "field": "legal_person_id", "description": "缺证件号码，请补填。", "provider": provider,
        "due_on": date(2026, 5, 20), **more,
    }  # fmt: skip


def above(device: Device, *bureaus: str) -> Device:
    """As the program knows the person: what lies below the own bureau is told by the tree of bureaus."""
    device.actor = replace(device.actor, bureaus=frozenset([device.actor.bureau, *bureaus]))
    return device


def move(device: Device, record: str, state: str, **filled: Any) -> None:
    device.update("data_problem", record, state=state, **filled)


def mend(device: Device, record: str) -> None:
    now = device.store.clock.stamp()
    move(device, record, "mended", answer="已补填", answered_by=device.actor.user, answered_at=now)


def decide(device: Device, record: str, state: str, note: str | None = None) -> None:
    now = device.store.clock.stamp()
    move(device, record, state, decision_note=note, decided_by=device.actor.user, decided_at=now)


def by_stick(place: Place, *devices: Device) -> None:
    """Each brings its stick to the hub and takes the answer home."""
    for one in devices:
        _, answer = handle(place.hub, one.export())
        one.take(answer)


@pytest.fixture
def chief(place: Place, enrol_at: Enrol) -> Device:
    """The administrator of 甲局, which 甲局一所 belongs to."""
    made = above(enrol_at(place.a, "chenmin"), place.a1)
    by_stick(place, made)
    return made


@pytest.fixture
def station(place: Place, enrol_at: Enrol) -> Device:
    """An officer of 甲局一所."""
    made = enrol_at(place.a1, "lisuo", roles=OFFICER)
    by_stick(place, made)
    return made


def test_a_problem_goes_down_comes_back_mended_and_is_sent_back_once(
    place: Place, enrol_at: Enrol, chief: Device, station: Device
) -> None:
    beside = enrol_at(place.b, "laozhou")
    (made,) = chief.insert("data_problem", problem(place.a1))
    by_stick(place, chief, station, beside)
    assert station.value("data_problem", made, "state") == "open"
    assert beside.count("data_problem") == 0
    mend(station, made)
    by_stick(place, station, chief)
    assert chief.value("data_problem", made, "state") == "mended"
    assert chief.value("data_problem", made, "answered_by") == station.actor.user
    decide(chief, made, "open", "号码仍不完整")
    by_stick(place, chief, station)
    assert station.value("data_problem", made, "decision_note") == "号码仍不完整"
    mend(station, made)
    by_stick(place, station, chief)
    decide(chief, made, "closed")
    by_stick(place, chief, station)
    for store in (place.hub.store, chief.store, station.store):
        (row,) = rows(store, "data_problem")
        assert (row["state"], row["provider"], row["source_bureau"]) == ("closed", place.a1, place.a)
    assert set(chief.statuses() + station.statuses()) == {"applied"} and not chief.conflicts()


def test_the_centre_raises_and_whoever_raised_it_sees_the_answer(place: Place, enrol_at: Enrol) -> None:
    centre, b = enrol_at(place.a, "zhongxin", roles=["hub_admin"]), enrol_at(place.b, "laozhou")
    by_stick(place, centre)
    (made,) = centre.insert("data_problem", problem(place.b))
    by_stick(place, centre, b)
    now = b.store.clock.stamp()
    move(b, made, "pleaded", answer="该证件依法不采集", answered_by=b.actor.user, answered_at=now)
    by_stick(place, b, centre)
    assert centre.value("data_problem", made, "answer") == "该证件依法不采集"


def test_of_two_steps_taken_apart_the_first_to_arrive_stays_and_nobody_is_asked(
    place: Place, chief: Device, station: Device
) -> None:
    (made,) = chief.insert("data_problem", problem(place.a1))
    by_stick(place, chief, station)
    decide(chief, made, "closed", "误报")
    mend(station, made)
    by_stick(place, chief, station, chief)
    for store in (place.hub.store, chief.store, station.store):
        assert value(store, "data_problem", made, "state") == "closed"
    assert not rows(place.hub.store, "conflict") and station.statuses() == ["applied"]


# --- the write door ------------------------------------------------------------
def test_the_write_door_keeps_each_to_the_own_steps(place: Place, chief: Device, station: Device) -> None:
    with pytest.raises(AccessDenied, match="没有新增"):
        station.insert("data_problem", problem(place.a1))
    with pytest.raises(AccessDenied, match="没有新增"):  # one's own, and the second of two
        chief.insert("data_problem", problem(place.a1), problem(place.a))
    (made,) = chief.insert("data_problem", problem(place.a1))
    with pytest.raises(AccessDenied, match="您不能整改完成这条问题数据"):
        mend(chief, made)
    with pytest.raises(AccessDenied, match="没有修改"):
        chief.update("data_problem", made, description="换个说法")
    with pytest.raises(AccessDenied, match="没有删除"):
        chief.delete("data_problem", made)
    by_stick(place, chief, station)
    with pytest.raises(IllegalTransition):
        decide(station, made, "closed")
    with pytest.raises(AccessDenied, match="没有修改"):
        station.update("data_problem", made, due_on=date(2027, 1, 1))


# --- the hub ---------------------------------------------------------------------
def refused(place: Place, device: Device, sentence: str) -> None:
    """The last set stays without effect at the hub."""
    by_stick(place, device)
    assert device.statuses()[-1] == "quarantined" and sentence in reasons(device)[-1]


@pytest.mark.parametrize("roles", [OFFICER, BUREAU_ADMIN])
def test_nobody_beside_raises_a_problem_whatever_the_client_believes(
    place: Place, enrol_at: Enrol, roles: tuple[str, ...]
) -> None:
    b = enrol_at(place.b, "laozhou", roles=roles)
    b.actor = replace(above(b, place.a1).actor, roles=frozenset({"bureau_admin"}))
    b.insert("data_problem", problem(place.a1), proven=True)
    refused(place, b, "没有新增这条问题数据的权限")
    assert not rows(place.hub.store, "data_problem")


def test_a_problem_in_somebody_elses_name_is_refused(place: Place, chief: Device) -> None:
    chief.insert("data_problem", problem(place.a1), proven=True)
    chief.actor = replace(chief.actor, bureau=place.b)
    chief.insert("data_problem", problem(place.a1), proven=True)
    refused(place, chief, "没有新增这条问题数据的权限")


def test_the_provider_cannot_close_its_own_nor_those_beside_mend_it(
    place: Place, enrol_at: Enrol, chief: Device
) -> None:
    own = enrol_at(place.a1, "suozhang", roles=["officer", "bureau_admin"])
    (one, two) = chief.insert("data_problem", problem(place.a1), problem(place.a1))
    by_stick(place, chief, own)
    own.actor = replace(own.actor, roles=frozenset({"hub_admin"}))
    decide(own, one, "closed")
    refused(place, own, "您不能核销这条问题数据")
    chief.actor = replace(chief.actor, bureau=place.a1)
    mend(chief, two)
    refused(place, chief, "您不能整改完成这条问题数据")
    assert {r["state"] for r in rows(place.hub.store, "data_problem")} == {"open"}


def test_a_step_that_brings_more_than_its_own_is_refused(
    place: Place, chief: Device, station: Device
) -> None:
    (made,) = chief.insert("data_problem", problem(place.a1))
    by_stick(place, chief, station)
    now = station.store.clock.stamp()
    station.actor = replace(station.actor, roles=frozenset({"hub"}))
    move(station, made, "mended", answered_by=station.actor.user, answered_at=now, due_on=date(2027, 1, 1))
    refused(place, station, "没有修改这条问题数据的权限")
    assert value(place.hub.store, "data_problem", made, "due_on") == "2026-05-20"
