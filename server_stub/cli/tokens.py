"""``token``: who may read the hub's state over HTTP."""

from __future__ import annotations

import argparse

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import every, opened, print_table
from server_stub.tokens import DAYS, Tokens
from shared.filters import Filter

_STATES = {"active": "使用中", "revoked": "已吊销", "expired": "已过期"}


def register(commands: Commands) -> None:
    """The commands of this module."""
    group = commands.group("token", "管理接口的只读令牌")
    add = group.add("add", _add, "签发令牌；只显示这一次")
    add.add_argument("name", help="名称，如 monitoring")
    add.add_argument("--days", type=int, default=DAYS, help="有效多少天（缺省 %(default)s）")
    add.add_argument("--bureau", default="", help="只能查看这个单位（代码）及其下级；缺省为全部")
    group.add("list", _list, "列出令牌和最近使用的时间")
    end = group.add("revoke", _revoke, "吊销令牌")
    end.add_argument("name", help="名称，见 token list")


def _add(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        bureau = hub.store.types["bureau"].id_for_key(parsed.bureau) if parsed.bureau else ""
        text = Tokens(hub.store).add(parsed.name, parsed.days, bureau)
    print(f"令牌（{parsed.days} 天有效，只显示这一次）：{text}")
    print("请求时放在 Authorization: Bearer 里，只通过 HTTPS 使用。")


def _list(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        found = Tokens(hub.store).every()
        bureaus = {r["id"]: str(r["name"]) for r in every(hub, "bureau", Filter())}
    print_table(
        ["名称", "可查看", "签发", "有效期至", "最近使用", "状态"],
        (
            [one.name, bureaus.get(one.bureau, one.bureau) or "全部", one.made_at[:10], one.expires_at[:10],
             one.used_at[:16].replace("T", " "), _STATES[one.state]]
            for one in found
        ),
    )  # fmt: skip


def _revoke(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        Tokens(hub.store).revoke(parsed.name)
    print(f"令牌“{parsed.name}”已吊销，立即失效。")
