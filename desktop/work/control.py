"""控制室: where every bureau and every seat stands, for administrators of the hub (R42, R43).

Everything is read from this device's own database: the hub keeps the seats' states
as records, so the overview works offline and by stick, as of the last exchange.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from desktop.work.exporting import Exporting
from desktop.work.jobs import Progress
from desktop.work.records import Records, Row
from shared.errors import InputError
from shared.filters import Condition, Filter, Op
from shared.store.store import Store

MOST = 100_000
SILENT_DAYS = 7
"""After so many days without an exchange a seat is worth a call."""
SHORTEST = 8
DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Seat:
    """One installation as the hub saw it last.

    :param contact_at: ISO time of the last exchange, ``""`` never; :param silent: whole days since then.
    :param pending: changes it had not brought when it was last heard of.
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
    pending: int
    parked: int
    quarantined: int
    ahead_minutes: int
    received_to: int

    @property
    def quiet(self) -> bool:
        """Whether a seat in use has not been heard of for too long."""
        return self.active and (self.silent is None or self.silent >= SILENT_DAYS)

    @property
    def log_name(self) -> str:
        """How the log names it."""
        return f"{self.name}（{self.device[-8:]}）"[:100]


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

    @property
    def quiet(self) -> bool:
        """Whether no seat in use was heard of lately."""
        used = [s for s in self.seats if s.active]
        return bool(used) and all(s.quiet for s in used)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page of the control room shows."""

    bureaus: list[BureauState]
    today: date

    @property
    def seats(self) -> list[Seat]:
        """All seats."""
        return [seat for one in self.bureaus for seat in one.seats]


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where a fingerprint turns up, in words."""

    at: str
    what: str
    where: str
    detail: str
    fingerprint: str
    package_id: str


class Control:
    """What the centre may look at."""

    def __init__(self, store: Store, records: Records, exporting: Exporting) -> None:
        self._store = store
        self._records = records
        self._exporting = exporting

    # --- where everybody stands ------------------------------------------------
    def overview(self) -> Overview:
        """Bureaus with their seats; the ones that need somebody come first."""
        today = self._store.clock.today()
        states = {str(r.values["device"]): r for r in self._all("seat_state")}
        conflicts = self._open_conflicts()
        found: dict[str, BureauState] = {}
        for row in self._all("device"):
            bureau = str(row.values["bureau"] or "")
            state = found.setdefault(bureau, BureauState(bureau, self._records.label("bureau", bureau)))
            state.seats.append(_seat(row, states.get(row.id), state.name, today))
        for bureau, count in conflicts.items():
            if bureau in found:
                found[bureau].conflicts = count
        for one in found.values():
            one.seats.sort(key=lambda s: s.name)
        return Overview(sorted(found.values(), key=_urgency), today)

    def history(self, seat: Seat, limit: int = 500) -> list[Row]:
        """Every exchange of one seat, newest first."""
        wanted = Filter((Condition("device", Op.EQ, seat.log_name),), order="-started_at")
        return self._records.first(self._records.type("exchange"), wanted, limit)

    def export(self, path: Path | str, progress: Progress) -> int:
        """The seats' states as a workbook; returns how many."""
        return self._exporting.export(
            path, self._records.type("seat_state"), Filter(order="last_contact_at"), progress,
            purpose="各单位同步状态",
        )

    # --- look-up by fingerprint --------------------------------------------------
    def trace(self, typed: str) -> list[Trace]:
        """Where a package turned up, by the fingerprint on a hand-over sheet or its beginning.

        Raises :class:`InputError` for what is no fingerprint.
        """
        digits = "".join(typed.split()).lower()
        if len(digits) < SHORTEST or not DIGITS.issuperset(digits):
            raise InputError(
                f"指纹应为至少 {SHORTEST} 位十六进制数字（0–9、A–F）。",
                "请照交接单上的指纹输入，空格可有可无。",
            )
        shown = _grouped(digits)
        media = (one for name in ("hand_over", "media_intake") for one in self._on_media(name, shown))
        found = [*self._in_log(digits), *media]
        return sorted(found, key=lambda t: t.at)

    # --- inside --------------------------------------------------------------
    def _all(self, type_name: str, *conditions: Condition) -> list[Row]:
        return self._records.first(self._records.type(type_name), Filter(conditions), MOST)

    def _open_conflicts(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for row in self._all("conflict", Condition("state", Op.EQ, "open")):
            for bureau in {row.values["ours_bureau"], row.values["theirs_bureau"]} - {None}:
                counts[str(bureau)] += 1
        return counts

    def _in_log(self, digits: str) -> Iterable[Trace]:
        for row in self._starting("exchange", digits):
            one = row.values
            bureau = self._records.label("bureau", str(one["bureau"])) if one["bureau"] else ""
            where = " ".join(t for t in (bureau, str(one["device"] or "")) if t)
            yield Trace(
                str(one["started_at"]), "同步日志", where,
                f"{one['sets']:,} 个变更集、{one['changes']:,} 条变更；{one['reason'] or ''}".rstrip("；"),
                str(one["fingerprint"]), str(one["package_id"] or ""),
            )  # fmt: skip

    def _on_media(self, type_name: str, shown: str) -> Iterable[Trace]:
        declared = self._records.type(type_name)
        at = "handed_at" if type_name == "hand_over" else "received_at"
        number = "medium_no" if type_name == "hand_over" else "media_no"
        for row in self._starting(type_name, shown):
            one = row.values
            yield Trace(
                str(one[at]), declared.title, f"{one['sent_from'] or ''} → {one['sent_to'] or ''}",
                f"介质 {one[number] or ''}", str(one["fingerprint"]), str(one["package_id"] or ""),
            )  # fmt: skip

    def _starting(self, type_name: str, text: str) -> list[Row]:
        """Rows whose fingerprint begins so; both are kept as text, so a range finds them."""
        return self._all(
            type_name,
            Condition("fingerprint", Op.GE, text),
            Condition("fingerprint", Op.LT, text + "~"),
        )


def _seat(device: Row, state: Row | None, bureau_name: str, today: date) -> Seat:
    said = state.values if state else {}
    contact = str(said.get("last_contact_at") or "")
    return Seat(
        device=device.id,
        name=str(device.values["name"]),
        bureau=str(device.values["bureau"] or ""),
        bureau_name=bureau_name,
        person=str(said.get("person") or ""),
        active=device.values["state"] == "active",
        contact_at=contact,
        silent=max(0, (today - datetime.fromisoformat(contact).date()).days) if contact else None,
        carrier=str(said.get("carrier") or ""),
        pending=int(said.get("pending") or 0),
        parked=int(said.get("parked") or 0),
        quarantined=int(said.get("quarantined") or 0),
        ahead_minutes=int(said.get("ahead_minutes") or 0),
        received_to=int(said.get("received_to") or 0),
    )


def _urgency(one: BureauState) -> tuple[int, int, str]:
    trouble = one.total("quarantined") + one.total("parked") + one.conflicts
    return (0 if trouble else 1, 0 if one.quiet else 1, one.name)


def _grouped(digits: str) -> str:
    """As the sheets print it: groups of four, at most four of them."""
    upper = digits.upper()[:16]
    return " ".join(upper[at : at + 4] for at in range(0, len(upper), 4))
