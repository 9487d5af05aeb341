"""How a benchmark is said, taken and written down.

Absolute times are noise on shared machines. Both sides of a ratio run in turns
within one process on one file system, and the median of their quotients counts.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 3
HIGHER, LOWER, REPORTED = "higher", "lower", "reported"
Timed = Callable[[], float]


class Skipped(Exception):
    """What is to be measured does not exist yet; the text says what."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One line of the table in proof.md.

    :param take: measures in an empty folder of its own.
    :param goal: None when the value is only reported.
    """

    name: str
    goal: float | None
    better: str
    take: Callable[[Path], float]

    @property
    def wanted(self) -> str:
        """The goal for people."""
        sign = {HIGHER: "≥", LOWER: "≤"}.get(self.better, "")
        return "reported" if self.goal is None else f"{sign} {self.goal:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    benchmark: Benchmark
    value: float

    @property
    def ok(self) -> bool:
        """Whether the goal is met; what is only reported always is."""
        one = self.benchmark
        if one.goal is None:
            return True
        return self.value >= one.goal if one.better == HIGHER else self.value <= one.goal

    @property
    def verdict(self) -> str:
        """One word."""
        return "ok" if self.ok else "MISS"

    def line(self) -> str:
        """For people."""
        one = self.benchmark
        return f"{one.name:<18} {self.value:>12,.4g}   {one.wanted:<10} {self.verdict}"


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(rows: Sequence[tuple[str, ...]], heads: tuple[str, ...]) -> str:
    """Columns side by side, as wide as their longest entry."""
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds one call takes."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio(ours: Timed, theirs: Timed, rounds: int = ROUNDS, note: str = "") -> float:
    """Median of (our seconds ÷ their seconds), taken in turns.

    Each side does its own preparation and returns the seconds that count.
    """
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    value = statistics.median(a / b for a, b in pairs)
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    say(f"  {note or 'ours ÷ theirs'}: {mine:.3f} s against {other:.3f} s")
    return value


def write(results: list[Result], target: Path) -> None:
    """``build/bench.json``; benchmarks not run this time keep their last value."""
    target.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(target.read_text()) if target.exists() else {}
    for one in results:
        known[one.benchmark.name] = {
            "value": one.value,
            "goal": one.benchmark.goal,
            "better": one.benchmark.better,
        }
    target.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
