"""Several hub processes on one database: numbers without a gap, every set exactly once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.changes import GENESIS, chain, unpack
from shared.fictitious import market_entities
from shared.scope import division_stream
from shared.store import sql
from tests.fixtures.devices import Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

WORKERS, UNITS, ROWS = 4, 12, 5


@pytest.fixture
def hubs(place: Place) -> Iterator[list[Hub]]:
    """Several hubs, each with its own connections, as several processes would have."""
    made = [Hub(place.url, place.hub.data, PASSPHRASE, keys=place.hub.keys) for _ in range(WORKERS)]
    yield made
    for one in made:
        one.close()


def together(works: list[Callable[[], object]]) -> list[object]:
    """All at once; what one raises is raised here."""
    gate = threading.Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result() for done in [pool.submit(begin, work) for work in works]]


class Watcher:
    """Reads a stream again and again; a number seen before a lower one is remembered."""

    def __init__(self, hub: Hub, stream: str) -> None:
        self._hub, self._stream = hub, stream
        self.seen, self.head, self.looks = 0, GENESIS, 0
        self.gaps: list[tuple[int, int]] = []

    def look(self) -> None:
        with self._hub.store.read() as connection:
            found = sql.execute(
                connection,
                "SELECT first, last, prev_head, payload FROM stream_block WHERE stream = ? AND first > ?"
                " ORDER BY first",
                (self._stream, self.seen),
            ).fetchall()
        self.looks += 1
        for first, last, before, payload in found:
            if first != self.seen + 1 or bytes(before) != self.head:
                self.gaps.append((self.seen, first))
            self.seen, self.head = last, chain(self.head, unpack(bytes(payload)))


def test_a_number_never_appears_before_a_lower_one(hubs: list[Hub]) -> None:
    entities = list(market_entities(WORKERS * UNITS * ROWS, DIVISION))
    watcher = Watcher(hubs[0], division_stream(DIVISION))
    left = threading.Semaphore(0)

    def write(number: int) -> None:
        hub = hubs[number]
        with contextlib.ExitStack() as at_end:
            at_end.callback(left.release)
            for n in range(UNITS):
                start = (number * UNITS + n) * ROWS
                with hub.store.unit(HUB_ACTOR) as unit:
                    declared = hub.store.types["market_entity"]
                    unit.insert(declared, entities[start : start + ROWS], way="exchange", proven=True)

    def watch() -> None:
        for _ in range(WORKERS):
            while not left.acquire(blocking=False):
                watcher.look()
        watcher.look()

    together([*(lambda n=n: write(n) for n in range(WORKERS)), watch])
    assert watcher.gaps == []
    assert watcher.seen == WORKERS * UNITS * ROWS
    assert watcher.looks > 5


def test_one_package_handled_by_all_at_once_counts_once(
    hubs: list[Hub], place: Place, enrol_at: Enrol
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", *market_entities(300, DIVISION), proven=True)
    a.engine.cut()
    a.update("market_entity", rows(a.store, "market_entity")[0]["id"], address="驿西路1号")
    package = a.export()
    done = together([lambda hub=hub: handle(hub, package) for hub in hubs])
    statuses = [[s.status for s in handled.intake.sets] for handled, _ in done]  # type: ignore[misc]
    assert statuses == [["applied", "applied"]] * WORKERS
    assert sum(handled.intake.changes for handled, _ in done) == 301  # type: ignore[misc]
    watcher = Watcher(place.hub, division_stream(DIVISION))
    watcher.look()
    assert (watcher.seen, watcher.gaps) == (301, [])
    for _, answer in done:  # type: ignore[misc]
        a.take(answer)
    assert a.statuses() == ["applied", "applied"]


def test_new_devices_at_several_processes_get_different_origins(
    hubs: list[Hub], place: Place, enrol_at: Enrol
) -> None:
    devices = [enrol_at(place.a, f"user{n}") for n in range(WORKERS)]
    entities = list(market_entities(WORKERS, DIVISION))
    packages = []
    for device, entity in zip(devices, entities, strict=True):
        device.insert("market_entity", entity)
        packages.append(device.export())
    together([lambda h=hub, p=package: handle(h, p) for hub, package in zip(hubs, packages, strict=True)])
    with place.hub.store.read() as connection:
        origins = connection.exec_driver_sql("SELECT no, device FROM origin").fetchall()
    assert {d.grant.device for d in devices} <= {device for _, device in origins}
    assert len({no for no, _ in origins}) == len(origins)
    for device in devices:
        device.sync()
        assert device.statuses() == ["applied"] and device.count("market_entity") == WORKERS
