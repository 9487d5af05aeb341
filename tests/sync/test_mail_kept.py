"""Mail outlasts a power cut, and bytes that are gone all the same are given again instead of waited for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shared.store import sql
from shared.store.courier import FROM_HUB, TO_HUB, WAITING
from sync import package
from tests.fixtures.devices import Device, Enrol
from tests.fixtures.hubs import Place
from tests.simulator.mishaps import POWER, Mishaps
from tests.sync.test_mail import ENTITIES, carrying


def parted(place: Place, enrol_at: Enrol) -> tuple[Device, Device]:
    """A seat without network for which there is mail, and who may carry for it."""
    far, near, writer = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    writer.insert("market_entity", ENTITIES[0])
    writer.sync()
    near.sync()
    return far, near


def test_what_the_box_says_it_has_is_whole_after_a_power_cut(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    far, near = parted(place, enrol_at)
    for seed in range(4):  # what a disk forgets of what was not flushed is its own affair
        world = tmp_path / str(seed)
        (world / "seat0").mkdir(parents=True)
        near.folder = world / "seat0"
        box = carrying(near, place.b)
        raw, _ = far.sealed()
        source = near.folder / "from-stick.yzp"
        mishaps = Mishaps(world, random.Random(seed), cuts_power=True)
        with mishaps.watching():
            source.write_bytes(raw)
            with source.open("rb") as stream:
                box.accept(source, package.intact(stream), place.b)
            near.sync()
            mishaps.mode = POWER
            mishaps.die("seat0", lambda: None, None)
        here = [c for c in box.content() if c.state == WAITING]
        assert {c.direction for c in here} == {FROM_HUB, TO_HUB}
        for one in here:
            with box.path(one.package_id).open("rb") as stream:
                assert package.intact(stream).fingerprint.hex() == one.fingerprint
            box.drop(one.package_id)


def test_a_letter_whose_bytes_are_gone_is_asked_for_again(place: Place, enrol_at: Enrol) -> None:
    far, near = parted(place, enrol_at)
    box = carrying(near, place.b)
    near.sync()
    (letter,) = box.content()
    box.path(letter.package_id).unlink()
    near.sync()  # as the hint of the error says
    far.take(box.path(letter.package_id).read_bytes())
    assert far.count("market_entity") == 1


@pytest.mark.parametrize("left", [None, 100])
def test_a_letter_lost_at_the_hub_is_made_again_once(left: int | None, place: Place, enrol_at: Enrol) -> None:
    far, near = parted(place, enrol_at)
    (lost,) = place.hub.mail.waiting(place.b)
    file = place.hub.mail.path(lost.package_id)
    file.write_bytes(file.read_bytes()[:left])
    if left is None:
        file.unlink()
    with place.hub.store.write() as connection:  # made while the hub's clock was ahead
        sql.execute(connection, "UPDATE mail SET made_at = '2099-01-01T00:00:00+08:00'")
    box = carrying(near, place.b)
    near.sync()
    (letter,) = box.content()
    assert letter.package_id != lost.package_id
    assert [w.package_id for w in place.hub.mail.waiting(place.b)] == [letter.package_id]
    far.take(box.path(letter.package_id).read_bytes())
    assert far.count("market_entity") == 1
