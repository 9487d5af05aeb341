"""What the people of the story type: by form, by workbook, with their mistakes and how they mend them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from desktop.demo import workbooks
from desktop.demo.station import Station
from shared.fictitious import penalty_rows
from shared.filters import Filter, Op
from shared.record import RecordType

ROWS, WRONG_ROWS = 1000, 23
PASTED, WRONG_PASTED = 40, 2
_AUTHORITY = "宝山区市场监督管理局"
_ITEM = "CF0001"

MISTAKES: tuple[dict[str, str], ...] = (
    {"document_no": ""},
    {"uscc": "91310113MA1GL0000X"},
    {"decided_on": "2026-13-40"},
    {"categories": "罚金"},
    {"item": "CF9999"},
)


def permit_of(entity: Mapping[str, Any], today: date) -> dict[str, str]:
    """A permit decided the other day, for five years."""
    decided = today - timedelta(days=2)
    return {
        "party_kind": "法人及非法人组织",
        "document_name": "食品经营许可决定书",
        "document_no": f"宝许〔{decided.year}〕1122号",
        "category": "01",
        "content": "热食类食品制售，预包装食品销售",
        "decided_on": f"{decided:%Y%m%d}",
        "valid_from": f"{decided:%Y%m%d}",
        "valid_to": f"{_years_later(decided, 5):%Y%m%d}",
        "status": "1",
        "item": "SP0001",
        "legal_person": str(entity["legal_person"]),
    }


def penalty_of(entity: Mapping[str, Any], today: date) -> dict[str, str]:
    """A penalty decided the other day."""
    decided = today - timedelta(days=2)
    until, seen = f"{_years_later(decided, 1):%Y%m%d}", decided - timedelta(days=2)
    return {
        "party_kind": "法人及非法人组织",
        "legal_person": str(entity["legal_person"]),
        "document_no": f"宝罚〔{decided.year}〕0388号",
        "offence": "未按规定公示食品经营许可证",
        "facts": f"{seen:%Y年%m月%d日}检查发现经营场所未在显著位置公示食品经营许可证。",
        "basis": "《食品经营许可和备案管理办法》",
        "categories": "01,02",
        "content": "警告，罚款人民币 2000 元",
        "fine": "0.2",
        "decided_on": f"{decided:%Y%m%d}",
        "valid_to": until,
        "published_until": until,
        "item": _ITEM,
    }


def supervision_of(entity: Mapping[str, Any], today: date) -> dict[str, str]:
    """One act of routine supervision, with nothing found."""
    return {
        "uscc": str(entity["uscc"]),
        "entity_name": str(entity["name"]),
        "matter": "证照监管",
        "item": "JG0001",
        "method": "日常监管",
        "reason": "制度性监管",
        "department": _AUTHORITY,
        "acted_on": f"{today - timedelta(days=1):%Y%m%d}",
        "result": "未发现问题",
    }


def alert_of(entity: Mapping[str, Any], today: date) -> dict[str, str]:
    """Nobody was met at the registered address."""
    return {
        "entity_name": str(entity["name"]),
        "uscc": str(entity["uscc"]),
        "kind": "失联预警",
        "origin": "2",
        "reason": "三次上门均未在登记住所联系到经营者。",
        "raised_on": f"{today - timedelta(days=1):%Y%m%d}",
    }


def thousand_rows(station: Station) -> list[dict[str, str]]:
    """The rows of the workbook, all of them right."""
    return _penalties(station, ROWS, slice(1000, 1400), 9)


def forty_rows(station: Station, declared: RecordType) -> str:
    """Rows copied from a spreadsheet, two of them wrong, as the clipboard holds them."""
    rows = _penalties(station, PASTED, slice(1400, 1440), 10)
    rows[6] |= MISTAKES[2]
    rows[31] |= MISTAKES[1]
    fields = [f for f in declared.sheet_fields if any(r.get(f.name) for r in rows)]
    lines = [[f.title for f in fields], *([r.get(f.name, "") for f in fields] for r in rows)]
    return "\n".join("\t".join(line) for line in lines)


def with_mistakes(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same rows, as the clerk first had them."""
    spoiled = list(rows)
    for number in range(WRONG_ROWS):
        at = number * (ROWS // WRONG_ROWS)
        spoiled[at] = {**rows[at], **MISTAKES[number % len(MISTAKES)]}
    return spoiled


def mend(rows: Sequence[dict[str, str]]) -> workbooks.Mend:
    """The clerk looks up what each row should have said."""
    right = {r["document_no"]: r for r in rows}
    spoiled = with_mistakes(rows)
    missing = iter(r for r, bad in zip(rows, spoiled, strict=True) if not bad["document_no"])

    def look_up(row: dict[str, str]) -> Mapping[str, str]:
        original = right.get(row["document_no"]) or next(missing)
        return {n: original[n] for m in MISTAKES for n in m}

    return look_up


def _penalties(station: Station, count: int, which: slice, seed: int) -> list[dict[str, str]]:
    records = station.desk.records
    declared = records.type("market_entity")
    rids = records.row_ids(declared, Filter(order="uscc").where("status", Op.EQ, "1"))[which]
    known = [r.values for r in records.rows(declared, rids)]
    today = station.desk.store.clock.today()
    year = today.year if today.month > 6 else today.year - 1
    return list(penalty_rows(count, known, item=_ITEM, authority=_AUTHORITY, year=year, seed=seed))


def _years_later(day: date, years: int) -> date:
    return day.replace(year=day.year + years, day=min(day.day, 28)) - timedelta(days=1)
