"""How long this seat may still work without the hub (sync.md, Keys and trust; N9, N10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.store.evidence import APART, AT, Error, Watch
from shared.store.facts import read_number, read_text
from shared.store.store import Store
from sync.credentials import LEASE

SECONDS_A_DAY = 24 * 60 * 60
LEASE_DAYS = 30
"""Until the hub has said how many days it allows."""
GRACE_DAYS = 10
"""After a jump of the date that may also be a long time switched off."""


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
    :param revoked: the hub's day of revocation; ``""`` for a seat in use.
    :param message: what happened and what to do; ``brief`` in a few words, for the status bar.
        Both ``""`` while all is well.
    """

    state: LeaseState
    evidence_at: str
    days: int
    left: int
    allowed: int
    message: str = ""
    revoked: str = ""
    brief: str = ""


def standing(store: Store, watch: Watch, granted_at: str, granted_days: int, warn_days: int) -> Lease:
    """Where the permission stands now.

    Days are counted by our own clock, less what it is known to be wrong by: a clock that is
    ahead is told, it takes nobody's work away. After a jump that may also be a long time switched
    off, :data:`GRACE_DAYS` are left to hear from the hub.

    :param granted_at: what counts until the hub was heard of; ``granted_days`` likewise, 0 = not said.
    """
    now = store.clock.now()
    with store.read() as connection:
        evidence = read_text(connection, AT) or granted_at
        allowed = read_number(connection, LEASE) or granted_days or LEASE_DAYS
        revoked, reason = read_text(connection, "revoked_at"), read_text(connection, "revoke_reason")
        error = watch.look(connection, evidence, now)
    if revoked:
        text = (
            f"本席位已于 {revoked[:10]} 被中心吊销{f'（{reason}）' if reason else ''}：不能再录入。"
            "已有数据仍可同步或导出给中心，由中心管理员审核；需要继续工作请重新登记。"
        )
        return Lease(LeaseState.OVER, evidence, 0, 0, allowed, text, revoked[:10], "席位已吊销，只读")
    since = now - datetime.fromisoformat(evidence) - error.whole
    days = max(0, int(since.total_seconds() // SECONDS_A_DAY))
    left = allowed - days
    if error.since is not None:  # the date is wrong, or the seat was off so long: nobody knows which
        left = min(left, GRACE_DAYS - max(0, (now - error.since).days))
    if left <= 0:
        text = _over(error, now, days, allowed)
        return Lease(LeaseState.OVER, evidence, days, 0, allowed, text, brief="离线期限已过，只读")
    if error.whole > APART:
        return Lease(
            LeaseState.WARN, evidence, days, left, allowed, _ahead(error, now, left), brief="请校准电脑日期"
        )
    if left <= warn_days:
        text = f"已 {days} 天没有与中心联系，{left} 天后本机将变为只读；请尽快同步或用介质交换一次。"
        return Lease(LeaseState.WARN, evidence, days, left, allowed, text, brief=f"{left} 天后变为只读")
    if since < -APART:
        text = f"电脑日期早于中心最近一次签名（{evidence[:10]}），各种期限会算错，请先校准日期和时间。"
        return Lease(LeaseState.WARN, evidence, days, left, allowed, text, brief="请校准电脑日期")
    return Lease(LeaseState.GOOD, evidence, days, left, allowed)


_EXCHANGE = "同步一次，或导出一次并导入中心的回件"


def _over(error: Error, now: datetime, days: int, allowed: int) -> str:
    """Why nothing can be entered, and every way back."""
    read_only = f"本机暂为只读，仍可导出，数据都在。{_EXCHANGE}，即可恢复"
    if error.since is not None and days < allowed:
        why = f"{_jump(error)}，此后 {GRACE_DAYS} 天没有与中心交换"
    else:
        why = f"按电脑日期（{now:%Y-%m-%d}），已 {days} 天没有与中心联系，离线期限为 {allowed} 天"
    return f"{why}：{read_only}；日期不对的请校准，马上恢复。"


def _ahead(error: Error, now: datetime, left: int) -> str:
    """A wrong date is told; it takes nobody's work away."""
    if error.since is not None:
        return (
            f"{_jump(error)}：若日期不对请校准日期；若确实停用了这么久，请{_EXCHANGE}"
            f"（{left} 天后本机将变为只读）。"
        )
    ahead = round(error.known.total_seconds() / 86_400)
    wrong = f"与中心的签名相比，电脑日期（{now:%Y-%m-%d}）快了约 {ahead} 天"
    return f"{wrong}，各种期限会算错，请校准日期；离线期限已按中心的时间计算，不受影响。"


def _jump(error: Error) -> str:
    return f"电脑日期从 {error.before:%Y-%m-%d} 跳到 {error.since:%Y-%m-%d}（{error.leapt.days} 天）"


__all__ = ["LEASE_DAYS", "Lease", "LeaseState", "standing"]
