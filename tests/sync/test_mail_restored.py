"""Mail after the hub came back from a backup: who hears by mail alone learns of it, and all that is in doubt."""

from __future__ import annotations

import io

import pytest

from server_stub import backup
from server_stub.postal import Reached
from shared.fictitious import market_entities
from shared.store import rewinding
from shared.store.exchange import cursors
from tests.fixtures.agreeing import agree
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Device, Enrol, handle
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(40, DIVISION, 13))


def lost(device: Device) -> None:
    """Its package reaches the hub, the answer never comes home."""
    handle(device.hub, device.export())


def mail(place: Place, *, limit: int = 256 << 20, **whom: str) -> list[bytes]:
    """What the hub puts on a stick for one group now, package by package."""
    (group,) = place.hub.mail.recipients(**whom)
    raws: list[bytes] = []
    after: Reached | None = None
    while True:
        out = io.BytesIO()
        posted = place.hub.mail.seal(group, out, limit, after)
        raws.append(out.getvalue())
        if not posted.more:
            return raws
        after = posted.reached
        assert len(raws) < 50, "it never ends"


def epoch_of(device: Device) -> str:
    with device.store.read() as connection:
        return rewinding.newest_epoch(connection)


def doubts(device: Device) -> int:
    with device.store.read() as connection:
        return sum(len(packed) // 16 for packed in rewinding.doubts(connection).values())


def standing(device: Device) -> dict[str, tuple[int, str]]:
    with device.store.read() as connection:
        return {c.stream: (c.n, c.epoch) for c in cursors(connection)}


def test_who_hears_by_mail_alone_hears_of_a_restore_that_forgot_nothing(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    far, other = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    other.insert("market_entity", *ENTITIES[:3])
    for device in (other, far, far):
        device.sync()
    assert place.hub.mail.waiting(place.b) == []
    disaster.back_up()
    disaster.restore([far, other])

    (due,) = place.hub.mail.waiting(place.b)
    far.take(place.hub.mail.path(due.package_id).read_bytes())
    assert epoch_of(far) == place.hub.epoch
    lost(far)  # it says so; the hub's own notes about that are the last it has to hear
    (due,) = place.hub.mail.waiting(place.b)
    far.take(place.hub.mail.path(due.package_id).read_bytes())
    lost(far)
    assert "common" in standing(far) and standing(far)["common"][1] < place.hub.epoch  # nothing new there, ever
    assert place.hub.mail.waiting(place.b) == []
    agree(place, far)


def test_records_in_doubt_are_answered_by_mail(place: Place, enrol_at: Enrol, disaster: Disaster) -> None:
    """What the hub forgot and nobody offers again leaves the screen, what stands otherwise is put right."""
    far, other = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    known, forgotten = other.insert("market_entity", *ENTITIES[:2])
    for device in (other, far):
        device.sync()
    disaster.back_up()
    other.update("market_entity", known, name="备份之后才改的名称")
    other.insert("market_entity", ENTITIES[2])
    for device in (other, far, far):
        device.sync()
    assert far.count("market_entity") == 3
    disaster.restore([far, other])

    lost(far)
    for raw in mail(place, bureau=place.b):
        far.take(raw)
    assert doubts(far) > 0
    assert place.hub.mail.waiting(place.b) != []  # made before it says so, not what it gets then
    lost(far)  # names what it has in doubt
    (due,) = place.hub.mail.waiting(place.b)
    far.take(place.hub.mail.path(due.package_id).read_bytes())
    assert doubts(far) == 0
    assert far.count("market_entity") == 2
    assert far.value("market_entity", known, "name") == ENTITIES[0]["name"]
    assert far.value("market_entity", forgotten, "name") == ENTITIES[1]["name"]
    lost(far)
    for raw in mail(place, bureau=place.b):
        far.take(raw)
    lost(far)
    assert place.hub.mail.waiting(place.b) == []
    agree(place, far)


def test_what_is_in_doubt_goes_on_in_the_next_package_when_one_is_full(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server_stub.refresh.RECORDS", 4)
    far, other = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    ids = other.insert("market_entity", *ENTITIES[:18])
    other.sync()
    far.sync()
    with far.store.write() as connection:
        rewinding.doubt(connection, far.store.types["market_entity"], [*ids, "0" * 32])
    lost(far)
    raws = mail(place, limit=2_000, bureau=place.b)
    assert len(raws) > 2
    left = []
    for raw in raws:
        far.take(raw)
        left.append(doubts(far))
    assert left == sorted(left, reverse=True) and left[-1] == 0 and left[0] > 0
    assert far.count("market_entity") == 18


def test_one_package_for_seats_that_heard_of_different_epochs(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    """Who knows the new epoch may be further behind than the fork, beyond which the other still is."""
    first, second, writer = enrol_at(place.b, "lin"), enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    for device in (first, second, first):
        device.sync()
    for entity in ENTITIES[:6]:
        writer.insert("market_entity", entity)
        writer.sync()
    disaster.back_up()
    writer.insert("market_entity", *ENTITIES[6:8])
    writer.sync()
    first.sync()
    disaster.restore([first, second, writer])

    second.take(mail(place, limit=600, device=second.grant.device)[0])  # the other files went astray
    lost(second)
    lost(first)
    division, epoch = f"division:{DIVISION}", place.hub.epoch
    at, beyond = standing(second)[division], standing(first)[division]
    assert at[0] < 6 < beyond[0] and at[1] == epoch > beyond[1]
    for device in (first, second):
        device.take(mail(place, bureau=place.b)[-1])
    assert {standing(d)[division] for d in (first, second)} == {(6, epoch)}
    for device in (first, second):
        lost(device)
    for device in (first, second):
        device.take(mail(place, bureau=place.b)[-1])
    assert (first.count("market_entity"), second.count("market_entity")) == (6, 6)
    assert doubts(first) == doubts(second) == 0
    agree(place, first, second)


@pytest.mark.parametrize("way", ["network", "mail"])
def test_what_became_of_a_set_in_another_life_of_the_hub_is_told_anew(
    place: Place, enrol_at: Enrol, disaster: Disaster, way: str
) -> None:
    """Sticks of before come to the restored hub in another order: now the other one conflicts, and both hear of it."""
    zhou, chen = enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    (known,) = chen.insert("market_entity", ENTITIES[0])
    for device in (chen, zhou):
        device.sync()
    disaster.back_up()
    zhou.update("market_entity", known, address="一号路1号")
    chen.update("market_entity", known, address="二号路2号")
    sticks = [chen.export(), zhou.export()]
    for device in (zhou, chen):
        device.sync()
    backup.make(place.hub, disaster.folder / "newest.yzbackup")  # the newest one, which cannot be read when it is needed
    zhou.sync()
    assert (zhou.statuses()[-1], chen.statuses()[-1]) == ("archived", "conflicted")
    disaster.restore([zhou, chen])
    for stick in sticks:
        handle(place.hub, stick)  # the answers never come home
    for device in (zhou, chen):
        if way == "network":
            device.sync()
        else:
            for raw in mail(place, device=device.grant.device):
                device.take(raw)
    assert (zhou.statuses()[-1], chen.statuses()[-1]) == ("conflicted", "applied")
