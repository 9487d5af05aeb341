"""``audit``: what was done at the hub, and whether all its evidence is whole."""

from __future__ import annotations

import argparse

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import opened, print_table, rows_of
from server_stub.hub import Hub
from server_stub.tokens import ACTOR as TOKEN
from shared.errors import EvidenceBroken
from shared.store import audit


def register(commands: Commands) -> None:
    """The commands of this module."""
    group = commands.group("audit", "中心的审计记录和全部证据链")
    shown = group.add("list", _list, "列出最近的行为，新的在前")
    shown.add_argument("--limit", type=int, default=50)
    shown.add_argument(
        "--event", default="", choices=[*audit.TITLES], metavar="EVENT", help="只看一种行为"
    )
    group.add("check", _check, "核验审计链、各数据流、各设备的变更集签名和回执；不完整时退出码为 1")


def _list(parsed: argparse.Namespace) -> None:
    limit = rows_of(parsed)
    with opened(parsed) as hub:
        with hub.store.read() as connection:
            found = audit.latest(connection, limit, event=parsed.event)
        names = _names(hub, {one.who for one in found})
    print_table(
        ["序号", "时间", "人员", "行为", "内容"],
        (
            [
                str(one.no), one.at[:19].replace("T", " "), names.get(one.who, one.who),
                audit.TITLES.get(one.event, one.event), one.detail,
            ]
            for one in found
        ),
    )  # fmt: skip


def _check(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        found = hub.proofs.run(lambda title: print(f"正在核验{title}…", flush=True))
    print_table(
        ["核验内容", "已核验", "结论", "说明"],
        (
            [one.title, f"{one.count:,}", "有问题" if one.trouble else "完整", one.trouble]
            for one in found.proofs
        ),
    )
    if found.words:
        raise EvidenceBroken(
            "中心的证据链不完整。", "请保留现场：停止服务，另存数据文件夹，再从核验完好的备份恢复。"
        )
    print("核验通过：没有改动、缺失或截断。")


def _names(hub: Hub, accounts: set[str]) -> dict[str, str]:
    from server_stub.people import People

    with hub.store.read() as connection:
        people = People(connection)
        return {
            one: f"令牌 {one[len(TOKEN) :]}" if one.startswith(TOKEN) else people.find(one)[0] or one
            for one in accounts
        }
