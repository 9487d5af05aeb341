"""Copied, rolled back, restored: a new incarnation begins by itself and nothing pending is lost (ADR 0012)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.work.highwater import WORDS
from desktop.work.syncing import Syncing
from shared.fictitious import market_entities
from sync.lines import COPIED, MOVED, ROLLED_BACK
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.stations import Station, open_station, quiet, station

ENTITIES = list(market_entities(12, DIVISION, 5))


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place outside the data folder, this test's own."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def names(store: Any) -> set[str]:
    return {r["name"] for r in rows(store, "market_entity")}


def expected(*numbers: int) -> set[str]:
    return {str(ENTITIES[n]["name"]) for n in numbers}


def statuses(one: Station) -> list[str]:
    from shared.store.exchange import all_sets

    with one.session.store.read() as connection:
        return [s.status for s in reversed(all_sets(connection))]


def held(place: Place) -> list[tuple[str, str]]:
    """Kind and device of what the hub put aside, in order."""
    with place.hub.store.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT kind, status FROM accepted_set WHERE kind <> '' ORDER BY received_at, first"
        )
        return [tuple(r) for r in found]


def sync(one: Station) -> None:
    Syncing(one.session).sync_now(quiet)


def left(one: Station, folder: Path) -> Path:
    """Sign out, and keep a copy of the data folder."""
    one.session.close()
    copy = folder.with_name(folder.name + "-copy")
    shutil.copytree(folder, copy)
    return copy


def put_back(copy: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


# --- the client's database rolled back ---------------------------------------------------
def test_rolled_back_with_pending_changes(place: Place, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    sync(one)
    one.insert("market_entity", ENTITIES[1])  # pending in the copy
    copy = left(one, folder)
    one = open_station(folder, "chenmin")
    one.insert("market_entity", ENTITIES[2])
    sync(one)
    one.session.close()

    put_back(copy, folder)
    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 2
    assert one.session.take_news() == WORDS[ROLLED_BACK] and one.session.take_news() == ""
    assert names(one.session.store) == expected(0, 1)
    assert Syncing(one.session).state().pending_changes == 1
    one.insert("market_entity", ENTITIES[3])
    sync(one)
    assert names(one.session.store) == names(place.hub.store) == expected(0, 1, 2, 3)
    assert set(statuses(one)) == {"applied"} and held(place) == []
    assert Syncing(one.session).state().all_in
    (device,) = rows(place.hub.store, "device")
    assert device["incarnation"] == 2
    one.session.close()
    one = open_station(folder, "chenmin")  # and stays the second
    assert one.session.incarnation == 2 and one.session.take_news() == ""
    one.session.close()


def test_pending_only_in_the_old_journal_and_nothing_new(place: Place, url: str, tmp_path: Path) -> None:
    """What the hub never saw is offered under its old numbers, then the line goes on."""
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    sync(one)
    one.insert("market_entity", ENTITIES[1])
    copy = left(one, folder)
    one = open_station(folder, "chenmin")
    one.insert("market_entity", ENTITIES[2])
    one.session.engine.cut()  # sealed, never sent
    one.session.close()
    put_back(copy, folder)
    one = open_station(folder, "chenmin")
    sync(one)
    assert names(place.hub.store) == names(one.session.store) == expected(0, 1)
    one.insert("market_entity", ENTITIES[3])
    sync(one)
    assert names(place.hub.store) == names(one.session.store) == expected(0, 1, 3)
    assert set(statuses(one)) == {"applied"} and Syncing(one.session).state().all_in
    one.session.close()


def test_twice_rolled_back(place: Place, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    copy = left(one, folder)
    for number in (1, 2):
        one = open_station(folder, "chenmin")
        one.insert("market_entity", ENTITIES[number])
        sync(one)
        one.session.close()
        put_back(copy, folder)
    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 3
    one.insert("market_entity", ENTITIES[3])
    sync(one)
    assert names(place.hub.store) == names(one.session.store) == expected(0, 1, 2, 3)
    assert held(place) == [] and Syncing(one.session).state().all_in
    one.session.close()


def test_what_was_on_a_stick_before_the_roll_back_waits_for_a_person(
    place: Place, url: str, tmp_path: Path
) -> None:
    """It is of an incarnation that is over: kept, without effect, until somebody decides."""
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    sync(one)
    copy = left(one, folder)
    one = open_station(folder, "chenmin")
    one.insert("market_entity", ENTITIES[1])
    import io

    stick = io.BytesIO()
    one.session.engine.prepare(stick, "media")
    one.session.close()
    put_back(copy, folder)
    one = open_station(folder, "chenmin")
    one.insert("market_entity", ENTITIES[2])
    sync(one)
    handled, _ = handle(place.hub, stick.getvalue())
    assert handled.intake.outcome == "quarantined"
    assert held(place) == [("clone", "quarantined")]
    assert names(place.hub.store) == expected(0, 2)
    one.session.close()


# --- the keystore lost, the folder copied -------------------------------------------------------
def test_the_mark_is_lost(place: Place, url: str, tmp_path: Path, state: Path) -> None:
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    one.session.close()
    (mark,) = state.iterdir()
    assert mark.stat().st_mode & 0o777 == 0o600
    mark.unlink()
    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 2 and one.session.take_news() == WORDS[MOVED]
    sync(one)
    assert names(place.hub.store) == expected(0) and statuses(one) == ["applied"]
    one.session.close()


def test_a_forged_mark_is_no_mark(place: Place, url: str, tmp_path: Path, state: Path) -> None:
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    one.session.close()
    (mark,) = state.iterdir()
    data = bytearray(mark.read_bytes())
    data[-1] ^= 1
    mark.write_bytes(data)
    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 2
    one.session.close()


def test_two_computers_from_one_backup(
    place: Place, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither computer knows the other; whoever comes second is put aside, and told."""
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    copy = left(one, folder)
    made = []
    for number in (1, 2):
        monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / f"state{number}"))
        shutil.copytree(copy, tmp_path / f"pc{number}")
        pc = open_station(tmp_path / f"pc{number}", "chenmin")
        assert pc.session.incarnation == 2 and pc.session.take_news() == WORDS[MOVED]
        pc.insert("market_entity", ENTITIES[number])
        sync(pc)
        made.append(pc)
    first, second = made
    assert names(place.hub.store) == expected(0, 1)
    assert held(place) == [("fork", "quarantined")]
    assert second.session.store.identity()[1] == 3 and second.session.take_news() == WORDS[COPIED]
    second.insert("market_entity", ENTITIES[3])
    sync(second)  # its own line goes on
    assert names(place.hub.store) == expected(0, 1, 3)
    assert statuses(second) == ["applied", "quarantined", "applied"]
    first.insert("market_entity", ENTITIES[4])
    sync(first)
    assert held(place) == [("fork", "quarantined"), ("clone", "quarantined")]
    assert "别处" in first.session.take_news()
    assert names(place.hub.store) == expected(0, 1, 3)
    assert statuses(first)[-1] == "quarantined"
    for pc in made:
        pc.session.close()


@pytest.mark.parametrize("original", [False, True], ids=["copies alone", "the original has sent it"])
def test_a_copy_that_wrote_nothing_comes_after_one_that_did(
    place: Place, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: bool
) -> None:
    """It begins a line of its own once, and goes on there."""
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    one.insert("market_entity", ENTITIES[0])
    copy = left(one, folder)
    if original:
        one = open_station(folder, "chenmin")
        sync(one)
        one.session.close()
    made = []
    for number in (1, 2):
        monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / f"state{number}"))
        shutil.copytree(copy, tmp_path / f"pc{number}")
        pc = open_station(tmp_path / f"pc{number}", "chenmin")
        if number == 1:
            pc.insert("market_entity", ENTITIES[1])
        sync(pc)
        made.append(pc)
    second = made[-1]
    begun = second.session.store.identity()[1]
    for number in (2, 3):
        sync(second)
        assert second.session.store.identity()[1] == begun
        second.insert("market_entity", ENTITIES[number])
    sync(second)
    assert names(place.hub.store) == names(second.session.store) == expected(0, 1, 2, 3)
    assert set(statuses(second)) == {"applied"}
    for pc in made:
        pc.session.close()


def test_two_copies_begin_the_same_incarnation_at_different_numbers(
    place: Place, url: str, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub believes the first; the other one notices by its receipt and begins another."""
    folder = tmp_path / "one"
    one = station(place.hub, url, place.a, folder)
    sync(one)
    copy = left(one, folder)
    shutil.copytree(state, tmp_path / "image")
    one = open_station(folder, "chenmin")
    one.insert("market_entity", ENTITIES[0])
    sync(one)
    one.session.close()
    copies = []
    for kept in ("image", "nothing"):  # what lies beside the database; the first is of a whole disk
        monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / kept))
        shutil.copytree(copy, tmp_path / f"pc {kept}")
        pc = open_station(tmp_path / f"pc {kept}", "chenmin")
        if kept == "image":
            pc.insert("market_entity", ENTITIES[1])
        sync(pc)
        copies.append(pc)
    first = copies[0]
    assert held(place) == [("fork", "quarantined")]
    assert {pc.session.store.identity()[1] for pc in copies} == {2}
    sync(first)
    first.insert("market_entity", ENTITIES[2])
    sync(first)
    assert names(place.hub.store) == expected(0, 2)
    assert statuses(first) == ["quarantined", "applied"]
    assert first.session.store.identity()[1] == 3
    for pc in copies:
        pc.session.close()


# --- the whole computer restored: the mark is as old as the database -------------------------------
def test_an_image_of_the_whole_disk(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITIES[0])
    a.sync()
    old: Device = a.clone(tmp_path / "image")
    a.insert("market_entity", ENTITIES[1])
    a.insert("market_entity", ENTITIES[2])
    a.sync()
    old.insert("market_entity", ENTITIES[3])
    old.sync()
    assert old.store.identity()[1] == 2
    assert held(place) == [("fork", "quarantined")]
    (id5,) = old.insert("market_entity", ENTITIES[5])
    old.sync()
    assert names(place.hub.store) == expected(0, 1, 2, 5)
    assert old.value("market_entity", id5, "name") == ENTITIES[5]["name"]
    assert old.statuses() == ["applied", "quarantined", "applied"]
    from shared.store.journal import broken

    with old.store.read() as connection:
        assert broken(connection) == (3, "")
    old.close()


def test_an_image_whose_set_begins_with_what_the_original_had_sent(
    place: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    """The hub cannot take the second half of a set; it waits for a person, and the device goes on."""
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITIES[0])  # neither cut nor sent when the image was made
    old = a.clone(tmp_path / "image")
    a.sync()
    old.insert("market_entity", ENTITIES[1])
    old.sync()
    assert held(place) == [("fork", "quarantined")] and old.store.identity()[1] == 2
    old.insert("market_entity", ENTITIES[2])
    old.sync()
    assert names(place.hub.store) == expected(0, 2)
    assert old.statuses() == ["quarantined", "applied"]
    old.close()


def test_an_image_that_wrote_nothing_goes_on(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    """It only asks; the receipt shows that it is old; what it enters next is its own."""
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITIES[0])
    a.sync()
    old = a.clone(tmp_path / "image")
    a.insert("market_entity", ENTITIES[1])
    a.sync()
    old.sync()
    assert old.store.identity()[1] == 2
    old.insert("market_entity", ENTITIES[2])
    old.sync()
    assert names(old.store) == names(place.hub.store) == expected(0, 1, 2)
    assert held(place) == []
    old.close()
