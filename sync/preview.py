"""What an answer package would change, told before anything is changed.

Reads the entries of a verified package against this database and checks the same
signatures and continuations as applying them would; writes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from shared.changes import Block, Op, Run, decode_block
from shared.errors import PackageError, PackageTampered
from shared.store import exchange, pieces, rewinding, sql
from shared.store.exchange import CursorRow
from shared.store.facts import read_number, read_text
from shared.store.journal import raw_blocks
from shared.store.store import Store
from sync import messages, signing
from sync.carrier import Progress
from sync.downstream import join
from sync.entries import Entry, part
from sync.first_load import SNAPSHOT
from sync.layout import ASK_AGAIN
from sync.loading import FirstLoad, LoadPreview
from sync.messages import (
    DOWN,
    PIECE,
    PIECES,
    RECEIPT,
    REFRESH,
    STATE,
    Down,
    Holdings,
    Receipt,
    SetReceipt,
    State,
)
from sync.package import Opened
from sync.trust import HubTrust


@dataclass(slots=True)
class TypeChange:
    """How many records of one type would change."""

    name: str
    title: str
    inserts: int = 0
    updates: int = 0
    deletes: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.inserts + self.updates + self.deletes


@dataclass(slots=True)
class Preview:
    """What a package holds for this device.

    :param overlaps: records with own unsynchronized edits that it touches too.
    :param echoes: own changes that come back as accepted.
    :param known: changes in it that came by another way already.
    :param unknown: changes of types this version does not know; kept for later.
    :param pieces: pieces of attachments this device waits for.
    :param repeated: everything in it has been imported before.
    :param outlived: the hub made it before a restore this device has heard of; nothing of it counts.
    :param load: what it brings of a first load.
    :param gap: why it cannot be applied yet; None when it can.
    """

    changes: dict[str, TypeChange] = field(default_factory=dict)
    receipts: list[SetReceipt] = field(default_factory=list)
    conflicts: int = 0
    overlaps: int = 0
    echoes: int = 0
    known: int = 0
    unknown: int = 0
    repeated: bool = True
    outlived: bool = False
    complete: bool = True
    pieces: int = 0
    evidence_at: str = ""
    load: LoadPreview | None = None
    gap: PackageError | None = None

    @property
    def total(self) -> int:
        """Changes that would be written."""
        return sum(c.total for c in self.changes.values())


def preview(opened: Opened, store: Store, hub: HubTrust, progress: Progress) -> Preview:
    """Look through a verified package; raises a ``PackageError`` for what could never be applied."""
    known = hub.learned(opened.core)
    loading = FirstLoad(store, lambda: known)
    state = loading.state()
    with store.read() as connection:
        covered = loading.covered(state) if state is not None else {}
        looker = _Looker(connection, store, known, covered)
        done, total = 0, opened.verified.raw_len
        for entry in opened.entries():
            if entry.kind == SNAPSHOT:
                looker.out.load = loading.preview(entry, opened.core, looker.out.load)
            else:
                looker.take(entry)
            done += len(entry.data)
            progress(done, total, "正在核对内容")
    out = looker.out
    out.repeated = out.repeated and (out.load is None or not out.load.fresh)
    return out


class _Looker:
    def __init__(self, connection: Any, store: Store, hub: HubTrust, covered: dict[str, int]) -> None:
        self._connection = connection
        self._types = store.by_number
        self._device = store.identity()
        self._hub = hub
        self._at: dict[str, CursorRow] = {}
        self._pending = _pending_ids(connection)
        self._new: dict[int, set[str]] = defaultdict(set)
        self._covered = covered
        self.out = Preview()

    def take(self, entry: Entry) -> None:
        if entry.kind == RECEIPT:
            self._receipt(part(entry, "envelope"))
        elif entry.kind == DOWN:
            self._down(part(entry, "envelope"), bytes(entry.data))
        elif entry.kind == PIECE:
            if pieces.awaits(self._connection, part(entry, "content").hex(), entry.meta.get("no")):
                self.out.pieces += 1
                self.out.repeated = False
        elif entry.kind == PIECES:
            signed = self._hub.checked(part(entry, "envelope"), signing.PIECES)
            word = messages.decode(signed, Holdings)
            if word.at > read_text(self._connection, pieces.WORD_AT):
                self.out.repeated = False
        elif entry.kind == REFRESH and rewinding.doubts(self._connection):
            self.out.repeated = False
        elif entry.kind == STATE:
            state = messages.decode(part(entry, "state"), State)
            self.out.complete = not state.more
            self.out.outlived = state.epoch < rewinding.newest_epoch(self._connection)

    def _receipt(self, raw: bytes) -> None:
        signed = self._hub.checked(raw, signing.RECEIPT)
        receipt = messages.decode(signed, Receipt)
        if receipt.device != self._device[0]:
            return  # of another recipient of the same package
        self.out.receipts += receipt.sets
        self.out.evidence_at = max(self.out.evidence_at, receipt.at)
        if receipt.incarnation == self._device[1]:  # what it signs for is not pending any more
            self._pending = _pending_ids(self._connection, receipt.contiguous_to)
        if not exchange.knows_receipt(self._connection, raw):
            self.out.repeated = False

    def _down(self, envelope: bytes, payload: bytes) -> None:
        signed = self._hub.checked(envelope, signing.DOWN)
        down = messages.decode(signed, Down)
        if down.hub_id != self._hub.hub_id or hashlib.sha256(payload).digest() != down.payload_hash:
            raise PackageTampered("下发数据与签名不符。", ASK_AGAIN)
        self.out.evidence_at = max(self.out.evidence_at, down.at)
        at = self._at.get(down.stream) or exchange.cursor_at(self._connection, down.stream)
        inside = (self.out.load.covered if self.out.load is not None else {}) or self._covered
        if down.stream in inside and down.after >= inside[down.stream]:
            return  # goes on from a first load; it waits until that is whole
        try:
            joined = join(down, payload, at, rewinding.newest_epoch(self._connection))
        except PackageError as gap:
            self.out.gap, self.out.repeated = gap, False
            return
        if joined is None:
            self.out.known += down.to - down.after
            return
        self.out.repeated = False
        self.out.known += max(0, joined.after - down.after)
        for block in joined.blocks:
            for run in block.runs:
                self._run(block, run)
        self._at[down.stream] = CursorRow(down.stream, down.epoch, down.to, down.head)

    def _run(self, block: Block, run: Run) -> None:
        declared = self._types.get(run.type)
        if declared is None:
            self.out.unknown += run.count
            return
        if tuple(block.origins[run.origin]) == self._device and not run.writers:
            self.out.echoes += run.count
            return
        ids = run.record_ids()
        change = self.out.changes.setdefault(declared.name, TypeChange(declared.name, declared.title))
        self.out.overlaps += len(self._pending[run.type].intersection(ids))
        if run.op == Op.DELETE:
            change.deletes += len(ids)
            return
        known = {r[0] for r in sql.fetch(self._connection, declared.name, ("id",), ids)}
        known |= self._new[run.type].intersection(ids)
        fresh = set(ids) - known
        self._new[run.type] |= fresh
        change.inserts += len(fresh)
        change.updates += len(ids) - len(fresh)
        if declared.name == "conflict":
            self.out.conflicts += len(fresh)


def _pending_ids(connection: Any, signed: int = 0) -> defaultdict[int, set[str]]:
    """Records with own changes the hub has not signed for, by type number.

    :param signed: up to where a receipt speaks that has not been taken in yet.
    """
    found: defaultdict[int, set[str]] = defaultdict(set)
    receipted = max(signed, read_number(connection, "receipted"))
    written = exchange.reach(connection).written
    if written > receipted:
        for raw in raw_blocks(connection, receipted + 1, written):
            for run in decode_block(raw).runs:
                found[run.type].update(run.record_ids())
    return found


__all__ = ["Preview", "TypeChange", "preview"]
