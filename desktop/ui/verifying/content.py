"""What an answer shows, as texts and tones: made in a job, drawn by :mod:`desktop.ui.verifying.answer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from desktop.ui.tables.plain import PlainColumn, PlainRow
from shared.supervision.verification import Finding, Known, Sentence

if TYPE_CHECKING:
    from desktop.work.records import Records, Row
    from desktop.work.verifying import Answer

_VERDICTS = {
    "bad": "有必须注意的情形",
    "wait": "有需要核实的情形",
    "good": "未查到需要注意的情形",
    "plain": "已核查",
}
LIMIT = "此后中心或其他单位新增、变更的信息不在本结论之内。"
_ENTITY_FACTS = ("uscc", "status", "legal_person", "address")


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of records under the conclusion."""

    title: str
    columns: tuple[PlainColumn, ...]
    rows: tuple[PlainRow, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """One answer, ready to be drawn.

    :param as_of: the evidence, title and text.
    :param kept: when it is an earlier answer: what to say about that.
    """

    subject: str
    purpose: str
    verdict: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    sentences: tuple[Sentence, ...]
    as_of: tuple[tuple[str, str], ...]
    statement: str = ""
    listings: tuple[Listing, ...] = field(default=())
    kept: str = ""


def content_of(answer: Answer, finding: Finding, records: Records) -> Content:
    """A fresh answer."""
    verdict = _VERDICTS[finding.tone] if finding.found else "本机数据中没有找到"
    return Content(
        answer.subject,
        answer.purpose,
        verdict,
        finding.tone,
        _facts(answer.entity, records),
        finding.sentences,
        finding.as_of,
        LIMIT,
        tuple(one for one in _listings(finding, records) if one.rows),
    )


def content_of_kept(row: Row, records: Records) -> Content:
    """An earlier answer, word for word; today's data do not touch it."""
    declared = records.type("verification")
    shown = {n: records.show(declared.by_name[n], row.values.get(n)) for n in declared.by_name}
    told = str(row.values["conclusion"]).splitlines()
    as_of = (
        ("数据截止时间", shown["data_until"]),
        ("核查时间", shown["verified_at"]),
        ("核查范围", shown["scope_text"]),
        ("数据版本", shown["data_version"]),
        ("核查人", shown["verified_by"]),
    )
    return Content(
        shown["subject"],
        shown["purpose"],
        "以下为当时的核查结论",
        "plain",
        (),
        tuple(Sentence(line) for line in told),
        as_of,
        kept=f"这是 {shown['verified_at']} 的核查记录，照当时原样显示；要看现在的情况请重新核查。",
    )


def _facts(entity: Row | None, records: Records) -> tuple[tuple[str, str], ...]:
    if entity is None:
        return ()
    declared = records.type("market_entity")
    return tuple(
        (declared.by_name[n].title, records.show(declared.by_name[n], entity.values.get(n)))
        for n in _ENTITY_FACTS
    )


def _listings(finding: Finding, records: Records) -> list[Listing]:
    permits = Listing(
        "行政许可",
        (
            PlainColumn("许可证书", 18, "left", grows=True),
            PlainColumn("决定文书号", 22, "left", grows=True),
            PlainColumn("许可机关", 18, "left", grows=True),
            PlainColumn("有效期自", 11),
            PlainColumn("有效期至", 11),
            PlainColumn("状态", 12),
        ),
        tuple(
            PlainRow(
                (
                    *_texts(records, "permit", one.record, ("licence_name", "document_no", "authority")),
                    *_texts(records, "permit", one.record, ("valid_from", "valid_to")),
                    str(one.state),
                ),
                ((5, one.state.tone),),
            )
            for one in finding.permits
        ),
    )
    return [
        permits,
        _listing(
            records, "sanction", "惩戒中的联合惩戒", finding.sanctions, ("breach", "measures", "authority"),
            ("valid_to",), tone="bad",
        ),
        _listing(
            records, "penalty", "近三年行政处罚", finding.penalties, ("document_no", "offence", "authority"),
            ("decided_on",),
        ),
        _listing(
            records, "alert", "预警中的预警", finding.alerts, ("kind", "reason"), ("raised_on",), tone="wait"
        ),
    ]  # fmt: skip


def _listing(
    records: Records,
    type_name: str,
    title: str,
    found: Sequence[Known],
    wide: tuple[str, ...],
    narrow: tuple[str, ...],
    tone: str = "",
) -> Listing:
    declared = records.type(type_name)
    columns = (
        *(PlainColumn(declared.by_name[n].title, 20, "left", grows=True) for n in wide),
        *(PlainColumn(declared.by_name[n].title, 12) for n in narrow),
    )
    names = (*wide, *narrow)
    rows = tuple(
        PlainRow(_texts(records, type_name, one, names), ((0, tone),) if tone else ()) for one in found
    )
    return Listing(title, columns, rows)


def _texts(records: Records, type_name: str, one: Known, names: Sequence[str]) -> tuple[str, ...]:
    declared = records.type(type_name)
    values: Any = one.values
    return tuple(records.show(declared.by_name[n], values.get(n)).replace("\n", " ") for n in names)
