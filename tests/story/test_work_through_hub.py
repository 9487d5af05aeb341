"""What the use cases write is what the hub accepts, and what it decided reaches everybody."""

from __future__ import annotations

from datetime import date

import pytest

from desktop.work.conflicts import Choice
from desktop.work.desk import Cases
from desktop.work.records import Records
from shared.access import HUB_ACTOR
from shared.codes import load_resource_codes
from shared.fictitious import market_entities
from shared.parsing import Context, parse
from shared.standing import Standing
from shared.types import catalog
from tests.fixtures.desk import CODES
from tests.fixtures.devices import Device, Enrol, value
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.samples import sample, second_officer


@pytest.fixture
def shops(place: Place) -> list[str]:
    """The hub knows codes, two officers of bureau a, and three shops."""
    tables, items = load_resource_codes()
    people = [{**o, "bureau": place.a} for o in (sample("officer"), second_officer())]
    filled = (("code_table", tables), ("code_item", items), ("officer", people))
    with place.hub.store.unit(HUB_ACTOR) as unit:
        for name, rows in filled:
            declared = catalog.by_name(name)
            typed = [parse(declared, row, Context(CODES)).values for row in rows]
            unit.insert(declared, typed, way="exchange", proven=True)
        entities = list(market_entities(3, DIVISION))
        return unit.insert(catalog.by_name("market_entity"), entities, way="exchange", proven=True)


def desk_of(device: Device) -> Cases:
    return Cases.at(device.store, Records(device.store, lambda: device.actor))


def test_a_claim_and_an_inspection_are_accepted_as_done(
    place: Place, enrol_at: Enrol, shops: list[str]
) -> None:
    a = enrol_at(place.a, "chenmin", roles=["officer"])
    a.sync()
    desk, today = desk_of(a), a.store.clock.today()
    claim = desk.claims.claim([shops[0]]).new[0]
    desk.claims.give_back(claim, "误认领")
    desk.claims.claim([shops[0]])
    raw = {"title": "巡查", "source": "3", "entity_id": shops[0], "urgency": "1", "due_on": today.isoformat()}
    task = desk.tasks.create(raw).id
    desk.tasks.claim(task)
    begun = desk.inspecting.start(task_id=task)
    ended = a.store.clock.stamp()[:16]
    told = {"officers": "李伟；周岚", "ended_at": ended, "findings": "无", "result": "1", "disposition": "0"}
    done = desk.inspecting.submit(begun.raw | told)
    kept = desk.verifying.record(desk.verifying.verify_entity(shops[0], "评优评先"))
    a.sync()
    assert a.statuses() == ["applied"]
    hub = place.hub.store
    assert value(hub, "claim", claim, "state") == "claimed"
    assert value(hub, "inspection", done.id, "state") == "submitted"
    assert (value(hub, "task", task, "state"), value(hub, "task", task, "inspection")) == ("done", done.id)
    assert value(hub, "verification", kept, "data_until")
    row = desk.records.get(desk.inspecting.declared, done.id)
    assert row is not None and row.standing is Standing.APPLIED


def test_a_decision_travels_back_to_both(place: Place, enrol_at: Enrol, shops: list[str]) -> None:
    a = enrol_at(place.a, "chenmin")
    b = enrol_at(place.b, "laozhou", roles=["officer"])
    for one in (a, b):
        one.sync()
    a.update("market_entity", shops[0], address="驿东路1号")
    b.update("market_entity", shops[0], address="驿西路2号", established_on=date(2020, 1, 2))
    a.update("market_entity", shops[1], address="驿东路3号")
    b.delete("market_entity", shops[1])
    for one in (a, b, a):
        one.sync()
    desk = desk_of(a)
    details = {c.values["record_id"]: desk.conflicts.detail(c.id) for c in desk.conflicts.open()}
    assert set(details) == {shops[0], shops[1]}
    address, whole = details[shops[0]], details[shops[1]]
    assert (address.ours.text, address.theirs.text) == ("驿东路1号", "驿西路2号")
    assert (address.theirs.person, address.theirs.bureau, address.moved) == ("laozhou", "乙局", False)
    assert whole.choices == (Choice.KEEP, Choice.VOID)
    desk.conflicts.resolve(address.conflict.id, Choice.THEIRS)
    desk.conflicts.resolve(whole.conflict.id, Choice.VOID)
    for one in (a, b):
        one.sync()
    assert set(a.statuses()) == {"applied"}
    for store in (a.store, b.store, place.hub.store):
        assert value(store, "market_entity", shops[0], "address") == "驿西路2号"
        assert value(store, "market_entity", shops[1], "address") is None
        for detail in details.values():
            assert value(store, "conflict", detail.conflict.id, "state") == "resolved"
            assert value(store, "conflict", detail.conflict.id, "resolved_by") == a.actor.user
