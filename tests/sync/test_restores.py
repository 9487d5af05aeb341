"""Restores beyond the ordinary one: twice, over ruins, with held sets, on a full disk, with much in doubt."""

from __future__ import annotations

import contextlib
import errno
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server_stub import backup
from server_stub.hub import Hub
from shared.errors import BadAnswer, DiskFull, StoreError
from shared.fictitious import market_entities
from shared.store import rewinding, sql
from shared.store.facts import read_text
from sync import refreshing
from tests.fixtures.agreeing import agree
from tests.fixtures.attached import attach, scan
from tests.fixtures.backups import restored
from tests.fixtures.devices import Device, Direct, Enrol, quiet, rows, value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, Postgres
from tests.sync.test_held_sets import admin, decide, held_up  # noqa: F401

ENTITIES = list(market_entities(12, DIVISION, 5))
MB = 1_000_000


def epoch(place: Place) -> str:
    with place.hub.store.read() as connection:
        return read_text(connection, "epoch")


# --- again, and over ruins ---------------------------------------------------------
@pytest.mark.parametrize("between", [True, False], ids=["with-work-between", "at-once"])
def test_two_restores_from_one_backup(place: Place, enrol_at: Enrol, folder: Path, between: bool) -> None:
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (first,) = chen.insert("market_entity", ENTITIES[0])
    chen.sync(), zhou.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    zhou.update("market_entity", first, phone="1111111")
    chen.insert("market_entity", ENTITIES[1])
    zhou.sync(), chen.sync()
    one = restored(place, file, chen, zhou)
    assert epoch(place) == one.epoch
    if between:
        zhou.sync(), chen.sync()
        zhou.insert("market_entity", ENTITIES[2])
        zhou.sync()
    two = restored(place, file, chen, zhou)
    assert two.epoch > one.epoch and two.aside != one.aside
    for _ in range(2):
        zhou.sync(), chen.sync()
    agree(place, chen, zhou)
    assert value(place.hub.store, "market_entity", first, "phone") == "1111111"
    assert len(rows(place.hub.store, "market_entity")) == (3 if between else 2)
    assert not rows(place.hub.store, "conflict") and not rows(place.hub.store, "held_set")


def test_the_service_of_before_that_goes_on_is_known_by_its_word(
    place: Place, enrol_at: Enrol, folder: Path, tmp_path: Path
) -> None:
    chen = enrol_at(place.a, "chenmin")
    (first,) = chen.insert("market_entity", ENTITIES[0])
    chen.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    beside = f"sqlite:///{tmp_path / 'beside.db'}"
    backup.restore(file, beside, tmp_path / "beside", PASSPHRASE)
    before = place.hub
    with contextlib.closing(Hub(beside, tmp_path / "beside", PASSPHRASE)) as now:
        chen.hub = now
        chen.sync()
        chen.hub = before  # somebody started it again, or an address still leads there
        chen.update("market_entity", first, phone="1111111")
        with pytest.raises(BadAnswer, match="恢复以前的旧服务"):
            chen.sync()
        assert chen.statuses()[-1] == "sealed"  # whatever it signed for
        chen.hub = now
        chen.sync()
        assert chen.statuses()[-1] == "applied" and value(now.store, "market_entity", first, "phone") == "1111111"


def test_over_a_damaged_database(place: Place, enrol_at: Enrol, folder: Path) -> None:
    """That is what a backup is for: what cannot be read any more is put aside all the same."""
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", *ENTITIES[:2])
    chen.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    data = place.hub.data
    place.hub.close()
    path = backup.sqlite_path(place.url)
    if path is not None:
        path.write_bytes(b"not a database any more" * 1000)
    else:
        with psycopg.connect(place.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("DROP TABLE fact CASCADE")
    done = backup.restore(file, place.url, data, PASSPHRASE)
    if path is not None:
        assert Path(done.aside).read_bytes().startswith(b"not a database any more")
    place.hub = chen.hub = Hub(place.url, data, PASSPHRASE)
    chen.sync()
    agree(place, chen)
    assert len(rows(place.hub.store, "market_entity")) == 2


def test_a_hub_moves_to_the_other_kind_of_database(
    place: Place, enrol_at: Enrol, postgres: Postgres, folder: Path
) -> None:
    """A hub that outgrew SQLite goes on in PostgreSQL, or back; nobody enters anything twice (ADR 0027)."""
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (first,) = chen.insert("market_entity", ENTITIES[0])
    chen.sync(), zhou.sync()
    file, _ = backup.make(place.hub, folder / "last.yzbackup")
    was_sqlite = backup.sqlite_path(place.url) is not None
    place.url = postgres.fresh("template0") if was_sqlite else f"sqlite:///{folder / 'hub.db'}"
    restored(place, file, chen, zhou)
    assert place.hub.store.database.is_sqlite is not was_sqlite
    zhou.update("market_entity", first, phone="1111111")
    chen.insert("market_entity", ENTITIES[1])
    for _ in range(2):
        zhou.sync(), chen.sync()
    agree(place, chen, zhou)
    assert value(chen.store, "market_entity", first, "phone") == "1111111"
    assert len(rows(place.hub.store, "market_entity")) == 2


def test_over_a_database_another_machine_works_on(place: Place, folder: Path) -> None:
    """The lock is a file of the data folder; of a shared database the database itself knows."""
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    if backup.sqlite_path(place.url) is not None:
        with pytest.raises(StoreError, match="中心正在运行，没有恢复"):
            backup.restore(file, place.url, place.hub.data, PASSPHRASE)
        return
    elsewhere = folder / "another-data"
    with pytest.raises(StoreError, match="中心的数据库正在被使用，没有恢复"):
        backup.restore(file, place.url, elsewhere, PASSPHRASE)
    assert rows(place.hub.store, "bureau")  # nothing was touched


def test_mail_of_before_is_gone(place: Place, enrol_at: Enrol, folder: Path) -> None:
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    mail = place.hub.data / "mail"
    mail.mkdir(exist_ok=True)
    (mail / f"{'ab' * 16}.yzp").write_bytes(b"sealed in the epoch before")
    said = (
        "INSERT INTO mail (package_id, bureau, about, fingerprint, size, made_at) VALUES (?, ?, ?, ?, ?, ?)"
    )
    with place.hub.store.write() as connection:
        sql.execute(connection, said, ("ab" * 16, place.a, "x", "00", 26, place.hub.clock.stamp()))
    file, _ = backup.make(place.hub, folder / "two.yzbackup")  # the table is in the backup, the file is not
    restored(place, file)
    assert not mail.exists()
    with place.hub.store.read() as connection:
        assert sql.execute(connection, "SELECT count(*) FROM mail").scalar() == 0


# --- held sets -------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_decision_about_a_held_set_stands_after_a_restore(
    place: Place, folder: Path, admin: Device, held_up: Any, when: str  # noqa: F811
) -> None:
    a = held_up()
    a.sync(), admin.sync()
    if when == "after":
        file, _ = backup.make(place.hub, folder / "one.yzbackup")
    decide(admin, rows(admin.store, "held_set")[0], "released")
    admin.sync()
    if when == "before":
        file, _ = backup.make(place.hub, folder / "one.yzbackup")
    a.sync()
    restored(place, file, a, admin)
    for _ in range(2):
        a.sync(), admin.sync()
    (held,) = rows(place.hub.store, "held_set")
    assert held["state"] == "released" and held["result"].startswith("已放行入库")
    for one in (place.hub.store, a.store, admin.store):
        found = {r["name"]: r["address"] for r in rows(one, "market_entity")}
        assert found[ENTITIES[0]["name"]] == "二号" and ENTITIES[1]["name"] in found
    assert not rows(place.hub.store, "conflict")
    assert a.statuses()[0] == "archived" and set(a.statuses()) <= {"applied", "archived"}


@pytest.mark.parametrize("first", ["author", "administrator"])
def test_a_set_held_and_decided_since_the_backup_is_held_and_decided_again(
    place: Place, folder: Path, admin: Device, held_up: Any, first: str  # noqa: F811
) -> None:
    """The hub has forgotten both; the decision may come before what it is about."""
    a = held_up()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    a.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], "released")
    admin.sync(), a.sync()
    restored(place, file, a, admin)
    order = (a, admin) if first == "author" else (admin, a)
    for _ in range(3):
        for device in order:
            device.sync()
    (held,) = rows(place.hub.store, "held_set")
    assert held["state"] == "released" and held["result"].startswith("已放行入库")
    for one in (place.hub.store, a.store, admin.store):
        assert {r["name"]: r["address"] for r in rows(one, "market_entity")}[ENTITIES[0]["name"]] == "二号"
    assert set(a.statuses()) <= {"applied", "archived"} and set(admin.statuses()) <= {"applied", "archived"}


# --- a full disk ------------------------------------------------------------------------
@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file may grow beyond this: what the system says then is what it says of a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_the_disk_fills_up_while_contents_are_copied(place: Place, enrol_at: Enrol, folder: Path) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(12 * MB)
    sha256, _ = attach(a, content)
    a.sync()
    a.engine.pieces.run(Direct(a.hub), quiet)
    with files_up_to(8 * MB), pytest.raises(DiskFull, match="磁盘空间不足，没有做成"):
        backup.make(place.hub, folder / "one.yzbackup")
    assert not [p for p in folder.rglob("*") if p.is_file() and p.name != "hub.lock"]
    a.sync()
    assert a.statuses() == ["applied"]

    file, _ = backup.make(place.hub, folder / "two.yzbackup")
    shutil.rmtree(place.hub.data / "attachments")
    a.insert("market_entity", ENTITIES[0])
    a.sync()
    before = epoch(place)
    with files_up_to(8 * MB), pytest.raises(DiskFull, match="磁盘空间不足，没有做成"):
        restored(place, file, a)
    assert epoch(place) == before and len(rows(place.hub.store, "market_entity")) == 1
    assert not place.hub.pieces.path(sha256).exists()
    assert not list((place.hub.data / "attachments").rglob("*.part"))
    restored(place, file, a)
    assert place.hub.pieces.path(sha256).read_bytes() == content


def test_the_disk_fills_up_while_the_database_is_put_in_place(
    place: Place, enrol_at: Enrol, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database on another disk than the data folder: half a copy never bears its name."""
    a = enrol_at(place.a, "chenmin")
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    a.insert("market_entity", ENTITIES[0])
    a.sync()
    before = epoch(place)

    def half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:5000])
        raise OSError(errno.ENOSPC, "No space left on device")

    def rows_stop(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(backup.shutil, "move", half)
        patch.setattr(backup.copying, "_columns", rows_stop)  # PostgreSQL: in the middle of the transaction
        with pytest.raises(DiskFull, match="磁盘空间不足，没有做成"):
            restored(place, file, a)
    assert epoch(place) == before and len(rows(place.hub.store, "market_entity")) == 1
    path = backup.sqlite_path(place.url)
    if path is not None:
        assert not [p.name for p in path.parent.glob("*.restoring")]
        assert not [p.name for p in path.parent.glob("*.before-*")]
    restored(place, file, a)
    assert epoch(place) > before


# --- much in doubt ------------------------------------------------------------------------
@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_more_in_doubt_than_one_ask_names(
    place: Place, enrol_at: Enrol, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that followed 31,000 records of a colleague that the hub has forgotten."""
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    zhou.sync()
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    many = refreshing.PIECE + 1000
    chen.insert("market_entity", *market_entities(many, DIVISION, 7))
    chen.sync(), zhou.sync()
    assert zhou.count("market_entity") == many
    restored(place, file, zhou)  # the one who wrote them is lost
    asked = list[int]()
    prepare = refreshing.pieces

    def counted(wanted: Any) -> Any:
        found = prepare(wanted)
        asked.append(len(found))
        return found

    monkeypatch.setattr(refreshing, "pieces", counted)
    zhou.sync()
    assert max(asked) == 2
    assert zhou.count("market_entity") == 0
    with zhou.store.read() as connection:
        assert not rewinding.doubts(connection)
