"""Random histories of seats and a hub, each checked by the five oracles (proof.md).

A history that fails says how to see it again. ``make test-long`` runs 2,000.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.hubs import Postgres
from tests.fixtures.longer import Count, seeds
from tests.simulator.town import Town, build
from tests.simulator.world import Options, World, told_again

PER_TEST = 10


def lived(seed: int, folder: Path, options: Options, flags: str = "") -> str:
    """One history; when an oracle objects, how to replay it comes with it."""
    try:
        return World(seed, folder, options).run()
    except Exception as bad:
        raise AssertionError(f"{told_again(seed, flags)}\n{type(bad).__name__}: {bad}") from bad


@pytest.mark.parametrize("start", seeds(200, 2000, PER_TEST))
def test_histories_in_all_weathers(start: int, ram: Path, count: Count) -> None:
    for seed in range(start, start + PER_TEST):
        lived(seed, ram / str(seed), Options())
    count("histories", PER_TEST)


@pytest.fixture(scope="session")
def postgres_town(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The same town with its hub in PostgreSQL."""
    postgres.run("CREATE DATABASE simulated TEMPLATE template0")
    return build(tmp_path_factory.mktemp("town"), postgres.url("simulated"))


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_histories_on_postgresql_come_out_the_same(
    seed: int, ram: Path, postgres: Postgres, postgres_town: Town, count: Count
) -> None:
    there = Options(hub_url=lambda: postgres.fresh("simulated"), town=lambda: postgres_town)
    assert lived(seed, ram / "postgres", there) == lived(seed, ram / "sqlite", Options())
    count("histories on PostgreSQL", 1)


@pytest.fixture
def replayed() -> Callable[[int, str], str]:
    """Runs the command line in a process of its own; returns the digest of the trace."""

    def run(seed: int, hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulator", str(seed)], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )  # fmt: skip
        found = re.search(r"trace ([0-9a-f]{64})", done.stdout)
        assert found, done.stdout
        return found[1]

    return run


def test_a_seed_replays_exactly(ram: Path, replayed: Callable[[int, str], str]) -> None:
    """Line by line and content by content, in another process that orders its sets otherwise."""
    here = lived(5, ram / "here", Options())
    assert replayed(5, "1") == here == replayed(5, "2")
