"""Search over 500,000 market entities against what a program without an index does."""

from __future__ import annotations

import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from shared.fictitious import market_entities
from shared.filters import Filter
from shared.store import query, sql
from shared.store.query import Place
from shared.store.store import Store
from tests.bench.measure import LOWER, Benchmark, say
from tests.bench.stage import BUREAU, ENTITY, OFFICER, client

ENTITIES = 500_000
DIVISIONS = ("310113", "310114")
PER_TRANSACTION = 50_000
HALF = 15
COMMONEST = 10
RARE, MEDIUM = 0.001, 0.02
ROUNDS = 3
Search = Callable[[Any, str], int]
_folders: list[Path] = []


# --- what is searched --------------------------------------------------------
@lru_cache(maxsize=1)
def district(folder: Path) -> Store:
    """A client that holds the registry of two districts; built once per run."""
    began = time.perf_counter()
    store = client(folder)
    _folders.append(folder)
    for at, division in enumerate(DIVISIONS):
        rows = market_entities(ENTITIES // len(DIVISIONS), division, seed=at + 1)
        while part := list(islice(rows, PER_TRANSACTION)):
            with store.unit(OFFICER, cause="import:bench") as unit:
                unit.insert(ENTITY, part, way="import", proven=True)
    say(f"  {ENTITIES:,} entities written in {time.perf_counter() - began:.0f} s")
    return store


def shared_district(folder: Path) -> Store:
    """The one district of this run, wherever it was built first."""
    return district(folder.parent / "district")


def forget() -> None:
    """Close and remove what :func:`district` made."""
    for folder in _folders:
        district(folder).close()
        shutil.rmtree(folder, ignore_errors=True)
    _folders.clear()


@lru_cache(maxsize=1)
def pairs(store: Store) -> list[tuple[str, int]]:
    """Every two neighbouring characters of a name and in how many names, commonest first."""
    counted: Counter[str] = Counter()
    with store.read() as connection:
        for (name,) in sql.execute(connection, "SELECT name FROM market_entity"):
            counted.update({a + b for a, b in pairwise(name) if (a + b).isalnum()})
    return counted.most_common()


def _spread(found: Sequence[str], n: int) -> list[str]:
    return [found[i * len(found) // n] for i in range(n)]


# --- both ways ---------------------------------------------------------------
def _ours(connection: Any, word: str) -> int:
    wanted = Filter(text=word)
    place = Place(OFFICER.user, BUREAU)
    query.first(connection, ENTITY, wanted, place)
    return query.count(connection, ENTITY, wanted, place)


def _like(connection: Any, word: str) -> int:
    where = "_deleted = 0 AND name LIKE ?"
    names = sql.quoted(("id", "rid", *ENTITY.names, "_tag", "_n"))
    page = f"SELECT {names} FROM market_entity WHERE {where} ORDER BY rid LIMIT ?"
    sql.execute(connection, page, (f"%{word}%", query.FIRST_PAGE)).fetchall()
    count = f"SELECT count(*) FROM market_entity WHERE {where}"
    return int(sql.execute(connection, count, (f"%{word}%",)).scalar())


def _compared(store: Store, words: Sequence[str]) -> float:
    """Searches by index (each the median of three) ÷ the same by LIKE, taken in turns.

    The index must find all that LIKE finds; it may find more: signs do not count in it.
    """
    ours = like = 0.0
    with store.read() as connection:
        for word in words:
            times = [_timed(_ours, connection, word) for _ in range(ROUNDS)]
            took, expected = _timed(_like, connection, word)
            assert times[0][1] >= expected > 0, (word, times, expected)
            ours += statistics.median(t for t, _ in times)
            like += took
    say(f"  {len(words)} searches: {ours:.3f} s against {like:.3f} s")
    return ours / like


def _timed(search: Search, connection: Any, word: str) -> tuple[float, int]:
    began = time.perf_counter()
    found = search(connection, word)
    return time.perf_counter() - began, found


# --- goals -------------------------------------------------------------------
def search_2char(folder: Path) -> float:
    """Rare (in under 0.1 % of names) and medium (under 2 %) pairs, fifteen each."""
    store = shared_district(folder)
    known = pairs(store)
    rare = [w for w, n in known if n <= ENTITIES * RARE]
    medium = [w for w, n in known if ENTITIES * RARE < n <= ENTITIES * MEDIUM]
    return _compared(store, [*_spread(rare, HALF), *_spread(medium, HALF)])


def search_common(folder: Path) -> float:
    """The ten commonest pairs, 上海 and 有限 among them."""
    store = shared_district(folder)
    words = [w for w, _ in pairs(store)[:COMMONEST]]
    say(f"  commonest: {' '.join(words)}")
    return _compared(store, words)


BENCHMARKS = (
    Benchmark("search_2char", 0.02, LOWER, search_2char),
    Benchmark("search_common", 2, LOWER, search_common),
)
