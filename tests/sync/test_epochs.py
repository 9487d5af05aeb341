"""The hub is restored from an older backup: everybody goes on, nothing is lost, everybody ends equal."""

from __future__ import annotations

import random

import pytest

from shared.fictitious import market_entities
from tests.fixtures.agreeing import agree
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Enrol, rows, value
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_any_road import Roads

ENTITIES = list(market_entities(30, DIVISION, 5))


def test_a_device_beyond_the_backup_goes_back_and_offers_again(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    first, second, third = chen.insert("market_entity", *ENTITIES[:3])
    for device in (chen, zhou):
        device.sync()
    disaster.back_up()
    (made,) = chen.insert("market_entity", ENTITIES[5])
    chen.update("market_entity", first, phone="1111111")
    chen.sync()
    zhou.sync()
    zhou.update("market_entity", made, phone="2222222")
    zhou.update("market_entity", second, phone="3333333")
    zhou.delete("market_entity", third)
    zhou.sync()
    chen.sync()
    assert chen.value("market_entity", made, "phone") == "2222222"

    disaster.restore([chen, zhou])
    assert value(place.hub.store, "market_entity", made, "phone") is None
    zhou.sync()  # builds on what chen has not offered again
    assert "parked" in zhou.statuses()
    assert zhou.value("market_entity", made, "phone") == "2222222"
    chen.sync()
    zhou.sync()
    chen.sync()
    agree(place, chen, zhou)
    assert value(place.hub.store, "market_entity", made, "phone") == "2222222"
    assert value(place.hub.store, "market_entity", first, "phone") == "1111111"
    assert chen.value("market_entity", third, "name") is None
    assert not rows(place.hub.store, "conflict")


def test_nobody_is_asked_to_choose_between_two_values_of_his_own(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    """What stood between them, and was known to the later, has not come back yet."""
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (made,) = chen.insert("market_entity", ENTITIES[0])
    for device in (chen, zhou):
        device.sync()
    disaster.back_up()
    zhou.update("market_entity", made, phone="1111111")
    chen.update("market_entity", made, phone="2222222")
    zhou.sync()
    chen.sync()  # a conflict: what zhou said stands, and chen sees it
    assert chen.value("market_entity", made, "phone") == "1111111"
    chen.update("market_entity", made, phone="3333333")
    chen.sync()
    zhou.sync()
    assert zhou.value("market_entity", made, "phone") == "3333333"

    disaster.restore([chen, zhou])
    for device in (chen, zhou, chen, zhou):
        device.sync()
    assert {d.value("market_entity", made, "phone") for d in (chen, zhou)} == {"3333333"}
    assert value(place.hub.store, "market_entity", made, "phone") == "3333333"
    asked = [(c["ours_person"], c["theirs_person"]) for c in rows(place.hub.store, "conflict") if c["state"] == "open"]
    assert len(asked) == 1 and asked[0][0] != asked[0][1]


def test_what_a_lost_device_wrote_goes_from_the_others(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    """Nobody is left to offer it again: then nobody has it."""
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (known,) = chen.insert("market_entity", ENTITIES[0])
    for device in (chen, zhou):
        device.sync()
    disaster.back_up()
    (gone,) = chen.insert("market_entity", ENTITIES[1])
    chen.update("market_entity", known, phone="1111111")
    chen.sync()
    zhou.sync()
    disaster.restore([zhou])
    zhou.sync()
    assert zhou.value("market_entity", gone, "name") is None
    assert zhou.value("market_entity", known, "phone") == value(place.hub.store, "market_entity", known, "phone")
    agree(place, zhou)


@pytest.mark.parametrize("seed", range(8))
def test_everybody_ends_equal_after_a_restore(
    place: Place, enrol_at: Enrol, disaster: Disaster, seed: int
) -> None:
    rng = random.Random(seed)
    devices = [enrol_at(place.a, "chenmin"), enrol_at(place.a1, "liwei"), enrol_at(place.b, "laozhou")]
    for device in devices:
        device.sync()
    roads = Roads(place, devices, rng)
    for _ in range(30):
        roads.step()
    disaster.back_up()
    for _ in range(40):
        roads.step()
    disaster.restore(devices)
    for _ in range(40):
        roads.step()
    for _ in range(4):
        for device in devices:
            device.sync()
    agree(place, *devices)
