"""One sync round, whichever carrier moves it: seal what is pending, take the answer in.

``prepare`` and ``absorb`` are the two halves; over the network they follow each
other at once, by stick days lie between them. Both are safe to repeat.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from shared.errors import (
    BadAnswer,
    Cancelled,
    DiskFull,
    Interrupted,
    PackageError,
    Unreachable,
    YizhanError,
)
from shared.ids import new_id
from shared.store import exchange, hub_proofs, incarnations, rewinding
from shared.store.exchange import Attempt
from shared.store.store import Store
from shared.upcasting import PROGRAM, SCHEMA
from sync import changeset, lines, messages, package, refreshing
from sync.absorbing import Absorber
from sync.beside import said_beside
from sync.carrier import Carrier, Progress
from sync.changeset import Author
from sync.credentials import Credentials
from sync.entries import Entry
from sync.layout import Kind, Range
from sync.lines import Mark, unmarked
from sync.loading import FirstLoad
from sync.media import disk_errors
from sync.messages import (
    ASK,
    CHANGE_SET,
    PROTOCOL,
    Ask,
    Cursor,
)
from sync.outbox import Outbox
from sync.package import CoreDraft, Opened, Sealed
from sync.pieces import PieceExchange, contents_of
from sync.rotation import DeviceRing
from sync.rounds import Absorbed, Round
from sync.trust import DeviceKeys, HubTrust
from sync.underway import Underway

MEDIA = "media"
MAX_ROUNDS = 10_000
LONGEST_WAIT = 60
ChangedTypes = Callable[[frozenset[str]], None]


class Engine:
    """The exchange of one enrolled device.

    :param spool: folder for packages under way; survives a crash. Contents of attachments
        lie beside it.
    :param box: what is carried for others; None carries nothing.
    :param mark: keeps how far this installation has come, outside its database.
    """

    def __init__(
        self,
        store: Store,
        keys: DeviceKeys | DeviceRing,
        hub: HubTrust,
        spool: Path,
        box: Outbox | None = None,
        mark: Callable[[Mark], None] = unmarked,
    ) -> None:
        self._box = box
        self._store = store
        self.credentials = Credentials(store, keys, hub)
        self._mark = mark
        self._due: Mark | None = None
        self._device, self._incarnation = store.identity()
        self._package = Underway(
            self.credentials, self._device, spool / "up.yzp", spool / "answer.yzp"
        )
        self.contents = contents_of(store, spool.parent / "attachments")
        self.pieces = PieceExchange(store, self.credentials, spool, self.contents)
        self.wait: Callable[[float], None] = time.sleep
        self.first_load = FirstLoad(store, lambda: self._hub)
        self._absorber = Absorber(
            store, self.credentials, self.first_load, self.pieces, box,
            lambda newest, agreed: self.begin_incarnation(lines.COPIED, after=newest, agreed=agreed),
        )

    @property
    def _keys(self) -> DeviceRing:
        return self.credentials.ring

    @property
    def _hub(self) -> HubTrust:
        return self.credentials.hub

    # --- out -----------------------------------------------------------------
    def cut(self) -> int:
        """Sign what no change set covers yet; returns how many sets that made."""
        author = Author(self._hub.hub_id, self._device, self._incarnation)
        with self._store.write() as connection:
            found = exchange.uncut(connection)
            for one in found:
                prev_head, raws = exchange.blocks_of(connection, one)
                made = changeset.make(
                    author,
                    self._keys.sign,
                    first=one.first,
                    last=one.last,
                    prev_head=prev_head,
                    raw_blocks=raws,
                    sealed_at=self._store.clock.stamp(),
                    schema_version=SCHEMA,
                )
                exchange.remember_set(
                    connection, made.cs_id, one.first, one.last, made.envelope,
                    made.statement.sealed_at,
                )
        if found:
            self._due = Mark(self._incarnation, found[-1].last, made.statement.head)
        if self._due is not None:  # what is not marked is not sent either
            self._mark(self._due)
            self._due = None
        return len(found)

    def begin_incarnation(self, why: str, *, after: int = 0, agreed: int | None = None) -> None:
        """Go on under a new incarnation; what is pending stays and is offered.

        :param after: newest incarnation known elsewhere.
        :param agreed: see :func:`shared.store.incarnations.begin`.
        """
        no = max(self._incarnation, after) + 1
        while self._incarnation != no:
            self.cut()
            with self._store.write() as connection:
                if exchange.uncut(connection):
                    continue  # somebody saved meanwhile: that is of the incarnation before
                made = incarnations.begin(connection, no, why, self._store.clock.stamp(), agreed=agreed)
                self._mark(Mark(no, made.start, made.parent_head))  # first there: never two alike
            self._incarnation = no

    def prepare(
        self, out: BinaryIO, carrier: str, person: str = "", only: Sequence[str] | None = None,
        package_id: str = "", beside: Mapping[str, int] | None = None,
    ) -> Sealed:
        """Seal everything without a receipt, and what this device already has, to the hub.

        :param only: names of the change sets to take; None = all.
        :param package_id: the name it was given beforehand; :param beside: see :mod:`sync.beside`.
        """
        self.cut()
        holding = self.first_load.holding()
        with self._store.read() as connection:
            sets = exchange.unreceipted(connection)
            sets = [s for s in sets if only is None or s.cs_id in only]
            ask = Ask(
                v=PROTOCOL,
                program=PROGRAM,
                schema=SCHEMA,
                incarnation=self._incarnation,
                cursors={
                    c.stream: Cursor(c.epoch, c.n, c.head) for c in exchange.cursors(connection)
                },
                person=person,
                mail=self._box.ask() if self._box is not None else {},
                mail_room=self._box.room() if self._box is not None else 0,
                pieces=self.pieces.ask(fetching=carrier == MEDIA),
                branches=[
                    messages.Branch(b.no, b.start, b.parent, b.parent_seq, b.parent_head)
                    for b in incarnations.branches(connection)
                ],
                waiting=exchange.unsettled(connection),
                snapshot=holding,
                report={"pending": exchange.pending(connection)},
                prove=hub_proofs.wanted(connection),
                epoch=rewinding.newest_epoch(connection),
            )
            asks = refreshing.asks(ask, rewinding.doubts(connection))
            draft = CoreDraft(
                Kind.CHANGES,
                self._hub.hub_id,
                self._device,
                self._store.clock.stamp(),
                ranges=[Range(self._device, s.incarnation, s.first, s.last) for s in sets],
                prereqs={**self.credentials.cover(carrier), **said_beside(beside or {})},
                trust_version=self._hub.version,
                package_id=package_id or new_id(),
            )

            def entries() -> Iterator[Entry]:
                for one_ask in asks:
                    yield Entry(ASK, {"ask": messages.encode(one_ask)})
                for one in sets:
                    payload = b"".join(
                        len(raw).to_bytes(4, "big") + raw
                        for raw in exchange.payload_blocks(connection, one)
                    )
                    yield Entry(CHANGE_SET, {"envelope": one.envelope}, payload)

            return package.seal(out, draft, [self._hub.seal], self._keys.sign, entries())

    # --- in ------------------------------------------------------------------
    def open(self, stream: BinaryIO) -> Opened:
        """Verify an answer package and open it; nothing is applied."""
        opened = package.open_package(
            stream, self._hub.signer, self._keys.opening, self._hub.hub_id
        )
        if opened.core.kind is not Kind.ANSWER:
            raise PackageError("这个交换包不是中心发来的下发数据。", "请选择中心返回的交换包。")
        return opened

    def absorb(self, opened: Opened, carrier: str, progress: Progress | None = None) -> Absorbed:
        """Apply receipts, then what stands; each stretch in its own transaction."""
        return self._absorber.take(opened, carrier, progress)

    def sync(self, carrier: Carrier, progress: Progress, person: str = "") -> Round:
        """Rounds until the hub has nothing more; raises what stops it, after noting it down."""
        result = Round()
        unfinished = self._package.unfinished()
        if unfinished is not None:
            progress(0, 0, "正在接着上次继续")
            self._exchange(unfinished, carrier, progress, result)
        self._absorber.finish_load(progress, result.received)
        for _ in range(MAX_ROUNDS):
            progress(0, 0, "正在封装")
            with disk_errors():
                sealed = self._package.write(lambda out: self.prepare(out, carrier.name, person))
            self._exchange(sealed, carrier, progress, result)
            self._wait_for(result.received.wait, progress)
            if result.received.more or result.received.rewound:
                continue
            if sealed.n_entries <= 1 or not self._pending():
                break
        return result

    # --- inside --------------------------------------------------------------
    def _pending(self) -> bool:
        with self._store.read() as connection:
            at = exchange.reach(connection)
        return at.written > at.sealed

    def _exchange(
        self, sealed: Sealed, carrier: Carrier, progress: Progress, result: Round
    ) -> None:
        sets = sealed.n_entries - 1
        try:
            with disk_errors():
                telling = self.first_load.telling(progress)
                carrier.exchange(self._package.up, sealed.package_id, self._package.answer, telling)
            with self._package.answer.open("rb") as stream:
                opened = self.open(stream)
                if opened.core.prereqs.get("answers") != sealed.package_id:
                    raise BadAnswer("中心的应答不是针对这次同步的。", "数据仍在本机，请稍后重试。")
                absorbed = self.absorb(opened, carrier.name, progress)
            if absorbed.outlived:
                raise BadAnswer(
                    "在这个地址应答的是中心恢复以前的旧服务，它的答复没有采用。",
                    "请核对设置中的中心地址，并请中心停止旧服务；数据仍在本机，联系到现在的中心后照常上报。",
                )
        except YizhanError as failed:
            if not isinstance(failed, Cancelled | Interrupted | Unreachable | DiskFull):
                self._package.clear()
            outcome = "cancelled" if isinstance(failed, Cancelled) else "failed"
            self._note(carrier.name, "up", sealed, sets, 0, outcome, str(failed))
            raise
        self._package.clear()
        if self._box is not None and not absorbed.more:
            self._box.let_go()
        received = result.received
        received.add(absorbed)
        changes = sum(s.last - s.first + 1 for s in absorbed.sets)
        result.sent_sets += sets
        result.sent_changes += changes
        result.sent_bytes += sealed.size
        if sets or absorbed.changes:
            text = f"上报 {sets:,} 个变更集，接收 {absorbed.changes:,} 条变更"
            self._note(carrier.name, "both", sealed, sets, changes + absorbed.changes, "done", text)

    def _note(
        self, carrier: str, direction: str, sealed: Sealed, sets: int, changes: int, outcome: str,
        text: str,
    ) -> None:
        with self._store.write() as connection:
            exchange.log_attempt(
                connection,
                Attempt(
                    self._store.clock.stamp(), carrier, direction, sealed.package_id,
                    sealed.fingerprint.hex(), sets, changes, sealed.size, outcome, text,
                ),
            )

    def _wait_for(self, seconds: int, progress: Progress) -> None:
        """Let the hub prepare what it was asked for; may be cancelled."""
        for left in range(min(seconds, LONGEST_WAIT), 0, -1):
            progress(0, 0, f"中心正在准备首批数据，{left} 秒后再问")
            self.wait(1.0)
