"""Contents of attachments at the hub: pieces come in, the whole is proved, pieces go out.

``attachments/pending/<hash>/<no>`` holds pieces under way, ``attachments/<xx>/<hash>`` a
content that was found right: written once, never changed, named by its SHA-256. Files
are the truth; the tables say which are there. Only what an attachment record names, and
only from a device whose bureau may speak for one of those records, is taken.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from server_stub.backup_contents import archived
from server_stub.content_folder import ContentFolder
from server_stub.devices import DeviceRow
from server_stub.keys import HubKeys
from shared.attachments import MAX_FILE, PIECE, check_sha256, numbers, piece_size, pieces_of, spans
from shared.durable import sync_folder
from shared.ids import new_id
from shared.store import sql
from shared.store.contents import file_errors
from shared.store.directory import subtree
from shared.store.store import Store
from sync import messages, signing
from sync.entries import Entry, part
from sync.messages import PIECE as PIECE_ENTRY
from sync.messages import PIECES, PROTOCOL, Holdings, PieceAsk, Spans

PENDING, VERIFIED = "pending", "verified"
ANSWER_PIECES = 16 << 20
"""About how many bytes of pieces one answer over the network brings."""
MOST_ASKED = 2_000


@dataclass(frozen=True, slots=True)
class Named:
    """A content as attachment records name it.

    :param bureaus: whose records.
    """

    sha256: str
    size: int
    bureaus: frozenset[str]

    @property
    def count(self) -> int:
        """Pieces in all."""
        return pieces_of(self.size)


@dataclass(slots=True)
class PieceIntake:
    """What became of the pieces of one package."""

    taken: int = 0
    repeated: int = 0
    strange: int = 0
    """Pieces no record names, or that do not fit what it says."""
    verified: int = 0
    bad: set[str] = field(default_factory=set)

    @property
    def anything(self) -> bool:
        """Whether there were pieces at all."""
        return bool(self.taken or self.repeated or self.strange)

    @property
    def only_strange(self) -> bool:
        """Whether no record names any of them."""
        return bool(self.strange) and not self.taken and not self.repeated

    @property
    def words(self) -> str:
        """For the sync log; ``""`` when there were none."""
        if not self.anything:
            return ""
        text = f"附件 {self.taken} 片，入库 {self.verified} 个"
        if self.repeated:
            text += f"，重复 {self.repeated} 片"
        if self.strange:
            text += f"，未登记或大小不符 {self.strange} 片（未保存）"
        if self.bad:
            text += f"，校验值不符 {len(self.bad)} 个（已丢弃，请重传）"
        return text


class HubPieces:
    """The hub's content store.

    :param folder: ``attachments`` in the hub's data folder.
    """

    def __init__(self, store: Store, keys: HubKeys, epoch: str, folder: Path) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch
        self.folder = folder
        self.whole = ContentFolder(folder)

    # --- in ------------------------------------------------------------------
    def intake(self, device: DeviceRow) -> Receiving:
        """Takes the pieces of one package of a device."""
        return Receiving(self, device)

    def named(self, hashes: Iterable[str]) -> dict[str, Named]:
        """Contents that live attachment records name; what a record says wrongly is left out."""
        wanted = [h for h in dict.fromkeys(hashes) if check_sha256(h) is None]
        with self._store.read() as connection:
            pg = sql.is_postgres(connection)
            rows = connection.exec_driver_sql(
                'SELECT sha256, size, source_bureau FROM attachment WHERE "_deleted" = 0 AND '
                f"{sql.in_ids(pg, 'sha256')} ORDER BY rid",
                (sql.ids_parameter(pg, wanted),),
            ).fetchall()
        out: dict[str, Named] = {}
        for sha256, size, bureau in rows:
            if not isinstance(size, int) or not 0 < size <= MAX_FILE:
                continue
            before = out.get(sha256)
            if before is None:
                out[sha256] = Named(sha256, size, frozenset([str(bureau)]))
            elif before.size == size:
                out[sha256] = Named(sha256, size, before.bureaus | {str(bureau)})
        return out

    def bureaus_of(self, device: DeviceRow) -> frozenset[str]:
        """For whose records a device may bring and fetch contents: its bureau and all below."""
        with self._store.read() as connection:
            return subtree(connection, device.bureau)

    def holds(self, named: Named) -> bool:
        """Whether the whole content is here."""
        path = self.path(named.sha256)
        return path.exists() and path.stat().st_size == named.size

    def present(self, named: Named) -> set[int]:
        """Pieces under way that are here."""
        folder = self._under_way(named.sha256)
        if not folder.is_dir():
            return set()
        found = {p.name for p in folder.iterdir()}
        return {no for no in range(named.count) if str(no) in found}

    def put(self, named: Named, no: int, data: bytes, device: str) -> None:
        """Write one piece, surely."""
        path = self._under_way(named.sha256) / str(no)
        with file_errors():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
            except FileNotFoundError:  # the folder was empty, and swept between the two
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
        with self._store.write() as connection:
            sql.execute(
                connection,
                "INSERT INTO piece (sha256, no, device, state) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (named.sha256, no, device, PENDING),
            )

    def prove(self, named: Named) -> bool:
        """All pieces have come: put the content in its place if its hash is right, else drop it."""
        folder, final = self._under_way(named.sha256), self.path(named.sha256)
        draft = self.folder / "pending" / f"{new_id()}.part"
        hasher = hashlib.sha256()
        with file_errors():
            try:
                with draft.open("wb") as out:
                    for no in range(named.count):
                        data = (folder / str(no)).read_bytes()
                        hasher.update(data)
                        out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                right = hasher.hexdigest() == named.sha256
                if right:
                    final.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(draft, final)
                    sync_folder(final.parent)
            except FileNotFoundError:
                return self.holds(named)  # another process was quicker
            finally:
                draft.unlink(missing_ok=True)
        with self._store.write() as connection:
            if right:
                sql.execute(
                    connection,
                    "INSERT INTO content (sha256, size, verified_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (named.sha256, named.size, self._store.clock.stamp()),
                )
                sql.execute(
                    connection, "UPDATE piece SET state = ? WHERE sha256 = ?", (VERIFIED, named.sha256)
                )
            else:
                sql.execute(connection, "DELETE FROM piece WHERE sha256 = ?", (named.sha256,))
        shutil.rmtree(folder, ignore_errors=True)
        return right

    def path(self, sha256: str) -> Path:
        """Where a whole content lies."""
        return self.folder / sha256[:2] / sha256

    # --- out -----------------------------------------------------------------
    def answer(
        self, device: DeviceRow, ask: PieceAsk | None, taken: PieceIntake, limit: int = ANSWER_PIECES
    ) -> Iterator[Entry]:
        """The hub's signed word about contents, then wanted pieces, about ``limit`` bytes of them."""
        if ask is None:
            return
        have = [one.hex() for one in ask.have[:MOST_ASKED]]
        want = [(one.hex(), found) for one, found in ask.want[:MOST_ASKED]]
        named = self.named([*have, *(one for one, _ in want), *taken.bad])
        bureaus = self.bureaus_of(device)
        held, lacks, unknown = list[str](), [], []
        for sha256 in have:
            one = named.get(sha256)
            if one is None or one.bureaus.isdisjoint(bureaus):
                unknown.append(sha256)
            elif self.holds(one):
                held.append(sha256)
            else:
                lacks.append((bytes.fromhex(sha256), self._missing(one)))
        offered = self._offered(named, bureaus, want)
        names = {one.sha256 for one, _ in offered}
        with self._store.read() as connection:
            safe = archived(connection, held)
        body = Holdings(
            v=PROTOCOL,
            hub_id=self._keys.hub_id,
            epoch=self._epoch,
            device=device.device,
            at=self._store.clock.stamp(),
            held=_raw(held),
            archived=_raw(one for one in held if one in safe),
            lacks=lacks,
            unknown=_raw(unknown),
            bad=_raw(sorted(taken.bad)),
            offered=_raw(sorted(names)),
            absent=_raw(sha256 for sha256, _ in want if sha256 not in names),
        )
        envelope = signing.sign(self._keys.sign, signing.PIECES, messages.encode(body))
        yield Entry(PIECES, {"envelope": envelope.encode()})
        yield from self._wanted(offered, limit)

    def offered(self, device: DeviceRow, ask: PieceAsk) -> list[tuple[Named, list[int]]]:
        """Wanted contents that are here and that a device may have, with the numbers it misses."""
        want = [(one.hex(), found) for one, found in ask.want[:MOST_ASKED]]
        named = self.named(one for one, _ in want)
        found = self._offered(named, self.bureaus_of(device), want)
        return [(one, sorted(numbers(missing, one.count))) for one, missing in found]

    def piece(self, named: Named, no: int) -> Entry | None:
        """One piece of a content; None when that is not here any more."""
        try:
            with self.path(named.sha256).open("rb") as content:
                content.seek(no * PIECE)
                data = content.read(piece_size(named.size, no))
        except FileNotFoundError:
            return None
        about = {"content": bytes.fromhex(named.sha256), "no": no, "size": named.size}
        return Entry(PIECE_ENTRY, about, data)

    # --- inside --------------------------------------------------------------
    def _offered(
        self, named: dict[str, Named], bureaus: frozenset[str], want: list[tuple[str, Spans]]
    ) -> list[tuple[Named, Spans]]:
        return [
            (named[sha256], found)
            for sha256, found in want
            if sha256 in named and not named[sha256].bureaus.isdisjoint(bureaus) and self.holds(named[sha256])
        ]

    def _wanted(self, offered: list[tuple[Named, Spans]], limit: int) -> Iterator[Entry]:
        left = limit
        for one, found in offered:
            if left <= 0:
                return
            with self.path(one.sha256).open("rb") as content:
                for no in sorted(numbers(found, one.count)):
                    if left <= 0:
                        return
                    content.seek(no * PIECE)
                    data = content.read(piece_size(one.size, no))
                    left -= len(data)
                    yield Entry(
                        PIECE_ENTRY, {"content": bytes.fromhex(one.sha256), "no": no, "size": one.size}, data
                    )

    def _missing(self, named: Named) -> Spans:
        here = self.present(named)
        return spans(no for no in range(named.count) if no not in here)

    def _under_way(self, sha256: str) -> Path:
        return self.folder / "pending" / sha256


class Receiving:
    """The pieces of one package, as they come."""

    def __init__(self, pieces: HubPieces, device: DeviceRow) -> None:
        self._pieces = pieces
        self._device = device
        self._named: dict[str, Named | None] = {}
        self.done = PieceIntake()

    def take(self, entry: Entry) -> None:
        """Keep one piece; what nobody registered is counted and not kept."""
        sha256, no = part(entry, "content").hex(), entry.meta.get("no")
        named = self._of(sha256)
        if named is None or not isinstance(no, int) or not 0 <= no < named.count:
            self.done.strange += 1
            return
        if len(entry.data) != piece_size(named.size, no):
            self.done.strange += 1
            return
        here = self._pieces.present(named)
        if no in here or self._pieces.holds(named):
            self.done.repeated += 1
            return
        self._pieces.put(named, no, bytes(entry.data), self._device.device)
        self.done.taken += 1
        if len(here) + 1 == named.count:
            if self._pieces.prove(named):
                self.done.verified += 1
            else:
                self.done.bad.add(sha256)

    def _of(self, sha256: str) -> Named | None:
        if sha256 not in self._named:
            found = self._pieces.named([sha256]).get(sha256)
            if found is not None and found.bureaus.isdisjoint(self._pieces.bureaus_of(self._device)):
                found = None
            self._named[sha256] = found
        return self._named[sha256]


def _raw(hashes: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in hashes]


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.{new_id()[-12:]}.part")
    try:
        with draft.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
