"""转交: somebody's sealed package goes to the hub over this office's network, the sealed answer goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from desktop.work.attaching import megabytes
from desktop.work.handing import handed_on
from desktop.work.media_facts import ExportResult, MediumInfo, Received
from desktop.work.media_pieces import Carried
from desktop.work.media_register import MediaRegister
from desktop.work.media_report import Finding, Report, Verdict
from desktop.work.session import Session
from shared.errors import ExchangeError, HubRefused, MediaError, PackageError, YizhanError
from shared.ids import new_id
from sync import package
from sync.beside import Beside
from sync.carrier import Progress
from sync.describe import KIND_NAMES
from sync.http import HttpCarrier
from sync.media import read_to_spool, write_safely
from sync.volumes import bring, volume_words, volumes_of

Note = Callable[..., None]


class Passing:
    """One package on its way through this office.

    :param note: keeps a line of the installation's log.
    """

    def __init__(self, session: Session, register: MediaRegister, note: Note) -> None:
        self._session = session
        self._register = register
        self._note = note

    def forward(
        self, received: Received, answer_folder: Path, medium: MediumInfo, progress: Progress
    ) -> ExportResult:
        """Carry somebody's sealed package to the hub, unopened, and put the hub's sealed answer
        onto the stick for the way back."""
        session, report = self._session, received.report
        if report.verdict is not Verdict.FORWARD or report.core is None:
            raise report.refusal or PackageError("这个交换包不需要转交中心。", "请按报告中的提示处理。")
        if not session.settings.hub_url:
            raise ExchangeError("还没有设置中心地址，不能转交。", "请在设置中填写中心地址后再试。")
        done = self._pass_on(received.spooled.path, report, answer_folder, medium, progress)
        received.applied = True
        failed: YizhanError | None = None
        for one in received.beside:
            if one.path is None or one.trouble is not None:
                failed = failed or one.trouble
                continue
            about = replace(report, package_id=one.package_id)
            try:
                copy = read_to_spool(one.path, session.settings.spool, progress)
                try:
                    self._pass_on(copy.path, about, answer_folder, medium, progress)
                finally:
                    copy.path.unlink(missing_ok=True)
            except (MediaError, PackageError, HubRefused) as bad:  # the others go on
                failed = failed or bad
        return replace(done, carried=Carried(failed=failed)) if received.beside else done

    def _pass_on(
        self, source: Path, report: Report, answer_folder: Path, medium: MediumInfo, progress: Progress
    ) -> ExportResult:
        """One sealed file to the hub, its sealed answer onto the stick, each volume with a hand-over."""
        session = self._session
        answer = session.settings.spool / f"answer-{new_id()}.yzp"
        done: list[ExportResult] = []
        try:
            carrier = HttpCarrier(session.settings.hub_url)
            for volume in bring(carrier, source, report.package_id, answer, progress):
                done.append(self._put(volume, report.sealed_by, answer_folder, medium, progress))
        except YizhanError as failed:
            self._note("courier", report.package_id, report.fingerprint, 0, 0, report.size, failed)
            raise
        finally:
            answer.unlink(missing_ok=True)
        names = "、".join(f"“{one.path.name}”" for one in done)
        self._note(
            "courier", report.package_id, report.fingerprint, 0, 0, report.size, None,
            f"已代“{report.sealed_by}”转交中心，回件写入{names}",
        )  # fmt: skip
        return replace(done[-1], others=tuple(done[:-1]))

    def _put(
        self, answer: Path, to: str, folder: Path, medium: MediumInfo, progress: Progress
    ) -> ExportResult:
        """One volume of an answer onto the stick."""
        trust = self._session.hub_trust
        with answer.open("rb") as stream:
            verified = package.verify(stream, trust.signer)
        core, tail = verified.core, verified.fingerprint.hex()[:8]
        several = volumes_of(core) > 1
        said = f"第{core.volume.index}卷-" if several else ""
        plain = f"{core.volume.index}-" if several else ""
        path = write_safely(
            answer,
            folder,
            (f"驿站-中心回件-{said}{tail}.yzp", f"yizhan-answer-{plain}{tail}.yzp"),
            lambda stream: package.verify(stream, trust.signer),
            progress,
        )
        content = f"{KIND_NAMES[core.kind]} {volume_words(core)}".strip()
        return handed_on(self._session, self._register, verified, path, content, to, medium)


def about_beside(files: Sequence[Beside]) -> list[Finding]:
    """What a courier is told about the files of attachments on the same medium."""
    told = [Finding(one.trouble.message, one.trouble.hint) for one in files if one.trouble is not None]
    whole = [one for one in files if one.trouble is None]
    if whole:
        size = megabytes(sum(one.size for one in whole))
        words = f"同一介质上另有 {len(whole):,} 个附件包（{size}），完整。"
        told.insert(0, Finding(words, "会在变更之后一并转交。"))
    return told


__all__ = ["Passing", "about_beside"]
