"""同步日志 as the hub writes it: what became of each package, and where each seat stands (R42)."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import sqlalchemy as sa

from server_stub import lines, seats
from server_stub.beside import TakenBeside
from server_stub.pace import Pace
from server_stub.pieces import PieceIntake
from server_stub.receipts import APPLIED, DUPLICATE, EMPTY, PARKED, Intake, missing
from server_stub.seats import Contact
from shared import gaps
from shared.access import HUB_ACTOR
from shared.errors import PackageError, PackageTampered, YizhanError
from shared.programs import Program
from shared.store import audit, sql
from shared.store.store import Store
from shared.store.unit import Unit
from shared.supervision.overview import log_name
from sync import package
from sync.layout import Core, Kind
from sync.messages import Ask
from sync.package import Sealed, Verified

NETWORK = "network"
MEDIA = "media"
STRANGERS = 60
"""At most so many lines an hour about packages nobody vouches for."""
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Began:
    """When the handling of a package began: hub time, and a clock that only goes forward.

    :param carrier: how it came; ``""`` = as its maker said.
    """

    at: str
    since: float
    carrier: str = ""


@dataclass(slots=True)
class Handled:
    """What became of one incoming package.

    :param news: what is new about the seat itself, for its history.
    """

    verified: Verified
    bureau: str
    ask: Ask | None = None
    intake: Intake = field(default_factory=Intake)
    pieces: PieceIntake = field(default_factory=PieceIntake)
    volumes: list[Sealed] = field(default_factory=list)
    news: str = ""
    beside: list[TakenBeside] = field(default_factory=list)

    @property
    def device(self) -> str:
        """Who sealed it."""
        return self.verified.core.exporter


class Diary:
    """Writes the lines of the log.

    :param bureau_of: bureau of a device; None when it is unknown.
    """

    def __init__(self, store: Store, bureau_of: Callable[[str], str | None]) -> None:
        self._store = store
        self._bureau_of = bureau_of
        self._strangers = Pace(STRANGERS, 3600)

    def share(self, processes: int) -> None:
        """So many processes write this log; strangers' packages are counted over all of them."""
        self._strangers = Pace(STRANGERS, 3600, processes=processes)

    def begin(self, carrier: str = "") -> Began:
        """Now."""
        return Began(self._store.clock.stamp(), time.monotonic(), carrier)

    def seat(self, handled: Handled, began: Began) -> None:
        """Where its device stands now; before the answer, which then brings the news of it at once."""
        with self._store.unit(HUB_ACTOR) as unit:
            handled.news = self._keep_seat(unit, handled, began)

    def handled(self, handled: Handled, size: int, began: Began) -> None:
        """Write down what became of a package."""
        intake, core = handled.intake, handled.verified.core
        silent = not handled.pieces.anything and not handled.news
        quiet = core.kind in (Kind.CHANGES, Kind.ATTACHMENTS) and silent
        if carrier_of(core) == NETWORK and intake.outcome == EMPTY and quiet:
            return  # a device that only looks is not an exchange worth a line
        enrolled = core.kind is Kind.ENROL_REQUEST
        reasons = [*sorted({s.reason for s in intake.sets if s.reason}), *_said(handled)]
        with self._store.unit(HUB_ACTOR) as unit:
            if intake.outcome == PARKED:
                newest = lines.newest(unit.connection, handled.device)
                lacking = missing(unit.connection, handled.device, newest)
                reasons += [f"缺第 {gaps.said(lacking)} 号变更"] if lacking else []
            if enrolled:
                self._keep_seat(unit, handled, began)
            self._write(
                unit,
                core,
                began,
                fingerprint=handled.verified.fingerprint.hex(),
                bureau=handled.bureau or None,
                sets=len(intake.sets),
                changes=intake.changes,
                bytes=size,
                outcome="enrolled" if enrolled else _outcome(handled),
                person=_plain(handled.ask.person if handled.ask else "", 50),
                reason=_plain("；".join(reasons), 2000),
            )

    def refused(self, stream: BinaryIO, size: int, refused: YizhanError, began: Began) -> None:
        """Write down a package that was not taken; nothing in it is believed."""
        core: Core | None = None
        stream.seek(0)
        with contextlib.suppress(PackageError):  # nothing in it can be believed, not even its name
            core = package.inspect(stream).core
        if isinstance(refused, PackageError) and not self._strangers.take():
            return  # anybody can send garbage; it must not fill the log
        exporter = _plain(core.exporter, 100) if core else None
        bureau = self._bureau_of(exporter) if exporter else None
        with self._store.unit(HUB_ACTOR) as unit:
            self._write(
                unit, core, began, bureau=bureau, sets=0, changes=0, bytes=size, outcome="refused",
                reason=refused.message,
            )  # fmt: skip
            if isinstance(refused, PackageTampered):
                name = core.package_id if core and _ID.fullmatch(core.package_id) else "无法辨认"
                audit.note(unit.connection, began.at, HUB_ACTOR.user, "package_refused", f"{name} {size}")

    def beside(self, one: TakenBeside, with_: Handled, began: Began) -> None:
        """Write down what became of a file of attachments that lay beside a package of changes."""
        if one.verified is not None:
            came = Handled(one.verified, with_.bureau, with_.ask, pieces=one.intake)
            self.handled(came, one.one.size, began)
            return
        said = one.words
        with self._store.unit(HUB_ACTOR) as unit:
            self._write(
                unit, with_.verified.core, began, package_id=one.one.package_id, kind=str(Kind.ATTACHMENTS),
                bureau=with_.bureau or None, sets=0, changes=0, bytes=one.one.size, outcome="refused",
                reason=_plain(said, 2000),
            )  # fmt: skip

    def write(self, core: Core | None, began: Began, **said: object) -> None:
        """One line of the log; ``said`` are fields of the record."""
        with self._store.unit(HUB_ACTOR) as unit:
            self._write(unit, core, began, **said)

    def _keep_seat(self, unit: Unit, handled: Handled, began: Began) -> str:
        core, ask = handled.verified.core, handled.ask
        carrier = began.carrier or carrier_of(core)
        said = None
        if ask is not None and core.kind is Kind.CHANGES:
            said = Program.said(ask.program, ask.schema)
        contact = Contact(
            core.exporter, handled.bureau, carrier, core.created, self._store.clock.stamp(), ask,
            handled.intake.sets, said,
        )
        return seats.keep(unit, self._store.types["seat_state"], contact)

    def _write(self, unit: Unit, core: Core | None, began: Began, **said: object) -> None:
        values = {
            "package_id": _plain(core.package_id, 100) if core else None,
            "device": _plain(core.exporter, 100) if core else None,
            "carrier": began.carrier or (carrier_of(core) if core else NETWORK),
            "kind": str(core.kind) if core else None,
            "direction": "up",
            "started_at": began.at,
            "duration_ms": round((time.monotonic() - began.since) * 1000),
            **said,
        }
        if core is not None:
            values["device"] = _seat(unit.connection, str(values["device"] or ""))
        unit.insert(self._store.types["exchange"], [values], way="exchange", proven=True)


def _seat(connection: sa.Connection, device: str) -> str | None:
    """A device as administrators know it: its name, and enough of its id to tell two apart."""
    found = sql.fetch(connection, "device", ("name",), [device])
    return log_name(str(found[0][0]), device) if found else device or None


def carrier_of(core: Core) -> str:
    """By which way a package was meant to travel; its maker says so in the signed core."""
    return MEDIA if core.prereqs.get("carrier") == MEDIA else NETWORK


def _plain(text: str, most: int) -> str | None:
    """What a device says about itself, as a database can hold it; None for nothing."""
    return text.replace("\0", "")[:most] or None


def _outcome(handled: Handled) -> str:
    """What the log says of a package: the worst that happened to its sets and pieces."""
    intake, pieces = handled.intake, handled.pieces
    if intake.outcome != EMPTY or not pieces.anything:
        return intake.outcome
    if pieces.bad or pieces.strange:
        return "partial" if pieces.taken else "refused"
    return APPLIED if pieces.taken else DUPLICATE


def _said(handled: Handled) -> list[str]:
    said: list[str] = []
    if freed := handled.intake.freed:
        said.append(f"此前因缺少前提被隔离的 {freed:,} 个变更集，所缺的内容已经到达，已自动入库")
    if handled.pieces.anything:
        said.append(handled.pieces.words)
    return [*said, handled.news] if handled.news else said
