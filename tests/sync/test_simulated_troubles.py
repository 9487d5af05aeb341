"""Random histories of each kind of trouble (``tests/simulator/troubles``), five oracles each.

``make test-long`` lives through hundreds of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from server_stub.review import Review
from shared.store import exchange, rewinding
from tests.fixtures.longer import Count, seeds
from tests.simulator.troubles import (
    ATTACHED,
    COPIED,
    COURIERED,
    HELD,
    KINDS,
    LOADED,
    MOVED,
    RESTORED,
    ROTATED,
)
from tests.simulator.world import Options, World, told_again

PER_TEST = 4
FEW = {ATTACHED: 4, COURIERED: 4}
"""How many of the longer histories a short run lives through."""
MIXED = (
    (LOADED, MOVED), (LOADED, RESTORED), (COPIED, MOVED), (MOVED, RESTORED), (COURIERED, RESTORED),
    (HELD, COURIERED), (ROTATED, RESTORED),
)  # fmt: skip
"""Two at a time: most of what was found late needed both."""


def lived(kinds: str | tuple[str, ...], seeds: Iterable[int], folder: Path) -> list[str]:
    """Some histories; returns their traces."""
    lines: list[str] = []
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    for seed in seeds:
        world = World(seed, folder / f"{'_'.join(kinds)}{seed}", Options(trouble=kinds))
        try:
            world.run()
        except Exception as bad:
            told = told_again(seed, f"--trouble {' '.join(kinds)}")
            raise AssertionError(f"{told}\n{type(bad).__name__}: {bad}") from bad
        lines += world.lines
    return lines


@pytest.mark.parametrize(
    ("kind", "start"), [(k, s) for k in KINDS for s in seeds(FEW.get(k, 8), 300, PER_TEST)]
)
def test_histories_of_each_kind(kind: str, start: int, ram: Path, count: Count) -> None:
    lived(kind, range(start, start + PER_TEST), ram)
    count(f"histories with {kind}", PER_TEST)


@pytest.mark.parametrize(("kinds", "start"), [(k, s) for k in MIXED for s in seeds(2, 40, 2)], ids=str)
def test_histories_of_two_kinds_at_once(kinds: tuple[str, ...], start: int, ram: Path, count: Count) -> None:
    lived(kinds, range(start, start + 2), ram)
    count(f"histories with {' and '.join(kinds)}", 2)


# --- would the oracles notice? ----------------------------------------------------------------
def test_a_device_that_never_offers_again_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restored hub forgot what a receipt promised; the seat takes the old receipt's word."""

    def trusting(_unit: object, _types: object, epoch: str, *_: object) -> bool:
        return bool(epoch) and False

    monkeypatch.setattr(rewinding, "take_back", trusting)
    with pytest.raises(AssertionError):
        lived(RESTORED, range(1, 11), ram)


def test_records_in_doubt_that_nobody_asks_about_are_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewinding, "doubts", lambda _: {})
    with pytest.raises(AssertionError):
        lived(RESTORED, range(1, 21), ram)


def test_a_rejection_that_nobody_announces_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The author's screen would go on showing what was rejected."""
    monkeypatch.setattr(Review, "_announce", lambda *_: None)
    monkeypatch.setattr(rewinding, "doubt_own", lambda *_: None)  # nor does the author ask
    with pytest.raises(AssertionError):
        lived(HELD, range(1, 31), ram)


def test_a_decision_the_author_never_hears_of_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "unsettled", lambda _: [])
    with pytest.raises(AssertionError, match="O5"):
        lived(HELD, range(1, 11), ram)
