"""Seeded schedules of a real proxy between device and hub: whatever the line does, all arrives once."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing

import pytest

from shared.errors import BadAnswer, Interrupted, PackageError, Unreachable
from shared.fictitious import market_entities
from sync.http import HttpCarrier
from tests.fixtures.devices import Enrol, count, quiet
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.longer import seeds
from tests.fixtures.wires import BadLine, bad_line

EXPECTED = (Interrupted, Unreachable, BadAnswer, PackageError)
WEATHER: tuple[Callable[[BadLine, random.Random], None], ...] = (
    lambda line, rng: setattr(line, "up", rng.randrange(200, 30_000)),
    lambda line, rng: setattr(line, "down", rng.randrange(1, 5_000)),
    lambda line, rng: setattr(line, "mute_after", rng.randrange(100, 20_000)),
    lambda line, rng: None,
)


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_all_arrives_once(place: Place, address: str, enrol_at: Enrol, seed: int) -> None:
    rng = random.Random(seed)
    device = enrol_at(place.a, "chenmin")
    rows = list(market_entities(600, DIVISION, seed))
    with bad_line(address) as line, closing(HttpCarrier(line.url, wait=lambda _: None)) as carrier:
        for n in range(6):
            device.insert("market_entity", *rows[n * 100 : n * 100 + 100], proven=True)
            line.up = line.down = line.mute_after = None
            rng.choice(WEATHER)(line, rng)
            try:
                device.engine.sync(carrier, quiet)
            except EXPECTED:
                continue
        line.up = line.down = line.mute_after = None
        device.engine.sync(carrier, quiet)
        device.engine.sync(carrier, quiet)
    assert set(device.statuses()) == {"applied"}
    assert count(place.hub.store, "market_entity") == device.count("market_entity") == 600
