"""Contents of attachments: missing first, whole or not at all, over lines that break and by stick."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from sync.http import HttpCarrier
from tests.fixtures.attached import attach, content_at, delivered, scan, wish
from tests.fixtures.devices import Device, Direct, Enrol, quiet
from tests.fixtures.hubs import Place
from tests.fixtures.wires import BadLine, bad_line

MB = 1_000_000
Reaching = Callable[[str], HttpCarrier]


@pytest.fixture
def line(address: str) -> Iterator[BadLine]:
    with bad_line(address) as made:
        yield made


@pytest.fixture
def carrier() -> Iterator[Reaching]:
    with contextlib.ExitStack() as used:
        yield lambda url: used.enter_context(contextlib.closing(HttpCarrier(url, wait=lambda _: None)))


def brought(device: Device) -> None:
    """Records, then pieces, without a network between."""
    device.sync()
    device.engine.pieces.run(Direct(device.hub), quiet)


def test_a_scan_of_20_mb_comes_through_a_line_that_keeps_breaking(
    place: Place, line: BadLine, enrol_at: Enrol, carrier: Reaching
) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(20 * MB)
    sha256, _record = attach(a, content)
    a.engine.sync(carrier(line.url), quiet)
    assert a.statuses() == ["applied"] and not delivered(a, sha256)
    line.up, before = 1_500_000, line.passed_up
    done = a.engine.pieces.run(carrier(line.url), quiet)
    wire = line.passed_up - before
    assert line.cuts > 10 and wire < 1.25 * len(content)
    assert delivered(a, sha256) and done.delivered == 1
    stored = place.hub.pieces.path(sha256)
    assert stored.read_bytes() == content
    assert not any(p for p in (place.hub.data / "attachments" / "pending").iterdir())

    b, other = enrol_at(place.a, "wanglei"), len(content)
    b.sync()
    assert b.count("attachment") == 1
    wish(b, sha256, other)
    line.up, line.down, cuts = None, 1_500_000, line.cuts
    b.engine.pieces.run(carrier(line.url), quiet)
    assert line.cuts > cuts + 5
    assert content_at(b, sha256, other) == content
