"""Photos, scans and first loads by courier: in letters it cannot open, missing first, as much as it will carry."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from server_stub import parcels
from server_stub.devices import revoke_device
from shared.errors import NotForUs
from shared.fictitious import market_entities
from shared.store.courier import DELIVERED, WAITING
from sync import package
from sync.engine import Engine
from sync.outbox import Outbox
from tests.fixtures.attached import attach, content_at, scan, wish
from tests.fixtures.devices import Device, Direct, Enrol, handle, quiet
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(400, DIVISION, 29))
MIB = 1 << 20


def carrying(device: Device, limit: int, *bureaus: str) -> Outbox:
    engine = device.engine
    box = Outbox(
        device.store, lambda: engine._hub, device.folder / "mail", lambda: list(bureaus), lambda: limit
    )
    device.engine = Engine(device.store, device.keys, engine._hub, device.folder / "spool", box)
    return box


def letters(box: Outbox, kind: str, state: str = WAITING) -> list[str]:
    """Ids of larger mail in the box, in the order it is to be read."""
    found = [c.package_id for c in box.content() if c.state == state]
    covers = {i: box.core(i) for i in found}
    return sorted(i for i, core in covers.items() if core is not None and core.prereqs.get("letter") == kind)


def onto_the_stick(box: Outbox, far: Device) -> int:
    """Everything that waits is written to a stick and read by the far bureau; returns how much that was."""
    waiting = [c for c in reversed(box.content()) if c.state == WAITING]
    for one in waiting:
        far.take(box.path(one.package_id).read_bytes())
        box.mark(one.package_id, DELIVERED, "U-1")
    return sum(c.size for c in waiting)


@pytest.fixture
def wanting(place: Place, enrol_at: Enrol) -> Callable[[int], tuple[Device, list[tuple[str, bytes]]]]:
    """A far device whose colleague has sent photos it would like to see."""

    def made(count: int) -> tuple[Device, list[tuple[str, bytes]]]:
        far, mate = enrol_at(place.b, "zhou"), enrol_at(place.b, "lin")
        photos = []
        for n in range(count):
            content = scan(MIB, n)
            sha256, _ = attach(mate, content)
            photos.append((sha256, content))
        mate.sync()
        mate.engine.pieces.run(Direct(place.hub), quiet)
        far.take(handle(place.hub, far.export())[1])
        for sha256, content in photos:
            wish(far, sha256, len(content))
        handle(place.hub, far.export())  # it asked by stick; nobody fetched the answer
        return far, photos

    return made


def test_photos_come_by_courier_and_the_courier_cannot_see_them(
    place: Place, enrol_at: Enrol, wanting: Callable[[int], tuple[Device, list[tuple[str, bytes]]]]
) -> None:
    far, photos = wanting(3)
    courier = enrol_at(place.a, "chen")
    box = carrying(courier, 512 * MIB, place.b)
    courier.sync()
    (letter,) = letters(box, "contents")
    assert [c.state for c in box.content() if c.package_id != letter] == [WAITING]  # the answer is not replaced
    raw = box.path(letter).read_bytes()
    with pytest.raises(NotForUs):
        courier.engine.open(io.BytesIO(raw))
    assert photos[0][1][:64] not in raw and bytes.fromhex(photos[0][0]) not in raw
    assert onto_the_stick(box, far) > 3 * MIB
    for sha256, content in photos:
        assert content_at(far, sha256, len(content)) == content
    courier.sync()
    assert not letters(box, "contents")  # what was carried is not carried again
    handle(place.hub, far.export())
    courier.sync()
    assert not letters(box, "contents")  # and now the hub knows that it is there


def test_what_the_hub_has_swept_takes_no_room_in_the_box(
    place: Place, enrol_at: Enrol, wanting: Callable[[int], tuple[Device, list[tuple[str, bytes]]]]
) -> None:
    wanting(2)
    courier = enrol_at(place.a, "chen")
    chosen = [place.b]
    box = carrying(courier, 512 * MIB, *chosen)
    box._bureaus = lambda: chosen
    courier.sync()
    (letter,) = letters(box, "contents")

    def broken_off() -> Path:
        """The line broke when half of the letter was here."""
        half = box.path(letter).read_bytes()[:MIB]
        box.drop(letter)
        part = courier.folder / "mail" / f"{letter}-{place.b}.part"
        part.write_bytes(half)
        return part

    part = broken_off()
    courier.sync()
    assert letters(box, "contents") == [letter] and not part.exists()  # it went on where it had stopped
    part = broken_off()
    place.hub.mail.sweep("9999")
    assert box.room() <= 511 * MIB
    courier.sync()
    (again,) = letters(box, "contents")
    assert again != letter and not part.exists()
    assert box.room() == 512 * MIB - sum(c.size for c in box.content() if c.state == WAITING)
    letter = again
    part = broken_off()
    chosen.clear()  # carried for no longer
    courier.sync()
    assert not part.exists()


def test_as_much_as_the_courier_will_carry_and_the_rest_on_the_next_stick(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch,
    wanting: Callable[[int], tuple[Device, list[tuple[str, bytes]]]],
) -> None:
    monkeypatch.setattr(parcels, "LETTER", MIB)
    monkeypatch.setattr(parcels.Parcels.contents, "__defaults__", (MIB,))
    far, photos = wanting(5)
    courier = enrol_at(place.a, "chen")
    box = carrying(courier, 2 * MIB + MIB // 2, place.b)
    seen = []
    for _ in range(3):
        courier.sync()
        courier.sync()  # syncing again brings nothing beyond the limit
        assert sum(c.size for c in box.content() if c.state == WAITING and c.size > MIB) <= 2.5 * MIB
        onto_the_stick(box, far)
        seen.append(sum(content_at(far, h, len(c)) is not None for h, c in photos))
    assert seen == [2, 4, 5]


def test_after_a_lost_stick_only_what_is_missing_is_sent(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch,
    wanting: Callable[[int], tuple[Device, list[tuple[str, bytes]]]],
) -> None:
    monkeypatch.setattr(parcels.Parcels.contents, "__defaults__", (MIB,))
    far, photos = wanting(4)
    courier, other = enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    box = carrying(courier, 512 * MIB, place.b)
    courier.sync()
    first, *lost = letters(box, "contents")
    assert len(lost) == 3
    far.take(box.path(first).read_bytes())  # the others lay on the stick that was lost
    handle(place.hub, far.export())
    second = carrying(other, 512 * MIB, place.b)
    other.sync()
    again = letters(second, "contents")
    assert len(again) == 3 and not set(again) & {first, *lost}
    onto_the_stick(second, far)
    assert all(content_at(far, h, len(c)) == c for h, c in photos)


def test_an_old_courier_gets_answers_alone(
    place: Place, enrol_at: Enrol, wanting: Callable[[int], tuple[Device, list[tuple[str, bytes]]]]
) -> None:
    """One that does not say how much it will carry is not given what it would not expect."""
    wanting(1)
    courier = enrol_at(place.a, "chen")
    box = carrying(courier, 0, place.b)
    courier.sync()
    assert not letters(box, "contents") and box.content()


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "enrolled"])
def test_a_first_load_comes_by_courier_in_volumes(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """Also when nothing but its enrolment ever reached the hub."""
    writer = enrol_at(place.a, "chen")
    writer.insert("market_entity", *ENTITIES)
    writer.sync()
    far = enrol_at(place.b, "zhou")
    hub = place.hub
    monkeypatch.setattr(hub.snapshots, "large", 10**9)  # nothing is built for the network's sake
    if asked:
        handle(hub, far.export())  # it asked once; the answer never came home
    monkeypatch.setattr(hub.snapshots, "large", 100)
    monkeypatch.setattr(hub.snapshots, "part_pages", 8)
    monkeypatch.setattr(parcels, "VOLUME", parcels.loads.OVERHEAD + (20 << 10))
    box = carrying(writer, 512 * MIB, place.b)
    writer.sync()
    volumes = letters(box, "load")
    covers = [core for i in volumes if (core := box.core(i)) is not None]
    assert len(volumes) > 2 and {c.prereqs["volumes"] for c in covers} == {len(volumes)}
    assert sorted(c.volume.index for c in covers) == list(range(1, len(volumes) + 1))
    assert not [c for c in box.content() if c.package_id not in volumes]  # no streams from the start besides
    for package_id in reversed(volumes[1:]):  # in any order; one stick is still on its way
        far.take(box.path(package_id).read_bytes())
    assert far.count("market_entity") == 0
    far.take(box.path(volumes[0]).read_bytes())
    assert far.count("market_entity") == len(ENTITIES)
    far.insert("market_entity", *list(market_entities(3, DIVISION, 77)))
    far.take(handle(hub, far.export())[1])
    assert set(far.statuses()) == {"applied"}


def test_a_first_load_under_way_is_not_made_anew(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much changes meanwhile: what it lacks follows when the seat has spoken."""
    writer, other = enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    writer.insert("market_entity", *ENTITIES[:200])
    writer.sync()
    far = enrol_at(place.b, "zhou")
    monkeypatch.setattr(place.hub.snapshots, "large", 100)
    box, second = carrying(writer, 512 * MIB, place.b), carrying(other, 512 * MIB, place.b)
    writer.sync()
    (load,) = letters(box, "load")
    box.mark(load, DELIVERED, "U-1")
    writer.insert("market_entity", *ENTITIES[200:350])  # more than a snapshot may be behind
    writer.sync()
    writer.sync()
    assert not letters(box, "load") and len(box.content()) == 1
    other.sync()
    assert letters(second, "load") == [load]  # another courier carries the same, not a newer one
    far.take(box.path(load).read_bytes())
    assert far.count("market_entity") == 200
    far.take(handle(place.hub, far.export())[1])
    assert far.count("market_entity") == 350


def test_a_first_load_known_lost_is_made_anew(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = enrol_at(place.a, "chen")
    writer.insert("market_entity", *ENTITIES[:200])
    writer.sync()
    far = enrol_at(place.b, "zhou")
    monkeypatch.setattr(place.hub.snapshots, "large", 100)
    box = carrying(writer, 512 * MIB, place.b)
    writer.sync()
    (lost,) = letters(box, "load")
    box.mark(lost, DELIVERED, "U-1")
    writer.insert("market_entity", *ENTITIES[200:350])
    writer.sync()
    hub = place.hub.store.clock
    later = hub.now() + timedelta(minutes=1)
    monkeypatch.setattr(hub, "now", lambda: later)
    handle(place.hub, far.export())  # it says that it has nothing of it; that answer stays away, too
    writer.sync()
    (load,) = letters(box, "load")
    far.take(box.path(load).read_bytes())
    assert load != lost and far.count("market_entity") == 350


def test_a_new_seats_first_load_takes_nothing_from_its_colleague(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, mate = enrol_at(place.a, "chen"), enrol_at(place.b, "lin")
    writer.insert("market_entity", *ENTITIES[:200])
    writer.sync()
    mate.take(handle(place.hub, mate.export())[1])
    handle(place.hub, mate.export())  # says that it has them
    far = enrol_at(place.b, "zhou")
    writer.insert("market_entity", *ENTITIES[200:210])
    writer.sync()
    monkeypatch.setattr(place.hub.snapshots, "large", 100)
    box = carrying(writer, 512 * MIB, place.b)
    writer.sync()
    (load,) = letters(box, "load")
    (mail,) = (c.package_id for c in box.content() if c.package_id != load)
    assert box.path(mail).stat().st_size < box.path(load).stat().st_size // 4  # not all of it once more
    mate.take(box.path(mail).read_bytes())
    far.take(box.path(load).read_bytes())
    assert (mate.count("market_entity"), far.count("market_entity")) == (210, 210)


def test_only_missing_parts_of_a_first_load_are_sent_again(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = enrol_at(place.a, "chen")
    writer.insert("market_entity", *ENTITIES)
    writer.sync()
    far, other = enrol_at(place.b, "zhou"), enrol_at(place.a1, "li")
    handle(place.hub, far.export())
    monkeypatch.setattr(place.hub.snapshots, "large", 100)
    monkeypatch.setattr(place.hub.snapshots, "part_pages", 8)
    monkeypatch.setattr(parcels, "VOLUME", parcels.loads.OVERHEAD + (20 << 10))
    box = carrying(writer, 512 * MIB, place.b)
    writer.sync()
    volumes = letters(box, "load")
    for package_id in volumes[:-1]:
        far.take(box.path(package_id).read_bytes())
    assert far.count("market_entity") == 0
    handle(place.hub, far.export())  # says which parts it has
    second = carrying(other, 512 * MIB, place.b)
    other.sync()
    (rest,) = letters(second, "load")
    assert second.path(rest).stat().st_size < sum(box.path(i).stat().st_size for i in volumes[:-1])
    far.take(second.path(rest).read_bytes())
    assert far.count("market_entity") == len(ENTITIES)


def test_a_revoked_device_gets_its_revocation_and_nothing_else(
    place: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    far, mate, courier = enrol_at(place.b, "zhou"), enrol_at(place.b, "lin"), enrol_at(place.a, "chen")
    far.sync()
    mate.sync()
    revoke_device(place.hub.store, far.grant.device, "电脑被盗")
    courier.insert("market_entity", ENTITIES[0])
    box = carrying(courier, 512 * MIB, place.b)
    courier.sync()
    raws = {c.audience: box.path(c.package_id).read_bytes() for c in box.content()}
    assert set(raws) == {far.keys.seal.kid, mate.keys.seal.kid}  # two letters, none for both
    far.take(raws[far.keys.seal.kid])
    assert far.count("market_entity") == 0 and revoked_at(far)
    mate.take(raws[mate.keys.seal.kid])
    assert mate.count("market_entity") == 1 and not revoked_at(mate)
    with pytest.raises(NotForUs):
        far.engine.open(io.BytesIO(raws[mate.keys.seal.kid]))
    courier.sync()
    assert len(box.content()) == 2  # told once
    (group,) = place.hub.mail.recipients(device=far.grant.device)  # and so by the hub's own stick
    ((draft, _),) = place.hub.export([*group], tmp_path, 512 * MIB)
    with draft.open("rb") as stream:
        assert package.inspect(stream).core.audience == (far.keys.seal.kid,)


def revoked_at(one: Device) -> str:
    from shared.store.facts import read_text

    with one.store.read() as connection:
        return read_text(connection, "revoked_at")
