"""Keys that were changed after a backup: whoever comes back from it goes on with the newest, or says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server_stub import backup, cli
from server_stub import keys as hub_keys
from server_stub.hub import Hub
from shared.errors import HubRefused, InputError
from shared.fictitious import market_entities
from sync.trust import DeviceKeys
from tests.fixtures.backups import restored
from tests.fixtures.devices import Device, Enrol, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

ENTITIES = list(market_entities(6, DIVISION, 5))


def new_keys(device: Device) -> str:
    """The device changes its keys and the hub confirms; gives the name of the new one."""
    credentials = device.engine.credentials
    device.engine.cut()
    ring = credentials.announce(
        replace(credentials.ring, next=DeviceKeys.generate()), device.grant.device, 1
    )
    device.sync()
    assert credentials.confirmed()
    credentials.follow(ring.promoted(device.store.clock.stamp()))
    return credentials.ring.sign.key_id


def command(place: Place, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    return cli.main(["--data", str(place.hub.data), "--database", place.url, *words])


# --- a device's keys ---------------------------------------------------------------
@pytest.mark.parametrize("stick", [False, True], ids=["network", "stick"])
def test_a_device_that_changed_its_keys_twice_since_is_followed(
    place: Place, enrol_at: Enrol, folder: Path, stick: bool
) -> None:
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", ENTITIES[0])
    chen.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    for entity in ENTITIES[1:3]:
        new_keys(chen)
        chen.insert("market_entity", entity)
        chen.sync()
    last = new_keys(chen)
    assert set(chen.engine.credentials.said()) == {"key_change", "key_changes_before"}
    before = place.hub.ledger.device(chen.grant.device)
    restored(place, file, chen)
    then = place.hub.ledger.device(chen.grant.device)
    assert before is not None and then is not None and then.sign.key_id != last == before.sign.key_id

    for _ in range(2):  # by stick it hears with the first what the hub has not got any more
        chen.by_stick() if stick else chen.sync()
    again = place.hub.ledger.device(chen.grant.device)
    assert again is not None and again.sign.key_id == last
    assert len(rows(place.hub.store, "market_entity")) == 3
    assert not rows(place.hub.store, "held_set")
    backup.make(place.hub, folder / "two.yzbackup")
    chen.insert("market_entity", ENTITIES[4])
    chen.sync()
    assert set(chen.engine.credentials.said()) == {"key_change"}  # the backup has nothing of the last key
    backup.make(place.hub, folder / "three.yzbackup")
    chen.sync()
    assert chen.engine.credentials.said() == {}  # every key stands in a backup


# --- the hub's keys ----------------------------------------------------------------
@pytest.mark.parametrize("stick", [False, True], ids=["network", "stick"])
def test_a_hub_on_a_new_disk_goes_on_with_the_keys_of_after_the_backup(
    place: Place, enrol_at: Enrol, folder: Path, stick: bool, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its disk died, and its keys had been changed twice since the last backup."""
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", ENTITIES[0])
    chen.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    for _ in range(2):
        assert command(place, monkeypatch, "keys", "rotate") == 0
        assert "已存一份到备份文件夹" in capsys.readouterr().out
    chen.insert("market_entity", ENTITIES[1])
    chen.sync()
    root = chen.engine._hub.sign
    assert chen.engine._hub.version == 2
    done = restored(place, file, chen, lost=True)
    assert done.verified.manifest.key_version == 0 and place.hub.keys.sign.public == root
    for _ in range(2):
        chen.by_stick() if stick else chen.sync()
    assert len(rows(place.hub.store, "market_entity")) == 2
    assert chen.engine._hub.version == 2


def test_an_older_key_file_never_replaces_a_newer_one(
    place: Place, enrol_at: Enrol, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither out of the archive, nor by staying in the data folder."""
    path = place.hub.data / "hub.key"
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    old = path.read_bytes()
    newest = hub_keys.rotate(path, PASSPHRASE, place.hub.clock)
    place.hub.close()
    assert command(place, monkeypatch, "restore", str(file)) == 0
    assert "备份里的 hub.key 较旧，没有使用；沿用较新的一份（第 1 次更换）" in capsys.readouterr().out
    assert hub_keys.load(path, PASSPHRASE).version == 1

    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)
    file, _ = backup.make(place.hub, folder / "two.yzbackup")
    place.hub.close()
    path.write_bytes(old)  # somebody put it back
    assert command(place, monkeypatch, "restore", str(file)) == 0
    assert "数据文件夹里的 hub.key 较旧，已另存；换用了较新的一份（第 1 次更换）" in capsys.readouterr().out
    assert hub_keys.load(path, PASSPHRASE).sign.public == newest.sign.public
    (aside,) = path.parent.glob("hub.key.before-*")
    assert aside.read_bytes() == old
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)


def test_two_key_files_that_part_are_refused(place: Place, folder: Path) -> None:
    path = place.hub.data / "hub.key"
    old = path.read_bytes()
    hub_keys.rotate(path, PASSPHRASE, place.hub.clock)
    hub_keys.rotate(path, PASSPHRASE, place.hub.clock)
    place.hub.close()
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    place.hub.close()
    path.write_bytes(old)
    other = hub_keys.rotate(path, PASSPHRASE, place.hub.clock)  # another first change
    with pytest.raises(InputError, match="更换记录彼此不同"):
        backup.restore(file, place.url, place.hub.data, PASSPHRASE)
    assert hub_keys.load(path, PASSPHRASE).sign.public == other.sign.public
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)


def test_a_hub_whose_key_file_is_too_old_says_so(place: Place, enrol_at: Enrol) -> None:
    """The newest is lost everywhere: nothing goes wrong silently, and nothing is lost at the device."""
    chen = enrol_at(place.a, "chenmin")
    path = place.hub.data / "hub.key"
    old = path.read_bytes()
    hub_keys.rotate(path, PASSPHRASE, place.hub.clock)
    chen.sync()
    assert chen.engine._hub.version == 1
    place.hub.close()
    path.write_bytes(old)
    place.hub = chen.hub = Hub(place.url, place.hub.data, PASSPHRASE)
    chen.insert("market_entity", ENTITIES[0])
    with pytest.raises(HubRefused, match="设备已跟随到第 1 次更换"):
        chen.sync()
    assert chen.count("market_entity") == 1 and chen.statuses() == ["sealed"]
