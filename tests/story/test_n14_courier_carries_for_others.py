"""N14: a bureau with a network carries for one without, both ways, and cannot read a byte of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.work.courier import Courier
from desktop.work.media_report import Verdict
from desktop.work.syncing import Syncing
from shared.errors import NotForUs
from shared.fictitious import market_entities
from shared.standing import Standing
from sync.http import HttpCarrier
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.stations import STICK, Station, add_entities, quiet, station
from tests.fixtures.sticks import at_hub, bring_in, by_files

ENTITIES = list(market_entities(20, DIVISION, 14))


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture
def near(place: Place, url: str, tmp_path: Path) -> Iterator[Station]:
    """陈敏's client at the district office, which has a network."""
    made = station(place.hub, url, place.a, tmp_path / "near")
    yield made
    made.session.close()


@pytest.fixture
def far(place: Place, tmp_path: Path, stick: Path) -> Iterator[Station]:
    """老周's bureau: its enrolment came and went on the stick too."""
    made = by_files(place, tmp_path / "far", stick)
    yield made
    made.session.close()


def test_up_and_down_by_somebody_elses_network(
    place: Place, near: Station, far: Station, stick: Path, url: str
) -> None:
    add_entities(place.hub, *ENTITIES[:10])
    far.insert("market_entity", *ENTITIES[10:13])
    out = far.media.export(stick, STICK, quiet)

    # at the district office: taken as it is, kept until there is a network, chosen and remembered
    Syncing(near.session).sync_now(quiet)
    courier = Courier(near.session)
    courier.choose([place.b])
    assert [c.name for c in Courier(near.session).choices() if c.chosen] == ["乙局"]
    received = near.media.receive(out.path, quiet)
    assert received.report.verdict is Verdict.FORWARD
    courier.keep(received)
    received.close()
    assert [(x.outward, x.word) for x in courier.box()] == [(False, "待联网送中心")]

    Syncing(near.session).sync_now(quiet)  # it goes up, and its answer comes down
    words = {(x.outward, x.word) for x in courier.box()}
    assert (False, "已送中心") in words and (True, "待写入介质") in words
    add_entities(place.hub, *ENTITIES[13:16])  # something new for the far bureau, nobody has asked for it
    Syncing(near.session).sync_now(quiet)
    waiting = [x for x in courier.box() if x.writable and x.word == "待写入介质"]
    assert [x.bureau for x in waiting] == ["乙局"]  # the older one was replaced: this one holds all of it

    # what the courier holds cannot be opened by it, in any of its forms
    folder = near.session.settings.folder / "mail"
    held = [path.read_bytes() for path in folder.glob("*.yzp")]
    assert held
    for raw, path in zip(held, folder.glob("*.yzp"), strict=True):
        with path.open("rb") as stream, pytest.raises(NotForUs):
            near.session.engine.open(stream)
        for secret in (ENTITIES[10]["name"], ENTITIES[14]["name"], ENTITIES[14]["uscc"]):
            assert str(secret).encode() not in raw

    # onto the stick, with a hand-over sheet; marked, and may be written again
    (made,) = courier.write([waiting[0].package_id], stick, STICK, quiet)
    assert made.hand_over.sent_to == "乙局" and made.hand_over.content == "代转：回执与下发"
    assert near.value("hand_over", made.hand_over_id, "package_id") == made.package_id
    assert {x.word for x in courier.box() if x.package_id == made.package_id} == {"已写入介质"}
    (again,) = courier.write([made.package_id], stick, STICK, quiet)
    assert again.path != made.path and again.path.read_bytes() == made.path.read_bytes()

    # back home
    assert bring_in(far, made.path) > 0
    assert far.count("market_entity") == 16
    assert Syncing(far.session).state().sets[-1].standing == Standing.APPLIED
    lines = {m.package_id: m.word for m in far.media.register.movements() if m.way == "out"}
    assert lines[out.package_id] == "已送达"
    received = far.media.receive(again.path, quiet)
    assert received.report.verdict is Verdict.REPEATED
    received.close()

    # with nothing new for them nothing more is carried
    far_out = far.media.export(stick, STICK, quiet)
    bring_in(far, at_hub(place.hub, far_out.path))


def test_mail_for_oneself_is_simply_taken_in(place: Place, near: Station, tmp_path: Path, url: str) -> None:
    other = station(place.hub, url, place.a, tmp_path / "other", account="li", name="李伟")
    Courier(near.session).choose([place.a])
    add_entities(place.hub, *ENTITIES[:4])
    Syncing(near.session).sync_now(quiet)
    assert near.count("market_entity") == 4
    for letter in Courier(near.session).box():
        assert letter.outward  # none that this device itself could open is left
    kid = near.session.device_keys.seal.kid
    assert all(kid not in c.audience.split(",") for c in near.session.box.content())
    other.session.close()


def test_a_letter_for_oneself_whose_bytes_are_gone_stops_nothing(
    place: Place, near: Station, tmp_path: Path, url: str
) -> None:
    """The program ended before it took it in, somebody cleared the folder, and nobody is carried for any more."""
    other = station(place.hub, url, place.a, tmp_path / "other", account="li", name="李伟")
    courier = Courier(near.session)
    courier.choose([place.a])
    add_entities(place.hub, *ENTITIES[:4])
    with closing(HttpCarrier(url)) as carrier:
        near.session.engine.sync(carrier, quiet)
    (letter,) = near.session.box.content()
    assert near.session.device_keys.seal.kid in letter.audience.split(",")
    near.session.box.path(letter.package_id).unlink()
    courier.choose([])
    near.insert("market_entity", ENTITIES[4])
    Syncing(near.session).sync_now(quiet)
    assert near.session.box.content() == []
    assert Syncing(near.session).state().sets[0].standing == Standing.APPLIED
    Syncing(other.session).sync_now(quiet)
    assert near.count("market_entity") == other.count("market_entity") == 5
    other.session.close()
