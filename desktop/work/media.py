"""介质交换: packages onto a stick and from it, in steps a person can follow.

Nothing is applied before it was copied, verified whole and shown. Nothing exported
is given up before the hub has signed for it: a lost stick costs a walk, no data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from desktop.work import media_pieces
from desktop.work.handing import Handing, Parcel
from desktop.work.media_facts import (
    AppliedReport,
    ExportPlan,
    ExportResult,
    HandOver,
    MediumInfo,
    Received,
)
from desktop.work.media_pieces import Carried
from desktop.work.media_register import MediaRegister
from desktop.work.media_report import Examiner, Report, Verdict
from desktop.work.passing import Passing, about_beside
from desktop.work.session import Session
from shared.errors import (
    DiskFull,
    MediaError,
    PackageError,
    StoreError,
    YizhanError,
)
from shared.ids import new_id
from shared.parsing import clean_text
from shared.store import exchange
from shared.store.exchange import Attempt, SetRow
from shared.store.journal import types_between
from sync import changeset, package
from sync.beside import Beside, look_beside
from sync.bundles import bundles
from sync.carrier import Progress
from sync.layout import Core
from sync.loading import load_words
from sync.media import disk_errors, probe, read_to_spool, write_safely
from sync.rounds import Absorbed
from sync.signing import VerifyKey

CARRIER = "media"
PARKED = "parked"
TROUBLE = ("parked", "conflicted", "quarantined", "rejected")
INITIATOR = "media"
ALL_IN, PARTLY_IN, REFUSED = "1", "2", "3"  # code table 入库结论
PAPER_ROOM = 1 << 20
"""What a package of changes needs on a medium besides its change sets."""
JOLIET = 64
"""Characters a file name may have on a disc that every drive reads."""


class Media:
    """The use case of the page 介质交换."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.register = MediaRegister(session)

    # --- export ----------------------------------------------------------------
    def plan_export(self, *, lacking: bool = False) -> ExportPlan:
        """What would go; nothing is sealed yet.

        :param lacking: without what waits at the hub for what it lacks.
        """
        with self._session.store.read() as connection:
            at = exchange.reach(connection)
            every = exchange.unreceipted(connection)
            sealed = _lacked(every, lacking)
            waiting = exchange.uncut(connection)
            cursors = len(exchange.cursors(connection))
        there = sum(s.last - s.first + 1 for s in every) - sum(s.last - s.first + 1 for s in sealed)
        return ExportPlan(
            changes=at.written - at.receipted - there,
            sets=len(sealed) + len(waiting),
            exported_before=len(sealed),
            hub_name=self._session.hub_trust.name,
            cursors=cursors,
        )

    def export(
        self,
        folder: Path,
        medium: MediumInfo,
        progress: Progress,
        *,
        for_burning: bool = False,
        again_of: str = "",
        attachments: bool = False,
        most: int = 0,
        lacking: bool = False,
    ) -> ExportResult:
        """Seal what has no receipt and put it into ``folder``; may be repeated at will.

        More than one package holds goes into several, each good on its own. The hand-overs of
        all of them go inside the last.

        :param for_burning: name the file so that any disc holds the name.
        :param again_of: id of the lost package this export stands for.
        :param attachments: contents go along too, before the changes, which name their files.
        :param most: bytes of contents to take at most; 0 = as many as fit.
        :param lacking: without what waits at the hub for what it lacks.
        """
        session = self._session
        self.register.require_usable(medium)
        self._require_place(folder)
        self.register.withdraw_interrupted()
        with disk_errors():
            session.engine.cut()
        with session.store.read() as connection:
            every = {s.cs_id: s for s in exchange.unreceipted(connection)}
        sets = {s.cs_id: s for s in _lacked(list(every.values()), lacking)}
        carried = None
        if attachments:
            spare = sum(changeset.peek(s.envelope).raw_len for s in sets.values()) + PAPER_ROOM
            carried = self._contents(folder, progress, for_burning, most, spare)
            self._require_place(folder)
        groups = [[sets[i] for i in group] for group in bundles(sets.values())]
        ids = [new_id() for _ in groups]
        handing = Handing(session, self.register, medium, again_of)
        parcels = handing.parcels(groups, ids, carried, set(every))
        done: list[ExportResult] = []
        beside = {one.package_id: one.size for one in carried.files} if carried is not None else {}
        try:
            for one in parcels:
                files = beside if one.last else {}
                sure = partial(handing.written, one)
                done.append(self._write(one, folder, progress, for_burning, files, sure))
        except YizhanError as failed:
            handing.withdraw(parcels[len(done) :], failed.message)
            raise
        self._remember(medium, folder)
        return replace(done[-1], others=tuple(done[:-1]), carried=carried)

    def export_again(
        self, hand_over_id: str, reason: str, folder: Path, medium: MediumInfo, progress: Progress
    ) -> ExportResult:
        """The medium of an export was lost: note why, and put the same change sets onto another (N1).

        What the hub has signed for meanwhile is not carried again; attachments go along when
        some went with the lost one.
        """
        self.register.require_usable(medium)
        lost = self.register.hand_over(hand_over_id)
        same = clean_text(medium.number) == lost["medium_no"]
        along = self.register.beside(lost)
        before = self.register.lose(hand_over_id, reason, medium_too=not same)
        return self.export(
            folder, medium, progress, again_of=str(before["package_id"]), attachments=bool(along)
        )

    def _require_place(self, folder: Path) -> None:
        """Nothing is handed over, on paper or otherwise, to a medium that takes no file."""
        try:
            probe(folder)
        except MediaError as failed:
            self._note("up", "", "", 0, 0, 0, failed)
            raise

    def _contents(
        self, folder: Path, progress: Progress, for_burning: bool, most: int, spare: int
    ) -> Carried:
        """Attachments onto the medium; what is wrong with them does not stop the changes."""
        try:
            done = media_pieces.export(
                self._session, folder, progress, for_burning=for_burning, most=most, spare=spare
            )
        except (MediaError, StoreError) as failed:
            done = Carried(failed=failed)
        self._session.records.announce({"attachment"}, INITIATOR)
        return done

    def _write(
        self, parcel: Parcel, folder: Path, progress: Progress, for_burning: bool,
        beside: Mapping[str, int], sure: Callable[[Path, Path], None],
    ) -> ExportResult:
        session = self._session
        draft = self._spool() / f"out-{new_id()}.yzp"
        sealed = None
        try:
            progress(0, 0, "正在封装")
            with disk_errors(), draft.open("w+b") as out:
                sealed = session.engine.prepare(
                    out, CARRIER, session.actor.name, parcel.only, parcel.package_id, beside
                )
            session.records.announce(self._waiting_types(), INITIATOR)  # 已封装 now
            names = self._names(sealed.fingerprint.hex()[:8])
            path = write_safely(
                draft,
                folder,
                names[1:] if for_burning else names,
                lambda stream: package.verify(stream, self._own, session.hub_trust.hub_id),
                progress,
                sure,
            )
            self.register.named()
        except YizhanError as failed:
            if sealed is not None:
                self._note("up", sealed.package_id, sealed.fingerprint.hex(), 0, 0, 0, failed)
            raise
        finally:
            draft.unlink(missing_ok=True)
        facts = replace(
            parcel.facts, fingerprint=sealed.fingerprint_text, size=sealed.size, file_name=path.name
        )
        self._note(
            "up", sealed.package_id, sealed.fingerprint.hex(), facts.sets or 0, facts.changes or 0,
            sealed.size, None, f"已写入介质 {facts.medium_number}：{path.name}",
        )  # fmt: skip
        return ExportResult(
            path, sealed.fingerprint_text, sealed.size, sealed.package_id, facts, parcel.record
        )

    def load_words(self) -> str:
        """Which volumes of a first load have been imported and which are missing; ``""`` for none."""
        return load_words(self._session.store)

    # --- import ------------------------------------------------------------------
    def receive(self, path: Path, progress: Progress) -> Received:
        """Copy a package from a medium, also a read-only one, and examine the copy.

        Raises what is wrong with the *medium*; what is wrong with the *package* stands
        in the report.
        """
        spooled = read_to_spool(path, self._spool(), progress)
        try:
            report = Examiner(self._session).examine(spooled, progress)
            beside: list[Beside] = []
            if report.verdict is Verdict.FORWARD and report.core is not None:
                progress(0, 0, "正在核对附件包")
                beside = look_beside(report.core, path.parent)
                report.problems += about_beside(beside)
        except BaseException:
            spooled.path.unlink(missing_ok=True)
            raise
        return Received(spooled, report, beside=beside)

    def apply(
        self, received: Received, medium: MediumInfo, progress: Progress, analysis: str = ""
    ) -> AppliedReport:
        """Take a package in and keep an intake record; importing twice is harmless."""
        report = received.report
        if report.verdict not in (Verdict.APPLY, Verdict.REPEATED):
            raise report.refusal or PackageError(report.verdict.value, "请按报告中的提示处理。")
        session = self._session
        waiting = self.register.open_ids()
        try:
            with received.spooled.path.open("rb") as stream:
                opened = session.engine.open(stream)
                done = session.engine.absorb(opened, CARRIER, progress)
        except YizhanError as failed:
            self._note("down", report.package_id, report.fingerprint, 0, 0, report.size, failed)
            session.records.announce(frozenset(session.store.types), INITIATOR)  # whole stretches stay
            raise
        received.applied = True
        load = load_words(session.store, done.loaded)
        self._note(
            "down", report.package_id, report.fingerprint, len(done.sets), done.changes, report.size, None,
            load or f"已从介质 {medium.number} 导入 {done.changes:,} 条变更，{done.receipts:,} 份回执",
        )  # fmt: skip
        values = self._intake_values(report, medium, analysis, done)
        intake_id = self.register.keep_intake(values, medium)
        if not done.more:
            self.register.note_arrived(done.arrived)
            self.register.note_delivered()
        arrived = len(waiting - self.register.open_ids())
        self._remember(medium, None)
        types = frozenset(done.types | {"media_intake", "medium"})
        session.records.announce(types, INITIATOR)
        if {"user", "bureau"} & types:
            session.refresh()
        return AppliedReport(
            changes=done.changes,
            receipts=done.receipts,
            held=done.held,
            repeated=done.repeated,
            complete=not done.more,
            types=types,
            intake_id=intake_id,
            load=load,
            intake=values,
            trouble=tuple(s for s in done.sets if s.status in TROUBLE),
            arrived=arrived,
        )

    def refuse(self, received: Received, medium: MediumInfo, analysis: str) -> dict[str, Any]:
        """Keep an intake record of a package that is not taken in (R32); returns its values."""
        report = received.report
        said = "；".join(p.message for p in report.problems)
        values = self._intake_values(report, medium, "；".join(t for t in (analysis, said) if t), None)
        self.register.keep_intake(values, medium)
        self._session.records.announce({"media_intake", "medium"}, INITIATOR)
        self._remember(medium, None)
        return values

    # --- courier -------------------------------------------------------------------
    def forward(
        self, received: Received, answer_folder: Path, medium: MediumInfo, progress: Progress
    ) -> ExportResult:
        """Carry somebody's sealed package to the hub, unopened, with what lies beside it; see ``passing``."""
        return Passing(self._session, self.register, self._note).forward(
            received, answer_folder, medium, progress
        )

    # --- inside --------------------------------------------------------------
    def _waiting_types(self) -> set[str]:
        store = self._session.store
        with store.read() as connection:
            at = exchange.reach(connection)
            found = types_between(connection, at.receipted + 1, at.written)
        return {store.by_number[number].name for number in found}

    def _own(self, core: Core) -> VerifyKey | None:
        session = self._session
        return session.device_keys.sign.public if core.exporter == session.device else None

    def _spool(self) -> Path:
        with disk_errors():
            self._session.settings.spool.mkdir(parents=True, exist_ok=True)
        return self._session.settings.spool

    def _names(self, tail: str) -> tuple[str, str]:
        """The name of the file, and one that any file system and any disc holds."""
        when = self._session.store.clock.now()
        place = self._session.bureau
        said = place.code or place.name  # a new station knows its bureau's name, not yet its code
        code = "".join(c if c.isalnum() else "_" for c in said)[:32] or self._session.device[-8:]
        plain = "".join(c for c in code if c.isascii() and c.isalnum()) or self._session.device[-8:]
        stamp = f"{when:%Y%m%d%H%M}-{tail}.yzp"
        return f"驿站-{code}-{stamp}", f"yizhan-{plain}-{stamp}"[-JOLIET:]

    def _remember(self, medium: MediumInfo, folder: Path | None) -> None:
        changes = {"medium_type": medium.type_code, "medium_number": medium.number}
        if folder is not None:
            changes["media_folder"] = str(folder)
        self._session.settings.update(changes)

    def _intake_values(
        self, report: Report, medium: MediumInfo, analysis: str, done: Absorbed | None
    ) -> dict[str, Any]:
        """Values of the intake record; ``done`` is None for a refused package."""
        applied = done.changes if done else 0
        unknown = report.preview.unknown if report.preview else 0
        refused = unknown if done else (report.preview.total if report.preview else 0)
        outcome = REFUSED if done is None else PARTLY_IN if unknown else ALL_IN
        return {
            "media_kind": medium.type_code,
            "media_no": clean_text(medium.number),
            "sent_from": report.sealed_by or None,
            "sent_to": report.sealed_for or None,
            "package_id": report.package_id or None,
            "fingerprint": report.fingerprint_text,
            "sets": len(report.preview.receipts) if report.preview else 0,
            "changes": applied + refused,
            "applied": applied,
            "refused": refused,
            "outcome": outcome,
            "analysis": clean_text(analysis) or ("重复导入，没有新内容" if done and done.repeated else None),
            "handled_by": self._session.actor.user,
            "received_at": self._session.store.clock.stamp(),
        }

    def _note(
        self,
        direction: str,
        package_id: str,
        fingerprint: str,
        sets: int,
        changes: int,
        size: int,
        failed: YizhanError | None,
        text: str = "",
    ) -> None:
        store = self._session.store
        with _best_effort(failed), store.write() as connection:
            exchange.log_attempt(
                connection,
                Attempt(
                    store.clock.stamp(), CARRIER, direction, package_id, fingerprint, sets, changes, size,
                    "failed" if failed else "done", failed.message if failed else text,
                ),
            )  # fmt: skip


def _lacked(sets: list[SetRow], lacking: bool) -> list[SetRow]:
    """All, or without those that wait at the hub for others: they need not travel again."""
    return [s for s in sets if not (lacking and s.status == PARKED)]


def _best_effort(failed: YizhanError | None) -> AbstractContextManager[None]:
    """A full disk must not hide the failure that is being noted down."""
    return suppress(DiskFull) if failed is not None else nullcontext()


__all__ = [
    "AppliedReport",
    "ExportPlan",
    "ExportResult",
    "HandOver",
    "Media",
    "MediumInfo",
    "Received",
]
