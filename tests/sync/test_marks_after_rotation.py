"""The mark outside the database after the device's keys were changed: a roll back is noticed, going on is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.highwater import WORDS
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from shared.fictitious import market_entities
from sync.lines import MOVED, ROLLED_BACK
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.stations import PASSWORD, Station, open_station, quiet, station
from tests.sync.test_incarnations import held, left, names, put_back, statuses

ENTITIES = list(market_entities(8, DIVISION, 51))


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    return tmp_path / "one"


@pytest.fixture
def one(place: Place, url: str, folder: Path) -> Station:
    """A seat in step with its hub."""
    made = station(place.hub, url, place.a, folder)
    made.insert("market_entity", ENTITIES[0])
    sync(made)
    return made


def sync(one: Station) -> None:
    Syncing(one.session).sync_now(quiet)


def again(one: Station, folder: Path) -> Station:
    """Signed out and in."""
    one.session.close()
    return open_station(folder, one.account)


def unflagged(one: Station) -> bool:
    return one.session.incarnation == 1 and one.session.take_news() == ""


def entered(*numbers: int) -> set[str]:
    return {str(ENTITIES[n]["name"]) for n in numbers}


def test_going_on_after_new_keys_is_not_flagged(place: Place, one: Station, folder: Path) -> None:
    """At every point: made and announced, confirmed, worked on, sealed, signed out in between."""
    session = one.session
    old = session.device_keys.sign.key_id
    session.seat_keys.rotate(PASSWORD)
    one = again(one, folder)  # announced, not confirmed: the mark is signed by whichever key stands
    assert unflagged(one)
    one.insert("market_entity", ENTITIES[1])
    one.session.engine.cut()
    one = again(one, folder)
    assert unflagged(one)
    sync(one)
    assert one.session.device_keys.sign.key_id != old and one.session.device_keys.next is None
    one = again(one, folder)  # confirmed
    assert unflagged(one)
    one.insert("market_entity", ENTITIES[2])
    one = again(one, folder)
    assert unflagged(one)
    sync(one)
    assert names(place.hub.store) == names(one.session.store) == entered(0, 1, 2)
    assert set(statuses(one)) == {"applied"} and held(place) == []
    one.session.close()


def test_a_mark_signed_by_the_former_key_still_counts(one: Station, folder: Path) -> None:
    """The power goes right after the confirmation: the last mark outside was signed before it."""
    mark = next((folder.parent / "state").glob("*.mark"))
    before = mark.read_bytes()
    one.session.seat_keys.rotate(PASSWORD)
    sync(one)
    one.session.close()
    mark.write_bytes(before)
    one = open_station(folder, "chenmin")
    assert unflagged(one)
    one.session.close()


@pytest.mark.parametrize("copied", ["before", "after"])
def test_a_roll_back_of_the_database_is_noticed(place: Place, one: Station, folder: Path, copied: str) -> None:
    """From before the change of keys, and from after it; the key file is today's."""
    database = Settings(folder).database
    if copied == "after":
        one.session.seat_keys.rotate(PASSWORD)
        sync(one)
    one.session.close()
    image = folder.with_name("image.db")
    shutil.copyfile(database, image)
    one = open_station(folder, "chenmin")
    if copied == "before":
        one.session.seat_keys.rotate(PASSWORD)
        sync(one)
    one.insert("market_entity", ENTITIES[1])
    sync(one)
    one.session.close()
    shutil.copyfile(image, database)

    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 2 and one.session.take_news() == WORDS[ROLLED_BACK]
    one.insert("market_entity", ENTITIES[2])
    sync(one)
    sync(one)
    assert names(place.hub.store) == names(one.session.store) == entered(0, 1, 2)
    assert set(statuses(one)) == {"applied"} and held(place) == []
    one = again(one, folder)
    assert one.session.incarnation == 2 and one.session.take_news() == ""
    one.session.close()


def test_a_whole_folder_from_before_the_change_is_noticed_too(
    place: Place, one: Station, folder: Path
) -> None:
    """Its key file does not know the new key: the mark says nothing to it, and that alone gives it away."""
    copy = left(one, folder)
    one = open_station(folder, "chenmin")
    one.session.seat_keys.rotate(PASSWORD)
    one.insert("market_entity", ENTITIES[1])
    sync(one)
    one.session.close()
    put_back(copy, folder)
    one = open_station(folder, "chenmin")
    assert one.session.incarnation == 2 and one.session.take_news() == WORDS[MOVED]
    one.session.close()
