"""A first load comes in under somebody who works: own changes are kept, whatever breaks off in between."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.errors import StoreError
from shared.fictitious import market_entities
from shared.store import audit, sql, swapping
from shared.store.catching import UNSEEN
from shared.store.exchange import attempts
from shared.store.facts import read_fact
from sync import loading
from sync.loading import load_words
from tests.fixtures.devices import Device, Direct, Enrol, at_device, handle, rows
from tests.fixtures.first_loads import (
    ENTITIES,
    VOLUME,
    Shelf,
    by_stick,
    equal,
    found,
    loaded,
    no_snapshots,
    taken,
    with_pending,
)
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_scope import hub_update


# --- pending changes ---------------------------------------------------------------
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


def test_what_has_left_before_the_snapshot_goes_when_the_hub_has_decided_about_what_was_pending(
    large: Place, enrol_at: Enrol
) -> None:
    """The stream that says it left is not told any more: its past is in the snapshot."""
    device = no_snapshots(enrol_at(large.a, "chenmin"))
    device.sync()
    first, second = (r["id"] for r in rows(device.store, "market_entity")[:2])
    device.update("market_entity", first, address="改到一半")
    with large.hub.store.unit(HUB_ACTOR) as unit:
        declared = large.hub.store.types["market_entity"]
        unit.update_many(declared, [(i, {"division": "310112"}) for i in (first, second)], proven=True)
    del device.engine.first_load.holding
    with device.store.write() as connection:
        sql.execute(connection, "DELETE FROM stream_cursor")
    while not loaded(device):
        device.take(_answer_alone(large, device))
    assert device.value("market_entity", first, "address") == "改到一半"  # the hub has not heard of it (N7)
    assert device.value("market_entity", second, "address") is None
    device.sync()
    assert device.statuses() == ["quarantined"]
    assert device.value("market_entity", first, "address") is None
    with device.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM doubtful").scalar() == 0


def _answer_alone(place: Place, device: Device) -> bytes:
    """What the hub has for a device that sends nothing of its own."""
    shelf = Shelf(1 << 30)
    place.hub.handle(io.BytesIO(device.asking()), shelf.first, shelf)
    (volume,) = shelf.volumes
    return volume


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


def test_a_disk_full_while_own_changes_are_laid_over_it_leaves_the_old_one_in_use(
    large: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _, who = with_pending(large, enrol_at)
    shelf = Shelf(1 << 30)
    large.hub.handle(io.BytesIO(device.asking()), shelf.first, shelf)
    real = sql.executemany

    def full(connection: Any, statement: str, *others: Any) -> None:
        if statement.startswith('UPDATE "market_entity"'):
            raise sa.exc.OperationalError(statement, (), sqlite3.OperationalError("database or disk is full"))
        real(connection, statement, *others)

    monkeypatch.setattr(sql, "executemany", full)
    with pytest.raises(StoreError, match="磁盘"):
        device.take(shelf.volumes[0])
    monkeypatch.undo()
    assert device.value("market_entity", who["mine"], "phone") == "021-11111111"
    assert device.value("market_entity", who["new"], "name")
    device.update("market_entity", who["mine"], phone="021-33333333")
    device.sync()  # there is room again
    assert loaded(device)
    device.store.close()
    again = at_device(device.folder, device.keys, device.grant, device.actor, device.hub)
    assert again.value("market_entity", who["mine"], "phone") == "021-33333333"
    assert again.value("market_entity", who["new"], "name")
    again.store.close()


# --- own changes the hub signs for while it comes in ------------------------------------
class Watch:
    """Looks at fields whenever something is told: what people see while a synchronization runs."""

    def __init__(self, device: Device, fields: dict[str, str]) -> None:
        self.device, self.fields = device, fields
        self.seen: dict[str, list[Any]] = {record: [] for record in fields}

    def __call__(self, done: int, total: int, text: str) -> None:
        for record, field in self.fields.items():
            value = self.device.value("market_entity", record, field)
            if self.seen[record][-1:] != [value]:
                self.seen[record].append(value)


def test_own_edits_signed_for_while_parts_come_never_go_back_on_screen(
    large: Place, enrol_at: Enrol
) -> None:
    device, other = no_snapshots(enrol_at(large.a, "chenmin")), enrol_at(large.b, "laozhou")
    device.sync()
    other.sync()
    del device.engine.first_load.holding  # type: ignore[attr-defined]
    ids = [row["id"] for row in rows(device.store, "market_entity")][100:102]
    before = device.value("market_entity", ids[0], "phone")
    device.engine.first_load.ask_anew()
    watch, made, parts = Watch(device, {ids[0]: "phone", ids[1]: "legal_person"}), [], 0

    def busy(done: int, total: int, text: str) -> None:
        nonlocal parts
        watch(done, total, text)
        if not taken([text]):
            return
        parts += 1
        if parts == 1:
            device.update("market_entity", ids[0], phone="021-1")
            other.update("market_entity", ids[1], legal_person="老周先到")
            other.sync()
            device.update("market_entity", ids[1], legal_person="陈敏后到")
            made.extend(device.insert("market_entity", next(market_entities(1, DIVISION, 88))))
            device.update("market_entity", made[0], phone="021-8")
            watch.fields[made[0]], watch.seen[made[0]] = "phone", []
        if parts == 4:
            device.update("market_entity", ids[0], phone="021-2")
            device.update("market_entity", made[0], phone="021-9")

    done = device.engine.sync(Direct(large.hub), busy)
    watch(0, 0, "")
    assert loaded(device) and done.received.loaded and parts > 6
    assert watch.seen[ids[0]] == [before, "021-1", "021-2"]
    assert watch.seen[made[0]] == ["021-8", "021-9"]
    assert watch.seen[ids[1]][-2:] == ["陈敏后到", "老周先到"]  # what the hub decided, once, at the end
    with device.store.read() as connection:
        assert read_fact(connection, UNSEEN) is None
        assert connection.exec_driver_sql("SELECT count(*) FROM shadow").scalar() == 0
    follower = no_snapshots(enrol_at(large.a, "liwei"))
    for one in (device, follower, device, follower):
        one.sync()
    equal(device, follower)


def test_by_stick_too_own_edits_signed_for_since_stand_at_once(large: Place, enrol_at: Enrol) -> None:
    device = no_snapshots(enrol_at(large.a, "chenmin"))
    device.sync()
    del device.engine.first_load.holding  # type: ignore[attr-defined]
    one = rows(device.store, "market_entity")[100]["id"]
    device.engine.first_load.ask_anew()
    volumes = by_stick(large.hub, device, VOLUME)
    for volume in volumes[:-1]:
        device.take(volume)
    device.update("market_entity", one, phone="021-5")
    follows = device.engine.first_load.holding
    no_snapshots(device).sync()  # meanwhile the hub signs for it
    device.engine.first_load.holding = follows  # type: ignore[method-assign]
    assert device.statuses() == ["applied"] and not loaded(device)
    device.take(volumes[-1])
    assert loaded(device) and device.value("market_entity", one, "phone") == "021-5"
    assert not device.engine.first_load.wanted_anew()
    device.sync()
    assert device.value("market_entity", one, "phone") == "021-5"


# --- everything once more -----------------------------------------------------------------
def doubtful(place: Place, enrol_at: Enrol) -> tuple[Device, str, str]:
    """A device whose rows are not what the hub has sent, with something pending."""
    device = enrol_at(place.a, "chenmin")
    with place.hub.store.unit(HUB_ACTOR) as unit:
        declared = place.hub.store.types["market_entity"]
        unit.insert(declared, list(market_entities(30, DIVISION)), way="exchange", proven=True)
    device.sync()
    spoiled, mine = [row["id"] for row in rows(device.store, "market_entity")][:2]
    with device.store.write() as connection:
        sql.execute(connection, "UPDATE market_entity SET name = '被改坏的名称' WHERE id = ?", (spoiled,))
        sql.execute(connection, "DELETE FROM market_entity WHERE rid > 20")
    device.update("market_entity", mine, phone="021-77777777")
    device.sync()
    device.update("market_entity", mine, phone="021-88888888")
    return device, spoiled, mine


def test_loading_anew_mends_what_is_doubtful_and_keeps_what_is_pending(place: Place, enrol_at: Enrol) -> None:
    device, spoiled, mine = doubtful(place, enrol_at)
    assert device.count("market_entity") == 20
    device.engine.first_load.ask_anew()
    assert "重新装载" in load_words(device.store)
    assert device.value("market_entity", spoiled, "name") == "被改坏的名称"  # until all is here nothing changes
    done = device.sync()
    assert done.received.loaded and loaded(device)  # however small the scope is
    assert device.count("market_entity") == 30 and load_words(device.store) == ""
    assert device.value("market_entity", spoiled, "name") != "被改坏的名称"
    assert device.value("market_entity", mine, "phone") == "021-88888888"
    again = device.sync()
    assert again.received.loaded == 0 and device.value("market_entity", mine, "phone") == "021-88888888"
    assert set(device.statuses()) == {"applied"}


def test_loading_anew_takes_the_same_kept_snapshot_again_but_none_that_goes_back(
    large: Place, enrol_at: Enrol
) -> None:
    device = enrol_at(large.a, "chenmin")
    device.sync()
    folder = large.hub.data / "snapshots"
    (kept,) = folder.glob("*.db")
    device.engine.first_load.ask_anew()
    (old,) = by_stick(large.hub, device, 1 << 30)
    assert device.sync().received.loaded and list(folder.glob("*.db")) == [kept]
    entity = rows(device.store, "market_entity")[0]["id"]
    device.update("market_entity", entity, phone="021-6")
    device.sync()
    device.sync()
    device.engine.first_load.ask_anew()
    assert device.take(old).loaded == 0 and device.engine.first_load.state() is None  # it would go back
    assert device.sync().received.loaded and len(list(folder.glob("*.db"))) == 2
    assert device.value("market_entity", entity, "phone") == "021-6"


# --- records that leave the scope meanwhile ---------------------------------------------
def test_what_had_left_and_is_back_in_the_snapshot_stays(large: Place, enrol_at: Enrol) -> None:
    device = no_snapshots(enrol_at(large.a, "chenmin"))
    device.sync()
    record = rows(device.store, "market_entity")[0]["id"]
    device.update("market_entity", record, address="改到一半")
    hub_update(large, "market_entity", record, division="330106")
    device.take(handle(large.hub, device.export_only())[1])  # hears that it left, and keeps it for its edit
    hub_update(large, "market_entity", record, division=DIVISION)
    del device.engine.first_load.holding
    device.engine.first_load.ask_anew()
    shelf = Shelf(1 << 30)
    large.hub.handle(io.BytesIO(device.asking()), shelf.first, shelf)
    device.take(shelf.volumes[0])
    assert loaded(device)
    device.sync()
    assert device.statuses() == ["applied"]
    (mine,) = (r for r in rows(device.store, "market_entity") if r["id"] == record)
    assert mine in rows(large.hub.store, "market_entity") and mine["address"] == "改到一半"
