"""Run the benchmarks, all or those named: a line per goal as it is taken, a table at the end, ``build/bench.json``."""

from __future__ import annotations

import argparse
import inspect
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
    verifying,
)
from tests.bench.measure import Benchmark, Result, Skipped, say, table, write

ROOT = Path(__file__).resolve().parents[2]
ALL = (
    *applying.BENCHMARKS,
    *packages.BENCHMARKS,
    *attaching.BENCHMARKS,
    *syncing.BENCHMARKS,
    *loading.BENCHMARKS,
    *sheets.BENCHMARKS,
    *verifying.BENCHMARKS,
    *program.BENCHMARKS,
    *searching.BENCHMARKS,
    *hub.BENCHMARKS,
)


def main() -> int:
    """Returns 1 when a goal is missed."""
    known = {one.name: one for one in ALL}
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all when none is named")
    parser.add_argument("--list", action="store_true", help="say what there is and its goals, and stop")
    asked = parser.parse_args()
    if strange := [name for name in asked.names if name not in known]:
        parser.error(f"no benchmark {', '.join(strange)}; there are {', '.join(known)}")
    if asked.list:
        say(table([(one.name, one.wanted, _meaning(one)) for one in ALL], ("name", "goal", "what")))
        return 0
    results, skipped = _taken([one for one in ALL if not asked.names or one.name in asked.names])
    rows = [(r.benchmark.name, f"{r.value:,.4g}", r.benchmark.wanted, r.verdict) for r in results]
    rows += [(one.name, "–", one.wanted, f"skipped: {why}") for one, why in skipped]
    say("\n" + table(rows, ("name", "value", "goal", "")))
    return 0 if all(r.ok for r in results) else 1


def _taken(chosen: list[Benchmark]) -> tuple[list[Result], list[tuple[Benchmark, str]]]:
    results: list[Result] = []
    skipped: list[tuple[Benchmark, str]] = []
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as scratch:
        for one in chosen:
            folder = Path(scratch) / one.name
            folder.mkdir()
            try:
                results.append(Result(one, one.take(folder)))
            except Skipped as why:
                skipped.append((one, str(why)))
                say(f"{one.name:<18} skipped: {why}")
                continue
            say(results[-1].line())
            write(results, build / "bench.json")
        searching.forget()
    return results, skipped


def _meaning(one: Benchmark) -> str:
    return (inspect.getdoc(one.take) or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
