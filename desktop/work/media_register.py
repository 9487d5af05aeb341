"""介质登记 and 往来登记: which media there are, what went out and came in, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.work.media_facts import MediumInfo
from desktop.work.session import Session
from shared.errors import IllegalTransition, InputError
from shared.filters import Filter, Op
from shared.parsing import clean_text
from shared.store import exchange, query
from shared.store.facts import read_text, write_text
from shared.store.query import Place, StoredRow
from shared.types.hand_over import ATTACHMENTS, IN_ITSELF
from sync.layout import fingerprint_text

OUT, IN = "out", "in"
MOST = 2_000
HANDED_OVER, ARRIVED, LOST = "handed_over", "arrived", "lost"
INTERRUPTED = "导出时程序中断，没有写完"
"""Why a hand-over is void that nobody could have been given."""
UNSURE = "导出中断，没有确认写成：请插上介质后重新打开程序核对，或重新导出"
"""Said of one whose medium is not here: nobody can tell whether the package is on it."""
_UNWRITTEN, _NAMING = "hand_overs_unwritten", "hand_overs_naming"
OTHERWISE = "已另行送达"
"""The content reached the hub by another way than this medium."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A registered medium of this bureau; ``state`` as in its workflow, ``word`` in Chinese."""

    id: str
    number: str
    kind: str
    state: str
    word: str
    tone: str
    keeper: str = ""
    capacity: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the register: something went out on a medium, or came in.

    :param way: ``"out"`` or ``"in"``; :param amount: change sets and changes, None where sealed.
    :param word: where it stands, in Chinese; :param values: the record itself.
    """

    id: str
    way: str
    at: str
    medium_no: str
    content: str
    other: str
    changes: int | None
    word: str
    tone: str
    package_id: str
    values: dict[str, Any]
    note: str = ""


class MediaRegister:
    """Records of the types ``medium``, ``hand_over`` and ``media_intake``.

    Kept also while the session is read-only: they are the log of what ends that.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- media -----------------------------------------------------------------
    def media(self) -> list[Medium]:
        """Registered media of this bureau, by number."""
        wanted = Filter(order="number").where("bureau", Op.EQ, self._session.actor.bureau)
        cycle = self._session.store.types["medium"].lifecycle
        assert cycle is not None
        found = []
        for row in self._rows("medium", wanted):
            state = cycle.state(str(row.values["state"]))
            found.append(
                Medium(
                    row.id, str(row.values["number"]), str(row.values["kind"]), state.name, state.title,
                    state.tone, str(row.values["keeper"] or ""), row.values["capacity_gb"],
                    str(row.values["state_reason"] or ""),
                )
            )
        return found

    def require_usable(self, medium: MediumInfo) -> None:
        """Raise :class:`InputError` for a medium that is registered as gone."""
        known = self._find(medium.number)
        if known is not None and known.state != "in_use":
            raise InputError(
                f"介质“{known.number}”登记为“{known.word}”，不能用来导出。",
                "请换一个介质；确实找回或修好的，请先在“往来登记 › 介质”中恢复使用。",
            )

    def step(self, medium: Medium, name: str, reason: str) -> None:
        """A step of the medium's workflow: lose, damage, restore, destroy."""
        store = self._session.store
        declared = store.types["medium"]
        cycle = declared.lifecycle
        assert cycle is not None
        wanted = cycle.transition(name)
        said = clean_text(reason)
        if "state_reason" in wanted.needs and not said:
            raise InputError(f"请填写{wanted.title}的原因。", "例如：在交通途中遗失，已报告。")
        if medium.state not in wanted.sources:
            raise IllegalTransition(f"介质现为“{medium.word}”，不能{wanted.title}。", "请刷新后查看。")
        values = {"state": wanted.target, "state_reason": said or None, "state_at": store.clock.stamp()}
        with store.unit(self._session.actor) as unit:
            unit.update(declared, medium.id, values)
        self._session.records.announce({"medium"}, "media")

    def knows(self, number: str) -> bool:
        """Whether a medium with this number is registered."""
        return self._find(number) is not None

    # --- out -------------------------------------------------------------------
    def keep_hand_overs(
        self, rows: Sequence[dict[str, Any]], medium: MediumInfo, *, before: bool = False
    ) -> list[str]:
        """Records of what goes onto a medium; registers one nobody has registered yet.

        :param before: it is still to be written; see :meth:`written`.
        """
        session = self._session
        store = session.store
        known = self._find(medium.number)
        with store.unit(session.actor) as unit:
            medium_id = known.id if known is not None else self._enter_medium(unit, medium)
            made = unit.insert(store.types["hand_over"], [{**row, "medium": medium_id} for row in rows])
            if before:
                write_text(unit.connection, _UNWRITTEN, ",".join(made))
        session.records.announce({"hand_over", "medium"}, "media")
        return made

    def written(self, record_ids: Collection[str], part: Path, final: Path) -> None:
        """These are on the medium, whole and read back: a moment before the draft gets its name."""
        with self._session.store.write() as connection:
            left = [i for i in _unwritten(connection) if i not in record_ids]
            write_text(connection, _UNWRITTEN, ",".join(left))
            write_text(connection, _NAMING, "\n".join([",".join(record_ids), str(part), str(final)]))

    def named(self) -> None:
        """What was written has its name."""
        with self._session.store.write() as connection:
            write_text(connection, _NAMING, "")

    def withdraw(self, record_ids: Sequence[str], reason: str) -> None:
        """These were never handed over: writing failed."""
        store = self._session.store
        with store.unit(self._session.actor) as unit:
            for record_id in record_ids:
                unit.delete(store.types["hand_over"], record_id, reason)
            write_text(unit.connection, _UNWRITTEN, "")
            write_text(unit.connection, _NAMING, "")
        self._session.records.announce({"hand_over"}, "media")

    def withdraw_interrupted(self) -> int:
        """What the program was writing when it ended was never handed over; returns how many records."""
        with self._session.store.read() as connection:
            found, (naming, part, final) = _unwritten(connection), _naming(connection)
        if naming and _is_there(final):
            self.named()
        elif naming and _is_there(part):  # the medium is here, and the package never got its name
            found += naming
            self.named()
        if found:
            self.withdraw(found, INTERRUPTED)
        return len(found)

    def beside(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Records of the files of attachments that went with a package of changes."""
        if values["first_seq"] is None:
            return []
        wanted = Filter(order="file_name").where("handed_at", Op.EQ, values["handed_at"])
        same = wanted.where("medium_no", Op.EQ, values["medium_no"])
        return [dict(r.values) for r in self._rows("hand_over", same) if _is_file(r.values)]

    def hand_over(self, record_id: str) -> dict[str, Any]:
        """The values of one; raises :class:`InputError`."""
        row = self._session.records.get(self._session.store.types["hand_over"], record_id)
        if row is None:
            raise InputError("这份交接单已不存在。", "请刷新后再试。")
        return {"id": record_id, **self._seen(row.values)}

    def lose(self, record_id: str, reason: str, *, medium_too: bool = True) -> dict[str, Any]:
        """The medium was lost on its way: note why; returns the hand-over's values before that."""
        values = self.hand_over(record_id)
        said = clean_text(reason)
        if not said:
            raise InputError("请填写丢失的原因和经过。", "例如：途中遗失，11 月 3 日发现。")
        if values["state"] == ARRIVED:
            raise InputError("这份介质已经送达，中心已签收。", "不需要重新导出；请看“同步”页面的回执。")
        store = self._session.store
        now = store.clock.stamp()
        with store.unit(self._session.actor) as unit:
            if values["state"] == HANDED_OVER:
                said_of = {"state": LOST, "lost_reason": said, "lost_at": now}
                unit.update(store.types["hand_over"], record_id, said_of)
            known = self._find(str(values["medium_no"]))
            if medium_too and known is not None and known.state == "in_use":
                gone = {"state": "lost", "state_reason": said, "state_at": now}
                unit.update(store.types["medium"], known.id, gone)
        self._session.records.announce({"hand_over", "medium"}, "media")
        return values

    def note_arrived(self, package_ids: Collection[str]) -> int:
        """Note what a hub that does not close hand-overs itself has signed for; returns how many."""
        if not package_ids:
            return 0
        store = self._session.store
        wanted = Filter().where("package_id", Op.IN, tuple(package_ids)).where("state", Op.NE, ARRIVED)
        found = self._rows("hand_over", wanted)
        if not found:
            return 0
        now = store.clock.stamp()
        with store.unit(self._session.actor) as unit:
            for row in found:
                unit.update(store.types["hand_over"], row.id, {"state": ARRIVED, "arrived_at": now})
        self._session.records.announce({"hand_over"}, "media")
        return len(found)

    def note_delivered(self) -> int:
        """All contents are at the hub: own files of attachments are not waited for any more."""
        if self._session.engine.pieces.waiting() != (0, 0):
            return 0
        store = self._session.store
        wanted = Filter().where("state", Op.EQ, HANDED_OVER).where("person", Op.EQ, self._session.actor.user)
        found = [r for r in self._rows("hand_over", wanted) if _is_file(r.values)]
        if found:
            with store.unit(self._session.actor) as unit:
                for row in found:
                    unit.update(store.types["hand_over"], row.id, {"state": ARRIVED})
            self._session.records.announce({"hand_over"}, "media")
        return len(found)

    def open_ids(self) -> set[str]:
        """Hand-overs nobody has signed for."""
        return {r.id for r in self._rows("hand_over", Filter().where("state", Op.NE, ARRIVED))}

    # --- in --------------------------------------------------------------------
    def keep_intake(self, values: dict[str, Any], medium: MediumInfo) -> str:
        """A record of an import; registers a medium nobody has registered yet."""
        store = self._session.store
        known = self._find(medium.number)
        with store.unit(self._session.actor) as unit:
            if known is None:
                self._enter_medium(unit, medium)
            return unit.insert(store.types["media_intake"], [values])[0]

    # --- both --------------------------------------------------------------------
    def movements(self) -> list[Movement]:
        """Everything that went out or came in on media, newest first.

        Of two in the same second the one entered later stands first: ids sort by when they were made.
        """
        cycle = self._session.store.types["hand_over"].lifecycle
        assert cycle is not None
        codes = self._session.records.codes
        with self._session.store.read() as connection:
            unsure, _, _ = _naming(connection)
        found = []
        for row in self._rows("hand_over", Filter(order="-handed_at")):
            v = self._seen(row.values)
            state = cycle.state(str(v["state"]))
            otherwise = state.name == ARRIVED and not v["arrived_at"]
            found.append(
                Movement(
                    row.id, OUT, str(v["handed_at"]), str(v["medium_no"]), str(v["content"]),
                    str(v["sent_to"]), v["changes"], OTHERWISE if otherwise else state.title, state.tone,
                    str(v["package_id"]), v,
                    UNSURE if row.id in unsure and state.name == HANDED_OVER else str(v["lost_reason"] or ""),
                )
            )
        tones = {"1": "good", "2": "wait", "3": "bad"}
        for row in self._rows("media_intake", Filter(order="-received_at")):
            v = row.values
            outcome = str(v["outcome"])
            found.append(
                Movement(
                    row.id, IN, str(v["received_at"]), str(v["media_no"]), "导入", str(v["sent_from"] or ""),
                    v["changes"], codes.name("入库结论", outcome), tones.get(outcome, "plain"),
                    str(v["package_id"] or ""), dict(v), str(v["analysis"] or ""),
                )
            )
        return sorted(found, key=lambda m: (m.at, m.id), reverse=True)

    # --- inside --------------------------------------------------------------
    def _enter_medium(self, unit: Any, medium: MediumInfo) -> str:
        declared = self._session.store.types["medium"]
        values = {
            "number": clean_text(medium.number), "kind": medium.type_code,
            "bureau": self._session.actor.bureau,
        }  # fmt: skip
        return str(unit.insert(declared, [values])[0])

    def _seen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """With what this installation alone knows of a package that holds its own record."""
        if values["fingerprint"] != IN_ITSELF and values["file_name"]:
            return dict(values)
        with self._session.store.read() as connection:
            found = exchange.attempt_of(connection, str(values["package_id"]))
        if found is None:
            return dict(values)
        seal = fingerprint_text(bytes.fromhex(found.fingerprint))
        name = found.message.rpartition("：")[2]
        return {**values, "fingerprint": seal, "bytes": found.bytes, "file_name": name}

    def _find(self, number: str) -> Medium | None:
        said = clean_text(number)
        return next((m for m in self.media() if m.number == said), None)

    def _rows(self, type_name: str, wanted: Filter) -> list[StoredRow]:
        store = self._session.store
        with store.read() as connection:
            return query.first(connection, store.types[type_name], wanted, Place(), MOST)


def _unwritten(connection: Any) -> list[str]:
    """Ids of hand-overs whose packages are still to be written."""
    return [i for i in read_text(connection, _UNWRITTEN).split(",") if i]


def _naming(connection: Any) -> tuple[list[str], str, str]:
    """Ids of hand-overs that were written and about to be named, with the draft's path and the final one."""
    ids, part, final = [*read_text(connection, _NAMING).split("\n"), "", ""][:3]
    return [i for i in ids.split(",") if i], part, final


def _is_there(path: str) -> bool:
    with suppress(OSError):
        return Path(path).is_file()
    return False


def _is_file(values: Mapping[str, Any]) -> bool:
    """Whether this is a file of attachments beside a package of changes."""
    return values["first_seq"] is None and str(values["content"]).startswith(ATTACHMENTS)


__all__ = ["ARRIVED", "HANDED_OVER", "IN", "LOST", "OTHERWISE", "OUT", "MediaRegister", "Medium", "Movement"]
