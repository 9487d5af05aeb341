"""A first load by stick, in volumes: in any order, one missing, mixed with the network."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from server_stub.cli.shelf import FileShelf, volume_bytes
from shared.access import HUB_ACTOR
from shared.errors import InputError
from shared.fictitious import market_entities
from shared.store.facts import read_text
from shared.store.loading import new_file
from sync import package
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Direct, Enrol, at_device
from tests.fixtures.first_loads import ENTITIES, VOLUME, by_stick, equal, loaded, no_snapshots, taken
from tests.fixtures.hubs import DIVISION, Place


# --- by stick ----------------------------------------------------------------------
def test_volumes_may_come_in_any_order(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    assert len(volumes) >= 3 and all(len(v) <= VOLUME for v in volumes)
    for index in (len(volumes) - 1, *range(1, len(volumes) - 1), 0):
        assert not loaded(device)
        device.take(volumes[index])
    assert loaded(device)
    follower = no_snapshots(enrol_at(large.a, "liwei"))
    for one in (follower, device, follower, device):  # until the hub's notes about both seats are told too
        one.sync()
    equal(device, follower)


def test_a_missing_volume_is_named_and_the_load_waits_for_it(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    for volume in (*volumes[:1], *volumes[2:]):
        device.take(volume)
    state = device.engine.first_load.state()
    assert state is not None and state.missing_volumes == [2] and state.of == len(volumes)
    assert not loaded(device) and device.count("market_entity") == 0
    with device.store.read() as connection:
        assert read_text(connection, "complete_at") == ""
    device.take(volumes[1])
    assert loaded(device)


def test_a_volume_made_before_the_hub_was_restored_is_of_no_use_to_who_has_followed_it_since(
    large: Place, disaster: Disaster, enrol_at: Enrol
) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    disaster.back_up()
    disaster.restore([device])
    no_snapshots(device).sync()
    del device.engine.first_load.holding
    assert device.count("market_entity") == ENTITIES - 1
    assert not device.take(volumes[0]).loaded
    assert device.engine.first_load.state() is None
    device.engine.first_load.ask_anew()
    assert not device.take(volumes[0]).loaded
    assert device.engine.first_load.state() is None  # it would take this seat back behind the restore


def test_parts_that_an_older_copy_of_the_database_knows_nothing_of_are_taken_away(
    large: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    older = device.clone(tmp_path / "older")
    device.take(volumes[0])
    parts = new_file(device.folder / "client.db")
    assert parts.exists()
    older.close()
    for stays in (True, False):
        device.close()
        if not stays:
            shutil.copyfile(older.folder / "client.db", device.folder / "client.db")
        device = at_device(device.folder, device.keys, device.grant, device.actor, device.hub)
        assert parts.exists() is stays
    for volume in volumes:
        device.take(volume)
    assert loaded(device)


def test_a_volume_of_another_set_does_no_harm(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    early = by_stick(large.hub, device, VOLUME)
    with large.hub.store.unit(HUB_ACTOR) as unit:
        more = list(market_entities(120, DIVISION, 42))
        unit.insert(large.hub.store.types["market_entity"], more, way="exchange", proven=True)
    late = by_stick(large.hub, device, VOLUME)
    device.take(late[0])
    begun = device.engine.first_load.state()
    device.take(early[1])  # of an older snapshot: of no use
    assert device.engine.first_load.state() == begun
    for volume in late[1:]:
        device.take(volume)
    assert loaded(device) and device.count("market_entity") == ENTITIES - 1 + 120
    for again in (early[0], late[0], late[-1]):
        done = device.take(again)
        assert (done.loaded, done.changes) == (0, 0)
    assert loaded(device)


def test_some_volumes_by_stick_and_the_rest_by_network(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    device.take(volumes[1])
    state = device.engine.first_load.state()
    assert state is not None
    told: list[str] = []
    device.engine.sync(Direct(large.hub), lambda d, t, text: told.append(text))
    parts = taken(told)
    assert len(parts) == state.count - len(state.have) and loaded(device)


def test_each_volume_is_verifiable_alone_and_the_last_names_the_others(
    large: Place, enrol_at: Enrol
) -> None:
    device = enrol_at(large.a, "chenmin")
    volumes = by_stick(large.hub, device, VOLUME)
    trust = device.engine._hub.signer
    checked = [package.verify(io.BytesIO(v), trust) for v in volumes]
    assert [v.core.volume.index for v in checked] == list(range(1, len(volumes) + 1))
    assert len({v.core.volume.set_id for v in checked}) == 1
    assert checked[-1].trailer.earlier == tuple(v.fingerprint for v in checked[:-1])
    assert [v.trailer.volumes for v in checked] == [0] * (len(volumes) - 1) + [len(volumes)]
    assert {v.core.prereqs["volumes"] for v in checked} == {len(volumes)}




def test_the_size_of_a_volume_is_checked_as_typed() -> None:
    assert volume_bytes(0) <= package.MAX_VOLUME and volume_bytes(900) == 900_000_000
    for wrong in (1, 16, 4_000):
        with pytest.raises(InputError, match="分卷大小应在"):
            volume_bytes(wrong)


def test_volumes_get_their_names_when_all_are_written(
    large: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    device = enrol_at(large.a, "chenmin")
    shelf = FileShelf(tmp_path / "回件.yzp", VOLUME)
    large.hub.handle(io.BytesIO(device.export()), shelf.open(1), shelf)
    assert not list(tmp_path.glob("回件*.yzp"))
    written = shelf.finish()
    assert [p.name for p in written] == [f"回件-第{i}卷.yzp" for i in range(1, len(written) + 1)]
    for path in reversed(written):
        device.take(path.read_bytes())
    assert loaded(device)
