"""Who wrote what, found again in what the hub keeps: change sets of devices, streams of its own.

A conflict shows the value its author had seen. That value stands nowhere any more;
its reference leads to the signed change set it came in, or, for what the hub itself
wrote, to the stream it was announced in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import sqlalchemy as sa
import zstandard

from shared.changes import SEQ_BITS, SEQ_MASK, Block, Op, Run, Value, decode_block, split_blocks, unpack
from shared.clock import CHINA, hlc_time
from shared.store import sql
from shared.store.references import Origins

WITHOUT_EFFECT = ("parked", "quarantined", "rejected")
_KEPT_SETS = 4
_KEPT_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class Written:
    """One change as its author made it.

    :param known: whether the archive still has it; if not, only the reference is known.
    """

    actor: str = ""
    at: str = ""
    run: Run | None = None

    @property
    def known(self) -> bool:
        """Whether it was found."""
        return self.run is not None

    def value(self, record_id: str, number: int) -> Value:
        """What it set a field of a record to; None for nothing."""
        run = self.run
        if run is None or run.op == Op.DELETE or number not in run.fields:
            return None
        ids = run.record_ids()
        if record_id not in ids:
            return None
        return run.columns[run.fields.index(number)][ids.index(record_id)]


class Archive:
    """Looks changes up by reference inside one transaction; remembers what it unpacked.

    :param own: local number of the hub's own origin.
    """

    def __init__(self, connection: sa.Connection, own: int, origins: Origins) -> None:
        self._connection = connection
        self._own = own
        self._origins = origins
        self._sets: OrderedDict[tuple[int, int], list[Run]] = OrderedDict()
        self._blocks: OrderedDict[tuple[str, int], Block] = OrderedDict()
        self._firsts: dict[str, list[int]] = {}
        self._now: dict[int, list[Run]] = {}

    def note(self, origin: int, run: Run) -> None:
        """A run of the set that is being applied: it is not archived before it stands."""
        self._now.setdefault(origin, []).append(run)

    def name(self, reference: int) -> str:
        """A reference as it means the same everywhere: device:incarnation:seq; ``""`` for none."""
        if not reference:
            return ""
        device, incarnation = self._origins.name(reference >> SEQ_BITS)
        return f"{device}:{incarnation}:{reference & SEQ_MASK}"

    def written(self, reference: int, streams: Iterable[str] = ()) -> Written:
        """The change behind a reference.

        :param streams: where the hub's own changes of this record were announced.
        """
        if not reference:
            return Written()
        origin, seq = reference >> SEQ_BITS, reference & SEQ_MASK
        if origin == self._own:
            run = self._announced(seq, streams)
            return _said(run) if run else Written("hub", "")
        for run in chain(self._now.get(origin, ()), self._set_of(origin, seq)):
            if run.first <= seq < run.first + run.count:
                return _said(run)
        return Written()

    # --- inside --------------------------------------------------------------
    def _set_of(self, origin: int, seq: int) -> list[Run]:
        device, incarnation = self._origins.name(origin)
        marks = ", ".join("?" * len(WITHOUT_EFFECT))
        row = sql.execute(
            self._connection,
            "SELECT first, cs_id FROM accepted_set WHERE device = ? AND incarnation = ?"
            f" AND first <= ? AND last >= ? AND status NOT IN ({marks})",
            (device, incarnation, seq, seq, *WITHOUT_EFFECT),
        ).fetchone()
        if row is None:
            return []
        key = (origin, int(row[0]))
        if key not in self._sets:
            (payload,) = sql.execute(
                self._connection, "SELECT payload FROM accepted_set WHERE cs_id = ?", (row[1],)
            ).fetchone()
            raw = zstandard.ZstdDecompressor().decompress(bytes(payload))
            self._sets[key] = [run for one in split_blocks(raw) for run in decode_block(one).runs]
            while len(self._sets) > _KEPT_SETS:
                self._sets.popitem(last=False)
        self._sets.move_to_end(key)
        return self._sets[key]

    def _announced(self, seq: int, streams: Iterable[str]) -> Run | None:
        """The hub's own change of that number: in each stream they come in their order."""
        for stream in streams:
            found = self._in_stream(stream, seq)
            if found is not None:
                return found
        return None

    def _in_stream(self, stream: str, seq: int) -> Run | None:
        if stream not in self._firsts:
            rows = sql.execute(
                self._connection, "SELECT first FROM stream_block WHERE stream = ? ORDER BY first", (stream,)
            )
            self._firsts[stream] = [int(r[0]) for r in rows]
        firsts = self._firsts[stream]
        low, high = 0, len(firsts)
        while low < high:
            at = middle = (low + high) // 2
            runs: list[Run] = []
            while at < high and not (runs := self._own_runs(stream, firsts[at])):
                at += 1
            for run in runs:
                if run.first <= seq < run.first + run.count:
                    return run
            if not runs or seq < runs[0].first:
                high = middle
            else:
                low = at + 1
        return None

    def _own_runs(self, stream: str, first: int) -> list[Run]:
        key = (stream, first)
        if key not in self._blocks:
            (payload,) = sql.execute(
                self._connection, "SELECT payload FROM stream_block WHERE stream = ? AND first = ?", key
            ).fetchone()
            self._blocks[key] = decode_block(unpack(bytes(payload)))
            while len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        block, own = self._blocks[key], self._origins.name(self._own)
        return [r for r in block.runs if tuple(block.origins[r.origin]) == own]


def _said(run: Run) -> Written:
    return Written(run.actor, time_of(run.hlc), run)


def time_of(hlc: int) -> str:
    """A hybrid time as people read it."""
    return hlc_time(hlc).astimezone(CHINA).replace(microsecond=0).isoformat()
