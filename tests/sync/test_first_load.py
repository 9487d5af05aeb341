"""The first load of a large scope: a snapshot in parts, by network and by stick, on both hubs."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest

from server_stub.cli.shelf import FileShelf, volume_bytes
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.changes import SEQ_BITS, SEQ_MASK
from shared.errors import Cancelled, DiskFull, InputError, PackageTampered, StoreError
from shared.fictitious import market_entities
from shared.store import audit, sql, swapping
from shared.store.exchange import attempts, cursors
from shared.store.facts import read_text
from shared.store.loading import new_file, under_way
from shared.store.migrate import HEAD
from shared.store.references import Origins
from shared.store.search import phrase
from shared.store.store import Store
from shared.store.swapping import DamagedLoad, set_aside
from sync import loading, package, signing
from sync.entries import Entry
from sync.first_load import Head, read_part
from sync.http import HttpCarrier
from tests.fixtures.devices import Device, Direct, Enrol, at_device, quiet, rows
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.wires import bad_line

ENTITIES = 400
SMALL = 24
"""Pages of a part in these tests: 96 KiB."""


def small_parts(hub: Hub) -> Hub:
    """Let the hub offer snapshots of what is here, in parts small enough to be many."""
    hub.snapshots.large = 100
    hub.snapshots.part_pages = SMALL
    return hub


@pytest.fixture
def large(place: Place) -> Place:
    """A hub with some history: entities entered, edited, deleted."""
    store = small_parts(place.hub).store
    declared = store.types["market_entity"]
    with store.unit(HUB_ACTOR) as unit:
        ids = unit.insert(
            declared, list(market_entities(ENTITIES, DIVISION)), way="exchange", proven=True
        )
        # a bureau of another division does not get this one
        unit.insert(declared, list(market_entities(3, "310114", 5)), way="exchange", proven=True)
    with store.unit(HUB_ACTOR) as unit:
        unit.update_many(declared, [(i, {"address": f"驿西路{n}号"}) for n, i in enumerate(ids[:40])])
    with store.unit(HUB_ACTOR) as unit:
        unit.delete(declared, ids[7], "注销")
    return place


class Shelf:
    """Volumes beside each other in memory."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.first = io.BytesIO()
        self.more: list[io.BytesIO] = []

    def open(self, index: int) -> BinaryIO:
        assert index == len(self.more) + 2
        self.more.append(io.BytesIO())
        return self.more[-1]

    @property
    def volumes(self) -> list[bytes]:
        return [one.getvalue() for one in (self.first, *self.more)]


def by_stick(hub: Hub, device: Device, limit: int) -> list[bytes]:
    """What ``yizhan-hub import --volume-size`` does."""
    shelf = Shelf(limit)
    hub.handle(io.BytesIO(device.export()), shelf.first, shelf)
    return shelf.volumes


def no_snapshots(device: Device) -> Device:
    """A device whose program knows no first loads."""
    device.engine.first_load.holding = lambda: None  # type: ignore[assignment, method-assign]
    return device


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Everything present that two devices of a bureau should share; each learns of its own seat with its answer."""
    return {
        name: sorted(rows(store, name), key=lambda r: r["id"])
        for name in store.types if name not in ("exchange", "device", "user", "seat_state")
    }  # fmt: skip


def writers(store: Store) -> dict[tuple[str, str], tuple[str, int, int]]:
    """Who set each value that stands: device, incarnation, number."""
    declared = store.types["market_entity"]
    out = {}
    with store.unit(HUB_ACTOR) as unit:
        origins = Origins(unit.connection)
        ids = [row["id"] for row in rows(store, "market_entity")]
        for record_id, state in unit.load(declared, ids).items():
            for field in declared.fields:
                if state.values[field.name] is not None:
                    reference = state.writer(field.number)
                    out[record_id, field.name] = (
                        *origins.name(reference >> SEQ_BITS), reference & SEQ_MASK
                    )  # fmt: skip
    return out


def found(device: Device, words: str) -> list[str]:
    """Names a search finds."""
    with device.store.read() as connection:
        names = connection.exec_driver_sql(
            "SELECT t.name FROM search_market_entity s JOIN market_entity t ON t.rid = s.rowid"
            " WHERE search_market_entity MATCH ? ORDER BY 1",
            (phrase(words),),
        )
        return [name for (name,) in names]


def equal(one: Device, other: Device) -> None:
    """Content, writers, positions, search."""
    assert content(one.store) == content(other.store)
    assert writers(one.store) == writers(other.store)
    for words in ("公司", "餐饮", "gs"):
        assert found(one, words) == found(other, words)
    with one.store.read() as a, other.store.read() as b:
        assert cursors(a) == cursors(b)
        assert a.exec_driver_sql("SELECT count(*) FROM shadow").scalar() == 0


def loaded(device: Device) -> bool:
    """Whether a snapshot was swapped in and nothing of it is left lying about."""
    path = device.folder / "client.db"
    with device.store.read() as connection:
        if under_way(connection) is not None:
            return False
        return bool(read_text(connection, "first_load_in")) and not (
            new_file(path).exists() or set_aside(path).exists()
        )


def taken(said: list[str]) -> list[str]:
    """What was said about parts as they were put away."""
    return [text for text in said if text.startswith("装载首批数据 第 ") and "：" not in text]


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


# --- pending changes ---------------------------------------------------------------
def with_pending(large: Place, enrol_at: Enrol) -> tuple[Device, Device, dict[str, str]]:
    """A device that has followed the streams, works offline while others go on, and must load anew."""
    device, other = no_snapshots(enrol_at(large.a, "chenmin")), enrol_at(large.b, "laozhou")
    device.sync()
    other.sync()
    ids = [row["id"] for row in rows(device.store, "market_entity")][50:56]
    who = dict(zip(("mine", "both", "gone", "deleted", "still"), ids, strict=False))
    device.update("market_entity", who["mine"], phone="021-11111111")
    device.update("market_entity", who["both"], legal_person="陈敏改的", phone="021-22222222")
    device.update("market_entity", who["gone"], address="陈敏改的地址")
    device.delete("market_entity", who["deleted"])
    (who["new"],) = device.insert("market_entity", next(market_entities(1, DIVISION, 99)))
    other.update("market_entity", who["both"], legal_person="老周改的", address="老周改的地址")
    other.delete("market_entity", who["gone"])
    other.sync()
    del device.engine.first_load.holding  # type: ignore[attr-defined]
    with device.store.write() as connection:
        sql.execute(connection, "DELETE FROM stream_cursor")
    return device, other, who


def test_pending_changes_stand_over_the_snapshot_until_their_receipt(
    large: Place, enrol_at: Enrol
) -> None:
    device, _, who = with_pending(large, enrol_at)
    shelf = Shelf(1 << 30)
    large.hub.handle(io.BytesIO(device.asking()), shelf.first, shelf)
    device.take(shelf.volumes[0])
    assert loaded(device)

    def shown(record: str, field: str) -> Any:
        return device.value("market_entity", who[record], field)

    assert shown("mine", "phone") == "021-11111111"
    assert shown("both", "legal_person") == "陈敏改的" and shown("both", "address") == "老周改的地址"
    assert shown("gone", "address") == "陈敏改的地址"  # ours stays on screen until the hub has decided
    assert shown("deleted", "name") is None
    assert shown("new", "name") is not None
    with device.store.read() as connection:
        waiting = dict(
            connection.exec_driver_sql(
                "SELECT field, value FROM shadow WHERE record_id = ?", (who["both"],)
            ).fetchall()
        )
    declared = device.store.types["market_entity"]
    number = declared.by_name["legal_person"].number
    assert msgspec.msgpack.decode(waiting[number]) == "老周改的"
    name = next(r["name"] for r in rows(device.store, "market_entity") if r["id"] == who["new"])
    assert name in found(device, name)


def test_pending_changes_reach_the_hub_and_all_ends_equal(large: Place, enrol_at: Enrol) -> None:
    device, other, who = with_pending(large, enrol_at)
    done = device.sync()
    assert done.received.loaded and loaded(device)
    assert device.statuses() == ["conflicted"]
    for one in (other, device, other, device):
        one.sync()
    follower = no_snapshots(enrol_at(large.a, "liwei"))
    follower.sync()
    device.sync()
    equal(device, follower)
    assert device.value("market_entity", who["both"], "legal_person") == "老周改的"
    assert device.value("market_entity", who["both"], "phone") == "021-22222222"
    assert device.value("market_entity", who["gone"], "address") is None
    assert device.value("market_entity", who["new"], "name") is not None
    assert {c["record_id"] for c in device.conflicts()} >= {who["both"], who["gone"]}


def test_what_is_entered_while_parts_arrive_is_kept(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    entered: list[str] = []

    def busy(done: int, total: int, text: str) -> None:
        if taken([text]) and len(entered) < 3:
            row = next(market_entities(1, DIVISION, 60 + len(entered)))
            entered.extend(device.insert("market_entity", row))

    device.engine.sync(Direct(large.hub), busy)
    assert loaded(device) and len(entered) == 3
    device.sync()
    assert all(device.value("market_entity", one, "name") for one in entered)
    assert set(device.statuses()) == {"applied"}
    assert device.count("market_entity") == ENTITIES - 1 + 3


def test_own_things_of_the_installation_come_over(large: Place, enrol_at: Enrol) -> None:
    device = enrol_at(large.a, "chenmin")
    with device.store.write() as connection:
        audit.note(connection, device.store.clock.stamp(), device.actor.user, "verify", "1")
        sql.execute(
            connection,
            "INSERT INTO draft (id, type, user, title, raw, updated_at)"
            " VALUES ('d', 'permit', 'u', 't', '{}', '')",
        )
    before = device.store.identity()
    device.sync()
    assert loaded(device) and device.store.identity() == before
    with device.store.read() as connection:
        assert audit.check(connection).whole and audit.latest(connection)
        assert connection.exec_driver_sql("SELECT title FROM draft").scalar() == "t"
        assert attempts(connection)


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


# --- what may go wrong -------------------------------------------------------------
STEPS = ("copied", "aside", "renamed", "laid", "removed")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_of_the_swap_nothing_is_lost(
    large: Place, enrol_at: Enrol, step: str
) -> None:
    device, _, who = with_pending(large, enrol_at)
    volumes = by_stick(large.hub, device, 1 << 30)
    device.store.database.close()
    child = os.fork()
    if not child:  # dies in the middle, as in a power cut
        with contextlib.suppress(BaseException):
            _die_at(step)
            for volume in volumes:
                device.take(volume)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    device.store.close()
    again = at_device(device.folder, device.keys, device.grant, device.actor, device.hub)
    assert again.value("market_entity", who["mine"], "phone") == "021-11111111"
    assert again.value("market_entity", who["both"], "phone") == "021-22222222"
    assert again.value("market_entity", who["new"], "name")
    again.sync()
    assert loaded(again)
    again.sync()
    assert again.statuses() == ["conflicted"]
    assert again.value("market_entity", who["mine"], "phone") == "021-11111111"
    assert again.value("market_entity", who["both"], "legal_person") == "老周改的"
    again.store.close()


def _die_at(step: str) -> None:
    real = swapping.swap_in

    def dying(*arguments: Any) -> None:
        real(*arguments, step=lambda reached: os._exit(9) if reached == step else None)

    loading.swap_in = dying  # type: ignore[assignment]


def test_a_rename_that_fails_leaves_the_old_database_in_use(
    large: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _, who = with_pending(large, enrol_at)
    real = os.replace

    def refusing(source: Any, target: Any) -> None:
        if str(source).endswith(".new"):
            raise PermissionError(13, "in use")
        real(source, target)

    monkeypatch.setattr(swapping.os, "replace", refusing)
    with pytest.raises(StoreError, match="暂时不能启用"):
        device.sync()
    monkeypatch.undo()
    device.update("market_entity", who["mine"], phone="021-33333333")  # between: nothing may be lost
    device.sync()
    assert loaded(device)
    device.sync()
    assert device.value("market_entity", who["mine"], "phone") == "021-33333333"


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


VOLUME = (1 << 20) + 40_000


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
