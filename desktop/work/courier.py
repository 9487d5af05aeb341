"""代转: carrying sealed packages of other bureaus, both ways, without being able to read them (N14).

What lies in the 代转箱 came from a stick on its way to the hub, or from the hub on its
way to a stick. Delivered packages stay for a while and can be written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop.work.handing import handed_on
from desktop.work.media_facts import ExportResult, MediumInfo, Received
from desktop.work.media_register import MediaRegister
from desktop.work.media_report import Verdict
from desktop.work.session import Session
from shared.errors import ExchangeError, HubRefused, MediaError, PackageError
from shared.filters import Filter
from shared.ids import new_id
from shared.store import directory, query
from shared.store.courier import DELIVERED, FROM_HUB, REFUSED, REPLACED, TO_HUB, WAITING, Carried
from shared.store.query import Place
from sync import package
from sync.carrier import Progress
from sync.describe import KIND_NAMES
from sync.layout import Core, Kind, fingerprint_text
from sync.media import medium_errors, write_safely
from sync.rounds import Absorbed
from sync.volumes import Fetching, bring, volume_words
from sync.whence import whence

CARRIER = "media"
INITIATOR = "courier"
_STATES = {
    (FROM_HUB, WAITING): ("待写入介质", "wait"),
    (FROM_HUB, DELIVERED): ("已写入介质", "good"),
    (FROM_HUB, REPLACED): ("已有更新的代替", "off"),
    (TO_HUB, WAITING): ("待联网送中心", "wait"),
    (TO_HUB, DELIVERED): ("已送中心", "good"),
    (TO_HUB, REFUSED): ("中心未接收", "bad"),
}
_LETTERS = {"load": "首批数据", "contents": "附件"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A bureau one may carry for."""

    id: str
    code: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """One package in the box, as people see it.

    :param writable: can be written to a stick, also once more.
    """

    package_id: str
    outward: bool
    bureau: str
    kind: str
    size: int
    fingerprint: str
    created: str
    received_at: str
    word: str
    tone: str
    detail: str
    writable: bool


class Courier:
    """The use case of 介质交换 › 代转."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._box = session.box

    # --- for whom ----------------------------------------------------------------
    def choices(self) -> list[Choice]:
        """All bureaus, those chosen first."""
        store = self._session.store
        with store.read() as connection:
            rows = query.first(connection, store.types["bureau"], Filter(order="code"), Place(), 5_000)
        chosen = self._chosen()
        found = [
            Choice(r.id, str(r.values["code"]), str(r.values["name"]), r.id in chosen) for r in rows
        ]
        return sorted(found, key=lambda c: not c.chosen)

    def choose(self, bureaus: Sequence[str]) -> None:
        """Carry for these from now on; remembered."""
        self._session.settings.set("carries_for", ",".join(dict.fromkeys(bureaus)))

    @property
    def most(self) -> int:
        """Megabytes of first loads and contents that may wait in the box."""
        return self._session.settings.carries_mb

    def limit(self, megabytes: int) -> None:
        """Take along at most so much of them; remembered."""
        self._session.settings.set("carries_mb", megabytes)

    # --- the box -----------------------------------------------------------------
    def box(self) -> list[Letter]:
        """What is here, newest first."""
        names = {c.id: c.name for c in self.choices()}
        return [self._letter(c, names) for c in self._box.content()]

    def keep(self, received: Received) -> None:
        """Take somebody's package from a stick into the box; it goes to the hub with the next network."""
        report = received.report
        if report.verdict is not Verdict.FORWARD or report.core is None:
            raise report.refusal or PackageError("这个交换包不需要代转。", "请按报告中的提示处理。")
        with received.spooled.path.open("rb") as stream:
            verified = package.intact(stream)
        bureau = self._bureau_of(report.core)
        self._box.accept(received.spooled.path, verified, bureau)
        for one in received.beside:
            if one.path is not None and one.trouble is None:
                with medium_errors(one.path, reading=True):
                    with one.path.open("rb") as stream:
                        verified = package.intact(stream)
                    self._box.accept(one.path, verified, bureau)
        received.applied = True

    def settle(self, carrier: Fetching, progress: Progress, brought: Absorbed) -> bool:
        """With the network at hand: deliver what waits for the hub, import what is for us.

        Returns whether something of our own is to be reported now. What the hub refuses is
        marked with its reason and stops nothing else.
        """
        told = MediaRegister(self._session).note_arrived(brought.arrived)
        waiting = [c for c in self._box.content() if c.direction == TO_HUB and c.state == WAITING]
        # in the order they came, and what names contents before the contents
        for one in sorted(waiting, key=lambda c: (c.kind == Kind.ATTACHMENTS, c.received_at, c.package_id)):
            self._deliver(one, carrier, progress)
        self._import_own(brought)
        if brought.letters:
            self._session.records.announce(frozenset(), INITIATOR)
        return bool(told)

    def write(
        self, package_ids: Sequence[str], folder: Path, medium: MediumInfo, progress: Progress
    ) -> list[ExportResult]:
        """Put packages from the box onto a stick, each with its hand-over record."""
        register = MediaRegister(self._session)
        register.require_usable(medium)
        letters = {one.package_id: one for one in self.box()}
        done = []
        for package_id in package_ids:
            one = letters.get(package_id)
            if one is None or not one.writable:
                raise ExchangeError("这一件不能写入介质。", "请刷新代转箱后再选。")
            done.append(self._write(one, folder, medium, progress, register))
        return done

    def drop(self, package_id: str) -> None:
        """Take a package out of the box; the hub gives it again while the bureau is chosen."""
        self._box.drop(package_id)

    # --- inside --------------------------------------------------------------
    def _chosen(self) -> list[str]:
        return [b for b in self._session.settings.carries_for.split(",") if b]

    def _letter(self, one: Carried, names: dict[str, str]) -> Letter:
        word, tone = _STATES.get((one.direction, one.state), (one.state, "plain"))
        writable = one.direction == FROM_HUB and one.state in (WAITING, DELIVERED)
        seal = fingerprint_text(bytes.fromhex(one.fingerprint))
        return Letter(
            one.package_id, one.direction == FROM_HUB, names.get(one.bureau, "") or "（封面没有写明）",
            self._content(one), one.size, seal,
            one.created, one.received_at, word, tone, one.detail, writable,
        )  # fmt: skip

    def _content(self, one: Carried) -> str:
        """What a package is for, as far as its cover tells."""
        core = self._box.core(one.package_id)
        said = core.prereqs.get("letter") if core is not None else None
        name = _LETTERS.get(str(said)) or KIND_NAMES.get(Kind(one.kind), one.kind)
        return f"{name} {volume_words(core)}".strip() if core is not None else name

    def _deliver(self, one: Carried, carrier: Fetching, progress: Progress) -> None:
        session = self._session
        answer = session.settings.spool / f"answer-{new_id()}.yzp"
        try:
            source = self._box.path(one.package_id)
            back = [
                self._box.accept_answer(volume, one.bureau)
                for volume in bring(carrier, source, one.package_id, answer, progress)
            ]
        except HubRefused as refused:
            self._box.mark(one.package_id, REFUSED, refused.message)
            return
        except MediaError as gone:  # its bytes are not here any more
            self._box.mark(one.package_id, REFUSED, gone.message)
            return
        finally:
            answer.unlink(missing_ok=True)
        self._box.mark(one.package_id, DELIVERED, f"回件 {'、'.join(i[-8:] for i in back)} 已放入代转箱")
        with suppress(OSError):
            self._box.discard(one.package_id)

    def _import_own(self, brought: Absorbed) -> None:
        """A package for this very device among the mail is simply taken in."""
        session, kid = self._session, self._session.device_keys.seal.kid
        for one in self._box.content():
            if one.direction != FROM_HUB or kid not in one.audience.split(","):
                continue
            if one.state == WAITING and one.kind == Kind.ANSWER:
                with suppress(PackageError, MediaError), self._box.path(one.package_id).open("rb") as stream:
                    took = session.engine.absorb(session.engine.open(stream), CARRIER)
                    brought.types |= took.types
            self._box.drop(one.package_id)

    def _write(
        self, one: Letter, folder: Path, medium: MediumInfo, progress: Progress, register: MediaRegister
    ) -> ExportResult:
        session = self._session
        source = self._box.path(one.package_id)
        tail = one.fingerprint[:9].replace(" ", "").lower()
        plain = f"yizhan-mail-{one.package_id[-8:]}-{tail}.yzp"
        name = "".join(c if c.isalnum() else "_" for c in one.bureau)[:32]
        trust = session.hub_trust
        path = write_safely(
            source,
            folder,
            (f"驿站-代转-{name}-{tail}.yzp", plain),
            lambda stream: package.verify(stream, trust.signer, trust.hub_id),
            progress,
        )
        with source.open("rb") as stream:
            sealed = package.verify(stream, trust.signer, trust.hub_id)
        done = handed_on(session, register, sealed, path, f"代转：{one.kind}", one.bureau, medium)
        when = done.hand_over.created[:16].replace("T", " ")
        self._box.mark(one.package_id, DELIVERED, f"{when} 写入介质 {medium.number}")
        return done

    def _bureau_of(self, core: Core) -> str:
        """By the seat's record, which only its own bureau has; else what the cover says."""
        with self._session.store.read() as connection:
            return directory.seat_bureau(connection, core.exporter) or whence(core)


__all__ = ["Choice", "Courier", "Letter"]
