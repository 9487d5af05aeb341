"""Attachments: how fast a scan becomes encrypted pieces, surely on the disk."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

from shared.attachments import PIECE
from shared.store.contents import Contents
from tests.bench.measure import HIGHER, Benchmark, ratio, say, timed

SCAN = 48 * PIECE


def take_in(folder: Path) -> float:
    """Taking in one scan of 48 MiB as a share of writing and flushing the same bytes in clear."""
    content = random.Random(3).randbytes(SCAN)
    store = Contents(folder / "attachments", bytes(32))

    def pieces() -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        for no in range(SCAN // PIECE):
            store.put(sha256, no, content[no * PIECE : (no + 1) * PIECE])

    def plain() -> None:
        for no in range(SCAN // PIECE):
            with (folder / f"plain-{no}").open("wb") as out:
                out.write(content[no * PIECE : (no + 1) * PIECE])
                out.flush()
                os.fsync(out.fileno())

    say(f"  take_in: {SCAN / timed(pieces) / 1e6:,.0f} MB/s")
    return ratio(lambda: timed(plain), lambda: timed(pieces), note="in clear ÷ encrypted pieces")


BENCHMARKS = (Benchmark("take_in", None, HIGHER, take_in),)
