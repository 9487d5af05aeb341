"""N7: an entity is reassigned while its former bureau edits it without a network.

甲局 corrects an entity's address in the field. Meanwhile the entity has moved to the next
division. Nothing is lost and nothing lies: the correction waits for those who are responsible
now, 甲局's copy goes only when nothing of it is pending, and the decision reaches everybody.
"""

from __future__ import annotations

from typing import Any

import pytest

from shared.access import HUB_ACTOR
from shared.errors import AccessDenied
from tests.fixtures.devices import Device, Enrol, handle, rows, value
from tests.fixtures.hubs import DIVISION, Place

NEXT_DOOR = "310112"
ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
    "address": "驿东路18号", "legal_person": "言初",
}  # fmt: skip
CORRECTED = "驿东路18号后门"


def at_the_hub(place: Place, type_name: str, record_id: str = "", **values: Any) -> str:
    declared = place.hub.store.types[type_name]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        if record_id:
            unit.update(declared, record_id, values, proven=True)
            return record_id
        return unit.insert(declared, [values], way="exchange", proven=True)[0]


def decide(chief: Device, state: str, note: str) -> None:
    (held,) = rows(chief.store, "held_set")
    chief.update(
        "held_set", held["id"], state=state, decision_note=note, decided_by=chief.actor.user,
        decided_at=chief.store.clock.stamp(),
    )


@pytest.fixture
def day(place: Place, enrol_at: Enrol) -> tuple[Device, Device, str]:
    """An officer of 甲局 in the field, the chief of the bureau responsible from today, the entity."""
    there = at_the_hub(place, "bureau", code="C", name="丙局", division=NEXT_DOOR)
    entity = at_the_hub(place, "market_entity", **ENTITY)
    officer, chief = enrol_at(place.a, "chenmin"), enrol_at(there, "hong", roles=["bureau_admin", "officer"])
    officer.sync()
    chief.sync()
    assert officer.count("market_entity") == 1 and chief.count("market_entity") == 0
    officer.update("market_entity", entity, address=CORRECTED)
    at_the_hub(place, "market_entity", entity, division=NEXT_DOOR)
    return officer, chief, entity


def test_the_copy_stays_while_anything_is_pending(place: Place, day: tuple[Device, Device, str]) -> None:
    officer, _, entity = day
    officer.take(handle(place.hub, officer.export_only())[1])  # the news comes, the correction has not gone
    assert officer.value("market_entity", entity, "address") == CORRECTED
    officer.by_stick()
    assert officer.statuses() == ["quarantined"]
    assert officer.count("market_entity") == 0
    assert value(place.hub.store, "market_entity", entity, "address") == ENTITY["address"]


@pytest.mark.parametrize("carrier", ["network", "stick"])
@pytest.mark.parametrize(
    ("state", "status", "address"), [("released", "applied", CORRECTED), ("rejected", "rejected", ENTITY["address"])]
)  # fmt: skip
def test_those_responsible_now_decide(
    place: Place, day: tuple[Device, Device, str], carrier: str, state: str, status: str, address: str
) -> None:
    officer, chief, entity = day
    go = Device.sync if carrier == "network" else Device.by_stick
    go(officer)
    assert officer.statuses() == ["quarantined"]
    go(chief)
    (held,) = rows(chief.store, "held_set")
    assert (held["kind"], held["owner"]) == ("moved", chief.grant.bureau)
    assert "已转由其他单位负责" in held["reason"]
    decide(chief, state, "已电话核实")
    go(chief)
    for one in (officer, chief):
        go(one)
    assert officer.statuses() == [status]
    assert value(place.hub.store, "market_entity", entity, "address") == address
    assert chief.value("market_entity", entity, "address") == address
    assert officer.count("market_entity") == 0  # no second truth on the former bureau's screen
    (told,) = rows(officer.store, "held_set")
    assert (told["state"], told["decision_note"]) == (state, "已电话核实")


def test_nobody_else_decides(place: Place, enrol_at: Enrol, day: tuple[Device, Device, str]) -> None:
    officer, _, entity = day
    officer.sync()
    officer.sync()
    with pytest.raises(AccessDenied):
        decide(officer, "released", "自己放行")
    assert value(place.hub.store, "market_entity", entity, "address") == ENTITY["address"]
