"""A backlog of photos and scans over a link that drops every twenty seconds: it finishes, and little is sent twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from shared.attachments import PIECE
from shared.errors import Interrupted, Unreachable
from sync.http import HttpCarrier
from sync.pieces import PieceRound
from tests.fixtures.attached import attach, delivered, scan
from tests.fixtures.devices import Device, Enrol, quiet
from tests.fixtures.hubs import Place
from tests.fixtures.longer import LONG
from tests.fixtures.wires import BadLine, bad_line

MB = 1_000_000
SIZES = [20 * MB] * 15 if LONG else [4 * MB] * 5
"""300 MB in ``make test-long``; a fifteenth of it with every change."""
TWENTY_SECONDS = 3 * MB if LONG else MB
"""What 1.2 Mbit/s let through between two drops."""
TIMES_GONE = 3
"""How often there is no link at all for longer than anybody tries again by himself."""


@pytest.fixture
def hub_url(tmp_path: Path, hub_template: Path) -> str:
    """Contents do not lie in the hub's database."""
    shutil.copyfile(hub_template, tmp_path / "hub.db")
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def used() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def carried(device: Device, url: str, used: ExitStack) -> PieceRound:
    """What one synchronization in the background does for attachments."""
    carrier = used.enter_context(closing(HttpCarrier(url, wait=lambda _: None)))
    return device.engine.pieces.run(carrier, quiet)


def lost(line: BadLine, device: Device, address: str, used: ExitStack) -> None:
    """The link goes for good in the middle of a package."""
    line.mute_after, line.up = 0, TWENTY_SECONDS // 3
    with pytest.raises((Interrupted, Unreachable)):
        carried(device, line.url, used)
    line.mute_after, line.up = None, TWENTY_SECONDS


def test_a_backlog_comes_through_a_link_that_keeps_dropping(
    place: Place, address: str, enrol_at: Enrol, used: ExitStack
) -> None:
    device = enrol_at(place.a, "chenmin")
    contents = [attach(device, scan(size, seed=n))[0] for n, size in enumerate(SIZES)]
    with bad_line(address) as line:
        line.up = TWENTY_SECONDS
        device.engine.sync(used.enter_context(closing(HttpCarrier(line.url, wait=lambda _: None))), quiet)
        before = line.passed_up
        for _ in range(TIMES_GONE):
            lost(line, device, address, used)
        done = carried(device, line.url, used)
        wire = line.passed_up - before
    assert all(delivered(device, one) for one in contents)
    assert all(place.hub.pieces.path(one).stat().st_size == size for one, size in zip(contents, SIZES, strict=True))
    assert line.cuts >= sum(SIZES) // TWENTY_SECONDS and done.delivered == len(SIZES)
    assert wire < sum(SIZES) + line.cuts * PIECE // 2  # a drop costs what was under way, less than half a piece
    assert not carried(device, address, used).anything
