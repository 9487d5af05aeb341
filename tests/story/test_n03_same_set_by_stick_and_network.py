"""N3: the same change set goes by stick and by network at once; it ends as if it had gone one way."""

from __future__ import annotations

import io
from pathlib import Path

from shared.fictitious import market_entities
from sync import package
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(30, DIVISION, 3))
VALUES = ("id", "uscc", "name", "phone", "address")


def content(device_or_hub: object) -> list[tuple[object, ...]]:
    store = device_or_hub.store  # type: ignore[attr-defined]
    return sorted(tuple(row[name] for name in VALUES) for row in rows(store, "market_entity"))


def numbers(place: Place) -> dict[str, int]:
    """How far the registry's stream has come; a set that counted twice would show here."""
    with place.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT name, n FROM stream WHERE name LIKE 'division:%%'").fetchall()
    return {str(name): int(n) for name, n in found}


def work(device: Device) -> None:
    """A morning's entries and an afternoon's edits, in several change sets."""
    ids = device.insert("market_entity", *ENTITIES[:10])
    device.engine.cut()
    device.update("market_entity", ids[0], phone="021-1")
    device.update("market_entity", ids[1], address="新址")
    device.engine.cut()
    device.insert("market_entity", *ENTITIES[10:12])


def test_overlapping_delivery_ends_equal_to_a_single_path(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    device, reader = enrol_at(place.a, "chen"), enrol_at(place.b, "lin")
    work(device)
    early = device.export()  # 老周 walks off with it
    device.insert("market_entity", *ENTITIES[12:14])
    whole = device.export()  # a second stick with everything
    device.sync()  # and then the network came
    reach, there = numbers(place), content(place.hub)
    assert len(there) == 14

    before = package.inspect(io.BytesIO(early)).core.ranges
    assert len(before) == 3
    for stick in (whole, early, whole):  # late, in another order, twice
        handled, answer = handle(place.hub, stick)
        assert handled.intake.outcome == "duplicate" and handled.intake.changes == 0
        device.take(answer)
    assert numbers(place) == reach and content(place.hub) == there  # not one change counted twice
    assert set(device.statuses()) == {"applied"}
    reader.sync()
    assert content(reader) == there == content(device)


def test_a_stick_that_overtakes_the_network(place: Place, enrol_at: Enrol) -> None:
    single, double = enrol_at(place.a, "chen"), enrol_at(place.a, "li")
    work(double)
    stick = double.export()
    handle(place.hub, stick)  # handled; its answer is still on the way
    double.sync()  # the same sets again, by network, with what is new
    double.insert("market_entity", *ENTITIES[20:22])
    double.sync()
    single.sync()
    assert content(single) == content(double) == content(place.hub) and len(content(single)) == 14
    assert set(double.statuses()) == {"applied"} and not double.conflicts()
