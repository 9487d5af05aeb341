"""What may be said about an entity, and on what evidence (R65, R181, N15).

Pure: records, a day and facts about the data go in, sentences come out. Nothing
is claimed beyond the data at hand: "not found" always means "not in this scope".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Protocol

from shared.parsing import CodeBook, format_money

SOON = timedelta(days=30)
PENALTY_YEARS = 3
REGISTERED, PERMIT_VALID, PERSON = "1", "1", "2"


class Known(Protocol):
    """A record as it was found."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Typed values by field name."""


class PermitState(StrEnum):
    """What a permit is worth on a day; the value is the word shown."""

    VALID = "有效"
    EXPIRING = "30 天内到期"
    NOT_YET = "尚未生效"
    EXPIRED = "已过期"
    REVOKED = "已失效"

    @property
    def tone(self) -> str:
        """How it is coloured."""
        return _TONES[self]

    @property
    def holds(self) -> bool:
        """Whether the permit permits anything on that day."""
        return self in (PermitState.VALID, PermitState.EXPIRING)


_TONES = {
    PermitState.VALID: "good",
    PermitState.EXPIRING: "wait",
    PermitState.NOT_YET: "plain",
    PermitState.EXPIRED: "bad",
    PermitState.REVOKED: "bad",
}


@dataclass(frozen=True, slots=True)
class JudgedPermit:
    """One permit and what it is worth."""

    record: Known
    state: PermitState


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a conclusion; ``tone`` as in ``shared.lifecycle.State``."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what an answer rests (N15).

    :param data_until: the hub said that everything of the scope up to then is here.
    :param hub_at: the newest evidence the hub signed.
    :param scope: which data this device follows, in words.
    :param version: which version of them; see :func:`data_version`.
    :param asked_at: when the question was asked, by the local clock.
    """

    data_until: str
    hub_at: str
    scope: str
    version: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer about one entity; also when there is none in the data."""

    found: bool
    today: date
    permits: tuple[JudgedPermit, ...]
    sanctions: tuple[Known, ...]
    penalties: tuple[Known, ...]
    alerts: tuple[Known, ...]
    sentences: tuple[Sentence, ...]
    evidence: Evidence

    @property
    def tone(self) -> str:
        """The worst of the sentences' tones."""
        tones = {s.tone for s in self.sentences}
        return next((t for t in ("bad", "wait", "good") if t in tones), "plain")

    @property
    def conclusion(self) -> str:
        """All sentences, one a line."""
        return "\n".join(s.text for s in self.sentences)

    @property
    def as_of(self) -> tuple[tuple[str, str], ...]:
        """The evidence as title and text, for screen, sheet and paper."""
        one = self.evidence
        return (
            ("数据截止时间", minutes(one.data_until)),
            ("核查时间", minutes(one.asked_at)),
            ("核查范围", one.scope),
            ("数据版本", one.version),
            ("中心最近签名", minutes(one.hub_at)),
        )

    @property
    def statement(self) -> str:
        """The as-of statement in one paragraph."""
        one = self.evidence
        return (
            f"本结论依据本机截至 {minutes(one.data_until)} 的数据作出（{one.scope}；数据版本 {one.version}；"
            f"中心最近签名 {minutes(one.hub_at)}）。此后中心或其他单位新增、变更的信息不在本结论之内。"
        )


def find(
    entity: Mapping[str, Any] | None,
    *,
    permits: Iterable[Known] = (),
    penalties: Iterable[Known] = (),
    sanctions: Iterable[Known] = (),
    alerts: Iterable[Known] = (),
    today: date,
    evidence: Evidence,
    codes: CodeBook,
    subject: str = "",
    unsent: int = 0,
) -> Finding:
    """The answer about one entity.

    :param entity: its values; None when the data know no such entity.
    :param subject: what was asked for, named when nothing was found.
    :param unsent: how many of these records the hub has not signed for yet (R129).
    """
    judged = tuple(
        sorted(
            (JudgedPermit(p, judge(p.values, today)) for p in permits),
            key=lambda j: (_ORDER[j.state], str(j.record.values["valid_to"])),
        )
    )
    held = tuple(s for s in sanctions if in_force(s.values, today))
    since = years_before(today, PENALTY_YEARS)
    recent = tuple(p for p in penalties if p.values["decided_on"] > since)
    raised = tuple(a for a in alerts if is_raised(a.values, today))
    if entity is None:
        said = [Sentence(f"在下列范围和截止时间的数据中没有找到“{subject}”。", "wait")]
    else:
        said = [
            _registration(entity, codes),
            _permits(judged),
            *_sanctions(held),
            _penalties(recent),
            _alerts(raised, codes),
        ]
        if unsent:
            said.append(Sentence(f"其中 {unsent} 条为本机录入、中心尚未签收，待同步生效。", "wait"))
    return Finding(entity is not None, today, judged, held, recent, raised, tuple(said), evidence)


# --- single records ----------------------------------------------------------
def judge(permit: Mapping[str, Any], today: date) -> PermitState:
    """What a permit is worth today; an explicit 无效 weighs more than its dates."""
    if permit["status"] != PERMIT_VALID:
        return PermitState.REVOKED
    if permit["valid_to"] < today:
        return PermitState.EXPIRED
    if permit["valid_from"] > today:
        return PermitState.NOT_YET
    return PermitState.EXPIRING if permit["valid_to"] - today <= SOON else PermitState.VALID


_ORDER = {state: place for place, state in enumerate(PermitState)}


def in_force(sanction: Mapping[str, Any], today: date) -> bool:
    """Whether a sanction is neither lifted, nor over, nor yet to come."""
    begins, ends = sanction["valid_from"], sanction["valid_to"]
    return bool(sanction["state"] == "in_force" and begins <= today <= ends)


def is_raised(alert: Mapping[str, Any], today: date) -> bool:
    """Whether an alert waits for an answer."""
    until = alert.get("valid_to")
    return alert["state"] == "raised" and (until is None or until >= today)


def years_before(day: date, years: int) -> date:
    """The same day some years ago; 28 February for a leap day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


# --- sentences ---------------------------------------------------------------
def _registration(entity: Mapping[str, Any], codes: CodeBook) -> Sentence:
    word = codes.name("登记状态", str(entity["status"]))
    if entity["status"] == REGISTERED:
        return Sentence(f"登记状态：{word}。", "good")
    day = entity.get("revoked_on")
    return Sentence(f"登记状态：{word}{f'（{day}）' if day else ''}，请注意。", "bad")


def _permits(judged: Sequence[JudgedPermit]) -> Sentence:
    if not judged:
        return Sentence("行政许可：没有查到许可记录。", "wait")
    counted = Counter(j.state for j in judged)
    holding = counted[PermitState.VALID] + counted[PermitState.EXPIRING]
    parts = [f"有效 {holding} 件"]
    if counted[PermitState.EXPIRING]:
        parts[0] += f"（其中 {counted[PermitState.EXPIRING]} 件 30 天内到期）"
    for state in (PermitState.NOT_YET, PermitState.EXPIRED, PermitState.REVOKED):
        if counted[state]:
            parts.append(f"{state} {counted[state]} 件")
    tone = "bad" if not holding else "wait" if counted[PermitState.EXPIRING] else "good"
    return Sentence(f"行政许可：{'，'.join(parts)}。", tone)


def _sanctions(held: Sequence[Known]) -> Iterable[Sentence]:
    own = [s for s in held if s.values["party_kind"] != PERSON]
    people = len(held) - len(own)
    if own:
        told = "；".join(_told(s.values) for s in own[:3])
        more = "等" if len(own) > 3 else ""
        yield Sentence(f"联合惩戒：惩戒中 {len(own)} 件：{told}{more}。", "bad")
    else:
        yield Sentence("联合惩戒：没有查到惩戒中的记录。", "good")
    if people:
        yield Sentence(f"另有对该主体任职人员的惩戒 {people} 件，请核对人员。", "wait")


def _told(sanction: Mapping[str, Any]) -> str:
    until = sanction["valid_to"]
    term = "长期" if until.year == 2099 else f"至 {until}"
    return f"{sanction['measures']}（{sanction['authority']}，{term}）"


def _penalties(recent: Sequence[Known]) -> Sentence:
    if not recent:
        return Sentence(f"行政处罚：近 {PENALTY_YEARS} 年没有查到处罚记录。", "good")
    fines = sum(p.values.get("fine") or 0 for p in recent)
    sum_ = f"，罚款合计 {format_money(fines)} 元" if fines else ""
    return Sentence(f"行政处罚：近 {PENALTY_YEARS} 年 {len(recent)} 件{sum_}。", "wait")


def _alerts(raised: Sequence[Known], codes: CodeBook) -> Sentence:
    if not raised:
        return Sentence("预警：没有查到预警中的记录。", "good")
    kinds = "、".join(dict.fromkeys(codes.name("预警类型", str(a.values["kind"])) for a in raised))
    return Sentence(f"预警：预警中 {len(raised)} 件（{kinds}）。", "bad")


# --- evidence ----------------------------------------------------------------
def minutes(stamp: str) -> str:
    """A time to the minute, as people read it."""
    return stamp[:16].replace("T", " ")


def scope_text(
    streams: Iterable[str], division: Callable[[str], str], bureau: Callable[[str], str]
) -> str:
    """Streams in words (sync.md, Scope).

    :param division: name of a division by code; ``bureau``: name of a bureau by id.
    """
    words: list[str] = []
    for one in streams:
        kind, _, key = one.partition(":")
        match kind:
            case "common":
                words.append("公共数据（清单、代码表、全部联合惩戒）")
            case "division":
                words.append(f"{division(key)}的市场主体及其许可、处罚、预警等信息")
            case "bureau":
                words.append(f"{bureau(key) or '本单位'}的业务数据")
            case "admin":
                words.append("中心管理数据")
            case _:
                words.append(one)
    return "；".join(words)


def data_version(epoch: str, cursors: Mapping[str, int]) -> str:
    """Which data were at hand: hub epoch, changes followed, and a digest of how far each stream was."""
    body = ",".join(f"{name}={cursors[name]}" for name in sorted(cursors))
    digest = hashlib.sha256(f"{epoch}|{body}".encode()).hexdigest()
    return f"{epoch[:8]}-{sum(cursors.values())}-{digest[:6]}"
