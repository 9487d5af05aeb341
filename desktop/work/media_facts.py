"""What the use cases of 介质交换 tell each other and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop.work.media_pieces import Carried
from desktop.work.media_report import Report
from shared.codes import Codes
from sync.beside import Beside
from sync.media import Spooled
from sync.messages import SetReceipt

SEALED = "已加密，打开后可见"


@dataclass(frozen=True, slots=True)
class MediumInfo:
    """The medium as it is labelled: code of 介质类型, number written on it."""

    type_code: str
    number: str


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What would go onto the medium.

    :param changes: own changes without a receipt; those exported before are among them.
    :param sets: change sets they make; ``exported_before`` were sealed earlier.
    """

    changes: int
    sets: int
    exported_before: int
    hub_name: str
    cursors: int

    @property
    def only_asks(self) -> bool:
        """Nothing to report; the package still fetches what the hub has for us."""
        return self.changes == 0


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A file of attachments on the hand-over sheet."""

    content: str
    file_name: str
    size: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """What stands on the 介质交接单.

    :param sets: None, like ``changes``, where only the receiver can look inside.
    :param again_of: id of the lost package this one stands for.
    :param beside: files of attachments on the same medium.
    """

    medium_type: str
    medium_number: str
    content: str
    package_id: str
    fingerprint: str
    size: int
    file_name: str
    sent_from: str
    sent_to: str
    person: str
    sets: int | None
    changes: int | None
    created: str
    again_of: str = ""
    beside: tuple[SheetLine, ...] = ()

    @property
    def beside_words(self) -> str:
        """The files of attachments in one line; ``""`` for none."""
        if not self.beside:
            return ""
        return f"{len(self.beside):,} 个文件，共 {sum(one.size for one in self.beside):,} 字节"

    @property
    def inside(self) -> tuple[str, str]:
        """Change sets and changes in words."""
        if self.sets is None or self.changes is None:
            return SEALED, SEALED
        return f"{self.sets:,} 个", f"{self.changes:,} 条"


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A package that surely lies on the medium.

    :param hand_over_id: the record kept of it.
    :param others: packages written before this one, when one did not hold everything.
    :param carried: what became of the attachments; None when they were not to go along.
    """

    path: Path
    fingerprint_text: str
    size: int
    package_id: str
    hand_over: HandOver
    hand_over_id: str = ""
    others: tuple[ExportResult, ...] = ()
    carried: Carried | None = None


@dataclass(slots=True)
class Received:
    """A package in the local spool, examined, not applied; :meth:`close` drops the copy."""

    spooled: Spooled
    report: Report
    applied: bool = False
    beside: list[Beside] = field(default_factory=list)
    """Files of attachments its cover names, as they lie on the medium; for couriers."""

    def close(self) -> None:
        """Drop the local copy; the medium is not touched."""
        self.spooled.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class AppliedReport:
    """What an import did, and the intake record kept of it (R32).

    :param intake: the values of the intake record, for the sheet.
    :param trouble: own change sets the hub did not simply take in.
    :param arrived: hand-overs of ours that are now known to have reached the hub.
    :param load: how far a first load is, in words; ``""`` when there is none.
    """

    changes: int
    receipts: int
    held: int
    repeated: bool
    complete: bool
    types: frozenset[str]
    intake_id: str
    intake: dict[str, Any] = field(default_factory=dict)
    trouble: tuple[SetReceipt, ...] = ()
    arrived: int = 0
    load: str = ""


def of_record(
    values: Mapping[str, Any], codes: Codes, label: Callable[[str, str], str],
    beside: Sequence[Mapping[str, Any]] = (),
) -> HandOver:
    """A hand-over sheet again, from its record.

    :param label: name of a record by type and id; :param beside: records of the attachments with it.
    """
    return HandOver(
        medium_type=codes.name("介质类型", str(values["medium_kind"])),
        medium_number=str(values["medium_no"]),
        content=str(values["content"]),
        package_id=str(values["package_id"]),
        fingerprint=str(values["fingerprint"]),
        size=int(values["bytes"] or 0),
        file_name=str(values["file_name"] or ""),
        sent_from=str(values["sent_from"]),
        sent_to=str(values["sent_to"]),
        person=label("user", str(values["person"])) if values["person"] else "",
        sets=values["sets"],
        changes=values["changes"],
        created=str(values["handed_at"]),
        again_of=str(values["again_of"] or ""),
        beside=tuple(
            SheetLine(
                str(v["content"]), str(v["file_name"] or ""), int(v["bytes"] or 0), str(v["fingerprint"])
            )
            for v in beside
        ),
    )
