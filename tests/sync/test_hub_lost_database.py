"""The hub's database file is deleted or exchanged while it serves: no receipt, an answer that says “later”."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from server_stub.tokens import Tokens
from shared.errors import BadAnswer, DatabaseLost, StoreError
from shared.fictitious import market_entities
from shared.store.facts import read_text, write_text
from sync.http import HttpCarrier
from tests.fixtures.admin_api import Asker
from tests.fixtures.devices import Device, Enrol, quiet
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

pytestmark = pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
ROOT = Path(__file__).parents[2]
ENTITIES = list(market_entities(6, DIVISION, 5))
SAID = "中心的数据库文件已不在原处，或被换成了另一个文件"


@dataclass
class Served:
    """A hub in a process of its own, and the database file it opened."""

    url: str
    database: Path
    log: Path
    token: str

    @property
    def wal(self) -> Path:
        return self.database.with_name(self.database.name + "-wal")

    def sync(self, device: Device) -> None:
        carrier = HttpCarrier(self.url, wait=lambda _: None)
        try:
            device.engine.sync(carrier, quiet)
        finally:
            carrier.close()


@contextmanager
def serve(place: Place, folder: Path, token: str) -> Iterator[Served]:
    log = folder / "serve.log"
    command = [sys.executable, "-m", "server_stub.cli", "--data", str(place.hub.data), "--database", place.url]
    with log.open("w") as errors, subprocess.Popen(
        [*command, "serve", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
        env={**os.environ, "YIZHAN_HUB_PASSPHRASE": PASSPHRASE},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            yield Served(url, Path(place.url.removeprefix("sqlite:///")), log, token)
        finally:
            process.terminate()


@pytest.fixture
def chen(place: Place, enrol_at: Enrol) -> Device:
    return enrol_at(place.a, "chenmin")


@pytest.fixture
def served(place: Place, chen: Device, tmp_path: Path) -> Iterator[Served]:
    """Only the process has the database open; a device has exchanged with it."""
    token = Tokens(place.hub.store).add("monitoring")
    place.hub.close()
    with serve(place, tmp_path, token) as made:
        chen.insert("market_entity", ENTITIES[0])
        made.sync(chen)
        assert chen.statuses() == ["applied"]
        yield made


def refused(served: Served, device: Device) -> None:
    """Nothing is taken, nothing is signed; the device keeps it and comes again."""
    device.insert("market_entity", ENTITIES[1])
    with pytest.raises(BadAnswer, match="中心暂时出错，没有处理成功"):
        served.sync(device)
    assert device.statuses() == ["applied", "sealed"]
    package, sealed = device.sealed("network")
    where = f"{served.url}/v1/packages/{sealed.package_id}"
    answer = requests.put(where, package, params={"offset": 0, "size": len(package)}, timeout=30)
    assert (answer.status_code, answer.json()["code"], "稍后再同步" in answer.json()["hint"]) == (503, "not_now", True)
    assert requests.head(where, timeout=30).headers["Upload-Offset"] == str(len(package))  # kept for later
    assert requests.get(f"{where}/answer", timeout=30).status_code == 404
    assert served.log.read_text().count(SAID) == 1  # told once, not with every device that comes


def test_a_database_that_was_taken_away_gives_no_receipt_and_all_goes_on_when_it_is_back(
    served: Served, chen: Device
) -> None:
    away = served.database.with_name("away.db")
    os.rename(served.database, away)
    refused(served, chen)
    assert not served.database.exists()  # nor did an empty one come in its place
    assert str(served.database) in served.log.read_text()
    assert Asker(served.url, served.token).status("/hub") == 503  # nor is anything told from it
    os.rename(away, served.database)
    served.sync(chen)
    assert chen.statuses() == ["applied", "applied"]


def test_a_database_that_was_exchanged_gives_no_receipt(served: Served, chen: Device) -> None:
    copy = served.database.with_name("copy.db")
    shutil.copyfile(served.database, copy)
    os.replace(copy, served.database)
    refused(served, chen)


def test_a_log_of_the_database_that_was_deleted_gives_no_receipt(served: Served, chen: Device) -> None:
    served.wal.unlink()  # all since the last checkpoint is in it
    refused(served, chen)


def test_what_was_under_way_when_the_database_was_taken_away_is_not_committed(place: Place) -> None:
    store, there = place.hub.store, Path(place.url.removeprefix("sqlite:///"))

    def half() -> None:
        with store.write() as connection:
            write_text(connection, "half", "written")
            os.rename(there, there.with_name("away.db"))

    with pytest.raises(DatabaseLost):
        half()
    os.rename(there.with_name("away.db"), there)
    with store.read() as connection:
        assert read_text(connection, "half") == ""


def test_a_reader_that_comes_when_the_database_is_away_does_not_make_an_empty_one(place: Place) -> None:
    store, there = place.hub.store, Path(place.url.removeprefix("sqlite:///"))
    with store.read():  # whoever reads beside it needs a connection of its own
        os.rename(there, there.with_name("away.db"))
        with pytest.raises(StoreError), store.read() as second:
            read_text(second, "epoch")
    assert not there.exists()
    os.rename(there.with_name("away.db"), there)
