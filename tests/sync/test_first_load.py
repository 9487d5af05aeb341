"""The first load of a large scope: a snapshot in parts over the network, on both hubs; and what may go wrong."""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import replace

import pytest

from shared.access import HUB_ACTOR
from shared.errors import Cancelled, DiskFull, PackageTampered
from shared.fictitious import market_entities
from shared.store.facts import read_text
from shared.store.loading import new_file, under_way
from shared.store.migrate import HEAD
from shared.store.swapping import DamagedLoad
from sync import signing
from sync.entries import Entry
from sync.first_load import Head, read_part
from sync.http import HttpCarrier
from tests.fixtures.devices import Direct, Enrol, at_device, quiet, rows
from tests.fixtures.first_loads import ENTITIES, SMALL, by_stick, equal, loaded, no_snapshots, taken
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.wires import bad_line


# --- by network ------------------------------------------------------------------
def test_a_new_device_gets_a_snapshot_and_is_equal_to_one_that_followed(
    large: Place, enrol_at: Enrol
) -> None:
    follower = no_snapshots(enrol_at(large.a, "liwei"))
    follower.sync()
    device = enrol_at(large.a, "chenmin")
    said: list[str] = []
    done = device.engine.sync(Direct(large.hub), lambda d, t, text: said.append(text))
    assert loaded(device) and done.received.loaded > ENTITIES
    assert device.count("market_entity") == ENTITIES - 1
    follower.sync()
    device.sync()
    equal(device, follower)
    parts = taken(said)
    assert parts[0] == f"装载首批数据 第 1/{len(parts)} 部分"
    assert parts[-1] == f"装载首批数据 第 {len(parts)}/{len(parts)} 部分"


def test_streams_go_on_from_the_snapshot(large: Place, enrol_at: Enrol) -> None:
    device, other = enrol_at(large.a, "chenmin"), enrol_at(large.b, "laozhou")
    device.sync()
    other.sync()
    assert loaded(device) and loaded(other)
    (entity,) = other.insert("market_entity", next(market_entities(1, DIVISION, 99)))
    first = rows(other.store, "market_entity")[0]["id"]
    other.update("market_entity", first, legal_person="岑初溪")
    other.sync()
    done = device.sync()
    assert done.received.loaded == 0
    assert device.value("market_entity", entity, "name")
    assert device.value("market_entity", first, "legal_person") == "岑初溪"
    device.update("market_entity", entity, phone="021-00000000")
    device.sync()
    assert device.statuses() == ["applied"]


def test_built_once_for_a_scope_and_again_when_the_streams_went_on(large: Place, enrol_at: Enrol) -> None:
    folder = large.hub.data / "snapshots"
    enrol_at(large.a, "chenmin").sync()
    enrol_at(large.a, "liwei").sync()
    assert len(list(folder.glob("*.db"))) == 1
    assert all(path.stat().st_mode & 0o77 == 0 for path in (folder, *folder.iterdir()))
    with large.hub.store.unit(HUB_ACTOR) as unit:
        more = list(market_entities(120, DIVISION, 42))
        unit.insert(large.hub.store.types["market_entity"], more, way="exchange", proven=True)
    late = enrol_at(large.a, "wangfang")
    late.sync()
    assert len(list(folder.glob("*.db"))) == 2
    assert loaded(late) and late.count("market_entity") == ENTITIES - 1 + 120


def test_a_device_of_an_older_program_gets_streams(large: Place, enrol_at: Enrol) -> None:
    device = no_snapshots(enrol_at(large.a, "chenmin"))
    assert device.sync().received.loaded == 0
    assert device.count("market_entity") == ENTITIES - 1
    assert not (large.hub.data / "snapshots").exists()


def test_a_small_scope_gets_streams(place: Place, enrol_at: Enrol) -> None:
    device = enrol_at(place.a, "chenmin")
    assert device.sync().received.loaded == 0
    assert not (place.hub.data / "snapshots").exists()


def test_while_the_hub_prepares_it_the_device_waits_and_asks_again(large: Place, enrol_at: Enrol) -> None:
    large.hub.snapshots.patience = 0.0
    device = enrol_at(large.a, "chenmin")
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        for thread in large.hub.snapshots._building.values():
            thread.join()

    device.engine.wait = wait
    said: list[str] = []
    device.engine.sync(Direct(large.hub), lambda d, t, text: said.append(text))
    assert loaded(device)
    assert waited and any(text.startswith("中心正在准备首批数据") for text in said)


def test_a_bad_line_is_resumed_at_the_byte_and_parts_are_kept(
    large: Place, enrol_at: Enrol
) -> None:
    device = enrol_at(large.a, "chenmin")
    with (
        serving(large.hub) as address,
        bad_line(address) as line,
        contextlib.closing(HttpCarrier(line.url, wait=lambda _: None)) as carrier,
    ):
        line.down = 20_000
        device.engine.sync(carrier, quiet)
    assert line.cuts > 2
    assert loaded(device) and device.count("market_entity") == ENTITIES - 1


def test_a_restart_in_the_middle_goes_on_with_what_is_there(
    large: Place, enrol_at: Enrol
) -> None:
    device = enrol_at(large.a, "chenmin")
    seen = 0

    def impatient(done: int, total: int, text: str) -> None:
        nonlocal seen
        seen += bool(taken([text]))
        if seen == 2:
            raise Cancelled("已取消。")

    with pytest.raises(Cancelled):
        device.engine.sync(Direct(large.hub), impatient)
    with device.store.read() as connection:
        state = under_way(connection)
    assert state is not None and len(state.have) == 2 and not state.whole
    assert "上海".encode() not in new_file(device.folder / "client.db").read_bytes()
    device.insert("market_entity", next(market_entities(1, DIVISION, 77)))  # work goes on meanwhile
    device.store.close()
    again = at_device(device.folder, device.keys, device.grant, device.actor, device.hub)
    told: list[str] = []
    again.engine.sync(Direct(large.hub), lambda d, t, text: told.append(text))
    assert loaded(again) and again.count("market_entity") == ENTITIES
    parts = taken(told)
    assert parts[0].startswith("装载首批数据 第 3/") and len(parts) == state.count - 2
    again.store.close()


def test_a_swept_snapshot_is_begun_anew(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    holding = device.engine.first_load

    def twice(done: int, total: int, text: str) -> None:
        if taken([text]) and "第 2/" in text:
            raise Cancelled("已取消。")

    with pytest.raises(Cancelled):
        device.engine.sync(Direct(large.hub), twice)
    first = holding.state()
    for path in (large.hub.data / "snapshots").iterdir():
        path.unlink()
    device.sync()
    assert first is not None and loaded(device)
    with device.store.read() as connection:
        assert read_text(connection, "first_load_in") != first.id
    assert device.count("market_entity") == ENTITIES - 1



# --- what may go wrong ---
def test_a_damaged_file_is_noticed_and_loaded_again(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")

    def spoil(done: int, total: int, text: str) -> None:
        if text == "正在核对首批数据":
            with new_file(device.folder / "client.db").open("r+b") as file:
                file.seek(5 * 4096 + 100)
                file.write(b"spoiled")

    with pytest.raises(DamagedLoad):
        device.engine.sync(Direct(large.hub), spoil)
    assert device.count("market_entity") == 0 and not new_file(device.folder / "client.db").exists()
    device.sync()
    assert loaded(device)


def test_a_full_disk_is_said_before_anything_is_written(
    large: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = enrol_at(large.a, "chenmin")
    usage = shutil.disk_usage(device.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    with pytest.raises(DiskFull, match="首批数据需要"):
        device.sync()
    monkeypatch.undo()
    device.sync()
    assert loaded(device)


def test_parts_that_are_not_what_the_hub_signed_are_refused(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    (volume,) = by_stick(large.hub, device, 1 << 30)
    opened = device.engine.open(io.BytesIO(volume))
    hub = device.engine._hub
    one = next(e for e in opened.entries() if e.kind == "snapshot")
    read_part(one, hub)
    other = signing.SigningKey.generate()
    forged = [
        Entry(one.kind, one.meta, bytes([one.data[0] ^ 1]) + bytes(one.data[1:])),
        Entry(one.kind, {**one.meta, "part": one.meta["part"] + 1}, one.data),
        Entry(one.kind, {**one.meta, "part": 10_000}, one.data),
        Entry(one.kind, {**one.meta, "part": "0"}, one.data),
        Entry(one.kind, one.meta, one.data[:-4096]),
        Entry(one.kind, {**one.meta, "head": _signed_by(other, one.meta["head"])}, one.data),
    ]
    for entry in forged:
        with pytest.raises(PackageTampered):
            read_part(entry, hub)
    with pytest.raises(PackageTampered):
        read_part(one, replace(hub, hub_id="f" * 32))


def _signed_by(key: signing.SigningKey, envelope: bytes) -> bytes:
    payload = signing.Envelope.decode(envelope).payload
    return signing.sign(key, signing.SNAPSHOT, payload).encode()


def test_nothing_of_another_scope_is_inside(large: Place, enrol_at: Enrol) -> None:
    with large.hub.store.unit(HUB_ACTOR) as unit:
        types = large.hub.store.types
        unit.insert(
            types["supervision"], [{"entity_name": "乙局的", "source_bureau": large.b}],
            way="exchange", proven=True, provenance={"source_bureau": large.b},
        )  # fmt: skip
    mine, theirs = enrol_at(large.a, "chenmin"), enrol_at(large.b, "laozhou")
    mine.sync()
    theirs.sync()
    assert loaded(mine) and loaded(theirs)
    assert (mine.count("supervision"), theirs.count("supervision")) == (0, 1)
    assert {row["division"] for row in rows(mine.store, "market_entity")} == {DIVISION}
    for path in (large.hub.data / "snapshots").glob("*.db"):
        if "乙局的".encode() in path.read_bytes():
            break
    else:
        raise AssertionError("the other bureau's snapshot should hold it")


def test_a_hub_that_cannot_build_one_sends_streams(large: Place, enrol_at: Enrol) -> None:
    (large.hub.data / "snapshots").write_text("in the way")
    device = enrol_at(large.a, "chenmin")
    assert device.sync().received.loaded == 0
    assert device.count("market_entity") == ENTITIES - 1


def test_the_head_says_what_is_inside(large: Place) -> None:
    kept = large.hub.snapshots.build(["common", f"division:{DIVISION}"])
    head: Head = kept.head
    assert head.schema == HEAD and head.hub_id == large.hub.keys.hub_id and head.epoch == large.hub.epoch
    assert head.count == len(kept.packed) == -(-head.pages // SMALL)
    assert sum(head.size_of(n) for n in range(head.count)) == kept.path.stat().st_size
