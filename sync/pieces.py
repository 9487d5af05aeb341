"""Contents of attachments between device and hub, piece by piece, missing first.

Records travel before contents. The hub says, signed, which contents it has whole and
which pieces of the others it lacks; only those are sent, in packages small enough for
a line that keeps breaking. A content counts as delivered when the hub has signed for
the whole of it; one that comes down counts as here when its hash was found right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.attachments import numbers, piece_size, pieces_of, spans
from shared.errors import (
    BadAnswer,
    Cancelled,
    DiskFull,
    Interrupted,
    PackageTampered,
    Unreachable,
    YizhanError,
)
from shared.store import exchange, pieces
from shared.store.contents import ContentDamaged, Contents, content_key
from shared.store.exchange import Attempt
from shared.store.facts import read_fact, read_text, write_fact, write_text
from shared.store.pieces import ContentRow
from shared.store.store import Store
from sync import messages, package, signing
from sync.carrier import Carrier, Progress
from sync.credentials import Credentials
from sync.entries import Entry, part
from sync.hub_trust import HubTrust
from sync.layout import ASK_AGAIN, Kind
from sync.media import disk_errors
from sync.messages import ASK, PIECE, PIECES, PROTOCOL, Ask, Holdings, PieceAsk
from sync.package import CoreDraft, Sealed
from sync.rotation import DeviceRing
from sync.underway import Underway

PACKAGE_BYTES = 16 << 20
"""About how many bytes of pieces one package over the network carries, either way."""
MOST_ASKED = 1_000
"""Contents one package asks about, of those to send and of those to fetch."""
KEY_FACT = "content_key"
IDLE_ROUNDS = 2


@dataclass(slots=True)
class PieceRound:
    """What an exchange of contents did, in bytes of content."""

    sent: int = 0
    fetched: int = 0
    wire: int = 0
    delivered: int = 0
    """Contents the hub has signed for."""
    archived: int = 0
    """Contents that are in a backup of the hub now."""
    arrived: int = 0
    """Contents that are here whole now."""

    @property
    def anything(self) -> bool:
        """Whether something changed."""
        return bool(self.sent or self.fetched or self.delivered or self.archived or self.arrived)


def contents_of(store: Store, folder: Path) -> Contents:
    """The content store that goes with a database.

    Its key comes from the database's own the first time and then lies inside the database,
    so that encrypting the database anew costs no content.
    """
    with store.read() as connection:
        key = read_fact(connection, KEY_FACT)
    if key is None:
        with store.write() as connection:
            key = read_fact(connection, KEY_FACT) or content_key(store.database.key or bytes(32))
            write_fact(connection, KEY_FACT, key)
    return Contents(folder, key)


class PieceExchange:
    """Contents of one enrolled device on their way.

    :param spool: folder for packages under way; :param contents: where pieces lie.
    """

    def __init__(
        self, store: Store, credentials: Credentials, spool: Path, contents: Contents
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._contents = contents
        self._device, self._incarnation = store.identity()
        self._package = Underway(
            self._credentials, self._device, spool / "pieces.yzp", spool / "pieces-answer.yzp"
        )
        self._heard = False
        """The hub has said what it lacks since the program began."""
        self._refused: set[str] = set()
        """Contents the hub found wrong after all pieces had come: not again before the next start."""

    @property
    def _keys(self) -> DeviceRing:
        return self._credentials.ring

    @property
    def _hub(self) -> HubTrust:
        return self._credentials.hub

    # --- what to ask and to send ---------------------------------------------------
    def ask(self, *, fetching: bool) -> PieceAsk | None:
        """Contents the hub has not signed for (as archived), and pieces wanted from it; None for neither."""
        with self._store.read() as connection:
            have = pieces.unproven(connection, MOST_ASKED)
            rows = pieces.wanted(connection, MOST_ASKED) if fetching else []
            here = pieces.here(connection, [r.sha256 for r in rows])
        want = []
        for row in rows:
            missing = sorted(set(range(row.count)) - set(here.get(row.sha256, ())))
            want.append((bytes.fromhex(row.sha256), spans(missing)))
        if not have and not want:
            return None
        return PieceAsk(have=[bytes.fromhex(r.sha256) for r in have], want=want)

    def entries(
        self, limit: int, *, blind: bool = False, skip: Collection[tuple[str, int]] = ()
    ) -> Iterator[Entry]:
        """Pieces the hub lacks, oldest content first, up to about ``limit`` bytes.

        :param blind: also of contents the hub has not been asked about (for a stick).
        :param skip: pieces that lie on the medium already.
        """
        left = limit
        for row, no in self._to_send(blind=blind):
            if left <= 0:
                return
            if (row.sha256, no) in skip:
                continue
            try:
                data = self._contents.get(row.sha256, no)
            except ContentDamaged:
                continue
            if data is None or len(data) != piece_size(row.size, no):
                continue
            left -= len(data)
            yield Entry(PIECE, {"content": bytes.fromhex(row.sha256), "no": no, "size": row.size}, data)

    def waiting(self, *, blind: bool = True) -> tuple[int, int]:
        """Contents and bytes that wait to be sent."""
        found = self._to_send(blind=blind)
        return len({row.sha256 for row, _ in found}), sum(piece_size(r.size, no) for r, no in found)

    def unsent(self) -> list[tuple[str, int, int]]:
        """Hash, number and bytes of every piece the hub may lack."""
        return [(r.sha256, no, piece_size(r.size, no)) for r, no in self._to_send(blind=True)]

    def missing(self) -> tuple[int, int]:
        """Contents and bytes that wait to be fetched and that the hub may have."""
        with self._store.read() as connection:
            rows = [r for r in pieces.wanted(connection, MOST_ASKED) if not r.absent]
            here = pieces.here(connection, [r.sha256 for r in rows])
        return len(rows), sum(r.size for r in rows) - pieces.weight(rows, here)

    # --- what came ---------------------------------------------------------------------
    def absorb(self, entry: Entry, done: PieceRound) -> None:
        """Take one entry of an answer: the hub's word, or a piece."""
        if entry.kind == PIECES:
            self._take_word(part(entry, "envelope"), done)
        elif entry.kind == PIECE:
            self._take_piece(entry, done)

    def run(self, carrier: Carrier, progress: Progress, person: str = "") -> PieceRound:
        """Exchange contents until neither side lacks what the other has; may be repeated at will."""
        done = PieceRound()
        whole = self.waiting()[1] + self.missing()[1]

        def told(_done: int, _total: int, text: str) -> None:
            progress(min(whole, done.sent + done.fetched + _done), whole, f"附件：{text}")

        sealed, idle = self._package.unfinished(), 0
        before = self._left()
        while True:
            if sealed is None:
                progress(min(whole, done.sent + done.fetched), whole, "附件：正在封装")
                with disk_errors():
                    sealed = self._package.write(lambda out: self._fill(out, carrier.name, person))
            self._exchange(sealed, carrier, told, done)
            sealed = None
            left = self._left()
            idle = 0 if left < before else idle + 1
            before = left
            if not any(left) or idle >= IDLE_ROUNDS:
                return done

    # --- inside --------------------------------------------------------------
    def _to_send(self, *, blind: bool) -> list[tuple[ContentRow, int]]:
        with self._store.read() as connection:
            rows = pieces.undelivered(connection, MOST_ASKED)
            lacking = pieces.lacking(connection, [r.sha256 for r in rows])
            carried = pieces.carried(connection, [r.sha256 for r in rows])
        found = [
            (r, no)
            for r in rows
            if (r.asked or blind) and r.sha256 not in self._refused
            for no in lacking.get(r.sha256, ())
        ]
        return sorted(found, key=lambda one: (one[0].sha256, one[1]) in carried)  # those on a stick last

    def _left(self) -> tuple[int, int]:
        """Bytes still to send and to fetch."""
        return self.waiting(blind=False)[1], self.missing()[1]

    def _fill(self, out: BinaryIO, carrier: str, person: str) -> Sealed:
        # Nothing is sent before the hub has said what it lacks: part may have gone by stick.
        return self.seal(out, carrier, person, self.entries(PACKAGE_BYTES if self._heard else 0))

    def seal(self, out: BinaryIO, carrier: str, person: str, entries: Iterator[Entry]) -> Sealed:
        """A package of pieces, with what is wanted in return."""
        ask = Ask(
            v=PROTOCOL, incarnation=self._incarnation, cursors={}, person=person,
            pieces=self.ask(fetching=True),
        )
        draft = CoreDraft(
            Kind.ATTACHMENTS, self._hub.hub_id, self._device, self._store.clock.stamp(),
            prereqs=self._credentials.cover(carrier), trust_version=self._hub.version,
        )

        def inside() -> Iterator[Entry]:
            yield Entry(ASK, {"ask": messages.encode(ask)})
            yield from entries

        return package.seal(out, draft, [self._hub.seal], self._keys.sign, inside())

    def _exchange(self, sealed: Sealed, carrier: Carrier, progress: Progress, done: PieceRound) -> None:
        try:
            with disk_errors():
                carrier.exchange(self._package.up, sealed.package_id, self._package.answer, progress)
            with self._package.answer.open("rb") as stream:
                opened = package.open_package(
                    stream, self._hub.signer, self._keys.opening, self._hub.hub_id
                )
                if opened.core.prereqs.get("answers") != sealed.package_id:
                    raise BadAnswer("中心的应答不是针对这次附件传输的。", "附件仍在本机，请稍后重试。")
                self._credentials.learn(opened.core)
                before = done.fetched
                for entry in opened.entries():
                    self.absorb(entry, done)
        except YizhanError as failed:
            if not isinstance(failed, Cancelled | Interrupted | Unreachable | DiskFull):
                self._package.clear()
            outcome = "cancelled" if isinstance(failed, Cancelled) else "failed"
            self._note(carrier.name, sealed, outcome, str(failed))
            raise
        self._package.clear()
        done.sent += _content_bytes(sealed)
        done.wire += sealed.size
        if sealed.n_entries > 1 or done.fetched > before:
            text = f"上传附件 {sealed.n_entries - 1:,} 片，下载 {(done.fetched - before) / 1e6:,.1f} MB"
            self._note(carrier.name, sealed, "done", text)

    def _note(self, carrier: str, sealed: Sealed, outcome: str, text: str) -> None:
        with self._store.write() as connection:
            exchange.log_attempt(
                connection,
                Attempt(
                    self._store.clock.stamp(), carrier, "both", sealed.package_id,
                    sealed.fingerprint.hex(), 0, 0, sealed.size, outcome, text,
                ),
            )

    def _take_word(self, envelope: bytes, done: PieceRound) -> None:
        signed = self._hub.checked(envelope, signing.PIECES)
        word = messages.decode(signed, Holdings)
        if (word.hub_id, word.device) != (self._hub.hub_id, self._device):
            raise PackageTampered("中心关于附件的回执不是给本机的。", ASK_AGAIN)
        held, archived = {one.hex() for one in word.held}, {one.hex() for one in word.archived}
        lacks = {one.hex(): found for one, found in word.lacks}
        self._refused |= {one.hex() for one in word.bad}
        with self._store.write() as connection:
            if not pieces.enter(connection, word.epoch):
                return
            if word.at < read_text(connection, pieces.WORD_AT):
                return  # an older answer that arrives late takes nothing back
            write_text(connection, pieces.WORD_AT, word.at)
            rows = pieces.of(connection, held | lacks.keys())
            for sha256, row in rows.items():
                if sha256 in held:
                    pieces.note_delivered(connection, sha256, archived=sha256 in archived or row.archived)
                    done.delivered += not row.delivered
                    done.archived += sha256 in archived and not row.archived
                elif sha256 in lacks:
                    pieces.note_lacks(connection, row, numbers(lacks[sha256], row.count))
            pieces.note_absent(connection, [one.hex() for one in word.absent], absent=True)
            pieces.note_absent(connection, [one.hex() for one in word.offered], absent=False)
        self._heard = True

    def _take_piece(self, entry: Entry, done: PieceRound) -> None:
        sha256, no = part(entry, "content").hex(), entry.meta.get("no")
        with self._store.read() as connection:
            row = pieces.of(connection, [sha256]).get(sha256)
            here = pieces.here(connection, [sha256]).get(sha256, [])
        if row is None or row.whole or not isinstance(no, int) or no in here:
            return  # not wanted any more, or here already
        if not 0 <= no < row.count or len(entry.data) != piece_size(row.size, no):
            raise PackageTampered("下载的附件片与登记的大小不符。", ASK_AGAIN)
        self._contents.put(sha256, no, bytes(entry.data))
        with self._store.write() as connection:
            pieces.arrived(connection, sha256, no)
        done.fetched += len(entry.data)
        if len(here) + 1 == row.count:
            self._prove(row, done)

    def _prove(self, row: ContentRow, done: PieceRound) -> None:
        """All pieces are here: the hash of the whole decides."""
        if digest(self._contents, row.sha256, row.size) == row.sha256:
            with self._store.write() as connection:
                pieces.complete(connection, row.sha256)
            done.arrived += 1
            return
        with self._store.write() as connection:
            pieces.drop_pieces(connection, row.sha256)
        for no in range(row.count):
            self._contents.drop(row.sha256, no)
        raise PackageTampered(
            "下载的附件与登记的校验值不符，已丢弃。", "请重新下载；仍不行请联系中心管理员。"
        )


def digest(contents: Contents, sha256: str, size: int) -> str:
    """Hash over the pieces of a content that are here; ``""`` when one is missing or damaged."""
    hasher = hashlib.sha256()
    try:
        for no in range(pieces_of(size)):
            data = contents.get(sha256, no)
            if data is None:
                return ""
            hasher.update(data)
    except ContentDamaged:
        return ""
    return hasher.hexdigest()


def _content_bytes(sealed: Sealed) -> int:
    """Bytes of pieces inside, but for some hundred bytes of framing."""
    return sealed.raw_len if sealed.n_entries > 1 else 0


__all__ = ["PACKAGE_BYTES", "PieceExchange", "PieceRound", "contents_of", "digest"]
