"""附件: photos and scans taken in, shown, fetched, opened, let go (R97, R107)."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from desktop.work import pictures
from desktop.work.attached import Attached, view
from desktop.work.attaching import MEGABYTE, Prepared, Source, megabytes, prepare, safe_name
from desktop.work.odd_names import readable
from desktop.work.records import Row
from desktop.work.session import Session
from shared import attachments as kinds
from shared.errors import (
    AccessDenied,
    InputError,
    StaleRecord,
    StoreError,
    YizhanError,
    why,
)
from shared.filters import Filter, Op
from shared.ids import new_id
from shared.parsing import clean_text, printable
from shared.record import RecordType
from shared.store import pieces
from shared.store.contents import THUMB, ContentDamaged
from shared.store.pieces import ContentRow
from sync.carrier import Progress
from sync.http import HttpCarrier
from sync.pieces import PieceRound

INITIATOR = "attachments"
HALF_TAKEN = timedelta(days=30)
YOUNG_SECONDS = 3600
_NOT_HERE = "这个附件的内容还没有下载到本机。"


class NotHere(StoreError):
    """The content must be fetched first; it was put on the list."""

    code = "content_absent"


@dataclass(slots=True)
class Added:
    """What became of several files."""

    ids: list[str] = field(default_factory=list)
    refused: list[tuple[str, YizhanError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is on its way: number of contents and bytes, and what the store holds."""

    to_send: int
    to_send_bytes: int
    to_fetch: int
    to_fetch_bytes: int
    held_bytes: int = 0
    quota_bytes: int = 0

    @property
    def anything(self) -> bool:
        """Whether a transfer would do something."""
        return bool(self.to_send or self.to_fetch)

    @property
    def text(self) -> str:
        """One line; ``""`` when nothing waits."""
        parts = []
        if self.to_send:
            parts.append(f"待传附件 {self.to_send:,} 个（{megabytes(self.to_send_bytes)}）")
        if self.to_fetch:
            parts.append(f"待下载 {self.to_fetch:,} 个（{megabytes(self.to_fetch_bytes)}）")
        return "，".join(parts)


class Attachments:
    """The attachments of one signed-in session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._records = session.records
        self._store = session.store
        self._contents = session.engine.contents
        self._exchange = session.engine.pieces
        self._turn = threading.Lock()
        self.declared = session.records.type("attachment")

    # --- what there is -------------------------------------------------------
    def of_record(self, declared: RecordType, record_id: str) -> list[Attached]:
        """Attachments of one record, oldest first."""
        wanted = Filter(order="entered_at").where("record_id", Op.EQ, record_id)
        return self._views(self._records.first(self.declared, wanted, 500), declared.name)

    def of_entity(self, entity_id: str, limit: int = 60) -> list[Attached]:
        """What is attached to an entity and to everything about it, newest first."""
        wanted = Filter(order="-entered_at").where("entity_id", Op.EQ, entity_id)
        return self._views(self._records.first(self.declared, wanted, limit))

    def small_picture(self, one: Attached) -> bytes | None:
        """JPEG of at most 256 pixels; None when there is none."""
        if not one.is_picture:
            return None
        with suppress(ContentDamaged):
            found = self._contents.get(one.sha256, THUMB)
            if found is not None:
                return found
        if not one.here:
            return None
        try:
            made = pictures.thumbnail(self._content(one))
        except YizhanError:
            return None
        if made is not None:
            self._contents.put(one.sha256, THUMB, made)
        return made

    def waiting(self) -> Waiting:
        """What is on its way, from the local database only."""
        up, down = self._exchange.waiting(), self._exchange.missing()
        with self._store.read() as connection:
            rows = pieces.removable(connection)
            held = pieces.weight(rows, pieces.here(connection, [r.sha256 for r in rows]))
        return Waiting(*up, *down, held, self._quota)

    # --- taking in -----------------------------------------------------------
    def may_add(self, declared: RecordType, values: dict[str, Any] | None) -> bool:
        """Whether the person may attach something to a record with these values."""
        if not declared.attachments or values is None:
            return False
        if declared.name == "inspection" and values.get("state") != "draft":
            return False
        return self._records.may("create", self.declared)

    def add(
        self,
        declared: RecordType,
        record_id: str,
        sources: Sequence[Source],
        progress: Progress,
        *,
        initiator: str = INITIATOR,
    ) -> Added:
        """Attach files to a record; each on its own, so that one refused does not stop the others."""
        row = self._records.get(declared, record_id)
        if row is None:
            raise StaleRecord(f"这条{declared.title}已不存在。", "请刷新列表。")
        if self._session.read_only:
            raise AccessDenied(
                "离线时间已超过允许期限，本机暂为只读，不能添加附件。",
                "请联网同步，或用介质与中心交换一次后再添加。",
            )
        if not self.may_add(declared, row.values):
            raise AccessDenied(
                f"这条{declared.title}现在不能添加附件。", "检查提交后不能再添加；如有遗漏，请另记一次检查。"
            )
        there = {one.sha256 for one in self.of_record(declared, record_id)}
        added = Added()
        for done, source in enumerate(sources):
            progress(done, len(sources), f"正在添加 {readable(source.name)}")
            try:
                added.ids.append(self._add_one(declared, row, source, there))
            except YizhanError as refused:
                added.refused.append((readable(source.name), refused))
        if added.ids:
            self._records.announce({self.declared.name}, initiator)
        return added

    def remove(self, attachment_id: str, reason: str, *, initiator: str = INITIATOR) -> None:
        """Void an attachment with a reason; its content goes when nothing else names it."""
        self._records.delete(self.declared, attachment_id, reason, initiator=initiator)
        self.drop_unnamed()

    # --- looking at it -------------------------------------------------------
    def open_copy(self, one: Attached) -> Path:
        """A private copy for the system's viewer; raises :class:`NotHere` and asks for the content."""
        folder = self._session.settings.opened / new_id()[-12:]
        path = folder / safe_name(one.file_name, one.media_type)
        try:
            folder.mkdir(mode=0o700, parents=True)
            self._pour(one, path)
            path.chmod(stat.S_IRUSR)
        except OSError as bad:
            raise StoreError(f"打不开附件（{why(bad)}）。", "请检查磁盘空间后重试。") from bad
        return path

    def save_as(self, one: Attached, path: Path) -> None:
        """Write the content where the person wants it; outside it is not encrypted.

        A picture leaves without place, camera and serial number; the evidence kept here has them.
        """
        part = path.with_name(f"{path.name}.{new_id()[-12:]}.part")
        clean = pictures.without_traces(self._content(one), one.media_type) if one.is_picture else None
        try:
            if clean is None:
                self._pour(one, part)
            else:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    out.write(clean)
            os.replace(part, path)
        except OSError as bad:
            raise InputError(f"没有存成（{why(bad)}）。", "请换一个位置，或检查剩余空间和权限。") from bad

    def want(self, wanted: Iterable[Attached]) -> None:
        """Fetch these with the next transfer, before anything else."""
        asked = [(one.sha256, one.size) for one in wanted if not one.here]
        with self._store.write() as connection:
            pieces.want(connection, asked, pieces.ASKED_FOR, self._moment)
            pieces.note_absent(connection, [sha256 for sha256, _ in asked], absent=False)

    # --- transferring ---------------------------------------------------------
    def transfer(self, progress: Progress) -> PieceRound:
        """Send and fetch over the network; may be stopped and repeated at any time."""
        session = self._session
        if not session.settings.hub_url or not self._turn.acquire(blocking=False):
            return PieceRound()  # or another transfer is under way and takes everything along
        try:
            self.fetch_ahead()
            if self._exchange.ask(fetching=True) is None:
                return PieceRound()
            try:
                with closing(HttpCarrier(session.settings.hub_url)) as carrier:
                    return self._exchange.run(carrier, progress, session.actor.name)
            finally:
                self.keep_within_quota()
                self._records.announce({self.declared.name}, INITIATOR)
        finally:
            self._turn.release()

    def fetch_ahead(self) -> int:
        """Put contents for the person's own tasks on the list, as far as the quota has room."""
        found = self._worth_fetching()
        with self._store.write() as connection:
            pieces.want(connection, found, pieces.AHEAD, self._moment)
        return len(found)

    # --- keeping house --------------------------------------------------------
    def keep_within_quota(self) -> int:
        """Let go of what can be fetched again, least recently used first; gives bytes freed.

        What the hub has not signed for is never let go.
        """
        freed = 0
        with self._store.read() as connection:
            rows = pieces.removable(connection)
            here = pieces.here(connection, [r.sha256 for r in rows])
        excess = pieces.weight(rows, here) - self._quota
        for row in rows:
            if excess <= freed:
                break
            freed += pieces.weight([row], here)
            self._drop(row, forget=False)
        return freed

    def drop_unnamed(self) -> None:
        """Let go of contents that no attachment names any more."""
        with self._store.read() as connection:
            rows = pieces.unnamed(connection)
        for row in rows:
            self._drop(row, forget=True)

    def tidy(self) -> None:
        """After sign-in: private copies of last time, pieces half fetched long ago, files nobody knows.

        A file of the last hour may be of an attachment that is being added, in this window or another.
        """
        self.close()
        self.drop_unnamed()
        long_ago = (self._store.clock.now() - HALF_TAKEN).timestamp()
        with self._store.read() as connection:
            half = pieces.half_taken(connection, f"{int(long_ago * 1000) << 16:020d}")
        for row in half:
            self._drop(row, forget=False)
        with self._store.read() as connection:
            known = {self._contents.name(*one) for one in pieces.pieces_here(connection)}
            rows = self._records.first(self.declared, Filter(), 100_000)
        known |= {self._contents.name(r.values["sha256"], THUMB) for r in rows}
        for name, path in self._contents.names():
            if name not in known:
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > YOUNG_SECONDS:
                        path.unlink()

    def close(self) -> None:
        """Remove the private copies made for other programs."""
        shutil.rmtree(self._session.settings.opened, ignore_errors=True)

    # --- inside --------------------------------------------------------------
    def _pour(self, one: Attached, path: Path) -> None:
        """Write the content to a new file, piece by piece; whole or not at all."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                out.writelines(self._parts(one))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    @property
    def _moment(self) -> str:
        """Order of use, finer than seconds."""
        return f"{self._store.clock.tick():020d}"

    @property
    def _quota(self) -> int:
        return self._session.settings.attachment_quota_mb * MEGABYTE

    def _worth_fetching(self) -> list[tuple[str, int]]:
        with self._store.read() as connection:
            rows = pieces.removable(connection)
            room = self._quota - pieces.weight(rows, pieces.here(connection, [r.sha256 for r in rows]))
            found = pieces.for_own_tasks(connection, self._records.actor.user)
        out = []
        for sha256, size in found:
            if size > room:
                break
            room -= size
            out.append((sha256, size))
        return out

    def _drop(self, row: ContentRow, *, forget: bool) -> None:
        """The row first: a file without a row is swept, a row without its file would lie."""
        with self._store.write() as connection:
            here = pieces.here(connection, [row.sha256]).get(row.sha256, [])
            if forget:
                pieces.forget(connection, row.sha256)
            else:
                pieces.drop_pieces(connection, row.sha256)
        for no in here:
            self._contents.drop(row.sha256, no)
        if forget:
            self._contents.drop(row.sha256, THUMB)

    def _add_one(self, declared: RecordType, row: Row, source: Source, there: set[str]) -> str:
        taken = self._take_in(source, there)
        entity = row.id if declared.name == "market_entity" else row.values.get(declared.about)
        name = printable(clean_text(readable(source.name)))[-200:] or "附件"
        values = {
            "record_type": declared.name,
            "record_id": row.id,
            "entity_id": entity or None,
            "title": Path(name).stem[:100] or "附件",
            "file_name": name,
            "media_type": taken.media_type,
            "size": taken.size,
            "sha256": taken.sha256,
            "pieces": kinds.pieces_of(taken.size),
            "taken_at": taken.taken_at or self._store.clock.stamp(),
            "taken_by": self._records.actor.user,
        }
        with self._records.unit(initiator=INITIATOR) as unit:
            made = unit.insert(self.declared, [values])[0]
            pieces.keep(unit.connection, taken.sha256, taken.size, self._moment)
        there.add(taken.sha256)
        return made

    def _take_in(self, source: Source, there: set[str]) -> Prepared:
        """Prepare and write pieces; nothing is known of them until the record stands."""
        taken = prepare(source)
        if taken.sha256 in there:
            raise InputError("这个文件已经附在这条记录上。", "不用重复添加。")
        with self._store.read() as connection:
            known = pieces.of(connection, [taken.sha256]).get(taken.sha256)
        if known is None or not known.whole:
            self._write(taken)
        if taken.small is not None:
            self._contents.put(taken.sha256, THUMB, taken.small)
        return taken

    def _write(self, taken: Prepared) -> None:
        try:
            for no, data in enumerate(taken.pieces()):
                self._contents.put(taken.sha256, no, data)
        except BaseException:
            for no in range(kinds.pieces_of(taken.size)):
                self._contents.drop(taken.sha256, no)
            raise

    def _content(self, one: Attached) -> bytes:
        """The whole content in memory, for pictures."""
        return b"".join(self._parts(one))

    def _parts(self, one: Attached) -> Iterator[bytes]:
        """The content piece by piece; damaged or missing, it is asked for when the hub has it."""
        with self._store.read() as connection:
            known = pieces.of(connection, [one.sha256]).get(one.sha256)
        if known is None or not known.whole:
            self.want([one])
            raise NotHere(_NOT_HERE, "已列入下载；联网同步后再打开，或用介质交换取回。")
        try:
            for no in range(known.count):
                part = self._contents.get(one.sha256, no)
                if part is None:
                    raise ContentDamaged("本机保存的附件内容缺了一部分。")
                yield part
        except ContentDamaged as bad:
            self._give_up(known, one)
            raise NotHere(
                "本机保存的附件内容已损坏。",
                "已列入重新下载，请同步。" if known.delivered else "它还没有入库，请移除后重新添加原文件。",
            ) from bad
        with self._store.write() as connection:
            pieces.use(connection, one.sha256, self._moment)

    def _give_up(self, known: ContentRow, one: Attached) -> None:
        if known.delivered:
            self._drop(known, forget=False)
            self.want([replace(one, here=False)])

    def _views(self, rows: Sequence[Row], type_name: str = "") -> list[Attached]:
        rows = [r for r in rows if not type_name or r.values["record_type"] == type_name]
        hashes = {str(r.values["sha256"]) for r in rows}
        with self._store.read() as connection:
            known = pieces.of(connection, hashes)
            here = pieces.here(connection, hashes)
            there = pieces.at_hub(connection, hashes)
        people = self._records.labels("user", {str(r.values.get("taken_by") or "") for r in rows})
        return [
            view(r, known.get(h), len(here.get(h, ())), there.get(h, 0), people)
            for r, h in ((r, str(r.values["sha256"])) for r in rows)
        ]


__all__ = ["Added", "Attached", "Attachments", "NotHere", "Source", "Waiting", "megabytes", "safe_name"]
