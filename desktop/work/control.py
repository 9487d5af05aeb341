"""控制室: where every bureau and every seat stands, for administrators of the hub (R42, R43).

Everything is read from this device's own database: the hub keeps the seats' states
as records, so the overview works offline and by stick, as of the last exchange.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop.work.exporting import Exporting
from desktop.work.jobs import Progress
from desktop.work.records import Records, Row
from shared.errors import InputError
from shared.filters import Condition, Filter, Op
from shared.parsing import code_text
from shared.store.forgotten import forgotten
from shared.store.store import Store
from shared.supervision.overview import SILENT_DAYS, BureauState, Overview, Seat, by_party, overview, seat_of

MOST = 100_000
SHORTEST = 8
DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where a fingerprint turns up, in words."""

    at: str
    what: str
    where: str
    detail: str
    fingerprint: str
    package_id: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A seat whose revocation a restored hub has forgotten."""

    device: str
    name: str
    bureau: str
    at: str
    reason: str


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
        states = {str(r.values["device"]): r.values for r in self._all("seat_state")}
        devices = self._all("device")
        names = self._records.labels("bureau", {str(r.values["bureau"] or "") for r in devices})
        seats = (
            seat_of(r.id, r.values, states.get(r.id, {}), names.get(str(r.values["bureau"]), ""), today)
            for r in devices
        )
        return overview(seats, self._open_conflicts(), today)

    def forgotten(self) -> list[Forgotten]:
        """Seats that are in use again because the hub came back from a backup of before their revocation."""
        with self._store.read() as connection:
            found = forgotten(connection)
        declared, out = self._records.type("device"), []
        for one in found:
            row = self._records.get(declared, one.device)
            if row is not None:
                bureau = self._records.label("bureau", str(row.values["bureau"]))
                out.append(Forgotten(one.device, str(row.values["name"]), bureau, one.at, one.reason))
        return out

    def revoke_again(self, seats: Iterable[Forgotten], initiator: str) -> int:
        """Make these revocations once more, for the reason they had; returns how many."""
        declared, done = self._records.type("device"), 0
        for one in seats:
            reason = f"{one.reason or '已于备份之后吊销'}（中心恢复后重新办理，原为 {one.at[:10]}）"
            said = {"revoke_reason": reason, "revoked_at": self._store.clock.stamp()}
            self._records.step(declared, one.device, "revoke", said, initiator=initiator)
            done += 1
        return done

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
        digits = code_text(typed).lower()
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
        rows = (r.values for r in self._all("conflict", Condition("state", Op.EQ, "open")))
        return by_party((one["ours_bureau"], one["theirs_bureau"], 1) for one in rows)

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


def _grouped(digits: str) -> str:
    """As the sheets print it: groups of four, at most four of them."""
    upper = digits.upper()[:16]
    return " ".join(upper[at : at + 4] for at in range(0, len(upper), 4))


__all__ = ["SILENT_DAYS", "BureauState", "Control", "Forgotten", "Overview", "Seat", "Trace"]
