"""Where every bureau and every seat stands, from the hub's records: the same figures wherever they are shown.

The control room reads the records of its own device, the administrators' API those of
the hub; both make of them what stands here (R42, R43).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.programs import Program

SILENT_DAYS = 7
"""After so many days without an exchange a seat is worth a call."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One installation as the hub saw it last.

    :param contact_at: ISO time of the last exchange, ``""`` never; :param silent: whole days since then.
    :param pending: changes it had not brought when it was last heard of.
    :param missing: numbers that must come before what is parked, as people read them.
    """

    device: str
    name: str
    bureau: str
    bureau_name: str
    person: str
    active: bool
    contact_at: str
    silent: int | None
    carrier: str
    program: Program
    pending: int
    parked: int
    quarantined: int
    ahead_minutes: int
    received_to: int
    missing: str = ""

    def quiet_for(self, days: int) -> bool:
        """Whether a seat in use has not been heard of for so many days."""
        return self.active and (self.silent is None or self.silent >= days)

    @property
    def quiet(self) -> bool:
        """Whether it has not been heard of for too long."""
        return self.quiet_for(SILENT_DAYS)

    @property
    def log_name(self) -> str:
        """How the log names it."""
        return log_name(self.name, self.device)


@dataclass(slots=True)
class BureauState:
    """All seats of one bureau together."""

    bureau: str
    name: str
    seats: list[Seat] = field(default_factory=list)
    conflicts: int = 0

    @property
    def last(self) -> Seat | None:
        """The seat heard of last."""
        return max((s for s in self.seats if s.contact_at), key=lambda s: s.contact_at, default=None)

    def total(self, name: str) -> int:
        """Sum of one figure over the seats."""
        return sum(int(getattr(s, name)) for s in self.seats)

    def quiet_for(self, days: int) -> bool:
        """Whether no seat in use was heard of for so many days."""
        used = [s for s in self.seats if s.active]
        return bool(used) and all(s.quiet_for(days) for s in used)

    @property
    def quiet(self) -> bool:
        """Whether no seat in use was heard of lately."""
        return self.quiet_for(SILENT_DAYS)


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums on top. Conflicts count once for each bureau that is party."""

    seats: int
    heard_today: int
    silent: int
    never: int
    pending: int
    parked: int
    quarantined: int
    conflicts: int
    behind: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page of the control room shows; bureaus that need somebody come first."""

    bureaus: list[BureauState]
    today: date

    @property
    def seats(self) -> list[Seat]:
        """All seats."""
        return [seat for one in self.bureaus for seat in one.seats]

    def figures(self, silent_days: int = SILENT_DAYS) -> Figures:
        """Sums over the seats in use."""
        used = [s for s in self.seats if s.active]
        silent = [s for s in used if s.quiet_for(silent_days)]
        return Figures(
            seats=len(used),
            heard_today=sum(s.silent == 0 for s in used),
            silent=len(silent),
            never=sum(s.silent is None for s in silent),
            pending=sum(s.pending for s in used),
            parked=sum(s.parked for s in used),
            quarantined=sum(s.quarantined for s in used),
            conflicts=sum(b.conflicts for b in self.bureaus),
            behind=sum(s.program.behind for s in used),
        )


def log_name(name: str, device: str) -> str:
    """How the log names a seat: its name, and enough of its id to tell two apart."""
    return f"{name}（{device[-8:]}）"[:100]


def seat_of(
    device: str, declared: Mapping[str, Any], state: Mapping[str, Any], bureau_name: str, today: date
) -> Seat:
    """A seat from its ``device`` record and its ``seat_state`` record, empty when there is none yet."""
    contact = str(state.get("last_contact_at") or "")
    return Seat(
        device=device,
        name=str(declared["name"]),
        bureau=str(declared["bureau"] or ""),
        bureau_name=bureau_name,
        person=str(state.get("person") or ""),
        active=declared["state"] == "active",
        contact_at=contact,
        silent=max(0, (today - datetime.fromisoformat(contact).date()).days) if contact else None,
        carrier=str(state.get("carrier") or ""),
        program=Program.read(state.get("program")),
        pending=int(state.get("pending") or 0),
        parked=int(state.get("parked") or 0),
        quarantined=int(state.get("quarantined") or 0),
        ahead_minutes=int(state.get("ahead_minutes") or 0),
        received_to=int(state.get("received_to") or 0),
        missing=str(state.get("missing") or ""),
    )


def overview(seats: Iterable[Seat], conflicts: Mapping[str, int], today: date) -> Overview:
    """Seats by bureau.

    :param conflicts: bureau → open conflicts it is party of.
    """
    found: dict[str, BureauState] = {}
    for seat in seats:
        state = found.setdefault(seat.bureau, BureauState(seat.bureau, seat.bureau_name))
        state.seats.append(seat)
    for one in found.values():
        one.conflicts = conflicts.get(one.bureau, 0)
        one.seats.sort(key=lambda s: s.name)
    return Overview(sorted(found.values(), key=_urgency), today)


def by_party(open_conflicts: Iterable[tuple[Any, Any, int]]) -> dict[str, int]:
    """Open conflicts by bureau, from (one bureau, the other, how many)."""
    counts: dict[str, int] = defaultdict(int)
    for ours, theirs, count in open_conflicts:
        for bureau in {ours, theirs} - {None}:
            counts[str(bureau)] += count
    return counts


def _urgency(one: BureauState) -> tuple[int, int, str]:
    trouble = one.total("quarantined") + one.total("parked") + one.conflicts
    return (0 if trouble else 1, 0 if one.quiet else 1, one.name)
