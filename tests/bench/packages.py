"""The sealed package: bytes on the wire, speed and memory of sealing and opening."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zstandard

from shared.changes import join_blocks
from shared.clock import Clock
from shared.fictitious import market_entities
from shared.ids import new_id
from shared.record import RecordType
from shared.store.facts import write_number
from sync import package
from sync.engine import Engine
from sync.entries import Entry
from sync.layout import CHUNK, Kind
from sync.messages import CHANGE_SET
from sync.package import CoreDraft
from sync.sealing import ZSTD_LEVEL
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys, HubTrust
from tests.bench.applying import insert_block
from tests.bench.measure import HIGHER, LOWER, Benchmark, ratio, say, timed
from tests.bench.stage import BLOCK, ENTITY, OFFICER, PERMIT, client, permits

UPDATES = 1_000
KNOWN = 20_000
SEALED_PERMITS = 100_000
MIB = 1 << 20
TRAFFIC = 128 * MIB
RSS_RAW = 1 << 30
DAY = 1_780_000_000_000


# --- size --------------------------------------------------------------------
def bytes_per_update(folder: Path) -> float:
    """Sealed bytes per two-field update: 1,000 updates, each its own transaction, minutes apart.

    The larger of two: permits, whose ids are time-ordered, and market entities,
    whose ids are hashes and cannot be compressed.
    """
    dice = random.Random(5)
    entities = list(market_entities(KNOWN))
    people = [str(e["legal_person"]) for e in market_entities(UPDATES, seed=9)]
    contact = [{"legal_person": name, "phone": f"138{dice.randrange(10**8):08d}"} for name in people]
    extended = [
        {"valid_to": f"{dice.randrange(2027, 2036)}-{1 + dice.randrange(12):02d}-{1 + dice.randrange(28):02d}",
         "remark": f"延续，受理号{dice.randrange(10**6):06d}"}
        for _ in range(UPDATES)
    ]  # fmt: skip
    sizes = {
        "market_entity": _set_size(folder / "entity", ENTITY, entities, contact, dice),
        "permit": _set_size(folder / "permit", PERMIT, _permit_rows(), extended, dice),
    }
    for name, size in sizes.items():
        say(f"  {UPDATES} updates of {name}: {size:,} bytes sealed")
    return max(sizes.values()) / UPDATES


def _set_size(
    folder: Path,
    declared: RecordType,
    rows: Sequence[dict[str, Any]],
    edits: Sequence[dict[str, Any]],
    dice: random.Random,
) -> int:
    now = [DAY]
    store = client(folder, clock=Clock(lambda: now[0]))
    engine = _engine(store, folder)
    with store.unit(OFFICER, cause="import:bench") as unit:
        ids = unit.insert(declared, rows, way="import", proven=True)
        reached = unit.seq
    engine.cut()
    with store.write() as connection:
        write_number(connection, "receipted", reached)
    for record_id, values in zip(dice.sample(ids, UPDATES), edits, strict=True):
        now[0] += dice.randrange(20_000, 600_000)
        with store.unit(OFFICER) as unit:
            assert unit.update(declared, record_id, values, proven=True)
    with (folder / "up.yzp").open("w+b") as out:
        sealed = engine.prepare(out, "network")
    assert sealed.n_entries == 2
    store.close()
    return sealed.size


def _permit_rows() -> list[dict[str, Any]]:
    batches = permits(KNOWN)
    names = [f.name for f in batches[0].fields]
    return [dict(zip(names, row[1:], strict=True)) for one in batches for row in one.rows()]


def _engine(store: Any, folder: Path) -> Engine:
    hub = HubTrust(new_id(), "中心", SigningKey.generate().public, OpenKey.generate().public)
    return Engine(store, DeviceKeys.generate(), hub, folder / "spool")


# --- speed -------------------------------------------------------------------
class Traffic:
    """Change sets of permits, and keys for both ends."""

    def __init__(self) -> None:
        batches = permits(SEALED_PERMITS)
        blocks = [insert_block(i * BLOCK + 1, one) for i, one in enumerate(batches)]
        per = max(1, (8 * MIB) // len(blocks[0]))
        self.payloads = [join_blocks(blocks[i : i + per]) for i in range(0, len(blocks), per)]
        self.sign = SigningKey.generate()
        self.open = OpenKey.generate()
        self.hub = new_id()

    def entries(self, total: int) -> Iterator[Entry]:
        """About ``total`` bytes of change sets."""
        envelope = os.urandom(400)
        while total > 0:
            for payload in self.payloads:
                yield Entry(CHANGE_SET, {"envelope": envelope}, payload)
                total -= len(payload)
                if total <= 0:
                    break

    def seal(self, target: Path, total: int) -> None:
        """Write a package, flushed to the disk."""
        draft = CoreDraft(Kind.CHANGES, self.hub, new_id(), Clock().stamp())
        with target.open("w+b") as out:
            package.seal(out, draft, [self.open.public], self.sign, self.entries(total))

    def take(self, source: Path) -> int:
        """Verify and open it; reads every entry, hashing its data as an importer does."""
        size = 0
        with source.open("rb") as stream:
            opened = package.open_package(
                stream, lambda _: self.sign.public, {self.open.public.kid: self.open}, self.hub
            )
            for entry in opened.entries():
                size += len(entry.data)
        return size


def seal(folder: Path) -> float:
    """Throughput of sealing ÷ zstd level 3 alone, both to a file."""
    traffic, target = Traffic(), folder / "a.yzp"

    def alone() -> None:
        cutter = zstandard.ZstdCompressor(level=ZSTD_LEVEL).chunker(chunk_size=CHUNK)
        with (folder / "b.zst").open("wb") as out:
            for entry in traffic.entries(TRAFFIC):
                for piece in cutter.compress(entry.data):
                    out.write(piece)
            for piece in cutter.finish():  # type: ignore[no-untyped-call]
                out.write(piece)

    value = 1 / ratio(
        lambda: timed(lambda: traffic.seal(target, TRAFFIC)),
        lambda: timed(alone),
        5,
        note="seal ÷ zstd alone",
    )
    say(f"  {TRAFFIC // MIB} MiB → {target.stat().st_size / MIB:.1f} MiB")
    return value


def open_(folder: Path) -> float:
    """Throughput of verifying and opening ÷ sealing."""
    traffic, target = Traffic(), folder / "a.yzp"
    traffic.seal(target, TRAFFIC)
    return 1 / ratio(
        lambda: timed(lambda: traffic.take(target)),
        lambda: timed(lambda: traffic.seal(folder / "b.yzp", TRAFFIC)),
        5,
        note="open ÷ seal",
    )


# --- memory ------------------------------------------------------------------
def package_rss(folder: Path) -> float:
    """Peak memory in MiB of two fresh processes, one sealing 1 GB, one opening it; the larger."""
    peaks = {}
    for step in ("seal", "open"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory", step, str(folder), str(RSS_RAW)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        peaks[step] = float(done.stdout)
    say("  peak " + ", ".join(f"{k} {v:.0f} MiB" for k, v in peaks.items()))
    return max(peaks.values())


BENCHMARKS = (
    Benchmark("bytes_per_update", 60, LOWER, bytes_per_update),
    Benchmark("seal", 0.7, HIGHER, seal),
    Benchmark("open", 2, HIGHER, open_),
    Benchmark("package_rss", 128, LOWER, package_rss),
)
