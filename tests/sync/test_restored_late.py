"""After a restore: who comes only when waiting has long ended still sets free what had waited for him."""

from __future__ import annotations

from typing import Any

import pytest

from server_stub import epochs
from server_stub.devices import revoke_device
from shared.fictitious import market_entities
from shared.store.exchange import all_sets
from tests.fixtures.agreeing import agree
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Device, Enrol, rows
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_held_sets import admin, decide  # noqa: F401

ENTITIES = list(market_entities(3, DIVISION, 31))
ADDRESS = "改在恢复之前，备份之后"


class Late:
    """What one has built on another's record is put aside: the hub forgot both, and the other is long away."""

    def __init__(self, place: Place, enrol_at: Enrol, disaster: Disaster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chen, self.zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
        self.place = place
        disaster.back_up()
        (self.record,) = self.chen.insert("market_entity", ENTITIES[0])
        self.chen.sync()
        self.zhou.sync()
        self.zhou.update("market_entity", self.record, address=ADDRESS)
        self.zhou.sync()
        disaster.restore([self.chen, self.zhou])
        monkeypatch.setattr(epochs, "WAIT_DAYS", -1)  # more than thirty days have gone by

    def put_aside(self) -> None:
        self.zhou.sync()
        assert self.zhou.statuses()[-1] == "quarantined"

    @property
    def held(self) -> dict[str, Any]:
        (found,) = rows(self.place.hub.store, "held_set")
        return found


@pytest.fixture
def late(
    place: Place, enrol_at: Enrol, disaster: Disaster, monkeypatch: pytest.MonkeyPatch
) -> Late:
    return Late(place, enrol_at, disaster, monkeypatch)


def set_words(device: Device) -> tuple[str, str]:
    with device.store.read() as connection:
        one = all_sets(connection)[0]
        return one.status, one.detail


def test_what_lacked_something_comes_in_by_itself_when_it_has_come(late: Late) -> None:
    late.put_aside()
    assert (late.held["state"], late.held["kind"]) == ("held", "missing")
    late.chen.sync()
    assert (late.held["state"], late.held["result"]) == ("released", "所缺的内容已经到达，自动入库")
    assert late.held["decided_by"] is None
    log = [e["reason"] or "" for e in rows(late.place.hub.store, "exchange")]
    assert any("此前因缺少前提被隔离的 1 个变更集，所缺的内容已经到达，已自动入库" in reason for reason in log)
    late.zhou.sync()
    late.chen.sync()
    assert set_words(late.zhou) == ("applied", "所缺的内容已经到达，自动入库")
    assert late.chen.value("market_entity", late.record, "address") == ADDRESS
    agree(late.place, late.chen, late.zhou)


def test_what_somebody_has_rejected_stays_rejected(late: Late, admin: Device) -> None:  # noqa: F811
    late.put_aside()
    admin.sync()
    decide(admin, late.held, "rejected", "内容有误")
    admin.sync()
    late.chen.sync()
    assert late.held["state"] == "rejected"
    late.zhou.sync()
    late.zhou.sync()
    assert set_words(late.zhou) == ("rejected", "已退回：内容有误")
    assert late.zhou.value("market_entity", late.record, "address") == ENTITIES[0].get("address")


def test_of_a_revoked_seat_nothing_comes_in_by_itself(late: Late) -> None:
    late.put_aside()
    revoke_device(late.place.hub.store, late.zhou.grant.device, "电脑被盗")
    late.chen.sync()
    assert late.held["state"] == "held"
    assert late.chen.value("market_entity", late.record, "address") == ENTITIES[0].get("address")
