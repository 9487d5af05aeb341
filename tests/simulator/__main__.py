"""Replay a history: ``python -m tests.simulator SEED --trace``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fixtures.memory import in_memory
from tests.simulator.mishaps import CRASH, FULL, POWER
from tests.simulator.troubles import KINDS
from tests.simulator.world import Options, World, told_again


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Returns 1 when an oracle objects."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("seed", type=int, nargs="+", help="one seed, or first and last")
    parser.add_argument("--trace", action="store_true", help="print what happens")
    parser.add_argument("--steps", type=int, default=Options().steps)
    parser.add_argument("--mishaps", nargs="*", default=(), choices=(CRASH, POWER, FULL), metavar="KIND")
    parser.add_argument("--trouble", nargs="*", default=(), choices=tuple(KINDS), metavar="KIND")
    asked = parser.parse_args()
    options = Options(
        steps=asked.steps, trace=_say if asked.trace else None, mishaps=tuple(asked.mishaps), trouble=tuple(asked.trouble)
    )
    flags = " ".join(
        [f"--{name} {' '.join(said)}" for name in ("mishaps", "trouble") if (said := getattr(asked, name))]
        + ([f"--steps {asked.steps}"] if asked.steps != Options().steps else [])
    )
    hits: Counter[str] = Counter()
    failed, began = 0, time.monotonic()
    for seed in range(asked.seed[0], asked.seed[-1] + 1):
        with tempfile.TemporaryDirectory(prefix="yzsim", dir=in_memory()) as folder:
            try:
                world = World(seed, Path(folder), options)
                digest = world.run()
                hits += world.mishaps.hits
                if len(asked.seed) == 1:
                    sys.stdout.write(f"seed {seed} holds, trace {digest}\n")
            except Exception as bad:
                failed += 1
                sys.stdout.write(f"seed {seed}: {type(bad).__name__}: {bad}\n{told_again(seed, flags)}\n")
                sys.stdout.flush()
                if asked.trace:
                    raise
    for place, count in sorted(hits.items()):
        sys.stdout.write(f"{count:5} {place}\n")
    sys.stdout.write(f"{failed} failed, {time.monotonic() - began:.1f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
