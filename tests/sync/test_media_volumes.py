"""A first load that a courier brings from the hub and that no single file holds: every volume goes along."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.courier import Courier
from desktop.work.media_report import Verdict
from desktop.work.syncing import Syncing
from server_stub import parcels
from server_stub.spool import Limits
from shared.errors import MediaFull
from shared.fictitious import market_entities
from tests.fixtures.first_loads import VOLUME, small_parts
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.stations import STICK, Station, add_entities, quiet
from tests.fixtures.sticks import bring_in

MANY = list(market_entities(400, DIVISION, 11))


@pytest.fixture
def url(centre: Place) -> Iterator[str]:
    """A hub with a first load of several volumes, each barely larger than what a volume needs."""
    add_entities(centre.hub, *MANY)
    small_parts(centre.hub)
    with serving(centre.hub, Limits(volume=VOLUME)) as address:
        yield address


def whole(far: Station) -> bool:
    """Everything of the hub is there and nothing of a first load is waited for."""
    return far.count("market_entity") == 20 + len(MANY) and far.media.load_words() == ""


def test_all_volumes_of_a_forwarded_package_come_back(
    near: Station, far: Station, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    assert received.report.verdict is Verdict.FORWARD

    # the stick is full after the first volume: what lies on it is said, and the next try brings all
    from sync import media as sticks

    room, small = sticks._check_room, tmp_path / "small"
    small.mkdir()

    def check_room(folder: Path, size: int) -> None:
        if list(small.glob("*.yzp")):
            raise MediaFull("介质空间不足，没有写入。", "请清理介质或换一个容量更大的。")
        room(folder, size)

    with monkeypatch.context() as patched:
        patched.setattr(sticks, "_check_room", check_room)
        with pytest.raises(MediaFull):
            near.media.forward(received, small, STICK, quiet)
    assert [p.name[:11] for p in small.iterdir()] == ["驿站-中心回件-第1卷"]

    done = near.media.forward(received, stick, STICK, quiet)
    received.close()
    volumes = [*done.others, done]
    assert len(volumes) >= 3
    said = [f"回执与下发 第 {i}/{len(volumes)} 卷" for i in range(1, len(volumes) + 1)]
    assert [one.hand_over.content for one in volumes] == said
    assert sorted(p.name for p in stick.glob("驿站-中心回件*")) == sorted(one.path.name for one in volumes)
    assert all(one.path.stat().st_size <= VOLUME for one in volumes)
    assert not list(near.session.settings.spool.glob("answer-*"))

    paths = [one.path for one in volumes]
    random.Random(4).shuffle(paths)
    for path in paths:
        assert not whole(far)
        bring_in(far, path)
    assert whole(far)


def test_all_volumes_lie_in_the_box_and_are_written(near: Station, far: Station, stick: Path) -> None:
    out = far.media.export(stick, STICK, quiet)
    courier = Courier(near.session)
    received = near.media.receive(out.path, quiet)
    courier.keep(received)
    received.close()
    Syncing(near.session).sync_now(quiet)

    letters = [one for one in courier.box() if one.writable]
    kinds = sorted(one.kind for one in letters)
    assert kinds == [f"回执与下发 第 {i}/{len(letters)} 卷" for i in range(1, len(letters) + 1)]
    assert len(letters) >= 3 and {one.word for one in letters} == {"待写入介质"}  # none replaced another
    for made in courier.write([one.package_id for one in letters], stick, STICK, quiet):
        bring_in(far, made.path)
    assert whole(far)


def test_a_seat_that_never_sent_anything_has_its_first_load_brought(
    near: Station, far: Station, stick: Path, centre: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new seat of a bureau without any network: only its enrolment went to the hub."""
    monkeypatch.setattr(parcels, "VOLUME", VOLUME)
    courier = Courier(near.session)
    courier.choose([centre.b])
    Syncing(near.session).sync_now(quiet)
    Syncing(near.session).sync_now(quiet)  # while the hub was building it, it came again
    letters = [one for one in courier.box() if one.writable]
    kinds = sorted(one.kind for one in letters)
    assert kinds == [f"首批数据 第 {i}/{len(letters)} 卷" for i in range(1, len(letters) + 1)] and len(letters) > 2
    for made in courier.write([one.package_id for one in letters], stick, STICK, quiet):
        assert not whole(far)
        bring_in(far, made.path)
    assert whole(far)
