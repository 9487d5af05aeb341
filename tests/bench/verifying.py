"""Many codes verified at once against one join."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measure import LOWER, Benchmark, Skipped


def verify_batch(folder: Path) -> float:
    """Time to verify 100,000 codes at once ÷ one raw SQL join."""
    raise Skipped("the program verifies one entity at a time; there is no batch verification yet")


BENCHMARKS = (Benchmark("verify_batch", 3, LOWER, verify_batch),)
