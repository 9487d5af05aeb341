"""Photos and scans: records in the streams, their contents piece by piece on roads of their own (ADR 0017)."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import server_stub.answering
import server_stub.pieces
import shared.attachments
import sync.pieces
from server_stub import backup, backup_contents
from server_stub import keys as hub_keys
from server_stub.backup_contents import SUFFIX
from shared.attachments import pieces_of
from shared.changes import Op
from shared.errors import AccessDenied
from shared.store import pieces, sql
from shared.store.directory import subtree
from shared.store.pieces import ContentRow
from sync import media, package
from tests.simulator.roads import damage
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World

PIECE = 600
"""Bytes of a piece here, so that small contents have several."""
ONE_FILE = 2 * PIECE
"""Bytes of pieces in one package, and in one file beside a package of changes."""
FILES = 6
"""At most so many of them."""
CHENMIN, WANGFANG = 0, 3
"""Two seats of one bureau: what one attaches the other may open."""
TABLES = ("market_entity", "permit", "inspection")


class Attached(Trouble):
    """People attach files; their contents follow over lines that break and on sticks that lose some.

    At any time: what is whole at a seat, or the hub has signed for, has the bytes of its author, and what
    no backup has is not let go where it was taken in. In the end everybody who may has every content.
    """

    guests = (CHENMIN, WANGFANG)
    longer = 2

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.contents: dict[str, bytes] = {}
        self.beside: list[Path] = []
        self.freed = False

    def begin(self, stack: ExitStack) -> None:
        stack.enter_context(patch.object(shared.attachments, "PIECE", PIECE))
        stack.enter_context(patch.object(server_stub.pieces, "PIECE", PIECE))
        stack.enter_context(patch.object(sync.pieces, "PACKAGE_BYTES", ONE_FILE))
        stack.enter_context(patch.object(server_stub.answering, "ANSWER_PIECES", ONE_FILE))
        (self.world.folder / "safe").mkdir()
        key_file = self.world.folder / "hub" / "hub.key"
        if not key_file.exists():
            key_file.write_bytes(b"the keys of the town")
            stack.enter_context(patch.object(hub_keys, "load", lambda *_: self.world.town.hub_keys))

    def happenings(self) -> dict[Happening, int]:
        world = self.world
        return {
            world.work: 10, world.synchronize: 30, world.bring_to_hub: 16, world.bring_back: 16,
            self.attach: 26, self.remove: 3, self.open_one: 22, self.travel: 24, self.export_all: 14,
            self.harm: 6, self.rot: 3, self.make_room: 14, self.back_up: 2,
        }  # fmt: skip

    # --- what happens --------------------------------------------------------------
    def attach(self, seat: Seat) -> str:
        """A photo of something, perhaps one that a colleague has attached too."""
        rng = self.world.rng
        whose = [(t, i) for t in TABLES for i in seat.ids(t)]
        if not whose:
            return "nothing there"
        data = rng.randbytes(rng.choice((1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE - 7)))
        if self.contents and rng.random() < 0.2:
            data = rng.choice(list(self.contents.values()))
        sha256 = hashlib.sha256(data).hexdigest()
        self.contents[sha256] = data
        for no in range(pieces_of(len(data))):
            seat.engine.contents.put(sha256, no, data[no * PIECE : (no + 1) * PIECE])
        with seat.store.write() as connection:
            pieces.keep(connection, sha256, len(data), _moment(seat))
        about, record_id = rng.choice(whose)
        row = {
            "record_type": about, "record_id": record_id, "title": "模拟", "file_name": "IMG_1.jpg",
            "media_type": "image/jpeg", "size": len(data), "sha256": sha256, "pieces": pieces_of(len(data)),
        }  # fmt: skip
        try:
            with seat.pen() as pen:
                pen.insert("attachment", [row])
        except AccessDenied:
            return "refused: AccessDenied"
        return f"{sha256[:8]} of {len(data)} to {about}"

    def remove(self, seat: Seat) -> str:
        """It was the wrong photo."""
        known = seat.ids("attachment")
        if not known:
            return "nothing there"
        chosen = self.world.rng.choice(known)
        try:
            with seat.pen() as pen:
                pen.delete("attachment", chosen)
        except AccessDenied:
            return "refused: AccessDenied"
        return chosen

    def open_one(self, seat: Seat) -> str:
        """Somebody wants to see some that are not here, and perhaps waits for them."""
        wanted = [one for one in self._due(seat) if self.world.rng.random() < 0.6]
        self._want(seat, wanted)
        waits = bool(wanted) and self.world.rng.random() < 0.7
        return " ".join([*(one[:8] for one in wanted), self.travel(seat) if waits else ""])

    def travel(self, seat: Seat, *, fine: bool = False) -> str:
        """Contents over the network, in some weather; mostly after the records, as the program does it."""
        from tests.simulator.world import EXPECTED, quiet

        if not fine and self.world.rng.random() < 0.6:
            self.world.synchronize(seat)
        if not fine and (said := self.world.trouble.instead_of_network(seat, fine=False)) is not None:
            return said
        carrier, weather = self.world.call(seat, fine=fine)
        try:
            done = seat.engine.pieces.run(carrier, quiet, seat.name)
        except EXPECTED as failed:
            return f"[{weather}] {type(failed).__name__}"
        finally:
            carrier.close()
            self.world.note_accepted()
        return f"[{weather}] sent {done.sent} delivered {done.delivered} fetched {done.fetched} whole {done.arrived}"

    def export_all(self, seat: Seat) -> str:
        """附件一并导出: files of pieces onto a stick, then the changes that name them."""
        from tests.simulator.world import Package, quiet

        world = self.world
        stick = world.folder / "stick" / f"of{len(world.lines)}"
        stick.mkdir()
        draft = seat.folder / "spool" / "out.yzp"
        draft.parent.mkdir(exist_ok=True)
        named: dict[str, int] = {}
        on_stick: set[tuple[str, int]] = set()
        for index in range(FILES):
            found = list(seat.engine.pieces.entries(ONE_FILE, blind=True, skip=on_stick))
            if not found:
                break
            with draft.open("w+b") as out:
                sealed = seat.engine.pieces.seal(out, "media", seat.name, iter(found))
            path = media.write_safely(draft, stick, [f"{index}-pieces.yzp"], package.intact, quiet)
            draft.unlink()
            inside = {(e.meta["content"].hex(), e.meta["no"]) for e in found}
            with seat.store.write() as connection:
                pieces.note_carried(connection, inside)
            on_stick |= inside
            named[sealed.package_id] = sealed.size
            self.beside.append(path)
            if world.rng.random() < 0.3:
                world.to_hub.append(Package(seat, path))  # somebody brings this file alone
        with draft.open("w+b") as out:
            seat.engine.prepare(out, "media", seat.name, beside=named)
        path = media.write_safely(draft, stick, ["changes.yzp"], package.intact, quiet)
        draft.unlink()
        world.to_hub.append(Package(seat, path))
        return f"{len(on_stick)} pieces in {len(named)} files"

    def harm(self, _: Seat) -> str:
        """A file beside a package gets lost, or goes bad."""
        there = [path for path in self.beside if path.exists()]
        if not there:
            return "none there"
        chosen = self.world.rng.choice(there)
        if self.world.rng.random() < 0.5:
            chosen.unlink()
            return f"{chosen.parent.name}/{chosen.name} lost"
        return f"{chosen.parent.name}/{chosen.name} {damage(chosen, self.world.rng)}"

    def rot(self, _: Seat) -> str:
        """A piece under way goes bad on the hub's disk: only the hash of the whole tells."""
        under_way = self.world.folder / "hub" / "attachments" / "pending"
        there = sorted(path for path in under_way.glob("*/*") if path.stat().st_size)
        if not there:
            return "none under way"
        chosen = self.world.rng.choice(there)
        data = chosen.read_bytes()
        chosen.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        return f"{chosen.parent.name[:8]} {chosen.name}"

    def make_room(self, seat: Seat) -> str:
        """The disk is to be freed: what can be fetched again is let go, and what nothing names."""
        with seat.store.read() as connection:
            gone = [(r, False) for r in pieces.removable(connection) if self.world.rng.random() < 0.7]
            gone += [(r, True) for r in pieces.unnamed(connection)]
        for row, forget in gone:
            _let_go(seat, row, forget=forget)
        return f"{len(gone)} contents"

    def back_up(self, _: Seat) -> str:
        """While the hub serves."""
        world = self.world
        if world.hub is None:
            world.open_hub()
        backup.make(world.serving, world.folder / "safe" / f"{len(world.lines)}{SUFFIX}")
        return ""

    # --- what must hold --------------------------------------------------------------
    def after_step(self) -> None:
        for seat in self.world.seats:
            self._right_here(seat)
            self._kept(seat)

    def at_peace(self) -> bool:
        waiting = [seat for seat in self.world.seats if not self._finished(seat)]
        for seat in waiting:
            if seat.engine.pieces._refused:  # what the hub found wrong is tried again the next day
                seat.restart()
            self._want(seat, self._due(seat))
            self.world.say(f"    {seat.name:8} contents: {self.travel(seat, fine=True)}")
            self._right_here(seat)
        if not waiting and not self.freed:  # once more, everything from the hub
            self.freed = True
            for seat in self.world.seats:
                self.world.say(f"    {seat.name:8} lets go: {self.make_room(seat)}")
            return False
        return not waiting  # the hub has noted what it took: somebody hears of that too

    def check(self) -> None:
        for seat in self.world.seats:
            assert self._finished(seat), f"contents: {seat.name} has not all of them"
            self._right_here(seat)
        for _, sha256, _ in _named(self.world.seats):
            assert self._at_hub(sha256) == self.contents[sha256], f"contents: the hub has not {sha256[:8]}"

    def _right_here(self, seat: Seat) -> None:
        """What a seat calls whole, or delivered, has the bytes of its author."""
        with seat.store.read() as connection:
            rows = pieces.of(connection, list(self.contents))
        for sha256, row in rows.items():
            if row.whole:
                have = _bytes_at(seat, row)
                assert have == self.contents[sha256], f"contents: {seat.name} calls {sha256[:8]} whole"
            if row.delivered:
                assert self._at_hub(sha256) == self.contents[sha256], (
                    f"contents: {seat.name} calls {sha256[:8]} delivered, the hub has it not or otherwise"
                )

    def _kept(self, seat: Seat) -> None:
        """What was attached here and lies in no backup yet is still here."""
        with seat.store.read() as connection:
            rows = pieces.of(connection, list(self.contents))
        here = dict(zip(ids := seat.ids("attachment"), (seat.row("attachment", i, "sha256")[0] for i in ids), strict=True))
        for change in seat.life.acts.values():
            if change.type_name != "attachment" or change.op is not Op.INSERT:
                continue
            sha256 = here.get(change.record_id)
            if sha256 is None:
                continue
            row = rows.get(sha256)
            if row is None or not row.whole:
                assert self._in_backup(sha256), f"contents: {seat.name} has let {sha256[:8]} go before it was safe"

    # --- inside --------------------------------------------------------------
    def _due(self, seat: Seat) -> list[str]:
        """Contents of live attachments of the own bureau and those below that are not here."""
        with seat.store.read() as connection:
            mine = subtree(connection, seat.actor.bureau)
            known = pieces.of(connection, list(self.contents))
        found = dict.fromkeys(s for bureau, s, _ in _named([seat]) if bureau in mine)
        return [s for s in found if s not in known or not known[s].whole]

    def _finished(self, seat: Seat) -> bool:
        """Nothing to fetch, and nothing the hub has not signed for."""
        with seat.store.read() as connection:
            waiting = pieces.undelivered(connection, len(self.contents) + 1)
        return not waiting and not self._due(seat)

    def _want(self, seat: Seat, wanted: list[str]) -> None:
        with seat.store.write() as connection:
            sizes = [(one, len(self.contents[one])) for one in wanted]
            pieces.want(connection, sizes, pieces.ASKED_FOR, _moment(seat))

    def _in_backup(self, sha256: str) -> bool:
        """Looked up where backups lie, whatever hub and seat believe: a hub that fell back believes less."""
        for backups in ("safe", "backups"):
            path = backup_contents.beside(self.world.folder / backups / "any").path(sha256)
            if path.exists() and path.read_bytes() == self.contents[sha256]:
                return True
        return False

    def _at_hub(self, sha256: str) -> bytes | None:
        path = self.world.folder / "hub" / "attachments" / sha256[:2] / sha256
        return path.read_bytes() if path.exists() else None


def _named(seats: list[Seat]) -> list[tuple[str, str, str]]:
    """Bureau, hash and id of every live attachment these seats know."""
    found = []
    for seat in seats:
        with seat.store.read() as connection:
            found += sql.execute(
                connection,
                'SELECT source_bureau, sha256, id FROM attachment WHERE "_deleted" = 0 ORDER BY id',
            ).fetchall()
    return [(str(bureau), str(sha256), str(record_id)) for bureau, sha256, record_id in found]


def _bytes_at(seat: Seat, row: ContentRow) -> bytes | None:
    found = [seat.engine.contents.get(row.sha256, no) for no in range(row.count)]
    return b"".join(p for p in found if p is not None) if all(p is not None for p in found) else None


def _let_go(seat: Seat, row: ContentRow, *, forget: bool) -> None:
    """As the program does: the row first."""
    with seat.store.write() as connection:
        here = pieces.here(connection, [row.sha256]).get(row.sha256, [])
        (pieces.forget if forget else pieces.drop_pieces)(connection, row.sha256)
    for no in here:
        seat.engine.contents.drop(row.sha256, no)


def _moment(seat: Seat) -> str:
    return f"{seat.store.clock.tick():020d}"


__all__ = ["Attached"]
