"""N4: the hub is restored from an old backup. One bureau has the network, one only sticks, one was silent.

Everybody exchanges as usual; nobody does anything special. In the end the hub and all devices
hold the same content by the same writers, and nothing that was ever receipted is lost.
"""

from __future__ import annotations

from pathlib import Path

from server_stub import backup
from server_stub.hub import Hub
from shared.fictitious import market_entities
from shared.store import rewinding
from shared.store.exchange import all_sets, reach
from sync.http import HttpCarrier
from tests.fixtures.agreeing import authorship, content
from tests.fixtures.devices import Device, Enrol, handle, quiet, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, serving

SHOPS = list(market_entities(12, DIVISION, 4))


def by_network(device: Device, url: str) -> None:
    device.engine.sync(HttpCarrier(url), quiet)


def test_the_hub_is_restored_from_an_old_backup(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    net, stick, silent = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou"), enrol_at(place.a1, "liwei")
    everybody = (net, stick, silent)
    folder = tmp_path / "backups"
    folder.mkdir()

    # before the backup: each enters something, and has what the others entered
    with serving(place.hub) as url:
        first, second, third = net.insert("market_entity", *SHOPS[:3])
        (fourth,) = stick.insert("market_entity", SHOPS[3])
        (fifth,) = silent.insert("market_entity", SHOPS[4])
        by_network(net, url)
        stick.by_stick()
        by_network(silent, url)
        by_network(net, url)
        stick.by_stick()
        file, _ = backup.make(place.hub, folder)  # while it serves
        by_network(net, url)
        assert net.statuses() == ["archived"]

        # after it: two go on, and on each other's work; one is silent but busy
        (late,) = net.insert("market_entity", SHOPS[5])
        net.update("market_entity", fourth, phone="11111111")
        by_network(net, url)
        stick.by_stick()
        stick.update("market_entity", late, phone="22222222")
        stick.update("market_entity", first, address="乙局改的地址")
        stick.delete("market_entity", third)
        (own,) = stick.insert("market_entity", SHOPS[6])
        stick.by_stick()
        by_network(net, url)
        net.update("market_entity", own, street="310113001")
        by_network(net, url)
        silent.update("market_entity", fifth, phone="33333333")
        (alone,) = silent.insert("market_entity", SHOPS[7])
    promised = [_receipted(device) for device in everybody]
    stood = content(place.hub.store, "market_entity")
    under_way = stick.export()  # sealed for the hub of before, on its way

    # the disaster
    data = place.hub.data
    place.hub.close()
    backup.restore(file, place.url, data, PASSPHRASE)
    place.hub = Hub(place.url, data, PASSPHRASE)
    for device in everybody:
        device.hub = place.hub
    assert len(content(place.hub.store, "market_entity")) == 5

    # as usual
    with serving(place.hub) as url:
        stick.take(handle(place.hub, under_way)[1])
        for _ in range(2):
            stick.by_stick()
            by_network(net, url)
            by_network(silent, url)
        stick.by_stick()
        by_network(net, url)

    standing = content(place.hub.store, "market_entity")
    assert len({row["uscc"] for row in standing}) == len(standing) == 7  # each exactly once; one was deleted
    kept = {row["id"]: row for row in standing}
    silent_news = {fifth, alone}
    assert [kept[row["id"]] for row in stood if row["id"] not in silent_news] == [
        row for row in stood if row["id"] not in silent_news
    ]
    assert kept[fifth]["phone"] == "33333333" and second in kept
    assert not rows(place.hub.store, "conflict")
    for device, before in zip(everybody, promised, strict=True):
        assert content(device.store, "market_entity") == standing
        assert authorship(device.store) == authorship(place.hub.store)
        assert _receipted(device) >= before
        with device.store.read() as connection:
            assert not rewinding.doubts(connection)
            assert {s.status for s in all_sets(connection)} <= {"applied", "archived"}


def _receipted(device: Device) -> int:
    with device.store.read() as connection:
        return reach(connection).receipted
