"""Words for what the exchange calls by code names, and short texts for times."""

from __future__ import annotations

NOTHING = "—"

CARRIERS = {"network": "网络", "media": "介质"}
DIRECTIONS = {"up": "上报", "down": "接收", "both": "上报和接收", "courier": "代为转交"}
ATTEMPTS = {"done": ("成功", "good"), "failed": ("失败", "bad"), "cancelled": ("已取消", "off")}
KINDS = {
    "changes": "上报变更",
    "answer": "回执与下发",
    "snapshot": "首次装载数据",
    "enrol_request": "设备登记申请",
    "enrol_grant": "设备登记批复",
    "trust": "信任名单",
    "attachments": "附件",
}
OUTCOMES = {
    "applied": ("已入库", "good"),
    "partial": ("部分入库", "wait"),
    "parked": ("待前序", "wait"),
    "quarantined": ("隔离待审", "bad"),
    "conflicted": ("有冲突", "bad"),
    "rejected": ("已退回", "bad"),
    "duplicate": ("重复到达", "off"),
    "refused": ("已拒绝", "bad"),
    "interrupted": ("传输中断", "bad"),
    "enrolled": ("设备登记", "good"),
    "empty": ("仅取回下发", "off"),
    "posted": ("已下发", "good"),
}


def moment(stamp: str | None, *, seconds: bool = False) -> str:
    """An ISO time as people read it; a dash for none."""
    return stamp[: 19 if seconds else 16].replace("T", " ") if stamp else NOTHING


def grouped(fingerprint: str) -> str:
    """A hexadecimal fingerprint in the four groups of four that stand on paper."""
    digits = fingerprint.upper()
    return " ".join(digits[at : at + 4] for at in range(0, min(16, len(digits)), 4)) or NOTHING


def took(milliseconds: int | None) -> str:
    """A duration as people read it."""
    if milliseconds is None:
        return NOTHING
    return f"{milliseconds:,} 毫秒" if milliseconds < 1000 else f"{milliseconds / 1000:,.1f} 秒"
