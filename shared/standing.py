"""Where a record stands on its way to the hub (product.md, promise 1)."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """The word shown beside every record."""

    DRAFT = "草稿"
    PENDING = "待同步"
    SEALED = "已封装"
    APPLIED = "已入库"
    ARCHIVED = "已归档"
    CONFLICT = "有冲突"
    PARKED = "待前序"
    QUARANTINED = "隔离待审"
    REJECTED = "已退回"
