"""N6: an upgrade with unsynced data; hub and clients of two versions of the program exchange."""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server_stub.hub import Hub
from shared.access import HUB_ACTOR, Actor
from shared.changes import Run
from shared.clock import Clock
from shared.fictitious import market_entities
from shared.programs import Program
from shared.record import RecordType
from shared.store import migrate
from shared.store.facts import read_number
from shared.store.held import replay_held
from shared.store.journal import count_after
from shared.store.migrate import open_client_database
from shared.store.store import Store
from shared.types import catalog
from shared.upcasting import PROGRAM, SCHEMA, UPCASTERS
from sync import messages, package
from sync.entries import part
from sync.messages import ASK, Ask, Grant
from sync.trust import DeviceKeys
from tests.fixtures.devices import Enrol, at_device, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place
from tests.migration.make_fixture import FIXTURES, KEY, NAME, USCC
from tests.migration.make_pending_fixture import ACCEPTED, PENDING, SEALED

SHOP: dict[str, Any] = {"uscc": USCC, "name": NAME, "status": "1", "division": DIVISION}
ENTITY, TASK = catalog.by_name("market_entity"), catalog.by_name("task")
SHOP_ID = ENTITY.id_for_key(USCC)


def without(declared: RecordType, *names: str) -> RecordType:
    """A type as an older program knew it."""
    return replace(declared, fields=tuple(f for f in declared.fields if f.name not in names))


OLD = tuple(without(t, "phone", "street") if t is ENTITY else t for t in catalog.ALL if t is not TASK)
"""One type with two fields less, one type missing."""


def know(store: Store, types: Iterable[RecordType]) -> None:
    """The program with this catalogue works on the database."""
    known = list(types)
    store.types = {t.name: t for t in known}
    store.by_number = {t.number: t for t in known}


def speak(store: Store, types: Iterable[RecordType]) -> None:
    """The same at a client: at its start it takes in what was held."""
    know(store, types)
    replay_held(store)


def task(entity: str) -> dict[str, Any]:
    return {"title": "五月巡查", "source": "1", "entity_id": entity, "due_on": date(2026, 5, 20)}


def test_pending_changes_survive_the_upgrade_of_a_released_database(tmp_path: Path) -> None:
    """The frozen file of the first release: its chain, its numbers and its changes go on."""
    shutil.copyfile(FIXTURES / "client-0001.db", tmp_path / "client.db")
    store = Store(open_client_database(tmp_path / "client.db", KEY), catalog.ALL, Clock())
    with store.read() as connection:
        assert migrate.revision_of(connection) == migrate.HEAD != "0001"
        assert count_after(connection, 0) == 2
    assert value(store, "market_entity", SHOP_ID, "name") == NAME
    assert (tmp_path / "client.db.bak-0001").exists()
    store.close()


class FirstRelease:
    """What the first release's own code left: a hub, a device with unsent work, its stick on the way."""

    def __init__(self, folder: Path) -> None:
        (folder / "hub").mkdir()
        (folder / "hub.db").write_bytes(gzip.decompress((FIXTURES / "hub-0001.db.gz").read_bytes()))
        shutil.copyfile(FIXTURES / "hub-0001.key", folder / "hub" / "hub.key")
        shutil.copyfile(FIXTURES / "client-0001-pending.db", folder / "client.db")
        raw = (FIXTURES / "device-0001.keys").read_bytes()
        secret, granted = msgspec.msgpack.decode(raw, type=tuple[bytes, bytes])
        keys, grant = DeviceKeys.from_bytes(secret), messages.decode(granted, Grant)
        actor = Actor(grant.user, grant.person, grant.bureau, frozenset(grant.roles), frozenset([grant.bureau]))
        self.hub = Hub(f"sqlite:///{folder / 'hub.db'}", folder / "hub", PASSPHRASE)
        self.device = at_device(folder, keys, grant, actor, self.hub)
        self.stick = (FIXTURES / "package-0001.yzp").read_bytes()

    def everything(self) -> tuple[Any, Any]:
        """The entities with their addresses, at the hub and at the device."""
        at = [
            sorted((r["id"], r["name"], r["address"]) for r in rows(store, "market_entity"))
            for store in (self.hub.store, self.device.store)
        ]
        return at[0], at[1]


@pytest.fixture
def released(tmp_path: Path) -> Iterator[FirstRelease]:
    made = FirstRelease(tmp_path)
    yield made
    made.device.close(), made.hub.close()


def test_the_first_releases_unsent_work_is_there_after_the_upgrade(released: FirstRelease) -> None:
    """Ten accepted, twenty on a stick without a receipt, a hundred never sealed."""
    with released.device.store.read() as connection:
        assert migrate.revision_of(connection) == migrate.HEAD != "0001"
        assert count_after(connection, ACCEPTED + SEALED) == PENDING
    assert released.device.statuses() == ["applied", "sealed"]
    assert released.device.count("market_entity") == ACCEPTED + SEALED + PENDING // 2
    assert count(released.hub.store, "market_entity") == ACCEPTED


@pytest.mark.parametrize("first", ["stick", "network"])
def test_hub_and_device_are_upgraded_and_everything_unsent_arrives_once(
    released: FirstRelease, first: str
) -> None:
    device, hub = released.device, released.hub
    if first == "stick":
        handled, answer = handle(hub, released.stick)
        assert handled.intake.outcome == "applied" and count(hub.store, "market_entity") == ACCEPTED + SEALED
        assert [r["program"] for r in rows(hub.store, "seat_state")] == ["早期版本（数据结构 1）"]
        device.take(answer)
        assert device.statuses() == ["applied", "applied"]
        device.sync()
    else:
        device.sync()
        handled, answer = handle(hub, released.stick)
        assert handled.intake.outcome == "duplicate"
        device.take(answer)
    assert set(device.statuses()) == {"applied"} and device.conflicts() == []
    if first == "stick":
        assert [r["program"] for r in rows(hub.store, "seat_state")] == [Program(PROGRAM, SCHEMA).text]
    at_hub, here = released.everything()
    assert at_hub == here and len(here) == ACCEPTED + SEALED + PENDING // 2
    assert sum(address.startswith("驿西路") for _, _, address in here) >= PENDING // 2
    with device.store.read() as connection:
        assert read_number(connection, "receipted") == ACCEPTED + SEALED + PENDING


def test_a_newer_hub_takes_the_stick_of_an_older_client(place: Place, enrol_at: Enrol) -> None:
    """A hundred changes entered with the old program, exported by it, imported at the new hub."""
    a = enrol_at(place.a, "chenmin")
    a.sync()
    speak(a.store, OLD)
    for one in market_entities(100, DIVISION):
        a.insert("market_entity", {k: v for k, v in one.items() if k not in ("phone", "street")}, proven=True)
    handled, answer = handle(place.hub, a.export())
    assert handled.intake.outcome == "applied" and count(place.hub.store, "market_entity") == 100
    a.take(answer)
    assert set(a.statuses()) == {"applied"}


def test_ten_thousand_unsynced_changes_of_an_older_client_survive_its_upgrade(
    place: Place, enrol_at: Enrol
) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    a.sync()
    speak(a.store, OLD)
    entered = [
        {k: v for k, v in one.items() if k not in ("phone", "street")}
        for one in market_entities(10_000, DIVISION)
    ]
    a.insert("market_entity", *entered, proven=True)
    before = a.export()
    speak(a.store, catalog.ALL)  # upgraded before anything was sent
    assert a.export() != before
    a.sync(), b.sync()
    assert a.statuses() == ["applied"] and b.count("market_entity") == 10_000


def test_what_an_older_client_could_not_read_is_there_after_its_upgrade(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.a, "liwei")
    a.sync(), b.sync()
    speak(b.store, OLD)
    a.insert("market_entity", {**SHOP, "phone": "1", "address": "一号"})
    (made,) = a.insert("task", task(SHOP_ID))
    a.sync(), b.sync()
    assert b.value("market_entity", SHOP_ID, "address") == "一号"
    assert b.value("market_entity", SHOP_ID, "phone") is None and b.count("task") == 0
    a.update("market_entity", SHOP_ID, phone="2", address="二号")
    a.update("task", made, title="六月巡查")
    a.sync(), b.sync()
    b.update("market_entity", SHOP_ID, address="三号")  # pending over what was held
    speak(b.store, catalog.ALL)
    assert b.value("market_entity", SHOP_ID, "phone") == "2"
    assert b.value("market_entity", SHOP_ID, "address") == "三号"
    assert b.value("task", made, "title") == "六月巡查"
    with b.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM held_run").scalar() == 0
    b.sync(), a.sync()
    assert a.value("market_entity", SHOP_ID, "address") == "三号" and a.conflicts() == []


def test_a_newer_clients_set_waits_at_an_older_hub_and_comes_in_after_its_upgrade(
    place: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    a = enrol_at(place.a, "chenmin")
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(ENTITY, [SHOP], way="exchange")
    a.sync()
    old = Hub(place.url, tmp_path / "hub", PASSPHRASE, types=OLD)
    a.hub = old
    (made,) = a.insert("task", task(SHOP_ID))
    a.sync()
    a.update("task", made, title="六月巡查")  # builds on what waits
    a.sync()
    a.update("market_entity", SHOP_ID, address="一号")
    a.sync()
    assert a.statuses() == ["quarantined", "quarantined", "applied"]
    with a.store.read() as connection:
        (reason,) = connection.exec_driver_sql(
            "SELECT detail FROM change_set ORDER BY from_seq LIMIT 1"
        ).fetchone() or ("",)
    assert "尚不认识" in reason and "升级后自动入库" in reason
    old.close()
    new = Hub(place.url, tmp_path / "hub", PASSPHRASE)
    assert value(new.store, "task", made, "title") == "六月巡查"
    a.hub = new
    a.sync()
    assert value(new.store, "market_entity", SHOP_ID, "address") == "一号"
    again = Hub(place.url, tmp_path / "hub", PASSPHRASE)
    assert count(again.store, "task") == 1
    again.close(), new.close()


def test_what_an_older_version_wrote_is_read_in_the_words_of_the_new_one(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 2 of the type keeps the street apart; version 1 wrote it at the head of the address."""
    newer = replace(ENTITY, schema_version=2)
    street, address = ENTITY.by_name["street"].number, ENTITY.by_name["address"].number

    def split(run: Run) -> Run:
        if address not in run.fields or street in run.fields:
            return run
        column = run.columns[run.fields.index(address)]
        streets = [None if v is None else str(v).split("街道")[0] + "街道" for v in column]
        bases = [*run.bases, run.bases[run.fields.index(address)]] if run.bases else []
        return msgspec.structs.replace(
            run, fields=[*run.fields, street], columns=[*run.columns, streets], bases=bases
        )

    monkeypatch.setitem(UPCASTERS, ("market_entity", 1), split)
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    new = [newer if t is ENTITY else t for t in catalog.ALL]
    know(place.hub.store, new)
    speak(b.store, new)
    a.insert("market_entity", {**SHOP, "address": "友谊路街道驿东路18号"})
    a.sync(), b.sync()
    assert value(place.hub.store, "market_entity", SHOP_ID, "street") == "友谊路街道"
    assert b.value("market_entity", SHOP_ID, "street") == "友谊路街道"
    a.update("market_entity", SHOP_ID, address="庙行街道1号")
    a.sync(), b.sync()
    assert a.statuses()[-1] == "applied" and b.value("market_entity", SHOP_ID, "street") == "庙行街道"


def test_a_device_says_which_program_it_is(place: Place, enrol_at: Enrol) -> None:
    a, keys = enrol_at(place.a, "chenmin"), place.hub.keys
    sealed = io.BytesIO(a.export())
    opened = package.open_package(sealed, place.hub.signer, {keys.seal.kid: keys.seal}, keys.hub_id)
    (told,) = [e for e in opened.entries() if e.kind == ASK]
    ask = messages.decode(part(told, "ask"), Ask)
    assert ask.program and ask.schema == SCHEMA
