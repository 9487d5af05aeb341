"""Put aside, decided, told: every quarantined set is a record, one decision settles it, both carriers carry it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared import held_content
from shared.access import HUB_ACTOR
from shared.changes import Op
from shared.errors import AccessDenied
from shared.fictitious import market_entities
from shared.store import exchange
from sync.messages import Receipt
from tests.fixtures.devices import Device, Enrol, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(12, DIVISION, 5))
BY_STICK, BY_NETWORK = "stick", "network"
CARRIERS = pytest.mark.parametrize("way", [BY_NETWORK, BY_STICK])


def go(one: Device, way: str) -> None:
    """One exchange, whichever carrier."""
    if way == BY_NETWORK:
        one.sync()
        return
    _, answer = handle(one.hub, one.export())
    one.take(answer)


def decide(admin: Device, held: dict[str, Any], state: str, note: str = "核实无误") -> None:
    admin.update(
        "held_set", held["id"], state=state, decision_note=note, decided_by=admin.actor.user,
        decided_at=admin.store.clock.stamp(),
    )


def freeze(place: Place, account: str, state: str = "frozen") -> None:
    """The hub closes an account (or opens it again)."""
    (user,) = [u for u in rows(place.hub.store, "user") if u["account"] == account]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types["user"], user["id"], {"state": state})


@pytest.fixture
def admin(place: Place, enrol_at: Enrol) -> Device:
    made = enrol_at(place.b, "wang", roles=["hub_admin", "officer"])
    made.sync()
    return made


@pytest.fixture
def held_up(place: Place, enrol_at: Enrol, admin: Device) -> Callable[[], Device]:
    """A bureau's officer whose account was frozen while a record and an edit were under way."""

    def made() -> Device:
        a = enrol_at(place.a, "chenmin")
        a.insert("market_entity", {**ENTITIES[0], "address": "一号"})
        a.sync()
        (entity,) = [r["id"] for r in rows(a.store, "market_entity")]
        freeze(place, "chenmin")
        a.update("market_entity", entity, address="二号")
        a.insert("market_entity", ENTITIES[1])
        return a

    return made


# --- what is put aside is a record --------------------------------------------------------------
@CARRIERS
def test_a_quarantined_set_is_a_record_for_those_concerned(
    place: Place, enrol_at: Enrol, admin: Device, held_up: Callable[[], Device], way: str
) -> None:
    a = held_up()
    go(a, way)
    assert a.statuses() == ["applied", "quarantined"]
    go(admin, way), go(a, way)
    for one in (admin, a):
        (held,) = rows(one.store, "held_set")
        assert (held["kind"], held["state"], held["device"]) == ("rights", "held", a.grant.device)
        assert (held["first"], held["last"], held["changes"]) == (2, 3, 2)
        assert held["summary"] == "市场主体 2 条（修改 1、新增 1）"
        assert held["persons"] == "chenmin" and "停用" in held["reason"]
        inside = held_content.unpack(held["content"])
        assert [r.op for r in inside] == [Op.UPDATE, Op.INSERT]
    b = enrol_at(place.b, "zhou")
    b.sync()
    assert b.count("held_set") == 0


@CARRIERS
def test_released(place: Place, enrol_at: Enrol, admin: Device, held_up: Callable[[], Device], way: str) -> None:
    a, b = held_up(), enrol_at(place.b, "zhou")
    go(a, way), go(admin, way)
    decide(admin, rows(admin.store, "held_set")[0], "released")
    go(admin, way)
    assert admin.statuses()[-1] == "applied"
    (held,) = rows(place.hub.store, "held_set")
    assert (held["state"], held["decided_by"]) == ("released", admin.actor.user)
    assert held["result"].startswith("已放行入库")
    go(a, way), go(b, way)
    assert a.statuses() == ["applied", "applied"]
    for one in (a, b):
        (first,) = [r for r in rows(one.store, "market_entity") if r["name"] == ENTITIES[0]["name"]]
        assert first["address"] == "二号" and one.count("market_entity") == 2
    (entered,) = [r for r in rows(b.store, "market_entity") if r["name"] == ENTITIES[1]["name"]]
    assert entered["entered_by"] == a.actor.user  # it stays the author's


@CARRIERS
def test_rejected(place: Place, admin: Device, held_up: Callable[[], Device], way: str) -> None:
    a = held_up()
    go(a, way), go(admin, way)
    assert a.count("market_entity") == 2
    decide(admin, rows(admin.store, "held_set")[0], "rejected", "不应由该账号录入")
    go(admin, way)
    go(a, way)
    assert a.statuses() == ["applied", "rejected"]
    with a.store.read() as connection:
        assert exchange.all_sets(connection)[0].detail == "已退回：不应由该账号录入"
    assert [r["name"] for r in rows(a.store, "market_entity")] == [ENTITIES[0]["name"]]
    assert rows(a.store, "market_entity")[0]["address"] == "一号"
    assert sorted(r["id"] for r in rows(a.store, "market_entity")) == sorted(
        r["id"] for r in rows(place.hub.store, "market_entity")
    )


def test_what_was_rejected_can_be_entered_again(place: Place, admin: Device, held_up: Callable[[], Device]) -> None:
    a = held_up()
    a.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "rejected", "请重新录入")
    admin.sync(), a.sync()
    freeze(place, "chenmin", "active")
    admin.insert("market_entity", ENTITIES[1])  # the same company, by somebody else
    admin.sync(), a.sync()
    assert a.count("market_entity") == 2


def test_a_deletion_that_was_rejected_brings_the_record_back(place: Place, enrol_at: Enrol, admin: Device) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", ENTITIES[0])
    a.sync()
    freeze(place, "chenmin")
    a.delete("market_entity", entity)
    a.sync(), admin.sync()
    assert a.count("market_entity") == 0
    decide(admin, rows(admin.store, "held_set")[0], "rejected", "不得作废")
    admin.sync(), a.sync()
    assert a.value("market_entity", entity, "name") == ENTITIES[0]["name"]


def test_a_field_that_was_empty_is_empty_again(place: Place, enrol_at: Enrol, admin: Device) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", {k: v for k, v in ENTITIES[0].items() if k != "phone"})
    a.sync()
    freeze(place, "chenmin")
    a.update("market_entity", entity, phone="021-1")
    a.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "rejected", "x")
    admin.sync(), a.sync()
    assert a.value("market_entity", entity, "phone") is None


# --- what hangs together ---------------------------------------------------------------------------
def test_sets_that_missed_it_follow_a_release(place: Place, enrol_at: Enrol, admin: Device) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.a, "liwei")
    freeze(place, "chenmin")
    (entity,) = a.insert("market_entity", ENTITIES[0])
    a.sync()
    freeze(place, "chenmin", "active")
    a.update("market_entity", entity, address="二号")
    a.engine.cut()
    a.update("market_entity", entity, address="三号")
    a.sync()
    assert a.statuses() == ["quarantined"] * 3
    admin.sync()
    held = sorted(rows(admin.store, "held_set"), key=lambda r: r["first"])
    assert [h["kind"] for h in held] == ["rights", "missing", "missing"]
    decide(admin, held[0], "released")
    admin.sync(), a.sync(), b.sync()
    assert a.statuses() == ["applied"] * 3
    assert b.value("market_entity", entity, "address") == "三号"
    assert {h["state"] for h in rows(place.hub.store, "held_set")} == {"released"}


def test_a_release_that_cannot_be_done_says_why(place: Place, enrol_at: Enrol, admin: Device) -> None:
    a = enrol_at(place.a, "chenmin")
    freeze(place, "chenmin")
    (entity,) = a.insert("market_entity", ENTITIES[0])
    a.sync()
    freeze(place, "chenmin", "active")
    a.update("market_entity", entity, address="二号")
    a.sync(), admin.sync()
    missing = next(h for h in rows(admin.store, "held_set") if h["kind"] == "missing")
    decide(admin, missing, "released")
    admin.sync()
    (held,) = [h for h in rows(admin.store, "held_set") if h["id"] == missing["id"]]
    assert held["state"] == "held" and held["result"].startswith("放行没有成功：")
    assert count(place.hub.store, "market_entity") == 0
    a.sync()
    assert a.statuses() == ["quarantined", "quarantined"]


def test_a_release_merges_as_usual(place: Place, enrol_at: Enrol, admin: Device) -> None:
    """Somebody else changed the same field meanwhile: a conflict, nobody is overruled."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "zhou")
    (entity,) = a.insert("market_entity", {**ENTITIES[0], "address": "一号"})
    a.sync(), b.sync()
    freeze(place, "chenmin")
    a.update("market_entity", entity, address="甲说的地址")
    a.sync()
    b.update("market_entity", entity, address="乙说的地址")
    b.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "released")
    admin.sync(), a.sync()
    assert a.statuses() == ["applied", "conflicted"]
    assert a.value("market_entity", entity, "address") == "乙说的地址"
    (conflict,) = a.conflicts()
    assert (conflict["ours_value"], conflict["theirs_value"]) == ("乙说的地址", "甲说的地址")
    assert conflict["theirs_person"] == "chenmin"


def test_who_belongs_elsewhere_by_now_still_hears_of_the_conflict_at_his_seat(
    place: Place, enrol_at: Enrol, admin: Device
) -> None:
    """The account went to another bureau while its edit was under way; the seat stays where it is."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "zhou")
    (entity,) = a.insert("market_entity", {**ENTITIES[0], "address": "一号"})
    a.sync(), b.sync()
    a.update("market_entity", entity, address="甲说的地址")
    b.update("market_entity", entity, address="乙说的地址")
    b.sync()
    (user,) = [u for u in rows(place.hub.store, "user") if u["account"] == "chenmin"]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types["user"], user["id"], {"bureau": place.b})
    a.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "released")
    admin.sync(), a.sync()
    assert a.statuses() == ["applied", "conflicted"]
    (conflict,) = a.conflicts()
    assert (conflict["theirs_value"], conflict["theirs_bureau"]) == ("甲说的地址", place.a)


def test_a_fork_is_released_under_numbers_of_its_own(
    place: Place, enrol_at: Enrol, admin: Device, tmp_path: Path
) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", {**ENTITIES[0], "address": "一号"})
    a.sync()
    image = a.clone(tmp_path / "image")
    a.insert("market_entity", ENTITIES[1])
    a.sync()
    image.update("market_entity", entity, address="二号")
    image.insert("market_entity", ENTITIES[2])
    image.sync(), admin.sync()
    (held,) = rows(admin.store, "held_set")
    assert held["kind"] == "fork"
    decide(admin, held, "released")
    admin.sync(), image.sync(), a.sync()
    assert image.statuses() == ["applied", "applied"]
    for one in (a, image, admin):
        assert one.count("market_entity") == 3
        assert one.value("market_entity", entity, "address") == "二号"
    assert rows(place.hub.store, "conflict") == []
    image.close()


# --- who may, and what is left alone -------------------------------------------------------------
def test_only_those_who_may_decide(place: Place, enrol_at: Enrol, admin: Device, held_up: Callable[[], Device]) -> None:
    a = held_up()
    a.sync()
    chief = enrol_at(place.a, "liwei", roles=["officer", "bureau_admin"])
    chief.sync()
    (held,) = rows(chief.store, "held_set")
    with pytest.raises(AccessDenied):
        decide(chief, held, "released")
    chief.actor = replace(chief.actor, roles=frozenset({"hub_admin"}))  # a dishonest client
    decide(chief, held, "released")
    chief.sync()
    assert chief.statuses() == ["quarantined"]
    (held,) = [h for h in rows(place.hub.store, "held_set") if h["device"] == a.grant.device]
    assert held["state"] == "held" and count(place.hub.store, "market_entity") == 1


def test_nobody_rewrites_what_the_hub_says_of_a_held_set(
    place: Place, admin: Device, held_up: Callable[[], Device]
) -> None:
    a = held_up()
    a.sync(), admin.sync()
    (held,) = rows(admin.store, "held_set")
    with pytest.raises(AccessDenied):
        admin.update("held_set", held["id"], reason="别的说法")
    admin.actor = replace(admin.actor, roles=frozenset({"hub"}))  # a dishonest client
    admin.update("held_set", held["id"], reason="别的说法")
    admin.sync()
    assert admin.statuses() == ["quarantined"]
    (held,) = [h for h in rows(place.hub.store, "held_set") if h["id"] == held["id"]]
    assert "停用" in held["reason"]


def test_the_same_decision_twice_and_a_late_one(
    place: Place, enrol_at: Enrol, admin: Device, held_up: Callable[[], Device]
) -> None:
    a, other = held_up(), enrol_at(place.b, "qian", roles=["hub_admin"])
    a.sync(), admin.sync(), other.sync()
    (held,) = rows(admin.store, "held_set")
    decide(admin, held, "released")
    decide(other, held, "rejected", "晚了")
    admin.sync(), other.sync(), a.sync(), admin.sync()
    assert a.statuses() == ["applied", "applied"]
    for device in (admin, other):  # nobody is asked about a decision that is carried out
        (told,) = rows(device.store, "held_set")
        assert (told["state"], told["decision_note"]) == ("released", "核实无误")
        assert told["decided_by"] == admin.actor.user and device.conflicts() == []
    assert other.statuses()[-1] == "applied"
    assert count(place.hub.store, "market_entity") == 2


def test_a_set_put_aside_stays_aside_when_it_comes_again(
    place: Place, admin: Device, held_up: Callable[[], Device]
) -> None:
    a = held_up()
    package = a.export()
    handle(place.hub, package)
    admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "rejected", "x")
    admin.sync()
    handled, answer = handle(place.hub, package)
    assert [s.status for s in handled.intake.sets] == ["rejected"]
    a.take(answer)
    assert a.statuses() == ["applied", "rejected"] and count(place.hub.store, "market_entity") == 1


def test_an_old_receipt_does_not_take_a_release_back(
    place: Place, admin: Device, held_up: Callable[[], Device]
) -> None:
    a = held_up()
    _, old = handle(place.hub, a.export())
    admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "released")
    admin.sync(), a.sync()
    assert a.statuses() == ["applied", "applied"]
    a.take(old)
    assert a.statuses() == ["applied", "applied"]


# --- revoked -----------------------------------------------------------------------------------------
@CARRIERS
def test_revoked_before_and_after_a_number(place: Place, enrol_at: Enrol, admin: Device, way: str) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", ENTITIES[0])
    before = a.export()
    go(a, way)
    a.update("market_entity", entity, address="二号")
    go(admin, way)
    admin.update(
        "device", a.grant.device, state="revoked", revoke_reason="丢失",
        revoked_at=admin.store.clock.stamp(),
    )
    go(admin, way)
    (device,) = [d for d in rows(place.hub.store, "device") if d["id"] == a.grant.device]
    assert device["last_seq"] == 1
    again, _ = handle(place.hub, before)  # what was accepted stays, also when it comes again
    assert [s.status for s in again.intake.sets] == ["applied"]
    known = a.count("bureau")
    go(a, way)
    assert a.statuses() == ["applied", "quarantined"]
    with a.store.read() as connection:
        from shared.store.facts import read_text

        assert read_text(connection, "revoke_reason") == "丢失" and read_text(connection, "revoked_at")
    assert a.count("bureau") == known  # nothing was taken away
    place.hub.enrolment  # noqa: B018
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(
            place.hub.store.types["bureau"], [{"code": "C", "name": "丙局", "division": DIVISION}], way="exchange"
        )
    a.insert("market_entity", ENTITIES[1])
    go(a, way)
    assert a.count("bureau") == known and a.statuses() == ["applied", "quarantined", "quarantined"]
    go(admin, way)
    held = sorted(rows(admin.store, "held_set"), key=lambda r: r["first"])
    assert [h["kind"] for h in held] == ["revoked", "revoked"]
    decide(admin, held[0], "released")
    decide(admin, held[1], "rejected", "设备已丢失，来源不明")
    go(admin, way), go(a, way)
    assert a.statuses() == ["applied", "applied", "rejected"]
    assert value(place.hub.store, "market_entity", entity, "address") == "二号"


def test_two_administrators_revoke_one_device(place: Place, enrol_at: Enrol, admin: Device) -> None:
    """They mean the same: the first word stays noted, nobody is asked which reason is right."""
    a, other = enrol_at(place.a, "chenmin"), enrol_at(place.b, "zhao", roles=["hub_admin", "officer"])
    admin.sync(), other.sync()
    for one, why in ((admin, "丢失"), (other, "被盗")):
        said = {"revoke_reason": why, "revoked_at": one.store.clock.stamp()}
        one.update("device", a.grant.device, state="revoked", **said)
    admin.sync(), other.sync(), admin.sync()
    assert value(place.hub.store, "device", a.grant.device, "revoke_reason") == "丢失"
    assert not rows(place.hub.store, "conflict") and other.statuses()[-1] == "applied"


def test_a_revoked_device_with_a_gap(place: Place, enrol_at: Enrol, admin: Device) -> None:
    """What was parked and what closes the gap: all of it waits for a person, none of it is lost."""
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", ENTITIES[0])
    a.engine.cut()
    a.update("market_entity", entity, address="二号")
    a.engine.cut()
    handle(place.hub, a.export_only(2))
    place.hub.ledger.revoke(a.grant.device, "丢失")
    a.sync()
    assert a.statuses() == ["quarantined", "quarantined"]
    with a.store.read() as connection:
        at = exchange.reach(connection)
    assert at.receipted == at.written == 2


def test_receipts_say_how_far_and_from_when(place: Place, enrol_at: Enrol) -> None:
    from sync import messages
    from sync.signing import Envelope

    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITIES[0])
    a.sync()
    with a.store.read() as connection:
        raw = exchange.last_receipt(connection)
        head = exchange.head_at(connection, 1)
    assert raw is not None
    said = messages.decode(Envelope.decode(raw[0]).payload, Receipt)
    assert (said.newest, said.head) == (1, head)
