"""The verification report: what a package from a medium is, before anything is done with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

from desktop.work.session import Session
from shared.errors import NotForUs, PackageError, PackageTampered, YizhanError
from shared.store import directory
from shared.store.directory import Seat
from sync import package
from sync.carrier import Progress
from sync.describe import KIND_NAMES
from sync.layout import ASK_AGAIN, Core, Kind, fingerprint_text
from sync.media import Spooled
from sync.package import Verified
from sync.preview import Preview, TypeChange, preview
from sync.signing import VerifyKey
from sync.suite import SealPublic
from sync.whence import whence

_PACKAGE_ID = re.compile(r"[0-9a-f]{32}")
KEEP_AS_IT_IS = "请原样交给接收方；本机打不开，也不会改动它。"


MOST_FINDINGS = 20
_TROUBLE = {
    "conflicted": ("有冲突", "导入后请到“冲突”页面逐项处理。"),
    "quarantined": ("被隔离待审", "数据没有丢失，等待审核；原因、由谁审核，见“同步”页面。"),
    "parked": ("在等前面的变更集", "请把更早的导出送到中心，或重新导出一次。"),
    "rejected": ("被中心退回", "导入后请按“同步”页面的说明修改后重新录入。"),
}


class Verdict(StrEnum):
    """What can be done with a package here."""

    APPLY = "可以导入"
    REPEATED = "已经导入过，再次导入不会有变化"
    FORWARD = "本机无法打开，可转交中心"
    CARRY = "不是给本机的，请原样交给接收方"
    REFUSED = "不能使用"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before deciding."""

    message: str
    hint: str = ""


@dataclass(slots=True)
class Report:
    """Everything the page shows; empty texts where a broken package does not tell.

    :param sealed_by: seat or hub, by a name that is right on paper too; ``by_us``, ``for_us``: this seat.
    :param signed: whether a signature of somebody known here vouches for it.
    :param refusal: why it cannot be used; None otherwise.
    :param preview: what would change; only for packages sealed to this device.
    """

    file_name: str
    size: int
    verdict: Verdict = Verdict.REFUSED
    kind: str = ""
    package_id: str = ""
    sealed_by: str = ""
    sealed_for: str = ""
    by_us: bool = False
    for_us: bool = False
    created: str = ""
    fingerprint: str = ""
    fingerprint_text: str = ""
    signed: bool = False
    core: Core | None = None
    preview: Preview | None = None
    refusal: YizhanError | None = None
    problems: list[Finding] = field(default_factory=list)

    @property
    def changes(self) -> list[TypeChange]:
        """Per type what would change, largest first."""
        found = self.preview.changes.values() if self.preview else ()
        return sorted(found, key=lambda c: -c.total)


class Examiner:
    """Examines one spooled package for one session; writes nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        with session.store.read() as connection:
            self._seats = {s.id: s for s in directory.seats(connection)}
            self._bureaus = {
                s.bureau: directory.bureau(connection, s.bureau) for s in self._seats.values()
            }

    def examine(self, spooled: Spooled, progress: Progress) -> Report:
        """Verify everything that can be verified here."""
        report = Report(spooled.name, spooled.size)
        progress(0, 0, "正在核验")
        with spooled.path.open("rb") as stream:
            try:
                core = package.inspect(stream).core
                self._cover(report, core)
                stream.seek(0)
                self._judge(report, core, stream, progress)
            except PackageError as refused:
                report.verdict = Verdict.REFUSED
                report.refusal = refused
                report.problems.insert(0, Finding(refused.message, refused.hint))
            if not report.fingerprint:  # never verified: name the file by its bytes
                stream.seek(0)
                _named(report, hashlib.file_digest(stream, "sha256").digest())
        return report

    # --- inside --------------------------------------------------------------
    def _cover(self, report: Report, core: Core) -> None:
        hub = self._session.hub_trust
        report.core = core
        report.kind = KIND_NAMES[core.kind]
        report.package_id = core.package_id
        report.created = core.created
        to_hub = core.kind in (Kind.CHANGES, Kind.ATTACHMENTS, Kind.ENROL_REQUEST)
        report.sealed_by = self._seat_name(core) if to_hub else hub.name
        report.sealed_for = hub.name if to_hub else self._reader(core)
        report.by_us = core.exporter == self._session.device
        report.for_us = not to_hub and self._ours(core)

    def _judge(self, report: Report, core: Core, stream: BinaryIO, progress: Progress) -> None:
        hub = self._session.hub_trust
        if not _PACKAGE_ID.fullmatch(core.package_id):  # it will stand in an address
            raise PackageTampered("交换包的编号不合规定。", ASK_AGAIN)
        if core.kind is not Kind.ENROL_REQUEST and core.hub_id != hub.hub_id:
            report.sealed_by = report.sealed_for = ""
            raise NotForUs(
                "这个交换包属于另一个中心，不能在这里使用。", "请核对交换包的来源，或交给对应的中心。"
            )
        match core.kind:
            case Kind.ANSWER if self._ours(core):
                self._for_us(report, stream, progress)
            case Kind.CHANGES | Kind.ATTACHMENTS | Kind.ENROL_REQUEST:
                self._for_the_hub(report, core, stream)
            case Kind.ANSWER | Kind.ENROL_GRANT:
                _vouched(report, package.verify(stream, hub.signer))
                report.verdict = Verdict.CARRY
                self._explain_carry(report, core)
            case _:
                _vouched(report, package.verify(stream, hub.signer))
                raise PackageError(
                    f"本版本还不能导入“{report.kind}”。", "请升级驿站后再导入；本机数据没有任何变动。"
                )

    def _for_us(self, report: Report, stream: BinaryIO, progress: Progress) -> None:
        session = self._session
        opened = session.engine.open(stream)
        _vouched(report, opened.verified)
        found = report.preview = preview(opened, session.store, session.hub_trust, progress)
        if found.outlived and found.load is None:
            raise PackageError(
                "这是中心从备份恢复以前签发的，其中的回执和数据不再作数。",
                "请把本机新的导出交给现在的中心，取回新的回件；本机数据没有变动。",
            )
        if found.gap is not None:
            raise found.gap
        report.verdict = Verdict.REPEATED if found.repeated else Verdict.APPLY
        report.problems += _own_trouble(found)
        if found.known and not found.repeated:
            report.problems.append(
                Finding(
                    f"其中 {found.known:,} 条本机已经有了：本机比中心所记的进度靠前。",
                    "会自动跳过，不会重复。",
                )
            )
        load = found.load
        if load is not None and load.fresh:
            report.problems.append(Finding(f"{load.words}。", load.hint))
        if found.conflicts:
            report.problems.append(
                Finding(f"其中有 {found.conflicts} 处冲突需要处理。", "导入后请到“冲突”页面逐项处理。")
            )
        if problems := found.changes.get("data_problem"):
            report.problems.append(
                Finding(f"其中有 {problems.total:,} 条问题数据。", "导入后请到“问题数据”页面查看、整改。")
            )
        if found.overlaps:
            report.problems.append(
                Finding(
                    f"其中 {found.overlaps} 处涉及本机尚未同步的修改。",
                    "导入后仍显示本机的修改，由中心合并后再定。",
                )
            )
        if found.unknown:
            report.problems.append(
                Finding(f"其中 {found.unknown} 条是本版本不认识的类型。", "会原样保存，升级后自动补入。")
            )
        if not found.complete and load is None:
            report.problems.append(
                Finding("中心还有后续数据，没有装进这个交换包。", "导入后请再导出一次，向中心取回其余部分。")
            )

    def _for_the_hub(self, report: Report, core: Core, stream: BinaryIO) -> None:
        if self._signer(core) is None:
            _named(report, package.intact(stream).fingerprint)
            report.problems.append(
                Finding("本机没有发出方的公钥，无法核实签名。", "文件完整；转交后由中心核验签名。")
            )
        else:
            _vouched(report, package.verify(stream, self._signer))
        report.verdict = Verdict.FORWARD
        seat = self._seats.get(core.exporter)
        if core.exporter == self._session.device:
            report.problems.append(
                Finding("这是本机自己导出的交换包。", "有网络时直接同步即可，也可以由本机转交中心。")
            )
        elif seat is not None and not seat.active:
            report.problems.append(Finding("发出方的席位已被吊销。", "转交后由中心决定如何处理。"))

    def _explain_carry(self, report: Report, core: Core) -> None:
        if core.kind is Kind.ENROL_GRANT:
            report.problems.append(
                Finding("这是一份设备登记批复。", "请在等待批复的那台电脑上，从首次启动页面导入。")
            )
        else:
            report.problems.append(Finding("这个交换包是封装给另一台设备的。", KEEP_AS_IT_IS))

    def _signer(self, core: Core) -> VerifyKey | None:
        if core.kind is Kind.ENROL_REQUEST:
            return package.self_signed(core)
        if core.exporter == self._session.device:
            known = self._session.device_keys.signers
        else:
            seat = self._seats.get(core.exporter)
            known = (VerifyKey(seat.sign_key),) if seat is not None else ()
        return next((key for key in known if key.key_id == core.exporter_key_id), None)

    def _ours(self, core: Core) -> bool:
        return not self._session.device_keys.opening.keys().isdisjoint(core.audience)

    def _reader(self, core: Core) -> str:
        if self._ours(core):
            return self._own_name()
        for seat in self._seats.values():
            if SealPublic.from_bytes(seat.seal_key).kid in core.audience:
                return self._title(seat)
        bureau = self._bureau_name(self._session.box.bureau_of(core.audience))
        return f"{bureau}的席位" if bureau else "另一台设备"

    def _seat_name(self, core: Core) -> str:
        """Who sealed it. Of other bureaus' seats no record is here: their covers name the bureau."""
        if core.exporter == self._session.device:
            return self._own_name()
        seat = self._seats.get(core.exporter)
        if seat is not None:
            return self._title(seat)
        if core.kind is Kind.ENROL_REQUEST:
            return f"待登记的席位“{core.prereqs.get('label', '')}”"
        bureau = self._bureau_name(whence(core))
        return f"{bureau}·席位 {core.exporter[-8:]}" if bureau else f"席位 {core.exporter[-8:]}"

    def _own_name(self) -> str:
        """This seat; a new one knows its bureau's name, not yet its own."""
        seat = self._seats.get(self._session.device)
        return self._title(seat) if seat is not None else self._session.bureau.name

    def _bureau_name(self, bureau_id: str) -> str:
        with self._session.store.read() as connection:
            found = directory.bureau(connection, bureau_id) if bureau_id else None
        return found.name if found is not None else ""

    def _title(self, seat: Seat) -> str:
        bureau = self._bureaus.get(seat.bureau)
        return f"{bureau.name}·{seat.name}" if bureau else seat.name


def _own_trouble(found: Preview) -> list[Finding]:
    """What the hub says about this device's own change sets that did not simply go in."""
    told = []
    for one in found.receipts:
        said = _TROUBLE.get(one.status)
        if said is not None:
            word, hint = said
            why = f"：{one.reason.rstrip('。')}" if one.reason else ""
            which = f"{one.first}–{one.last}" if one.last > one.first else f"{one.first}"
            told.append(Finding(f"本机第 {which} 条变更{word}{why}。", hint))
    return told[:MOST_FINDINGS]


def _vouched(report: Report, verified: Verified) -> None:
    report.signed = True
    _named(report, verified.fingerprint)


def _named(report: Report, fingerprint: bytes) -> None:
    report.fingerprint = fingerprint.hex()
    report.fingerprint_text = fingerprint_text(fingerprint)
