"""The hand-overs of one export: written down before it is sealed, so that they travel inside it (ADR 0025).

A record inside a package cannot hold that package's own fingerprint, size and file name. They
stand in this installation's log alone, until the hub has seen the package and fills in the first two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from desktop.work.media_facts import ExportResult, HandOver, MediumInfo, SheetLine
from desktop.work.media_pieces import Carried, CarriedFile
from desktop.work.media_register import MediaRegister
from desktop.work.session import Session
from shared.parsing import clean_text
from shared.store import exchange
from shared.store.exchange import SetRow
from shared.types.hand_over import ATTACHMENTS, IN_ITSELF
from sync.describe import KIND_NAMES
from sync.layout import Kind
from sync.package import Verified


@dataclass(frozen=True, slots=True)
class Parcel:
    """A package about to be sealed.

    :param only: names of its change sets; :param record: its hand-over; :param last: holds the paper.
    """

    package_id: str
    only: tuple[str, ...]
    record: str
    facts: HandOver
    last: bool


class Handing:
    """Writes the hand-overs of an export.

    :param again_of: id of the lost package the export stands for.
    """

    def __init__(self, session: Session, register: MediaRegister, medium: MediumInfo, again_of: str) -> None:
        self._session = session
        self._register = register
        self._medium = medium
        self._again_of = again_of
        self._at = session.store.clock.stamp()
        self._files: list[str] = []

    def parcels(
        self,
        groups: Sequence[Sequence[SetRow]],
        ids: Sequence[str],
        carried: Carried | None,
        before: Collection[str],
    ) -> list[Parcel]:
        """Keep the records and cut them into change sets that go with the last package.

        :param groups: change sets of each package, which ``ids`` name.
        :param before: every set without a receipt, also those that do not go this time.
        """
        session = self._session
        with session.store.read() as connection:
            written = exchange.reach(connection).written
        beside = carried.files if carried is not None else []
        paper = len(groups) + len(beside) + (not self._register.knows(self._medium.number))
        facts = []
        for group, package_id in zip(groups, ids, strict=True):
            last = package_id == ids[-1]
            more = paper if last else 0
            facts.append(
                replace(
                    self._facts(KIND_NAMES[Kind.CHANGES], package_id),
                    sets=len(group) + (1 if last else 0),
                    changes=sum(s.last - s.first + 1 for s in group) + more,
                    beside=tuple(_line(one) for one in beside) if last else (),
                )
            )
        about = [_reach(g, written, paper if i == ids[-1] else 0) for g, i in zip(groups, ids, strict=True)]
        ours = [self._values(f, *span) for f, span in zip(facts, about, strict=True)]
        theirs = [self._of_file(one) for one in beside]
        made = self._register.keep_hand_overs([*ours, *theirs], self._medium, before=True)
        self._files = made[len(ours) :]
        session.engine.cut()
        with session.store.read() as connection:
            fresh = tuple(s.cs_id for s in exchange.unreceipted(connection) if s.cs_id not in before)
        return [
            Parcel(
                i, (*(s.cs_id for s in group), *(fresh if i == ids[-1] else ())), record, one, i == ids[-1]
            )
            for i, group, record, one in zip(ids, groups, made, facts, strict=False)
        ]

    def written(self, one: Parcel, part: Path, final: Path) -> None:
        """It is on the medium; with the last package what lies beside it counts as handed over too."""
        self._register.written([one.record, *(self._files if one.last else ())], part, final)

    def withdraw(self, parcels: Collection[Parcel], reason: str) -> None:
        """These could not be written after all: their hand-overs never were, nor those beside them."""
        self._register.withdraw([*(one.record for one in parcels), *self._files], reason)

    # --- inside --------------------------------------------------------------
    def _facts(self, content: str, package_id: str, name: str = "") -> HandOver:
        session = self._session
        return HandOver(
            medium_type=session.records.codes.name("介质类型", self._medium.type_code),
            medium_number=self._medium.number,
            content=content,
            package_id=package_id,
            fingerprint=IN_ITSELF,
            size=0,
            file_name=name,
            sent_from=session.bureau.name,
            sent_to=session.hub_trust.name,
            person=session.actor.name,
            sets=None,
            changes=None,
            created=self._at,
            again_of=self._again_of,
        )

    def _of_file(self, one: CarriedFile) -> dict[str, Any]:
        line = _line(one)
        facts = replace(
            self._facts(line.content, one.package_id, one.path.name),
            fingerprint=line.fingerprint, size=line.size, again_of="",
        )  # fmt: skip
        return self._values(facts, None, None)

    def _values(self, facts: HandOver, first: int | None, last: int | None) -> dict[str, Any]:
        return _record_values(facts, self._medium, self._session.actor.user, first, last)


def _record_values(
    facts: HandOver, medium: MediumInfo, user: str, first: int | None = None, last: int | None = None
) -> dict[str, Any]:
    """A hand-over as its record keeps it; ``first`` and ``last`` own change inside."""
    return {
        "medium_kind": medium.type_code,
        "medium_no": clean_text(medium.number),
        "content": facts.content,
        "package_id": facts.package_id,
        "fingerprint": facts.fingerprint,
        "file_name": facts.file_name or None,
        "sets": facts.sets,
        "changes": facts.changes,
        "bytes": facts.size,
        "first_seq": first,
        "last_seq": last,
        "again_of": facts.again_of or None,
        "sent_from": facts.sent_from,
        "sent_to": facts.sent_to,
        "person": user,
        "handed_at": facts.created,
    }


def handed_on(
    session: Session, register: MediaRegister, sealed: Verified, path: Path, content: str, to: str,
    medium: MediumInfo,
) -> ExportResult:
    """The hub's sealed package lies on a medium for somebody else: its hand-over, written down."""
    facts = HandOver(
        medium_type=session.records.codes.name("介质类型", medium.type_code),
        medium_number=medium.number,
        content=content,
        package_id=sealed.core.package_id,
        fingerprint=sealed.fingerprint_text,
        size=sealed.size,
        file_name=path.name,
        sent_from=session.hub_trust.name,
        sent_to=to,
        person=session.actor.name,
        sets=None,
        changes=None,
        created=session.store.clock.stamp(),
    )
    (kept,) = register.keep_hand_overs([_record_values(facts, medium, session.actor.user)], medium)
    return ExportResult(
        path, facts.fingerprint, facts.size, facts.package_id, facts, kept
    )


def _line(one: CarriedFile) -> SheetLine:
    return SheetLine(f"{ATTACHMENTS} {one.contents:,} 个", one.path.name, one.size, one.fingerprint_text)


def _reach(group: Sequence[SetRow], written: int, paper: int) -> tuple[int, int]:
    first = group[0].first if group else written + 1
    last = written + paper if paper else group[-1].last
    return first, last


__all__ = ["Handing", "Parcel", "handed_on"]
