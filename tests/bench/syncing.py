"""Whole ways: a client, the hub over loopback, another client; and the same package twice."""

from __future__ import annotations

import io
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import uvicorn

from server_stub.api import create_app
from server_stub.enrolment import Account
from server_stub.hub import Hub
from shared.access import HUB_ACTOR, Actor
from shared.fictitious import market_entities
from shared.ids import new_id
from shared.store import exchange
from shared.store.store import Store
from sync import enrol
from sync.engine import Engine
from sync.http import HttpCarrier
from sync.trust import DeviceKeys, InviteCode
from tests.bench.measure import LOWER, REPORTED, ROUNDS, Benchmark, say, timed
from tests.bench.stage import ENTITY, client
from tests.fixtures.devices import Direct
from tests.fixtures.fleet import enrol_fleet, entities_for, letter

NEW = 50_000
IMPORTED = 50_000
DIVISION = "310113"
BUREAUS = (("甲", DIVISION), ("乙", DIVISION), ("丙", "310114"))


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled client."""

    store: Store
    engine: Engine
    actor: Actor


# --- scenery -----------------------------------------------------------------
def make_hub(folder: Path) -> tuple[Hub, list[str]]:
    """A hub with three bureaus, the last in another division."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hub = Hub.create(f"sqlite:///{folder}/hub.db", folder / "data", "bench", "中心")
    with hub.store.unit(HUB_ACTOR) as unit:
        bureaus = unit.insert(
            hub.store.types["bureau"],
            [{"code": c, "name": f"{c}局", "division": d} for c, d in BUREAUS],
            way="exchange",
        )
    return hub, bureaus


def enrolled(hub: Hub, folder: Path, account: str, bureau: str) -> Device:
    """A new device of that bureau with its first user."""
    code = hub.enrolment.invite(Account(account, account, bureau, ("officer", "bureau_admin")))
    keys, device = DeviceKeys.generate(), new_id()
    request, grant = io.BytesIO(), io.BytesIO()
    typed = InviteCode.parse(code.shown())
    enrol.seal_request(request, device, keys, typed, account, hub.clock.stamp())
    request.seek(0)
    hub.handle(request, grant)
    grant.seek(0)
    granted = enrol.open_grant(grant, keys, typed)
    store = client(folder)
    store.identify(device, 1)
    engine = Engine(store, keys, enrol.trust_of(granted), folder / "spool")
    actor = Actor(
        granted.user, granted.person, granted.bureau, frozenset(granted.roles), frozenset([granted.bureau])
    )
    return Device(store, engine, actor)


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """The hub's address on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(create_app(hub), port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def _quiet(done: int, total: int, text: str = "") -> None:
    """Nobody watches."""


def _entities(n: int) -> list[dict[str, object]]:
    return list(market_entities(n, DIVISION))


# --- goals -------------------------------------------------------------------
def round_trip(folder: Path) -> float:
    """New records per second: written, signed, sealed, up, merged, down, applied and searchable."""
    hub, bureaus = make_hub(folder / "hub")
    one = enrolled(hub, folder / "one", "chenmin", bureaus[0])
    two = enrolled(hub, folder / "two", "laozhou", bureaus[1])
    rows = _entities(NEW)
    with serving(hub) as url:
        carrier = HttpCarrier(url)
        one.engine.sync(carrier, _quiet)
        two.engine.sync(carrier, _quiet)
        began = time.perf_counter()
        with one.store.unit(one.actor, cause="import:bench") as unit:
            unit.insert(ENTITY, rows, way="import", proven=True)
        written = time.perf_counter()
        one.engine.sync(carrier, _quiet)
        up = time.perf_counter()
        came = two.engine.sync(carrier, _quiet).received.changes
        ended = time.perf_counter()
    assert came >= NEW
    say(f"  write {written - began:.2f} s, up {up - written:.2f} s, down {ended - up:.2f} s")
    for store in (one.store, two.store, hub.store):
        store.close()
    return NEW / (ended - began)


def reimport(folder: Path) -> float:
    """Time to take a package a second time ÷ the first time; the slower of hub and client.

    What is taken twice are changes: the client follows every stream already (else so many would come as
    a first load), and the sender of what the hub takes asks for nothing, so that the answer (an
    export of its own) is small both times.
    """
    at_hub, at_client = zip(*(_taken_twice(folder / str(i)) for i in range(ROUNDS)), strict=True)
    for name, side in (("hub", at_hub), ("client", at_client)):
        first, again = (statistics.median(times) for times in zip(*side, strict=True))
        say(f"  {name}: again {again:.3f} s against {first:.3f} s")
    sides: tuple[Sequence[Twice], ...] = (at_hub, at_client)
    return max(statistics.median(again / first for first, again in side) for side in sides)


Twice = tuple[float, float]


def _taken_twice(folder: Path) -> tuple[Twice, Twice]:
    hub, bureaus = make_hub(folder / "hub")
    with hub.store.unit(HUB_ACTOR) as unit:  # before this stream holds anything nobody can follow it
        unit.insert(ENTITY, list(market_entities(1, DIVISION, 2)), way="exchange", proven=True)
    client_side = enrolled(hub, folder / "two", "laozhou", bureaus[1])
    while not _follows(client_side.store):  # the hub builds a first load beside its answers
        client_side.engine.sync(Direct(hub), _quiet)
    (sender,) = enrol_fleet(hub, bureaus[2], 1)
    (rows,) = entities_for([sender], bureaus[2], IMPORTED, seed=1)
    up = io.BytesIO(letter(hub, sender, bureaus[2], rows)[0].data)
    at_hub = _twice(lambda: _handled(hub, up))
    with (folder / "ask.yzp").open("w+b") as ask, (folder / "down.yzp").open("w+b") as down:
        client_side.engine.prepare(ask, "media")
        hub.handle(ask, down)
        at_client = _twice(lambda: _absorbed(client_side.engine, down))
    for store in (client_side.store, hub.store):
        store.close()
    shutil.rmtree(folder)
    return at_hub, at_client


def _follows(store: Store) -> bool:
    with store.read() as connection:
        return bool(exchange.cursors(connection))


def _twice(work: Callable[[], object]) -> Twice:
    return timed(work), timed(work)


def _handled(hub: Hub, package: BinaryIO) -> None:
    package.seek(0)
    with tempfile.TemporaryFile(dir=hub.data) as answer:
        hub.handle(package, answer)


def _absorbed(engine: Engine, package: BinaryIO) -> None:
    package.seek(0)
    assert not engine.absorb(engine.open(package), "media").loaded


BENCHMARKS = (
    Benchmark("round_trip", None, REPORTED, round_trip),
    Benchmark("reimport", 0.05, LOWER, reimport),
)
