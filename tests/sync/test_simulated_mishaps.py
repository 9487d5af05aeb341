"""Crashes at any durable step, power cuts that forget what was not flushed, disks that are full.

Each history meets several; afterwards seats and hub start again on what is left, work
goes on, and the five oracles are asked. ``make test-long`` meets some 6,000 crashes, as many power
cuts and 8,000 full disks; the end of a run says how many they were.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from shared.store import database
from tests.fixtures.longer import Count, seeds
from tests.simulator.mishaps import CRASH, FULL, POWER
from tests.simulator.world import Options, World, told_again

PER_TEST = 10

CLIENT_STEPS = {
    "capture commit", "engine.cut commit", "underway.write open", "underway.write rename",
    "absorbing._take_receipt commit", "absorbing._take_down commit", "underway.clear unlink", "media._copy fsync",
}  # fmt: skip
HUB_STEPS = {"reception.open open", "spool._flush fsync", "spool.finish rename", "receipts.sign commit"}


def lived(kind: str, seeds: range, folder: Path) -> Counter[str]:
    """Some histories; returns where mishaps befell them."""
    hits: Counter[str] = Counter()
    for seed in seeds:
        world = World(seed, folder / str(seed), Options(mishaps=(kind,), steps=40))
        try:
            world.run()
        except Exception as bad:
            told = told_again(seed, f"--steps 40 --mishaps {kind}")
            raise AssertionError(f"{told}\n{type(bad).__name__}: {bad}") from bad
        hits += world.mishaps.hits
    return hits


@pytest.fixture(scope="module")
def met() -> Counter[str]:
    """Where mishaps have befallen the histories of this file so far."""
    return Counter()


# Of each kind; a history of this length meets about ten.
@pytest.mark.parametrize("start", seeds(10, 600, PER_TEST))
@pytest.mark.parametrize("kind", [CRASH, POWER, FULL])
def test_mishaps_lose_nothing(kind: str, start: int, ram: Path, count: Count, met: Counter[str]) -> None:
    hits = lived(kind, range(start, start + PER_TEST), ram)
    met.update(hits)
    assert hits.total() > 4 * PER_TEST, "too little happened to prove anything"
    count(f"mishaps of kind {kind}", hits.total())


def test_every_durable_step_is_met(ram: Path, met: Counter[str]) -> None:
    """Capture, cut, seal, stick, import, apply, receipt and clean-up, at client and hub."""
    wanted = {f"{CRASH} seat {s}" for s in CLIENT_STEPS} | {f"{CRASH} hub {s}" for s in HUB_STEPS}
    for seed in (12, 25, *range(1001, 1001 + PER_TEST * 4)):  # the first two meet what is rare
        if wanted <= met.keys():
            break
        met.update(lived(CRASH, range(seed, seed + 1), ram))
    assert wanted - met.keys() == set()


def test_a_store_that_does_not_flush_its_commits_is_found(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would the oracles notice? Write-ahead logging without a flush per commit forgets what was signed."""
    careful = database._prepare_sqlite

    def careless(handle: object, read_only: bool) -> None:
        careful(handle, read_only)
        handle.execute("PRAGMA synchronous = NORMAL")  # type: ignore[attr-defined]

    monkeypatch.setattr(database, "_prepare_sqlite", careless)
    with pytest.raises(AssertionError):
        lived(POWER, range(1, 1 + PER_TEST), ram)
