"""Whatever the roads do (lose, repeat, delay, reorder), everybody ends with the same content."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from shared.errors import PackageError
from shared.fictitious import market_entities
from shared.store.exchange import all_sets, unsettled
from tests.fixtures.agreeing import authorship, content
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, Place

FIELDS = ("address", "legal_person", "phone", "street")


class Roads:
    """Packages and answers under way; any of them may be lost, repeated or late."""

    def __init__(self, place: Place, devices: list[Device], rng: random.Random) -> None:
        self.place, self.devices, self.rng = place, devices, rng
        self.up: list[tuple[Device, bytes]] = []
        self.down: list[tuple[Device, bytes]] = []
        self.entities = list(market_entities(40, DIVISION, rng.randrange(1000)))

    def step(self) -> None:
        device = self.rng.choice(self.devices)
        self.rng.choice(
            [self.enter, self.edit, self.edit, self.delete, self.send, self.send, self.arrive, self.arrive,
             self.bring_back, self.bring_back, lambda d: d.sync()]
        )(device)  # fmt: skip

    def enter(self, device: Device) -> None:
        entity = self.rng.choice(self.entities)
        known = {row["uscc"] for row in self._all(device)}
        if entity["uscc"] not in known:
            device.insert("market_entity", entity)

    def edit(self, device: Device) -> None:
        present = rows(device.store, "market_entity")
        if present:
            values = {self.rng.choice(FIELDS): f"{device.actor.name}{self.rng.randrange(5)}"}
            device.update("market_entity", self.rng.choice(present)["id"], **values)

    def delete(self, device: Device) -> None:
        present = rows(device.store, "market_entity")
        if present and self.rng.random() < 0.3:
            device.delete("market_entity", self.rng.choice(present)["id"])

    def send(self, device: Device) -> None:
        self.up.append((device, device.export()))

    def arrive(self, _: Device) -> None:
        if self.up:
            device, package = self._pick(self.up)
            _, answer = handle(self.place.hub, package)
            self.down.append((device, answer))

    def bring_back(self, _: Device) -> None:
        if self.down:
            device, answer = self._pick(self.down)
            # an answer that skips something is refused, and what was received stays as it is
            with contextlib.suppress(PackageError):
                device.take(answer)

    def _pick(self, under_way: list[tuple[Device, bytes]]) -> tuple[Device, bytes]:
        """Any of them, in any order; a third stay on the road to arrive again."""
        at = self.rng.randrange(len(under_way))
        return under_way[at] if self.rng.random() < 0.3 else under_way.pop(at)

    def _all(self, device: Device) -> list[dict[str, Any]]:
        with device.store.read() as connection:
            found = connection.exec_driver_sql("SELECT uscc FROM market_entity")
            return [{"uscc": r[0]} for r in found]


@pytest.mark.parametrize("seed", range(6))
def test_everybody_ends_equal(place: Place, enrol_at: Enrol, seed: int) -> None:
    rng = random.Random(seed)
    devices = [enrol_at(place.a, "chenmin"), enrol_at(place.a1, "liwei"), enrol_at(place.b, "laozhou")]
    roads = Roads(place, devices, rng)
    for _ in range(70):
        roads.step()
    for _ in range(2):
        for device in devices:
            device.sync()
    for device in devices:
        with device.store.read() as connection:
            assert {s.status for s in all_sets(connection)} <= {"applied", "conflicted"}
        assert content(device.store, "market_entity") == content(place.hub.store, "market_entity")
        assert authorship(device.store) == authorship(place.hub.store)
        with device.store.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM shadow").scalar() == 0
    asked = content(place.hub.store, "conflict")
    for device in devices:
        mine = [c for c in asked if {c["ours_bureau"], c["theirs_bureau"]} & set(_seen_by(place, device))]
        assert content(device.store, "conflict") == mine


def _seen_by(place: Place, device: Device) -> tuple[str, ...]:
    return (place.a, place.a1) if device.grant.bureau == place.a else (device.grant.bureau,)


@pytest.mark.parametrize("late", [False, True], ids=["its own answer is lost", "its own answer comes last"])
@pytest.mark.parametrize("secured", [False, True], ids=["", "archived meanwhile"])
def test_what_became_of_a_set_is_told_though_the_answer_that_said_it_is_lost(
    place: Place, enrol_at: Enrol, disaster: Disaster, late: bool, secured: bool
) -> None:
    """The answer to an empty package, sealed before, says how far the device is and names no set."""
    one, other = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (record,) = one.insert("market_entity", next(market_entities(1, DIVISION, 5)))
    for device in (one, other, one):
        device.sync()
    empty = one.export()
    other.update("market_entity", record, legal_person="老周")
    other.sync()
    one.update("market_entity", record, legal_person="陈敏")
    (_, lost), (_, said) = handle(place.hub, one.export()), handle(place.hub, empty)
    if secured:
        disaster.back_up()
        _, said = handle(place.hub, empty)
    one.take(said)
    assert one.statuses()[-1] == ("archived" if secured else "applied")
    one.take(lost) if late else one.sync()
    assert one.statuses()[-1] == "conflicted"
    with one.store.read() as connection:
        assert unsettled(connection) == []
