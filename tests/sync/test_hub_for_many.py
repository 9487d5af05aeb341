"""300 devices at once, several hub processes on one PostgreSQL."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from server_stub.admin.desk import WRONG
from server_stub.tokens import Tokens
from shared.changes import GENESIS, chain, unpack
from shared.scope import division_stream
from shared.store import audit, sql
from sync import messages, package
from sync.messages import RECEIPT, Receipt
from sync.signing import Envelope
from tests.fixtures.admin_api import Asker
from tests.fixtures.fleet import Letter, Member, enrol_fleet, entities_for, letter
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, Postgres, make_place
from tests.fixtures.longer import more

DEVICES, EACH, WORKERS = 300, more(5, 50), 3
PATIENCE = 600
"""Seconds the last of all may wait for its turn on a machine that has other work as well."""


@pytest.fixture
def postgres_place(postgres: Postgres, tmp_path: Path) -> Iterator[Place]:
    made = make_place(postgres.fresh(), tmp_path / "hub")
    yield made
    made.hub.close()


@contextmanager
def served(place: Place, workers: int) -> Iterator[str]:
    """``yizhan-hub serve`` as an operator starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "server_stub.cli", "--data", str(place.hub.data), "--database", place.url,
         "serve", "--port", "0", "--workers", str(workers)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "YIZHAN_HUB_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("listening on "), said
        yield said.split()[-1]
        assert process.poll() is None, "it ended by itself"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        if process.stdout is not None:
            process.stdout.close()


class Reader:
    """Follows a stream while it is written; a number seen before a lower one would be a gap."""

    def __init__(self, place: Place, stream: str) -> None:
        self._place, self._stream = place, stream
        self.n, self.head, self.looks = 0, GENESIS, 0

    def look(self) -> None:
        with self._place.hub.store.read() as connection:
            rows = sql.execute(
                connection,
                "SELECT first, last, prev_head, payload FROM stream_block WHERE stream = ? AND last > ?"
                " ORDER BY first",
                (self._stream, self.n),
            ).fetchall()
        self.looks += 1
        for first, last, before, payload in rows:
            assert (first, bytes(before)) == (self.n + 1, self.head), f"{first} seen after {self.n}"
            self.n, self.head = last, chain(self.head, unpack(bytes(payload)))


def delivered(http: requests.Session, url: str, one: Letter) -> bytes:
    """Over the wire as a client does it; returns the answer."""
    where = f"{url}/v1/packages/{one.package_id}"
    size = len(one.data)
    put = http.put(where, params={"offset": 0, "size": size}, data=one.data, timeout=PATIENCE)
    assert put.status_code == 200, put.text
    got = http.get(f"{where}/answer", timeout=PATIENCE)
    assert got.status_code == 200
    return got.content


def test_three_hundred_devices_at_once(postgres_place: Place) -> None:
    place = postgres_place
    members = enrol_fleet(place.hub, place.a, DEVICES)
    rows = entities_for(members, place.a, EACH, seed=1)
    letters = [letter(place.hub, m, place.a, r)[0] for m, r in zip(members, rows, strict=True)]
    reader = Reader(place, division_stream(DIVISION))
    done = threading.Event()

    def follow() -> None:
        while not done.wait(0.01):  # a reader without a pause would be half the load of the hub
            reader.look()

    with served(place, WORKERS) as url, ThreadPoolExecutor(DEVICES + 1) as pool, requests.Session() as http:
        http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=DEVICES))
        following = pool.submit(follow)
        sending = [pool.submit(delivered, http, url, one) for one in letters]
        try:
            answers = [one.result() for one in sending]
        finally:
            done.set()
        following.result()
    reader.look()
    assert reader.n == DEVICES * EACH and reader.looks > 3
    for member, answer in zip(members, answers, strict=True):
        receipt = _receipt(place, member, answer)
        assert receipt.contiguous_to == EACH and [s.status for s in receipt.sets] == ["applied"]
    with place.hub.store.read() as connection:
        sets = sql.execute(connection, "SELECT status, count(*) FROM accepted_set GROUP BY status").fetchall()
        assert [tuple(r) for r in sets] == [("applied", DEVICES)]
        assert sql.execute(connection, "SELECT count(*) FROM market_entity").scalar() == DEVICES * EACH
        assert sql.execute(connection, "SELECT count(*) FROM exchange WHERE sets = 1").scalar() == DEVICES


def _receipt(place: Place, member: Member, answer: bytes) -> Receipt:
    keys = {member.keys.seal.kid: member.keys.seal}
    opened = package.open_package(io.BytesIO(answer), lambda _: place.hub.keys.sign.public, keys)
    (found,) = [e for e in opened.entries() if e.kind == RECEIPT]
    return messages.decode(Envelope.decode(bytes(found.meta["envelope"])).payload, Receipt)  # type: ignore[arg-type]


def test_a_token_is_known_to_every_process_and_its_end_too(postgres_place: Place) -> None:
    place = postgres_place
    monitor = Asker("", Tokens(place.hub.store).add("monitoring"))
    with served(place, WORKERS) as url, ThreadPoolExecutor(12) as pool:
        monitor.url = url
        asked = [pool.submit(monitor.get, "/bureaus") for _ in range(24)]
        assert {one.result()["figures"]["bureaus"] for one in asked} == {0}
        Tokens(place.hub.store).revoke("monitoring")
        share = WRONG // WORKERS
        assert {pool.submit(monitor.status, "/bureaus").result() for _ in range(share)} == {401}
        more = [monitor.status("/bureaus") for _ in range(3 * WRONG)]  # whichever process each comes to
        assert set(more) <= {401, 429} and share + more.count(401) <= WRONG
    with place.hub.store.read() as connection:
        assert [e.who for e in audit.latest(connection, event="token_used")] == ["token:monitoring"]


def test_sqlite_is_served_by_one_process(tmp_path: Path) -> None:
    env = {**os.environ, "YIZHAN_HUB_PASSPHRASE": PASSPHRASE}
    base = [sys.executable, "-m", "server_stub.cli", "--data", str(tmp_path / "hub")]
    subprocess.run([*base, "init"], check=True, env=env, stdout=subprocess.DEVNULL)
    done = subprocess.run([*base, "serve", "--workers", "2"], env=env, capture_output=True, text=True)
    assert done.returncode != 0 and "SQLite 数据库只能由一个进程服务" in done.stderr
    assert "Traceback" not in done.stderr
