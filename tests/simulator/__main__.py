"""Replay a history: ``python -m tests.simulator SEED --trace``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.simulator.world import Options, World


def main() -> int:
    """Returns 1 when an oracle objects."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("seed", type=int, nargs="+", help="one seed, or first and last")
    parser.add_argument("--trace", action="store_true", help="print what happens")
    parser.add_argument("--steps", type=int, default=Options().steps)
    asked = parser.parse_args()
    say = (lambda line: sys.stdout.write(line + "\n")) if asked.trace else None
    failed, began = 0, time.monotonic()
    for seed in range(asked.seed[0], asked.seed[-1] + 1):
        with tempfile.TemporaryDirectory(prefix="yzsim") as folder:
            try:
                digest = World(seed, Path(folder), Options(steps=asked.steps, trace=say)).run()
                if len(asked.seed) == 1:
                    sys.stdout.write(f"seed {seed} holds, trace {digest}\n")
            except Exception as bad:
                failed += 1
                sys.stdout.write(f"seed {seed}: {type(bad).__name__}: {bad}\n")
                if asked.trace:
                    raise
    sys.stdout.write(f"{failed} failed, {time.monotonic() - began:.1f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
