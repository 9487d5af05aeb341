"""A first load against what a program without one does: insert every row.

``python -m tests.bench.loading FOLDER``: one load in a process of its own; says its peak memory.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from server_stub.enrolment import Account
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.fictitious import market_entities
from shared.filters import Filter
from shared.ids import new_id
from shared.store import query, sql
from shared.store.database import open_cipher
from shared.store.query import Place
from shared.store.store import Store, create_client_tables
from shared.store.values import columns_of
from shared.types import catalog
from sync import enrol, messages
from sync.engine import Engine
from sync.layout import MAX_VOLUME
from sync.messages import Grant
from sync.trust import DeviceKeys, InviteCode
from tests.bench.measure import LOWER, Benchmark, ratio, say
from tests.bench.memory import peak
from tests.bench.stage import BUREAU, ENTITY, OFFICER, Batch, client

ENTITIES = 500_000
DIVISIONS = ("310113", "310114")
PER_TRANSACTION = 50_000
WORD = "餐饮"


class _OneFile:
    """A stick with room for all of it."""

    limit = MAX_VOLUME
    waits = True

    def open(self, index: int) -> io.BytesIO:
        raise ValueError(f"volume {index} of what fits into one")


def first_load(folder: Path) -> float:
    """Seconds from a sealed file to the first search ÷ seconds of bare inserts with the same indexes."""
    scene = _scene(folder)
    rounds = iter(range(100))

    def ours() -> float:
        store = _fresh(folder / f"device{next(rounds)}", scene)
        began = time.perf_counter()
        _load(store, scene, folder)
        took = time.perf_counter() - began
        store.close()
        return took

    def raw() -> float:
        store = client(folder / "raw")
        took = 0.0
        try:
            for batch in _parts():
                took += _inserted(store, batch)
        finally:
            store.close()
            shutil.rmtree(folder / "raw")
        return took

    value = ratio(ours, raw, note=f"{ENTITIES:,} entities, first load ÷ raw executemany")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.loading", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    say(f"  peak of the loading process {float(done.stdout):.0f} MiB")
    return value


class Scene:
    """What a device needs to take the load: its keys, its hub, and the file."""

    def __init__(self, folder: Path, keys: DeviceKeys, grant: Grant) -> None:
        self.device, self.keys, self.hub = grant.device, keys, enrol.trust_of(grant)
        self._grant = grant
        self.file = folder / "load.yzp"

    def keep(self, folder: Path) -> None:
        """For the process that is measured apart."""
        parts = (self.keys.to_bytes(), messages.encode(self._grant))
        (folder / "scene").write_text("\n".join(part.hex() for part in parts))


def _scene(folder: Path) -> Scene:
    """A hub with the registry of a division, and the sealed load of one device."""
    began = time.perf_counter()
    hub = Hub.create(f"sqlite:///{folder}/hub.db", folder / "hub", "bench", "中心")
    try:
        with hub.store.unit(HUB_ACTOR) as unit:
            declared = hub.store.types["bureau"]
            one, other = [{"code": d, "name": d, "division": d} for d in DIVISIONS]
            (bureau,) = unit.insert(declared, [one], way="exchange")
            unit.insert(declared, [{**other, "parent": bureau}], way="exchange")
        for rows in _rows():
            with hub.store.unit(HUB_ACTOR) as unit:
                unit.insert(hub.store.types["market_entity"], rows, way="exchange", proven=True)
        code = hub.enrolment.invite(Account("chenmin", "陈敏", bureau, ("officer",)))
        keys, device, typed = DeviceKeys.generate(), new_id(), InviteCode.parse(code.shown())
        request, answer = io.BytesIO(), io.BytesIO()
        enrol.seal_request(request, device, keys, typed, "甲", hub.clock.stamp())
        request.seek(0)
        hub.handle(request, answer)
        answer.seek(0)
        scene = Scene(folder, keys, enrol.open_grant(answer, keys, typed))
        filled = time.perf_counter()
        asking = _fresh(folder / "asking", scene)
        asked = io.BytesIO()
        _engine(asking, scene, folder).prepare(asked, "media")
        asking.close()
        asked.seek(0)
        with scene.file.open("w+b") as out:
            hub.handle(asked, out, _OneFile())
        scene.keep(folder)
    finally:
        hub.close()
    built, size = time.perf_counter() - filled, scene.file.stat().st_size / 1e6
    say(f"  hub filled in {filled - began:.0f} s, snapshot built and sealed in {built:.0f} s: {size:.0f} MB")
    return scene


def _fresh(folder: Path, scene: Scene) -> Store:
    """A device just enrolled."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = open_cipher(folder / "client.db", os.urandom(32))
    create_client_tables(database, catalog.ALL)
    store = Store(database, catalog.ALL, Clock())
    store.identify(scene.device, 1)
    return store


def _engine(store: Store, scene: Scene, folder: Path) -> Engine:
    return Engine(store, scene.keys, scene.hub, folder / "spool")


def _load(store: Store, scene: Scene, folder: Path) -> None:
    """Verify, take in, swap in, search once."""
    engine = _engine(store, scene, folder)
    with scene.file.open("rb") as stream:
        done = engine.absorb(engine.open(stream), "media")
    assert done.loaded >= ENTITIES, done
    place = Place(OFFICER.user, BUREAU)
    with store.read() as connection:
        assert query.first(connection, ENTITY, Filter(text=WORD), place)
        assert query.count(connection, ENTITY, Filter(text=WORD), place) > 0


def _rows() -> Iterator[list[dict[str, object]]]:
    for seed, division in enumerate(DIVISIONS, 1):
        rows = market_entities(ENTITIES // len(DIVISIONS), division, seed=seed)
        while part := list(islice(rows, PER_TRANSACTION)):
            yield part


def _parts() -> Iterator[Batch]:
    """The same as stored columns, ready to be inserted."""
    stamp = Clock().stamp()
    given = {"source_bureau": BUREAU, "entered_at": stamp, "entered_by": "hub", "entry_way": "exchange"}
    for rows in _rows():
        whole = [{**row, **given} for row in rows]
        fields, columns = columns_of(ENTITY, whole)
        yield Batch(ENTITY, tuple(fields), [ENTITY.record_id(row) for row in whole], columns)


def _inserted(store: Store, batch: Batch) -> float:
    """Seconds of one transaction."""
    with store.read() as connection:
        last = connection.exec_driver_sql("SELECT max(rid) FROM market_entity").scalar()
    names = ("rid", "id", *(f.name for f in batch.fields), "_w", "_tag", "_hlc")
    insert = f'INSERT INTO "market_entity" ({sql.quoted(names)}) VALUES ({", ".join("?" * len(names))})'
    search = 'INSERT INTO "search_market_entity" (rowid, words, initials) VALUES (?, ?, ?)'
    start = int(last or 0) + 1
    rows = [(rid, *row, rid, rid, 1 << 56) for rid, row in enumerate(batch.rows(), start)]
    words = [(rid, *w) for rid, w in enumerate(batch.words(), start)]
    began = time.perf_counter()
    with store.write() as connection:
        sql.executemany(connection, insert, rows)
        sql.executemany(connection, search, words)
    return time.perf_counter() - began


def main(folder: Path) -> float:
    """Peak memory in MiB of a process that loads."""
    keys, grant = (bytes.fromhex(line) for line in (folder / "scene").read_text().splitlines())
    scene = Scene(folder, DeviceKeys.from_bytes(keys), messages.decode(grant, Grant))
    store = _fresh(folder / "apart", scene)
    _load(store, scene, folder)
    store.close()
    return peak()


BENCHMARKS = (Benchmark("first_load", 0.4, LOWER, first_load),)

if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1])):.1f}")
