"""What may lie at the hub unfinished: only packages of known devices, so many, so much, so long."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server_stub import reception as desk
from server_stub.hub import Hub
from server_stub.reception import Reception
from server_stub.spool import Limits
from shared.errors import HubRefused, PackageError
from shared.ids import new_id
from tests.fixtures.devices import Device, Enrol
from tests.fixtures.hubs import PASSPHRASE, Place

ENTITY = {"uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": "310113"}


@pytest.fixture
def device(place: Place, enrol_at: Enrol) -> Device:
    made = enrol_at(place.a, "chenmin")
    made.insert("market_entity", ENTITY)
    return made


def lying(hub: Hub) -> list[Path]:
    return sorted((hub.data / "spool").iterdir())


def test_the_name_outside_must_be_the_name_inside(place: Place, device: Device) -> None:
    package, sealed = device.sealed("network")
    front = Reception(place.hub)
    for end in (len(package), 2000):  # whole, and while the rest is still to come
        with pytest.raises(HubRefused, match="编号"):
            front.take(new_id(), 0, len(package), package[:end])
        assert lying(place.hub) == []
    assert front.take(sealed.package_id, 0, len(package), package) == len(package)


def test_a_stranger_gets_no_further_than_the_cover(place: Place, device: Device, tmp_path: Path) -> None:
    package, sealed = device.sealed("network")
    with place.hub.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM device_key")
    front = Reception(place.hub)
    assert front.take(sealed.package_id, 0, len(package), package[:500]) == 500  # nothing to see yet
    with pytest.raises(HubRefused, match="未登记"):
        front.take(sealed.package_id, 500, len(package), package[500:-1])
    with pytest.raises(PackageError):
        front.take(new_id(), 0, 1 << 30, b"no package at all")
    assert lying(place.hub) == []


def test_a_piece_beyond_what_is_here_is_refused_and_what_is_here_stays(place: Place, device: Device) -> None:
    package, sealed = device.sealed("network")
    front = Reception(place.hub)
    assert front.take(sealed.package_id, 0, len(package), package[:500]) == 500
    with pytest.raises(HubRefused, match="不连续"):
        front.take(sealed.package_id, 501, len(package), package[501:])
    assert front.offset(sealed.package_id) == 500
    assert front.take(sealed.package_id, 500, len(package), package[500:]) == len(package)


def test_unfinished_packages_are_bounded_in_number(place: Place, device: Device) -> None:
    front = Reception(place.hub, Limits(packages=2))
    packages = [device.sealed("network") for _ in range(3)]
    for package, sealed in packages[:2]:
        front.take(sealed.package_id, 0, len(package), package[:-1])
    package, sealed = packages[2]
    with pytest.raises(HubRefused, match="太多"):
        front.take(sealed.package_id, 0, len(package), package[:-1])
    done, first = packages[0]
    front.take(first.package_id, len(done) - 1, len(done), done[-1:])  # who was first is not shut out
    assert front.take(sealed.package_id, 0, len(package), package) == len(package)


def test_unfinished_packages_are_bounded_in_size(place: Place, device: Device) -> None:
    package, sealed = device.sealed("network")
    front = Reception(place.hub, Limits(total=len(package) - 1))
    front.take(sealed.package_id, 0, len(package), package[:-1])
    with pytest.raises(HubRefused, match="太多"):
        front.take(sealed.package_id, len(package) - 1, len(package), package[-1:])
    assert front.take(sealed.package_id, 0, len(package), package[:100]) == len(package) - 1  # again: no more


def test_what_nobody_came_back_for_is_swept_while_serving(
    place: Place, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = Reception(place.hub)
    package, sealed = device.sealed("network")
    front.take(sealed.package_id, 0, len(package), package[:-1])
    (old,) = lying(place.hub)
    os.utime(old, (0, 0))
    other, named = device.sealed("network")
    front.take(named.package_id, 0, len(other), other[:-1])
    assert old.exists()  # not at every piece
    later = time.time() + desk.SWEEP_SECONDS
    monkeypatch.setattr(desk.time, "time", lambda: later)
    front.take(named.package_id, 0, len(other), other[:-1])
    assert not old.exists()


def test_two_processes_take_turns_with_a_package(place: Place, device: Device) -> None:
    """Each with a reception of its own; the package is handled once, and nothing is left behind."""
    hubs = [Hub(place.url, place.hub.data, PASSPHRASE, keys=place.hub.keys) for _ in range(3)]
    fronts = [Reception(hub) for hub in hubs]
    package, sealed = device.sealed("network")
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(f.take, sealed.package_id, 0, len(package), package) for f in fronts]
    assert [one.result() for one in done] == [len(package)] * 3
    with place.hub.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM exchange WHERE sets > 0").scalar() == 1
    assert [p.suffix for p in lying(place.hub)] == [".answer", ".size"]
    for hub in hubs:
        hub.close()
