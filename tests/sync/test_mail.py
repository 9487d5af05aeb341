"""The hub's mail: several recipients, made without being asked, brought by a courier who cannot read it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import mail as hub_mail
from server_stub.mail import LETTER_RAW, Mailroom
from shared.errors import NotForUs, PackageError
from shared.fictitious import market_entities
from shared.store import courier
from shared.store.courier import DELIVERED, FROM_HUB, WAITING
from sync import package
from sync.engine import Engine
from sync.http import HttpCarrier
from sync.messages import Letter
from sync.outbox import Outbox
from sync.preview import preview
from tests.fixtures.devices import Device, Direct, Enrol, handle, quiet
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(30, DIVISION, 9))


def mailed(hub_room: Mailroom, limit: int = LETTER_RAW, **whom: str) -> bytes:
    """What the hub would put on a stick for one group of recipients."""
    (group,) = hub_room.recipients(**whom)
    out = io.BytesIO()
    hub_room.seal(group, out, limit)
    return out.getvalue()


def carrying(device: Device, *bureaus: str) -> Outbox:
    """The device's program carries for these bureaus from now on."""
    engine = device.engine
    box = Outbox(device.store, lambda: engine._hub, device.folder / "mail", lambda: list(bureaus))
    device.engine = Engine(device.store, device.keys, engine._hub, device.folder / "spool", box)
    return box


def names(device: Device) -> int:
    return device.count("market_entity")


# --- one package for several devices -------------------------------------------
def test_one_package_for_two_devices_gives_each_its_receipt_and_what_it_lacks(
    place: Place, enrol_at: Enrol
) -> None:
    first, second, other = enrol_at(place.b, "lin"), enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    for one in (first, second, first):  # each has heard of the other's seat, and the hub knows it
        one.sync()
    other.insert("market_entity", *ENTITIES[:5])
    other.sync()
    first.sync()  # the first is further ahead than the second
    assert (names(first), names(second)) == (5, 0)
    other.insert("market_entity", *ENTITIES[5:8])
    other.sync()
    second.insert("market_entity", ENTITIES[9])
    handle(place.hub, second.export())  # the answer is lost
    raw = mailed(place.hub.mail, bureau=place.b)
    assert len(package.inspect(io.BytesIO(raw)).core.audience) == 2

    seen = preview(second.engine.open(io.BytesIO(raw)), second.store, second.engine._hub, quiet)
    assert (seen.gap, seen.known > 0, [r.status for r in seen.receipts][-1:]) == (None, False, ["applied"])
    told = preview(first.engine.open(io.BytesIO(raw)), first.store, first.engine._hub, quiet)
    assert told.gap is None and told.known > 0  # the first is told that it has part of it
    second.take(raw)
    first.take(raw)
    assert (names(first), names(second)) == (9, 9)
    assert second.statuses()[-1] == "applied"
    for one in (first, second):
        assert one.take(raw).repeated  # twice is harmless
    with pytest.raises(NotForUs):
        other.engine.open(io.BytesIO(raw))


def test_a_device_behind_what_the_hub_remembers_is_told_so(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    one, other = enrol_at(place.b, "lin"), enrol_at(place.a, "chen")
    old = one.clone(tmp_path / "old")
    other.insert("market_entity", *ENTITIES[:3])
    other.sync()
    one.sync()
    one.sync()  # the hub hears that it has them
    other.insert("market_entity", *ENTITIES[3:5])
    other.sync()
    raw = mailed(place.hub.mail, device=one.grant.device)
    seen = preview(old.engine.open(io.BytesIO(raw)), old.store, old.engine._hub, quiet)
    assert seen.gap is not None and "前面还有没有收到的数据" in seen.gap.message
    assert "导出一次" in seen.gap.hint
    with pytest.raises(PackageError, match="前面还有没有收到的数据"):
        old.take(raw)
    old.close()
    one.take(raw)
    assert names(one) == 5


def test_an_administrators_device_gets_a_package_of_its_own(place: Place, enrol_at: Enrol) -> None:
    enrol_at(place.b, "lin")
    enrol_at(place.b, "wang", roles=("hub_admin",))
    groups = place.hub.mail.recipients(bureau=place.b)
    assert sorted(len(g) for g in groups) == [1, 1]  # its streams are not for the other's eyes


def test_mail_that_does_not_fit_one_package_goes_on_in_the_next(place: Place, enrol_at: Enrol) -> None:
    one, other = enrol_at(place.b, "lin"), enrol_at(place.a, "chen")
    for entity in ENTITIES[:6]:
        other.insert("market_entity", entity)
        other.sync()
    (group,) = place.hub.mail.recipients(bureau=place.b)
    raws, after = [], None
    while True:
        out = io.BytesIO()
        posted = place.hub.mail.seal(group, out, 600, after)
        raws.append(out.getvalue())
        after = posted.reached
        if not posted.more:
            break
    assert len(raws) > 2
    with pytest.raises(PackageError, match="前面还有没有收到的数据"):
        one.take(raws[-1])
    for raw in raws:
        one.take(raw)
    assert names(one) == 6


# --- the courier ---------------------------------------------------------------
def test_a_courier_brings_what_it_cannot_open(
    place: Place, address: str, enrol_at: Enrol, tmp_path: Path
) -> None:
    far, courier_, writer = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    far.insert("market_entity", ENTITIES[0])
    stick = tmp_path / "up.yzp"
    raw, sealed = far.sealed()
    stick.write_bytes(raw)
    box = carrying(courier_, place.b)
    network = HttpCarrier(address, wait=lambda _: None)
    network.exchange(stick, sealed.package_id, tmp_path / "lost.yzp", quiet)
    writer.insert("market_entity", *ENTITIES[1:4])
    writer.sync()

    done = courier_.engine.sync(network, quiet)
    assert done.received.letters == 1
    (held,) = box.content()
    assert (held.direction, held.bureau, held.state) == (FROM_HUB, place.b, WAITING)
    carried = box.path(held.package_id).read_bytes()
    with pytest.raises(NotForUs):
        courier_.engine.open(io.BytesIO(carried))
    secret = ENTITIES[1]["name"].encode()
    assert secret not in carried and courier_.keys.seal.kid.encode() not in carried

    far.take(carried)
    assert names(far) == 4 and far.statuses() == ["applied"]
    # nothing new: nothing is sent twice
    assert courier_.engine.sync(network, quiet).received.letters == 0
    # once the bureau has said how far it is, there is nothing left to carry
    handle(place.hub, far.export())
    assert place.hub.mail.waiting(place.b) == []


def test_newer_mail_replaces_what_was_not_delivered(place: Place, enrol_at: Enrol) -> None:
    far, courier_, writer = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    box = carrying(courier_, place.b)
    writer.insert("market_entity", ENTITIES[0])
    writer.sync()
    courier_.sync()
    (old,) = box.content()
    writer.insert("market_entity", ENTITIES[1])
    writer.sync()
    courier_.sync()
    states = {c.package_id: c.state for c in box.content()}
    (new,) = [i for i, state in states.items() if state == WAITING]
    assert states[old.package_id] == courier.REPLACED and new != old.package_id
    assert not (courier_.folder / "mail" / f"{old.package_id}.yzp").exists()
    far.take(box.path(new).read_bytes())
    assert names(far) == 2
    box.mark(new, DELIVERED, "U-1")
    courier_.sync()
    assert [c.state for c in box.content() if c.package_id == new] == [DELIVERED]


def test_a_courier_goes_on_where_a_large_package_broke_off(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, courier_, writer = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen"), enrol_at(place.a1, "li")
    writer.insert("market_entity", *ENTITIES)
    writer.sync()
    courier_.sync()
    box = carrying(courier_, place.b)
    monkeypatch.setattr(hub_mail, "PIECE", 1000)
    monkeypatch.setattr("server_stub.answering.ANSWER_RAW", 1500)  # two pieces an answer
    rounds: list[int] = []
    direct = Direct(place.hub)

    class Counting:
        name = "network"

        def exchange(self, sealed: Path, package_id: str, answer: Path, progress: Callable[..., None]) -> None:
            rounds.append(sum(h.have for many in box.ask().values() for h in many))
            direct.exchange(sealed, package_id, answer, progress)

    courier_.engine.sync(Counting(), quiet)
    assert len(rounds) > 2 and rounds == sorted(set(rounds))  # each round goes on, none begins anew
    (held,) = box.content()
    far.take(box.path(held.package_id).read_bytes())
    assert names(far) == 30


def test_the_box_takes_nothing_it_did_not_ask_for_and_no_paths(place: Place, enrol_at: Enrol) -> None:
    courier_ = enrol_at(place.a, "chen")
    box = carrying(courier_, place.b)

    def letter(**other: object) -> Letter:
        said = {"package_id": "0" * 32, "bureau": place.b, "fingerprint": bytes(32), "size": 4, "offset": 0,
                "created": "2026-05-06T09:00:00+08:00"} | other
        return Letter(**said)  # type: ignore[arg-type]

    for bad in (letter(package_id="../../etc/passwd"), letter(bureau="../x"), letter(size=2), letter(size=1 << 40)):
        with pytest.raises(PackageError):
            box.take(bad, b"abcd")
    assert not box.take(letter(bureau=place.a1), b"abcd")  # nobody asked
    assert not box.take(letter(offset=2), b"cd")  # what is before it never came
    assert not box.take(letter(), b"abcd")  # whole, but no package of the hub
    assert box.content() == [] and box.ask() == {place.b: []}
    assert not list(courier_.folder.glob("**/*passwd*"))


def test_the_hub_says_which_packages_arrived(place: Place, enrol_at: Enrol) -> None:
    one = enrol_at(place.b, "lin")
    one.insert("market_entity", ENTITIES[0])
    raw, sealed = one.sealed()
    handle(place.hub, raw)  # its answer never comes back
    assert sealed.package_id in one.take(mailed(place.hub.mail, bureau=place.b)).arrived


def test_old_mail_is_swept(place: Place, enrol_at: Enrol) -> None:
    enrol_at(place.b, "lin")
    (one,) = place.hub.mail.waiting(place.b)
    assert place.hub.mail.path(one.package_id).exists()
    assert place.hub.mail.sweep("2999") == 1 and not place.hub.mail.path(one.package_id).exists()
    assert place.hub.mail.waiting(place.b)[0].package_id != one.package_id
