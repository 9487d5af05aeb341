"""The facts of the control room as the hub's own records have them, within a token's scope."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from server_stub.admin import shapes
from server_stub.admin.paging import Clause, Stretch, Window, stretch
from server_stub.admin.refusals import BadRequest, NotFound, OutOfScope
from server_stub.people import People
from shared.filters import Condition, Filter, Op
from shared.parsing import code_text
from shared.record import RecordType
from shared.store import query, sql
from shared.store.query import StoredRow
from shared.store.store import Store
from shared.supervision import overview
from shared.supervision.overview import BureauState, Overview, Seat

TRACES = 500
_ID = re.compile(r"[0-9a-f]{32}")
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
_ON_PAPER = 16
"""So many digits of a fingerprint stand on a hand-over sheet."""
BEYOND = "z"
"""Sorts behind all that can follow in a fingerprint, in every order of letters."""
_SAID = (
    "person", "last_contact_at", "carrier", "program", "pending", "parked", "quarantined", "ahead_minutes",
    "received_to", "missing",
)  # fmt: skip
_DECLARED = ("name", "bureau", "state", "enrolled_at", "revoked_at", "revoke_reason")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges: ``""`` and None do not restrict. ``since`` and ``until`` are days, both inside."""

    bureau: str = ""
    seat: str = ""
    since: date | None = None
    until: date | None = None
    kind: str = ""
    outcome: str = ""
    carrier: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class SeatFilter:
    """Which seats."""

    bureau: str = ""
    state: str = ""
    silent_days: int | None = None


class Facts:
    """Everything read within one request, on one connection.

    :param scope: the bureaus the token may know of; None = all.
    """

    def __init__(
        self, store: Store, connection: sa.Connection, epoch: str, scope: frozenset[str] | None
    ) -> None:
        self._store = store
        self._connection = connection
        self._epoch = epoch
        self._scope = scope
        self._bureaus: dict[str, shapes.Bureau] = {}

    # --- bureaus and seats -------------------------------------------------------
    def overview(self, silent_days: int) -> shapes.Overview:
        """Where everybody stands."""
        found = self._overview()
        return shapes.Overview(
            at=self._store.clock.stamp(),
            figures=shapes.Figures(bureaus=len(found.bureaus), **asdict(found.figures(silent_days))),
            bureaus=[shapes.BureauState(**self._state(one, silent_days)) for one in found.bureaus],
        )

    def bureau(self, wanted: str, silent_days: int) -> shapes.BureauDetail:
        """One bureau with its seats; also one that has none yet."""
        bureau = self._resolve(wanted)
        found = self._overview(bureau).bureaus
        one = found[0] if found else BureauState(bureau, self._ref(bureau).name)
        return shapes.BureauDetail(
            at=self._store.clock.stamp(),
            seat_list=[shapes.Seat(**self._seat(s)) for s in one.seats],
            **self._state(one, silent_days),
        )

    def seats(self, wanted: SeatFilter, window: Window) -> shapes.Page[shapes.Seat]:
        """Seats in the order of their ids, which is that of their enrolment."""
        where: list[str] = []
        parameters: list[object] = []
        if wanted.bureau:
            where.append("d.bureau = ?")
            parameters.append(self._resolve(wanted.bureau))
        if wanted.state:
            where.append("d.state = ?")
            parameters.append(wanted.state)
        if wanted.silent_days is not None:
            heard = (self._today() - timedelta(days=wanted.silent_days - 1)).isoformat()
            where.append("d.state = 'active' AND (s.last_contact_at IS NULL OR s.last_contact_at < ?)")
            parameters.append(heard)
        after = window.key("seat", self._epoch, str)
        if after is not None:
            where.append("d.id > ?")
            parameters.append(after)
        rows = self._devices(where, parameters, window.limit + 1)
        self._know(r["bureau"] for r in rows)
        shown = [self._seat_of(r) for r in rows[: window.limit]]
        return shapes.Page(
            items=[shapes.Seat(**self._seat(s)) for s in shown],
            next=window.cursor("seat", self._epoch, shown[-1].device) if shown else window.after or None,
            more=len(rows) > window.limit,
        )

    def seat(self, device: str) -> shapes.SeatDetail:
        """One seat."""
        row = self._device(device)
        return shapes.SeatDetail(
            **self._seat(self._seat_of(row)),
            enrolled_at=str(row["enrolled_at"]),
            revoked_at=row["revoked_at"] or None,
            revoke_reason=str(row["revoke_reason"] or ""),
        )

    # --- exchanges -----------------------------------------------------------------
    def exchanges(self, wanted: Wanted, window: Window) -> shapes.Page[shapes.Exchange]:
        """The log."""
        conditions = [
            Condition(name, Op.EQ, value)
            for name, value in (
                ("kind", wanted.kind), ("outcome", wanted.outcome), ("carrier", wanted.carrier),
                ("direction", wanted.direction),
            )
            if value
        ]  # fmt: skip
        if wanted.bureau:
            conditions.append(Condition("bureau", Op.EQ, self._resolve(wanted.bureau)))
        if wanted.seat:
            row = self._device(wanted.seat)
            conditions.append(Condition("device", Op.EQ, overview.log_name(str(row["name"]), wanted.seat)))
        if wanted.since is not None:
            conditions.append(Condition("started_at", Op.GE, wanted.since.isoformat()))
        if wanted.until is not None and wanted.until < date.max:
            conditions.append(Condition("started_at", Op.LT, (wanted.until + timedelta(days=1)).isoformat()))
        found = self._stretch("exchange", conditions, window, self._within("bureau"))
        self._know(r.values["bureau"] for r in found.rows)
        return shapes.Page(
            items=[self._exchange(r) for r in found.rows], next=found.next, more=found.more
        )

    def package(self, typed: str) -> shapes.Package:
        """Where a package turned up, by its fingerprint or the beginning of it."""
        digits = code_text(typed).lower()
        if not _FINGERPRINT.fullmatch(digits):
            raise BadRequest("指纹应为 8 至 64 位十六进制数字。", "请照交接单上的指纹填写。")
        shown = digits[:_ON_PAPER].upper()
        paper = " ".join(shown[at : at + 4] for at in range(0, len(shown), 4))
        found = [self._logged(r) for r in self._beginning("exchange", digits, "bureau")]
        for name in ("hand_over", "media_intake"):
            found += [self._on_paper(name, r) for r in self._beginning(name, paper, "source_bureau")]
        if not found:
            raise NotFound("没有出现过这个指纹。", "请核对指纹；介质可能还没有送到中心。")
        return shapes.Package(fingerprint=digits, traces=sorted(found, key=lambda t: t.at))

    # --- held sets -------------------------------------------------------------------
    def held(self, bureau: str, state: str, kind: str, window: Window) -> shapes.Page[shapes.HeldSet]:
        """Sets that were put aside: of a bureau, or waiting for it as the one responsible now."""
        conditions = [Condition(n, Op.EQ, v) for n, v in (("state", state), ("kind", kind)) if v]
        only = self._within("bureau", "owner")
        if bureau:
            one = self._resolve(bureau)
            clause, parameters = only
            both = "(t.bureau = ? OR t.owner = ?)"
            only = f"{clause} AND {both}" if clause else both, (*parameters, one, one)
        found = self._stretch("held_set", conditions, window, only)
        return shapes.Page(items=self._held(found.rows), next=found.next, more=found.more)

    def held_set(self, wanted: str) -> shapes.HeldSet:
        """One of them."""
        ids = [wanted] if _ID.fullmatch(wanted) else []
        row = query.by_ids(self._connection, self._type("held_set"), ids).get(wanted)
        if row is None or not self._sees(row.values["bureau"], row.values["owner"]):
            raise NotFound("没有这个隔离变更集。", "请核对编号。")
        return self._held([row])[0]

    # --- the hub itself ----------------------------------------------------------------
    def backups(self, window: Window) -> shapes.Page[shapes.Backup]:
        """Backups that were made, and that failed."""
        found = self._stretch("backup", [], window, ("", ()))
        items = [
            shapes.Backup(
                id=r.id, name=r.values["name"], at=r.values["made_at"], outcome=r.values["outcome"],
                size=r.values["size"] or 0, changes=r.values["changes"] or 0,
                duration_ms=r.values["duration_ms"], **_texts(r.values, "reason", "fingerprint"),
            )
            for r in found.rows
        ]  # fmt: skip
        return shapes.Page(items=items, next=found.next, more=found.more)

    def epochs(self) -> shapes.Epochs:
        """The lives of this database."""
        rows = sql.execute(
            self._connection,
            "SELECT epoch, before, began_at, backup, backup_at FROM epoch ORDER BY began_at, epoch",
        ).fetchall()
        known = {str(r[0]) for r in rows}
        first = sorted({str(r[1]) for r in rows} - known) if rows else [self._epoch]
        return shapes.Epochs(
            current=self._epoch,
            epochs=[
                shapes.Epoch(epoch=e, before=b, began_at=at or None, backup=name, backup_at=made or None)
                for e, b, at, name, made in [*((e, "", "", "", "") for e in first), *map(tuple, rows)]
            ],
        )

    def ref(self, bureau: str) -> shapes.Bureau:
        """A bureau by its names."""
        return self._ref(bureau)

    # --- inside: scope -------------------------------------------------------------
    def _sees(self, *bureaus: Any) -> bool:
        return self._scope is None or any(str(b) in self._scope for b in bureaus if b)

    def _within(self, *columns: str) -> Clause:
        """What a list may show: one of these columns names a bureau of the scope."""
        if self._scope is None:
            return "", ()
        bureaus = sorted(self._scope)
        marks = ", ".join("?" * len(bureaus))
        clause = " OR ".join(f"t.{column} IN ({marks})" for column in columns)
        return f"({clause})", tuple(bureaus) * len(columns)

    def _resolve(self, wanted: str) -> str:
        """A bureau by its id or its code."""
        declared = self._type("bureau")
        found = ""
        if wanted.isprintable():
            found = wanted if _ID.fullmatch(wanted) else declared.id_for_key(wanted)
        self._know([found])
        if not self._bureaus.get(found) or not self._bureaus[found].code:
            raise NotFound("没有这个单位。", "请填写单位代码，或 bureaus 中的单位编号。")
        if not self._sees(found):
            raise OutOfScope(
                "这个令牌不能查看该单位。", "令牌只能查看它所限的单位及其下级；需要时请中心另行签发。"
            )
        return found

    # --- inside: seats -----------------------------------------------------------------
    def _overview(self, bureau: str = "") -> Overview:
        rows = self._devices(["d.bureau = ?"] if bureau else [], [bureau] if bureau else [])
        self._know(r["bureau"] for r in rows)
        pairs = sql.execute(
            self._connection,
            "SELECT ours_bureau, theirs_bureau, count(*) FROM conflict"
            " WHERE state = 'open' AND \"_deleted\" = 0 GROUP BY ours_bureau, theirs_bureau",
        ).fetchall()
        conflicts = overview.by_party(tuple(p) for p in pairs)
        return overview.overview(map(self._seat_of, rows), conflicts, self._today())

    def _devices(self, where: list[str], parameters: list[object], limit: int = 0) -> list[dict[str, Any]]:
        clauses = ['d."_deleted" = 0', *where]
        if self._scope is not None:
            clauses.append(f"d.bureau IN ({', '.join('?' * len(self._scope))})")
            parameters = [*parameters, *sorted(self._scope)]
        columns = [*(f'd."{n}"' for n in _DECLARED), *(f's."{n}"' for n in _SAID)]
        end = f" LIMIT {limit}" if limit else ""
        rows = sql.execute(
            self._connection,
            f"SELECT d.id, {', '.join(columns)} FROM device d LEFT JOIN seat_state s"
            f' ON s.device = d.id AND s."_deleted" = 0 WHERE {" AND ".join(clauses)} ORDER BY d.id{end}',
            tuple(parameters),
        ).fetchall()
        return [dict(zip(("id", *_DECLARED, *_SAID), r, strict=True)) for r in rows]

    def _device(self, device: str) -> dict[str, Any]:
        rows = self._devices(["d.id = ?"], [device]) if _ID.fullmatch(device) else []
        if not rows:
            raise NotFound("没有这个席位。", "请填写席位的 32 位设备号。")
        self._know([rows[0]["bureau"]])
        return rows[0]

    def _seat_of(self, row: Mapping[str, Any]) -> Seat:
        name = self._ref(str(row["bureau"] or "")).name
        return overview.seat_of(str(row["id"]), row, row, name, self._today())

    def _seat(self, seat: Seat) -> dict[str, Any]:
        return {
            "id": seat.device, "name": seat.name, "log_name": seat.log_name, "bureau": self._ref(seat.bureau),
            "state": "active" if seat.active else "revoked", "person": seat.person,
            "contact_at": seat.contact_at or None, "silent_days": seat.silent, "carrier": seat.carrier,
            "program": seat.program.version, "schema_version": seat.program.schema,
            "behind": seat.program.behind, "pending": seat.pending, "parked": seat.parked,
            "quarantined": seat.quarantined, "ahead_minutes": seat.ahead_minutes,
            "received_to": seat.received_to, "missing": seat.missing,
        }  # fmt: skip

    def _state(self, one: BureauState, silent_days: int) -> dict[str, Any]:
        last = one.last
        return {
            "bureau": self._ref(one.bureau), "seats": len(one.seats),
            "seats_in_use": sum(s.active for s in one.seats),
            "contact_at": last.contact_at if last else None, "carrier": last.carrier if last else "",
            "silent_days": last.silent if last else None, "quiet": one.quiet_for(silent_days),
            "conflicts": one.conflicts,
            **{name: one.total(name) for name in ("pending", "parked", "quarantined")},
        }  # fmt: skip

    # --- inside: lists -----------------------------------------------------------------
    def _stretch(
        self, type_name: str, conditions: Iterable[Condition], window: Window, only: Clause
    ) -> Stretch:
        wanted = Filter(tuple(conditions))
        return stretch(self._connection, self._type(type_name), wanted, window, self._epoch, only)

    def _beginning(self, type_name: str, text: str, home: str) -> list[StoredRow]:
        """Rows whose fingerprint begins so: a range an index answers, and then to the letter, whatever
        the database thinks of the order of digits and letters."""
        declared = self._type(type_name)
        clause, parameters = self._within(home)
        rows = sql.execute(
            self._connection,
            f'SELECT t.rid FROM "{type_name}" t WHERE t.fingerprint >= ? AND t.fingerprint < ?'
            ' AND substr(t.fingerprint, 1, ?) = ? AND t."_deleted" = 0'
            f"{' AND ' + clause if clause else ''} ORDER BY t.rid LIMIT ?",
            (text, text + BEYOND, len(text), text, *parameters, TRACES),
        ).fetchall()
        found = query.by_rids(self._connection, declared, [int(r[0]) for r in rows])
        self._know(r.values[home] for r in found)
        return found

    def _exchange(self, row: StoredRow) -> shapes.Exchange:
        one = row.values
        return shapes.Exchange(
            id=row.id, at=one["started_at"], bureau=self._maybe(one["bureau"]), seat=str(one["device"] or ""),
            sets=one["sets"] or 0, changes=one["changes"] or 0, bytes=one["bytes"] or 0,
            duration_ms=one["duration_ms"],
            **_texts(
                one, "person", "carrier", "direction", "kind", "package_id", "fingerprint", "outcome",
                "reason",
            ),
        )  # fmt: skip

    def _logged(self, row: StoredRow) -> shapes.Trace:
        one = self._exchange(row)
        return shapes.Trace(
            at=one.at, found_in="exchange", bureau=one.bureau, seat=one.seat, medium_no="", sent_from="",
            sent_to="", sets=one.sets, changes=one.changes, outcome=one.outcome, reason=one.reason,
            fingerprint=one.fingerprint, package_id=one.package_id,
        )  # fmt: skip

    def _on_paper(self, type_name: str, row: StoredRow) -> shapes.Trace:
        one, given = row.values, type_name == "hand_over"
        return shapes.Trace(
            at=one["handed_at" if given else "received_at"],
            found_in="hand_over" if given else "media_intake",
            bureau=self._maybe(one["source_bureau"]), seat="", reason="",
            medium_no=str(one["medium_no" if given else "media_no"] or ""),
            outcome=str(one["state" if given else "outcome"] or ""),
            sets=one["sets"] or 0, changes=one["changes"] or 0,
            **_texts(one, "sent_from", "sent_to", "fingerprint", "package_id"),
        )  # fmt: skip

    def _held(self, rows: list[StoredRow]) -> list[shapes.HeldSet]:
        self._know(b for r in rows for b in (r.values["bureau"], r.values["owner"]))
        devices = sorted({str(r.values["device"]) for r in rows if r.values["device"]})
        seats = sql.fetch_by_id(self._connection, "device", ("name",), devices)
        people = People(self._connection)
        return [
            shapes.HeldSet(
                id=r.id, bureau=self._maybe(one["bureau"]), owner=self._maybe(one["owner"]),
                seat=str(seats[one["device"]][0]) if one["device"] in seats else "",
                incarnation=one["incarnation"], first=one["first"], last=one["last"],
                changes=one["changes"] or 0,
                decided_by=people.find(str(one["decided_by"]))[0] if one["decided_by"] else "",
                decided_at=one["decided_at"] or None, state=one["state"],
                **_texts(
                    one, "summary", "device", "persons", "cs_id", "kind", "reason", "held_at",
                    "decision_note", "result",
                ),
            )
            for r in rows
            for one in [r.values]
        ]  # fmt: skip

    # --- inside: names -----------------------------------------------------------------
    def _know(self, bureaus: Iterable[Any]) -> None:
        missing = sorted({str(b) for b in bureaus if b} - self._bureaus.keys())
        if missing:
            found = sql.fetch_by_id(self._connection, "bureau", ("code", "name"), missing)
            for one in missing:
                code, name = found.get(one, ("", ""))
                self._bureaus[one] = shapes.Bureau(id=one, code=str(code or ""), name=str(name or ""))

    def _ref(self, bureau: str) -> shapes.Bureau:
        self._know([bureau])
        return self._bureaus.get(bureau) or shapes.Bureau(id=bureau, code="", name="")

    def _maybe(self, bureau: Any) -> shapes.Bureau | None:
        return self._ref(str(bureau)) if bureau else None

    def _type(self, name: str) -> RecordType:
        return self._store.types[name]

    def _today(self) -> date:
        return self._store.clock.today()


def _texts(values: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: str(values[name] or "") for name in names}


__all__ = ["Facts", "SeatFilter", "Wanted"]
