"""The hub under many devices, and when it has grown."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from server_stub.hub import Hub
from shared.clock import Clock
from shared.store import sql
from shared.types import catalog
from tests.bench.measure import HIGHER, REPORTED, ROUNDS, Benchmark, say, timed
from tests.fixtures.fleet import Letter, Member, enrol_fleet, entities_for, letter
from tests.fixtures.hubs import Place, make_place, running_postgres

DEVICES, EACH = 300, 200
SENDERS = 8
SMALL, LARGE = 30_000, 3_000_000
PORTION = 500_000
GROWTH_ROUNDS = 5
PRODUCTION = "-c shared_buffers=512MB -c max_wal_size=4GB"
"""Otherwise as installed: a server with this much data is given memory and a log worth the name."""
BATCH = 20_000
"""Entities one measured change set brings to the grown hub."""


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    folder.mkdir(parents=True)
    made = make_place(f"sqlite:///{folder / 'hub.db'}", folder / "hub", Clock())
    try:
        yield made
    finally:
        made.hub.close()


def _handled(hub: Hub, one: Letter) -> None:
    taken = hub.handle(io.BytesIO(one.data), io.BytesIO())
    assert [s.status for s in taken.intake.sets] == ["applied"], taken.intake.sets


def fan_in(folder: Path) -> float:
    """Changes per second of 300 devices that send at once ÷ of one device that sends as many packages in turn."""
    values = []
    for n in range(ROUNDS):
        with _place(folder / f"round{n}") as place:
            members = enrol_fleet(place.hub, place.a, DEVICES)
            rows = entities_for(members, place.a, EACH, seed=n)
            letters = [letter(place.hub, m, place.a, r)[0] for m, r in zip(members, rows, strict=True)]

            def many(hub: Hub = place.hub, all_of_them: list[Letter] = letters) -> None:
                with ThreadPoolExecutor(SENDERS) as pool:
                    for done in [pool.submit(_handled, hub, one) for one in all_of_them]:
                        done.result()

            at_once = timed(many)
        with _place(folder / f"round{n}one") as place:
            (member,) = enrol_fleet(place.hub, place.a, 1)
            stream, first, head = [], 1, bytes(32)
            for part in rows:
                one, head = letter(place.hub, member, place.a, part, first, head)
                stream.append(one)
                first += EACH

            def in_turn(hub: Hub = place.hub, all_of_them: list[Letter] = stream) -> None:
                for one in all_of_them:
                    _handled(hub, one)

            alone = timed(in_turn)
        values.append((alone / at_once, at_once, alone))
    value, at_once, alone = sorted(values)[len(values) // 2]
    total = DEVICES * EACH
    say(f"  {DEVICES} devices {total / at_once:,.0f} changes/s against one stream {total / alone:,.0f}")
    return value


def hub_growth(folder: Path) -> float:
    """Changes per second the hub applies at 3 million entities ÷ at 30,000, on PostgreSQL (ADR 0027).

    As it is installed: every commit flushed, checkpoints when it likes.
    """
    with running_postgres(PRODUCTION) as server:
        places = [make_place(server.fresh(), folder / name, Clock()) for name in ("small", "large")]
        try:
            server.run("CHECKPOINT")
            return _growth(places, lambda _: 0.0)
        finally:
            for place in places:
                place.hub.close()


def hub_growth_sqlite(folder: Path) -> float:
    """The same on SQLite, where a hub begins.

    What the change sets left in the write-ahead log is folded in afterwards and charged to them.
    """
    with _place(folder / "small") as small, _place(folder / "large") as large:
        return _growth([small, large], _fold)


def _growth(places: list[Place], fold: Callable[[Place], float]) -> float:
    sides = []
    for place, size in zip(places, (SMALL, LARGE), strict=True):
        (member,) = enrol_fleet(place.hub, place.a, 1)
        began = time.perf_counter()
        _fill(place, size)
        say(f"  {size:,} entities in {time.perf_counter() - began:.0f} s")
        sides.append(_Side(place, member))
    for place in places:
        fold(place)
    pairs = [tuple(side.take(n) for side in sides) for n in range(GROWTH_ROUNDS)]
    few_later, many_later = (fold(place) / GROWTH_ROUNDS for place in places)
    pairs = [(few + few_later, many + many_later) for few, many in pairs]
    few, many = (statistics.median(side) for side in zip(*pairs, strict=True))
    say(f"  at {SMALL:,}: {few:.2f} s, at {LARGE:,}: {many:.2f} s for {BATCH:,} entities")
    return statistics.median(few / many for few, many in pairs)


def _fold(place: Place) -> float:
    """Seconds to bring everything from the write-ahead log into the database file."""
    path = place.hub.store.database.path
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as handle:
        return timed(lambda: handle.execute("PRAGMA wal_checkpoint(RESTART)").fetchone())


class _Side:
    """One hub and the device that goes on entering."""

    def __init__(self, place: Place, member: Member) -> None:
        self._place, self._member = place, member
        self._first, self._head = 1, bytes(32)

    def take(self, n: int) -> float:
        """Seconds for the next change set."""
        rows = entities_for([self._member], self._place.a, BATCH, seed=1000 + n)[0]
        one, self._head = letter(
            self._place.hub, self._member, self._place.a, rows, self._first, self._head
        )
        self._first += BATCH
        return timed(lambda: _handled(self._place.hub, one))


def _fill(place: Place, size: int) -> None:
    """So many entities as if they had been there for long: straight into the table.

    In portions, each in the order of its ids: random ids one by one would read and
    write every page of their index over and over. The index ends up as years would leave it.
    """
    declared = catalog.by_name("market_entity")
    (template,) = entities_for([_NOBODY], place.a, 1, seed=1)[0]
    values = {**template, "source_bureau": place.a, "entered_at": "2026-01-01T00:00:00+08:00",
              "entered_by": "hub", "entry_way": "import"}  # fmt: skip
    values = {n: v for n, v in values.items() if n in declared.by_name and n not in ("uscc", "name")}
    names = ("id", "uscc", "name", *values, "_w", "_tag", "_hlc")
    marks = ", ".join("?" * len(values))
    for first in range(1, size + 1, PORTION):
        last = min(first + PORTION - 1, size)
        with place.hub.store.write() as connection:
            if sql.is_postgres(connection):
                some = f"SELECT i FROM generate_series({first}, {last}) AS s(i)"
                ids, code = "md5(random()::text || i)", "'91310113XQ' || lpad(i::text, 8, '0')"
            else:
                some = f"SELECT {first} AS i UNION ALL SELECT i + 1 FROM n WHERE i < {last}"
                ids, code = "lower(hex(randomblob(16)))", "printf('91310113XQ%08d', i)"
            sql.execute(
                connection,
                f'INSERT INTO "market_entity" ({sql.quoted(names)})'
                f" WITH RECURSIVE n(i) AS ({some})"
                f" SELECT {ids}, {code}, '旧企业' || i, {marks}, 1099511627777, 1099511627777, 1 FROM n ORDER BY 1",
                tuple(str(v) for v in values.values()),
            )


_NOBODY = Member("", None, "")  # type: ignore[arg-type]

BENCHMARKS = (
    Benchmark("fan_in", 0.8, HIGHER, fan_in),
    Benchmark("hub_growth", 0.8, HIGHER, hub_growth),
    Benchmark("hub_growth_sqlite", None, REPORTED, hub_growth_sqlite),
)
__all__ = ["BENCHMARKS"]
