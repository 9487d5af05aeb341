"""What happens next with own change sets the hub keeps without effect, and what was decided (R41)."""

from __future__ import annotations

from typing import Any

from desktop.work.records import Records
from shared.filters import Filter, Op
from shared.standing import Standing
from shared.store.disputes import Dispute
from shared.types.held_set import MOVED

MOST = 500
_TOLD = "决定后随下次同步或中心的回件送回"


def course(records: Records, device: str) -> dict[str, str]:
    """Per change set of this device that was put aside: who decides, or who decided what, in words."""
    declared = records.type("held_set")
    wanted = Filter(order="-held_at").where("device", Op.EQ, device)
    rows = records.first(declared, wanted, MOST)
    return {str(r.values["cs_id"]): _words(records, r.values) for r in rows}


def next_words(standing: Standing, known: str) -> str:
    """What to say beside a set: what its record tells, where it is still, or was, put aside."""
    if standing is Standing.QUARANTINED:
        return known or f"数据没有丢失，由中心管理员审核；{_TOLD}"
    if standing is Standing.REJECTED:
        return f"{known}；没有入库，请按理由修改后重新录入" if known else ""
    return known


def disputed_words(found: Dispute | None) -> str:
    """What became of a set's conflicts since its receipt; ``""`` while all of them wait."""
    if found is None or found.left == found.every:
        return ""
    if not found.left:
        return "冲突已处理完，结果见“冲突”页的“已处理”"
    return f"{found.every:,} 处冲突中还有 {found.left:,} 处待处理"


def _words(records: Records, one: dict[str, Any]) -> str:
    if one["state"] == "held":
        kind = records.show(records.type("held_set").by_name["kind"], one["kind"])
        again = f"上次{one['result'].rstrip('。')}；" if one["result"] else ""
        return f"数据没有丢失（{kind}）；{again}由{_decider(records, one)}审核，{_TOLD}"
    who = records.label("user", one["decided_by"]) if one["decided_by"] else ""
    when = str(one["decided_at"] or "")[:16].replace("T", " ")
    word = "放行" if one["state"] == "released" else "退回"
    if not who and not one["decided_at"]:
        return ""  # it came in by itself: the receipt says so
    said = f"{when} 由{who or '中心管理员'}{word}"
    return f"{said}：{one['decision_note']}" if one["decision_note"] else said


def _decider(records: Records, one: dict[str, Any]) -> str:
    owner = records.label("bureau", one["owner"]) if one["kind"] == MOVED and one["owner"] else ""
    return f"{owner}的管理员或中心管理员" if owner else "中心管理员"


__all__ = ["course", "disputed_words", "next_words"]
