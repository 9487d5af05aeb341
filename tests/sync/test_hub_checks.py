"""The hub believes nobody: what a device may not do is set aside with a reason, the rest goes on."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server_stub.hub import Hub
from shared.access import HUB_ACTOR, Actor
from shared.changes import Block, Run, chain, decode_block, encode_block, join_blocks
from shared.clock import Clock
from shared.errors import AccessDenied, HubRefused, IllegalTransition, NotForUs, UnknownSigner
from shared.ids import new_id
from shared.store.exchange import payload_blocks, unreceipted
from sync import changeset, messages
from sync.changeset import Author
from sync.messages import ASK, CHANGE_SET, PROTOCOL, Ask
from sync.package import CoreDraft, Entry, Kind, seal
from tests.fixtures.devices import Device, Enrol, at_device, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
}  # fmt: skip
OTHER = {**ENTITY, "uscc": "91310113XN12345742", "name": "上海宝山霁舟茶饮有限公司"}


def task(entity: str) -> dict[str, Any]:
    return {"title": "五月巡查", "source": "1", "entity_id": entity, "due_on": date(2026, 5, 20)}


def entity_of(place: Place) -> str:
    with place.hub.store.unit(HUB_ACTOR) as unit:
        return unit.insert(place.hub.store.types["market_entity"], [ENTITY], way="exchange")[0]


def pretend(device: Device, **claims: Any) -> None:
    """The person at the device says to be somebody else."""
    device.actor = replace(device.actor, **claims)


def refused_then_going_on(device: Device, reason: str) -> None:
    """What was entered is quarantined and accounted for; what follows is applied."""
    (other,) = device.insert("market_entity", OTHER)
    device.engine.cut()
    device.sync()
    assert device.statuses() == ["quarantined", "applied"]
    with device.store.read() as connection:
        (detail,) = connection.exec_driver_sql(
            "SELECT detail FROM change_set WHERE status = 'quarantined'"
        ).fetchone() or ("",)
    assert reason in detail
    assert value(device.hub.store, "market_entity", other, "name") == OTHER["name"]


# --- who says so --------------------------------------------------------------------
def test_a_record_in_the_name_of_another_bureau_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a, entity = enrol_at(place.a, "chenmin", roles=["officer"]), entity_of(place)
    a.sync()
    honest = a.actor
    pretend(a, bureau=place.b)
    a.insert("task", task(entity))
    a.engine.cut()
    a.actor = honest
    refused_then_going_on(a, "权限")
    assert count(place.hub.store, "task") == 0


def test_a_role_nobody_granted_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin", roles=["officer"])
    a.sync()
    honest = a.actor
    pretend(a, roles=frozenset({"hub_admin"}))
    a.insert("approval_item", {"code": "SP9999", "name": "自拟事项", "department": "甲局"})
    a.engine.cut()
    a.actor = honest
    refused_then_going_on(a, "权限")
    assert count(place.hub.store, "approval_item") == 0


def test_an_unknown_person_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    honest = a.actor
    pretend(a, user=new_id())
    a.insert("market_entity", ENTITY)
    a.engine.cut()
    a.actor = honest
    refused_then_going_on(a, "不在用户名录")


def test_a_person_of_another_bureau_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    honest = a.actor
    a.actor = b.actor
    a.insert("market_entity", ENTITY)
    a.engine.cut()
    a.actor = honest
    refused_then_going_on(a, "不属于该设备所在的单位")


def test_a_frozen_account_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types["user"], a.actor.user, {"state": "frozen"})
    a.sync()
    assert a.statuses() == ["quarantined"]


def test_a_bureau_administrator_grants_no_more_than_the_own_bureau(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.sync()
    account = {"account": "neu", "name": "新人", "bureau": place.a, "roles": "hub_admin"}
    with pytest.raises(AccessDenied):
        a.insert("user", account)
    with pytest.raises(AccessDenied):
        a.insert("user", {**account, "roles": "officer", "bureau": place.b})
    honest = a.actor
    pretend(a, roles=frozenset({"bureau_admin", "hub_admin"}))
    a.insert("user", account)
    a.engine.cut()
    a.actor = honest
    refused_then_going_on(a, "授予")
    a.insert("user", {**account, "roles": "officer"})
    a.sync()
    assert a.statuses()[-1] == "applied"


# --- what a doctored change set says ---------------------------------------------------
def doctored(device: Device, **changes: Any) -> bytes:
    """A package whose first pending set is altered and signed again with the device's own key."""
    device.engine.cut()
    with device.store.read() as connection:
        one = unreceipted(connection)[0]
        raws = list(payload_blocks(connection, one))
    block = decode_block(raws[0])
    first, *rest = block.runs
    altered = {**{n: getattr(first, n) for n in first.__struct_fields__}, **changes}
    raw = encode_block(Block(block.origins, [Run(**altered), *rest]))
    old = changeset.check(one.envelope, None, device.keys.sign.public, device.hub.keys.hub_id).statement
    made = changeset.make(
        Author(device.hub.keys.hub_id, device.grant.device, 1), device.keys.sign, first=old.first,
        last=old.last, prev_head=old.prev_head, raw_blocks=[raw], sealed_at=old.sealed_at, schema_version=1,
    )  # fmt: skip
    assert chain(old.prev_head, raw) == made.statement.head
    return package_of(device, (made.envelope, join_blocks([raw])))


def package_of(device: Device, *sets: tuple[bytes, bytes]) -> bytes:
    out = io.BytesIO()
    ask = messages.encode(Ask(v=PROTOCOL, incarnation=1, cursors={}))
    draft = CoreDraft(Kind.CHANGES, device.hub.keys.hub_id, device.grant.device, device.hub.clock.stamp())
    entries = [Entry(ASK, {"ask": ask}), *(Entry(CHANGE_SET, {"envelope": e}, p) for e, p in sets)]
    seal(out, draft, [device.hub.keys.seal.public], device.keys.sign, entries)
    return out.getvalue()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"op": 9}, "无法识别的操作"),
        ({"op": 4, "fields": [], "columns": []}, "只能由中心发出"),
        ({"columns": [[5], ["1"], ["1"], ["310113"], [None], [None], [None], [None]]}, "数值类型不对"),
        ({"hlc": 2**63}, "结构不对"),
        ({"actor": "a\0b"}, "结构不对"),
        ({"type": 999}, "尚不认识"),
    ],
)
def test_a_doctored_change_set_is_quarantined(
    place: Place, enrol_at: Enrol, changes: dict[str, Any], reason: str
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    handled, _ = handle(place.hub, doctored(a, **changes))
    (said,) = handled.intake.sets
    assert said.status == "quarantined" and reason in said.reason
    assert count(place.hub.store, "market_entity") == 0


def test_text_no_database_can_hold_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", {**ENTITY, "address": "一\0号"})
    a.sync()
    assert a.statuses() == ["quarantined"]


def test_a_change_of_something_quarantined_is_quarantined_too(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    honest = a.actor
    pretend(a, user=new_id())
    (entity,) = a.insert("market_entity", ENTITY)
    a.engine.cut()
    a.actor = honest
    a.update("market_entity", entity, address="驿西路1号")
    a.engine.cut()
    a.insert("market_entity", OTHER)
    a.sync()
    assert a.statuses() == ["quarantined", "quarantined", "applied"]


def test_a_step_no_workflow_allows_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a, entity = enrol_at(place.a, "chenmin"), entity_of(place)
    a.sync()
    (one,) = a.insert("task", task(entity))
    with pytest.raises(IllegalTransition):
        a.update("task", one, state="done")
    a.sync()
    honest = a.actor
    pretend(a, roles=frozenset({"hub"}))
    a.update("task", one, state="done")
    a.engine.cut()
    a.actor = honest
    a.update("market_entity", entity, address="驿西路1号")
    a.sync()
    assert a.statuses() == ["applied", "quarantined", "applied"]
    assert value(place.hub.store, "task", one, "state") == "open"


def test_a_decision_by_nobody_concerned_is_quarantined(place: Place, enrol_at: Enrol) -> None:
    a, b, c = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou"), enrol_at(place.a1, "liwei")
    entity = entity_of(place)
    for one in (a, b, c):
        one.sync()
    a.update("market_entity", entity, address="甲说的地址")
    b.update("market_entity", entity, address="乙说的地址")
    a.sync(), b.sync()
    conflict = b.conflicts()[0]["id"]
    c.sync()
    c.update("market_entity", entity, cause=f"resolve:{conflict}", address="丙说的地址")
    c.sync()
    assert c.statuses() == ["quarantined"]
    b.update("market_entity", entity, cause=f"resolve:{conflict}", name="另一个字段")
    b.sync()
    assert b.statuses()[-1] == "quarantined"
    assert value(place.hub.store, "market_entity", entity, "address") == "甲说的地址"


# --- copies, strangers, the lost -----------------------------------------------------------
def test_a_cloned_database_is_noticed(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    a = enrol_at(place.a, "chenmin")
    (entity,) = a.insert("market_entity", ENTITY)
    a.sync()
    clone = a.clone(tmp_path / "clone")
    a.insert("market_entity", OTHER)
    clone.update("market_entity", entity, address="副本说的地址")
    a.sync()
    clone.sync()
    assert a.statuses() == ["applied", "applied"]
    assert clone.statuses() == ["applied", "quarantined"]
    assert value(place.hub.store, "market_entity", entity, "address") is None
    logged = rows(place.hub.store, "exchange")[-1]
    assert logged["outcome"] == "quarantined" and "被复制" in logged["reason"]
    a.update("market_entity", entity, address="驿西路1号")
    a.sync()
    assert a.statuses()[-1] == "applied"
    clone.close()


def test_a_package_for_another_hub_is_refused(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    a = enrol_at(place.a, "chenmin")
    elsewhere = Hub.create(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other", PASSPHRASE, "别的中心")
    with pytest.raises((NotForUs, UnknownSigner)):
        handle(elsewhere, a.export())
    logged = rows(elsewhere.store, "exchange")
    assert [r["outcome"] for r in logged] == ["refused"]
    elsewhere.close()


def test_a_stranger_is_refused(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    a = enrol_at(place.a, "chenmin")
    (tmp_path / "stranger").mkdir()
    grant = msgspec.structs.replace(a.grant, device=new_id())
    stranger = at_device(tmp_path / "stranger", a.keys, grant, a.actor, place.hub)
    stranger.insert("market_entity", ENTITY)
    with pytest.raises(UnknownSigner):
        handle(place.hub, stranger.export())
    stranger.close()


def test_one_device_does_not_carry_sets_signed_by_another(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    b.insert("market_entity", ENTITY)
    b.engine.cut()
    with b.store.read() as connection:
        one = unreceipted(connection)[0]
        payload = join_blocks(payload_blocks(connection, one))
    with pytest.raises(UnknownSigner):
        handle(place.hub, package_of(a, (one.envelope, payload)))


def test_a_code_admits_one_device(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    from server_stub.enrolment import Account
    from sync import enrol
    from sync.trust import DeviceKeys, InviteCode

    code = place.hub.enrolment.invite(Account("liwei", "李伟", place.a, ("officer",)))
    typed = InviteCode.parse(code.shown().lower().replace("-", " "))
    requests = []
    for keys in (DeviceKeys.generate(), DeviceKeys.generate()):
        out = io.BytesIO()
        enrol.seal_request(out, new_id(), keys, typed, "电脑", place.hub.clock.stamp())
        requests.append((keys, out.getvalue()))
    (keys, first), (_, second) = requests
    _, answer = handle(place.hub, first)
    _, again = handle(place.hub, first)
    both = {enrol.open_grant(io.BytesIO(one), keys, typed).device for one in (answer, again)}
    assert len(both) == 1
    with pytest.raises(HubRefused, match="另一台设备"):
        handle(place.hub, second)


def test_a_clock_two_years_ahead_is_flagged_and_not_blocked(place: Place, enrol_at: Enrol) -> None:
    fast = Clock(lambda: place.hub.clock.tick() // 65536 + 2 * 365 * 86_400_000)
    a, b = enrol_at(place.a, "chenmin", clock=fast), enrol_at(place.b, "laozhou")
    (entity,) = a.insert("market_entity", ENTITY)
    a.sync(), b.sync()
    assert a.statuses() == ["applied"]
    logged = rows(place.hub.store, "exchange")[-1]
    assert "时钟超前" in logged["reason"]
    b.update("market_entity", entity, address="驿西路1号")
    b.sync(), a.sync()
    assert a.value("market_entity", entity, "address") == "驿西路1号"
    assert b.store.clock.now().year == place.hub.clock.now().year


def test_the_hub_actor_of_a_device_is_nobody(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.actor = Actor("hub", "中心", place.a, frozenset({"hub"}))
    a.insert("market_entity", ENTITY)
    a.sync()
    assert a.statuses() == ["quarantined"]
