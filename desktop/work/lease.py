"""How long this seat may still work without the hub (sync.md, Keys and trust; N9, N10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.store.evidence import AHEAD, AT, Watch
from shared.store.facts import read_number, read_text
from shared.store.store import Store
from sync.credentials import LEASE

SECONDS_A_DAY = 24 * 60 * 60
LEASE_DAYS = 30
"""Until the hub has said how many days it allows."""
APART = timedelta(days=1)
"""How far the clock may stand from the hub's without a warning."""


class LeaseState(StrEnum):
    """How long ago the hub was last heard of."""

    GOOD = "good"
    WARN = "warn"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission to work without the hub (sync.md, Keys and trust).

    :param days: whole days since the hub's last evidence; ``left`` until read-only.
    :param allowed: how many days the hub allows.
    :param message: what the status bar says; ``""`` while all is well.
    """

    state: LeaseState
    evidence_at: str
    days: int
    left: int
    allowed: int
    message: str = ""


def standing(store: Store, watch: Watch, granted_at: str, granted_days: int, warn_days: int) -> Lease:
    """Where the permission stands now.

    Days are counted by our own clock, less what it is known to be wrong by: a clock that is
    ahead is told, it takes nobody's work away.

    :param granted_at: what counts until the hub was heard of; ``granted_days`` likewise, 0 = not said.
    """
    now = store.clock.now()
    with store.read() as connection:
        evidence = read_text(connection, AT) or granted_at
        allowed = read_number(connection, LEASE) or granted_days or LEASE_DAYS
        revoked, reason = read_text(connection, "revoked_at"), read_text(connection, "revoke_reason")
        ahead = timedelta(seconds=read_number(connection, AHEAD)) + watch.look(connection, evidence, now)
    if revoked:
        text = (
            f"本席位已于 {revoked[:10]} 被中心吊销{f'（{reason}）' if reason else ''}：不能再录入。"
            "已有数据仍可同步或导出给中心，由中心管理员审核；需要继续工作请重新登记。"
        )
        return Lease(LeaseState.OVER, evidence, 0, 0, allowed, text)
    since = now - datetime.fromisoformat(evidence) - ahead
    days = max(0, int(since.total_seconds() // SECONDS_A_DAY))
    left = allowed - days
    if left <= 0:
        text = (
            f"已 {days} 天没有与中心联系，离线期限为 {allowed} 天：本机暂为只读，仍可导出，请同步；"
            "若刚刚同步过，请校准电脑的日期。"
        )
        return Lease(LeaseState.OVER, evidence, days, 0, allowed, text)
    if ahead > APART:
        text = (
            f"电脑日期（{now:%Y-%m-%d}）看来快了约 {ahead.days} 天，各种期限会算错，请校准日期；"
            f"若日期无误，请尽快同步（{left} 天后本机将变为只读）。"
        )
        return Lease(LeaseState.WARN, evidence, days, left, allowed, text)
    if left <= warn_days:
        text = f"已 {days} 天没有与中心联系，{left} 天后本机将变为只读；请尽快同步或用介质交换一次。"
        return Lease(LeaseState.WARN, evidence, days, left, allowed, text)
    if since < -APART:
        text = f"电脑日期早于中心最近一次签名（{evidence[:10]}），各种期限会算错，请先校准日期和时间。"
        return Lease(LeaseState.WARN, evidence, days, left, allowed, text)
    return Lease(LeaseState.GOOD, evidence, days, left, allowed)


__all__ = ["LEASE_DAYS", "Lease", "LeaseState", "standing"]
