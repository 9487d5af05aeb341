"""What an answer brings, taken in: receipts, what stands, what was asked anew, how the hub stands.

Each stretch is one transaction; an answer that comes twice, late or in part does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from shared.access import HUB_ACTOR
from shared.errors import PackageTampered
from shared.store import evidence, exchange, forgotten, hub_proofs, pieces, rewinding
from shared.store.exchange import CursorRow
from shared.store.facts import read_number, read_text, write_text
from shared.store.follow import Follower
from shared.store.journal import types_between
from shared.store.store import Store
from shared.store.unit import Unit
from sync import lines, messages, refreshing, signing
from sync.carrier import Progress
from sync.credentials import Credentials
from sync.downstream import join
from sync.entries import part
from sync.first_load import SNAPSHOT
from sync.hub_trust import HubTrust
from sync.layout import ASK_AGAIN
from sync.loading import FirstLoad
from sync.messages import DOWN, MAIL, PIECE, PIECES, RECEIPT, REFRESH, STATE, Down, Letter, Receipt, State
from sync.outbox import Outbox
from sync.package import Opened
from sync.pieces import PieceExchange
from sync.rounds import Absorbed

NETWORK = "network"
REJECTED = "rejected"
Copied = Callable[[int, int], None]
"""Told that this database was used elsewhere: the newest incarnation, and up to where both agree."""


class Absorber:
    """Applies answers to the database of one device.

    :param box: takes what is carried for others; None leaves it.
    :param copied: called after a receipt that speaks to a newer incarnation than ours.
    """

    def __init__(
        self,
        store: Store,
        credentials: Credentials,
        first_load: FirstLoad,
        pieces: PieceExchange,
        box: Outbox | None,
        copied: Copied,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._first_load = first_load
        self._pieces = pieces
        self._box = box
        self._copied = copied
        self._device, _ = store.identity()
        self._fresh = False

    @property
    def _hub(self) -> HubTrust:
        return self._credentials.hub

    def take(self, opened: Opened, carrier: str, progress: Progress | None = None) -> Absorbed:
        """Everything an opened answer holds, in its order."""
        out = Absorbed()
        self._fresh = carrier == NETWORK
        self._credentials.learn(opened.core)
        tell = progress or _untold
        total, done = opened.verified.raw_len, 0
        for entry in opened.entries():
            if progress is not None:  # before, not after: what is all in is not cancelled any more
                progress(done, total, "正在写入本机")
            if entry.kind == RECEIPT:
                self._take_receipt(part(entry, "envelope"), carrier, out, len(opened.core.audience) > 1)
            elif entry.kind == DOWN:
                self._take_down(part(entry, "envelope"), bytes(entry.data), out)
            elif entry.kind in (PIECES, PIECE):
                self._pieces.absorb(entry, out.pieces)
                out.types |= {"attachment"} if out.pieces.anything else set()
            elif entry.kind == SNAPSHOT:
                out.repeated = not self._first_load.take(entry, opened.core, tell) and out.repeated
            elif entry.kind == REFRESH:
                self._take_refresh(part(entry, "refresh"), bytes(entry.data), out)
            elif entry.kind == STATE:
                self._take_state(messages.decode(part(entry, "state"), State), out)
            elif entry.kind == MAIL and self._box is not None:
                letter = messages.decode(part(entry, "letter"), Letter)
                out.letters += self._box.take(letter, bytes(entry.data))
            done += len(entry.data)
        self._credentials.settle()
        self.finish_load(tell, out)
        return out

    def finish_load(self, progress: Progress, out: Absorbed) -> None:
        """Swap a first load in when it is whole; what was put off follows at once."""
        behind: list[bytes] = []

        def follow(raw: bytes, payload: bytes) -> None:
            behind.append(raw)
            self._take_down(raw, payload, out)

        rows = self._first_load.finish(progress, follow)
        if rows and behind:  # by stick: the streams came with it, to their end
            with self._store.unit(HUB_ACTOR) as unit:
                self._follower(unit).caught_up()
        if rows:
            with self._store.read() as connection:
                out.rewound |= bool(rewinding.doubts(connection))
            out.loaded += rows
            out.changes += rows
            out.repeated = False
            out.types |= set(self._store.types)

    # --- inside --------------------------------------------------------------
    def _take_receipt(self, raw: bytes, carrier: str, out: Absorbed, several: bool) -> None:
        signed = self._hub.checked(raw, signing.RECEIPT)
        receipt = messages.decode(signed, Receipt)
        if several and receipt.device != self._device:
            return  # a package for several devices holds a receipt of each
        with self._store.unit(HUB_ACTOR) as unit:
            if receipt.epoch < rewinding.newest_epoch(unit.connection):
                return  # of a time the hub no longer remembers: it promises nothing any more
            reading = lines.read(unit.connection, receipt, self._hub.hub_id, self._device)
            ours = reading is lines.Reading.OURS
            if ours:
                out.rewound |= rewinding.take_back(
                    unit, self._store.by_number, receipt.epoch, receipt.contiguous_to, receipt.at,
                    [s.cs_id for s in receipt.sets],
                )
            new = exchange.record_receipt(
                unit.connection,
                raw,
                contiguous_to=receipt.contiguous_to if ours else 0,
                sets=[(s.cs_id, s.status, s.reason) for s in receipt.sets],
                at=self._store.clock.stamp(),
                carrier=carrier,
                archived_to=receipt.archived_to if ours else 0,
            )
            receipted = read_number(unit.connection, "receipted")
            if new:
                evidence.note(unit.connection, receipt.at, self._store.clock.now(), fresh=self._fresh)
                for given_back in (s for s in receipt.sets if s.status == REJECTED):
                    rewinding.doubt_own(unit.connection, given_back.first, given_back.last)
                    out.rewound = True  # ask in the same exchange, where it is one over the network
                follower = self._follower(unit)
                follower.lift_shadows()
                out.receipts += 1
                out.repeated = False
                out.sets += receipt.sets
                out.types |= self._types_of(unit, receipt.sets)
            out.types |= unit.changed
            if ours:
                lines.note_superseded(unit.connection, receipt)
        if reading is lines.Reading.ELSEWHERE or (ours and lines.goes_no_further(receipt)):
            self._copied(receipt.newest, receipted)

    def _types_of(self, unit: Unit, sets: Sequence[messages.SetReceipt]) -> set[str]:
        found = {t for one in sets for t in types_between(unit.connection, one.first, one.last)}
        return {self._store.by_number[number].name for number in found}

    def _take_down(self, envelope: bytes, payload: bytes, out: Absorbed) -> None:
        signed = self._hub.checked(envelope, signing.DOWN)
        down = messages.decode(signed, Down)
        if down.hub_id != self._hub.hub_id or sha256(payload).digest() != down.payload_hash:
            raise PackageTampered("下发数据与签名不符。", ASK_AGAIN)
        waiting = self._first_load.puts_off(down.stream, down.after, envelope, payload)
        with self._store.unit(HUB_ACTOR) as unit:
            connection = unit.connection
            at = exchange.cursor_at(connection, down.stream)
            if down.after > at.n and waiting:
                return
            joined = join(down, payload, at, rewinding.newest_epoch(connection))
            if joined is None:
                return
            rewinding.enter(connection, down.epoch)
            if joined.rewound:
                back = CursorRow(down.stream, down.epoch, joined.after, joined.head)
                rewinding.rewind(connection, back, self._store.types.values())
                out.rewound = True
            follower = self._follower(unit)
            for block in joined.blocks:
                follower.apply(down.stream, block)
            now = CursorRow(down.stream, down.epoch, down.to, down.head)
            rewinding.note_tail(connection, joined.after, now, joined.blocks, down.at)
            exchange.move_cursor(connection, now)
            evidence.note(connection, down.at, self._store.clock.now(), fresh=self._fresh)
            out.changes += follower.applied
            out.held += follower.held
            out.rewound |= follower.doubted
            out.types |= unit.changed
            out.repeated = False

    def _take_refresh(self, said: bytes, payload: bytes, out: Absorbed) -> None:
        with self._store.unit(HUB_ACTOR) as unit:
            follower, revoked = self._follower(unit), forgotten.revoked(unit.connection)
            if refreshing.take(unit, follower, self._store.by_number, said, payload, self._hub.hub_id):
                forgotten.compare(unit.connection, revoked)
                out.types |= unit.changed
                out.repeated = False

    def _take_state(self, state: State, out: Absorbed) -> None:
        loading = self._first_load.state() is not None
        with self._store.unit(HUB_ACTOR) as unit:
            connection = unit.connection
            if state.epoch < rewinding.newest_epoch(connection):
                out.outlived = True
                return
            if state.revoked_at:
                lines.note_revoked(connection, state)
                return  # nothing else was said: no streams is no news about them
            rewinding.enter(connection, state.epoch)
            lines.note_standing(connection, state, self._store.clock.stamp())
            pieces.enter(connection, state.epoch)
            for stream, (n, head) in state.rewound.items():
                at = exchange.cursor_at(connection, stream)
                if at.epoch != state.epoch and at.n > n:
                    back = CursorRow(stream, state.epoch, n, head)
                    rewinding.rewind(connection, back, self._store.types.values())
                    out.rewound = True
            out.more, out.wait = state.more, state.wait
            out.arrived += state.arrived
            if not self._fresh:
                evidence.prove(connection, state.arrived, state.at, self._store.clock.now())
            found = [(p.title, p.count, p.trouble) for p in state.proofs]
            hub_proofs.take(connection, state.proofs_at, found)
            if state.at < read_text(connection, "hub_time"):
                return  # an older answer that arrives late takes nothing back
            follower = self._follower(unit)
            follower.narrow(state.streams)
            if not state.more and not loading:
                follower.caught_up()
            out.rewound |= follower.doubted
            out.types |= unit.changed
            write_text(connection, "hub_time", state.at)
            self._credentials.hear(connection, state)
            pieces.hear_backup(connection, state.backup)
            if not state.more and not loading:
                write_text(connection, "complete_at", state.at)

    def _follower(self, unit: Unit) -> Follower:
        return Follower(unit, self._store.by_number, read_number(unit.connection, "receipted"))


def _untold(_done: int, _total: int, _text: str) -> None:
    """Progress nobody asked for."""
