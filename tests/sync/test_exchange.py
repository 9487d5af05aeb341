"""What happens between devices and the hub, on both databases; the packages are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.devices import Device, enrol_device
from tests.fixtures.hubs import DIVISION, Place

ENTITY = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
}

Enrol = Callable[..., Device]


@pytest.fixture
def enrol(place: Place, tmp_path: Path) -> Iterator[Enrol]:
    made: list[Device] = []

    def enrolling(bureau: str, account: str, **options: object) -> Device:
        folder = tmp_path / f"device{len(made)}"
        made.append(enrol_device(place.hub, bureau, folder, account=account, name=account, **options))  # type: ignore[arg-type]
        return made[-1]

    yield enrolling
    for one in made:
        one.close()


def test_smoke(place, enrol):
    a = enrol(place.a, "chenmin"); b = enrol(place.b, "laozhou", roles=["officer"])
    (entity,) = a.insert("market_entity", ENTITY)
    a.sync(); b.sync()
    assert b.value("market_entity", entity, "name") == ENTITY["name"]
