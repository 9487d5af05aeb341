"""What nobody needs any more goes from the hub's contents, and nothing that is under way."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from server_stub import sweeping
from server_stub.sweeping import sweep
from shared.attachments import PIECE
from shared.clock import Clock
from tests.fixtures.attached import attach, delivered, scan
from tests.fixtures.devices import Device, Direct, Enrol, handle, quiet
from tests.fixtures.hubs import Place
from tests.sync.test_pieces import with_pieces

MB = 1_000_000
DAY = 86_400


def brought(device: Device) -> int:
    device.sync()
    return device.engine.pieces.run(Direct(device.hub), quiet).sent


def aged(folder: Path, days: int) -> None:
    then = time.time() - days * DAY
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def later(place: Place, days: int) -> None:
    """The hub's clock has gone on."""
    place.hub.store.clock = Clock(lambda: round((time.time() + days * DAY) * 1000))


def test_pieces_that_never_became_whole_go_and_are_asked_for_again(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(3 * MB)
    sha256, _ = attach(a, content)
    a.sync()
    raw = bytes.fromhex(sha256)
    handle(place.hub, with_pieces(a, *[(raw, no, len(content), content[no * PIECE :][:PIECE]) for no in (0, 1)]))
    pending = place.hub.data / "attachments" / "pending"
    (pending / sha256 / "2.0.part").write_bytes(b"half")
    assert not sweep(place.hub.store, place.hub.pieces).anything  # fresh: under way
    aged(pending, 29)
    assert sweep(place.hub.store, place.hub.pieces).pieces == 1  # the half-written one
    aged(pending, 31)
    assert sweep(place.hub.store, place.hub.pieces).pieces == 2
    assert not list(pending.iterdir())
    assert brought(a) >= len(content) and delivered(a, sha256)
    assert place.hub.pieces.path(sha256).read_bytes() == content


def test_a_content_goes_when_every_record_that_named_it_is_long_deleted(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    kept, _ = attach(a, scan(MB))
    twice, one = attach(a, scan(MB, 2))
    _, other = attach(a, scan(MB, 2), title="另一条")
    brought(a)
    a.delete("attachment", one)
    a.sync()
    later(place, 200)
    assert not sweep(place.hub.store, place.hub.pieces).anything  # the other record names it still
    later(place, 0)
    a.delete("attachment", other)
    a.sync()
    later(place, 89)
    assert not sweep(place.hub.store, place.hub.pieces).anything
    later(place, 91)
    swept = sweep(place.hub.store, place.hub.pieces)
    assert (swept.contents, swept.size) == (1, MB)
    assert place.hub.pieces.path(kept).exists() and not place.hub.pieces.path(twice).exists()
    assert not (place.hub.data / "attachments" / "going").exists()


def test_a_record_that_arrives_while_its_content_goes_keeps_it(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, record = attach(a, content)
    brought(a)
    a.delete("attachment", record)
    a.sync()
    later(place, 91)
    replaced, names = os.replace, list[str]()

    def meanwhile(source: Any, target: Any) -> None:
        replaced(source, target)
        if "going" in str(target):
            names.append("aside")
            attach(a, content)
            a.sync()

    monkeypatch.setattr(sweeping.os, "replace", meanwhile)
    assert not sweep(place.hub.store, place.hub.pieces).anything
    assert names == ["aside"]
    assert place.hub.pieces.path(sha256).read_bytes() == content
    assert brought(a) < 1000 and delivered(a, sha256)


def test_a_sweep_that_was_broken_off_loses_nothing(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, _ = attach(a, content)
    brought(a)
    going = place.hub.data / "attachments" / "going"
    going.mkdir()
    os.replace(place.hub.pieces.path(sha256), going / sha256)
    sweep(place.hub.store, place.hub.pieces)
    assert place.hub.pieces.path(sha256).read_bytes() == content
