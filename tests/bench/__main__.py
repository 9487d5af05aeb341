"""Run the benchmarks: a line per goal, and ``build/bench.json``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import (
    applying,
    attaching,
    hub,
    loading,
    packages,
    program,
    searching,
    sheets,
    syncing,
)
from tests.bench.measure import Result, Skipped, say, write

ROOT = Path(__file__).resolve().parents[2]
ALL = (
    *applying.BENCHMARKS,
    *packages.BENCHMARKS,
    *attaching.BENCHMARKS,
    *syncing.BENCHMARKS,
    *loading.BENCHMARKS,
    *sheets.BENCHMARKS,
    *program.BENCHMARKS,
    *searching.BENCHMARKS,
    *hub.BENCHMARKS,
)


def main() -> int:
    """Returns 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[b.name for b in ALL], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="say the names and stop")
    asked = parser.parse_args()
    if asked.list:
        say("\n".join(b.name for b in ALL))
        return 0
    results: list[Result] = []
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as scratch:
        for one in ALL:
            if asked.only and one.name not in asked.only:
                continue
            folder = Path(scratch) / one.name
            folder.mkdir()
            try:
                results.append(Result(one, one.take(folder)))
            except Skipped as why:
                say(f"{one.name:<18} skipped: {why}")
                continue
            say(results[-1].line())
            write(results, build / "bench.json")
        searching.forget()
    return 0 if all(r.ok for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
