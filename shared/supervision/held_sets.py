"""What can be decided about a held set at all, said before anybody decides (sync.md, Order; R41).

A release waives rights and rules. It cannot make readable what nobody can read, and it cannot
change a record the hub does not have.
"""

from __future__ import annotations

UNKNOWN, MALFORMED, MISSING = "unknown", "malformed", "missing"
NO_RECORD = "所改的"
"""How the reason of a set begins that changes records the hub does not have."""

_LATER = "含有中心的程序尚不认识的内容，中心升级后自动入库，不用处理。"
_UNREADABLE = "内容不符合数据格式，任何程序都读不出来，不能放行；请退回并核对该席位。"
ALONE = "所改的记录不在中心，待审的变更集里也没有新增它的，放行不会有效果；请退回，由填报人重新录入。"


def no_release(kind: str) -> str:
    """Why a set of this kind cannot take effect; ``""`` when it can."""
    return {UNKNOWN: _LATER, MALFORMED: _UNREADABLE}.get(kind, "")


def no_return(kind: str) -> str:
    """Why a set of this kind cannot be given back; ``""`` when it can."""
    return _LATER if kind == UNKNOWN else ""


def lacks_record(kind: str, reason: str) -> bool:
    """Whether it waits for a record the hub has never had, not for one its own record refers to."""
    return kind == MISSING and reason.startswith(NO_RECORD)


__all__ = ["ALONE", "NO_RECORD", "lacks_record", "no_release", "no_return"]
