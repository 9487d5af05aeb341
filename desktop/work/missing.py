"""待前序 in words: which of our numbers the hub misses, on which medium they were, and what to do.

The hub says it in its receipt, by network or stick; on which stick they left is in our own register.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from desktop.work.session import Session
from shared import gaps
from shared.filters import Filter, Op
from shared.gaps import Span
from shared.store import exchange
from sync import lines

ARRIVED, LOST = "arrived", "lost"


@dataclass(frozen=True, slots=True)
class Left:
    """A medium on which missing numbers left this device."""

    at: str
    medium_no: str
    lost: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """What the hub misses of this device's changes.

    :param parked: sets that wait at the hub for it; :param media: where it left, newest first.
    """

    spans: tuple[Span, ...]
    parked: int
    media: tuple[Left, ...] = ()
    year: int = 0

    @property
    def numbers(self) -> str:
        """12–14、18."""
        return gaps.said(self.spans)

    @property
    def words(self) -> str:
        """What is missing, and what waits for it."""
        return (
            f"中心缺第 {self.numbers} 号变更，后面的 {self.parked:,} 个变更集已到中心，等它们到齐才入库。"
            "数据都在本机，没有丢失。"
        )

    @property
    def what_to_do(self) -> str:
        """The way on, with the days on which it left."""
        if not self.media:
            return f"请再同步一次，或把第 {self.numbers} 号重新导出到介质送到中心。"
        named = "、".join(f"{_day(m.at, self.year)}导出的介质“{m.medium_no}”" for m in self.media[:3])
        if all(m.lost for m in self.media):
            return f"它们在已登记丢失的介质上（{named}）：请重新导出。"
        return f"请把{named}送到中心，或重新导出第 {self.numbers} 号。"


def missing(session: Session) -> Missing | None:
    """What the hub's last receipt says is missing; None for nothing."""
    with session.store.read() as connection:
        parked = [s for s in exchange.all_sets(connection) if s.status == "parked"]
        spans = lines.lacking(connection) if parked else []
        sent = {a.package_id for a in exchange.attempts(connection) if a.carrier == "media"}
    if not spans:
        return None
    media = tuple(_left(session, spans, sent))
    return Missing(tuple(spans), len(parked), media, session.store.clock.now().year)


def _left(session: Session, spans: list[Span], sent: set[str]) -> list[Left]:
    """Exports of this very device that held some of it; other devices count numbers of their own."""
    records = session.records
    wanted = Filter(order="-handed_at").where("package_id", Op.IN, tuple(sorted(sent)))
    found = []
    for row in records.first(records.type("hand_over"), wanted, 200) if sent else []:
        one = row.values
        first, last = one["first_seq"] or 0, one["last_seq"] or 0
        holds = any(first <= end and begin <= last for begin, end in spans)
        if holds and one["state"] != ARRIVED:
            found.append(Left(str(one["handed_at"]), str(one["medium_no"]), one["state"] == LOST))
    return found


def _day(at: str, year: int) -> str:
    when = datetime.fromisoformat(at)
    said = f"{when.month} 月 {when.day} 日"
    return said if when.year == year else f"{when.year} 年 {said}"


__all__ = ["Left", "Missing", "missing"]
