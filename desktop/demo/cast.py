"""Who plays: the accounts of the demonstration, their bureaus, their passwords."""

from __future__ import annotations

from dataclasses import dataclass

CENTRE, BUREAU_A, BUREAU_B = "BS00", "BS01", "BS02"
ENTITIES = 20_000


@dataclass(frozen=True, slots=True)
class Player:
    """One person of the demonstration with an installation of their own."""

    account: str
    name: str
    bureau: str
    roles: tuple[str, ...]
    password: str
    words: str
    label: str


CHEN = Player(
    "chenmin", "陈敏", BUREAU_A, ("officer", "bureau_admin"), "Yizhan-2026-A",
    "宝山区市场监督管理局 · 监管人员", "市场监管局一号机",
)  # fmt: skip
ZHOU = Player(
    "laozhou", "周国强", BUREAU_B, ("officer", "bureau_admin"), "Yizhan-2026-B",
    "宝山区文化和旅游局 · 无网络单位，用介质交换", "文旅局一号机",
)  # fmt: skip
WANG = Player(
    "wang", "王主任", CENTRE, ("hub_admin",), "Yizhan-2026-C",
    "宝山区综合监管中心 · 中心管理员", "中心管理机",
)  # fmt: skip
PLAYERS = (CHEN, ZHOU, WANG)
