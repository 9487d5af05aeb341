"""``held``: change sets that were put aside, and the decision about them."""

from __future__ import annotations

import argparse

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import codes_known, every, opened, print_table
from server_stub.review import REJECTED, RELEASED
from shared.errors import InputError
from shared.filters import Filter, Op


def register(commands: Commands) -> None:
    """The commands of this module."""
    held = commands.group("held", "隔离待审的变更集")
    held.add("list", _list, "列出待审的变更集")
    for name, state, words in (("release", RELEASED, "放行"), ("reject", REJECTED, "退回")):
        step = held.add(name, _decide, words)
        step.set_defaults(state=state)
        step.add_argument("ids", nargs="+", help="编号，见 held list；可以只写开头几位")
        step.add_argument("--note", default="", help="说明；退回时必填")


def _list(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        rows = every(hub, "held_set", Filter(order="held_at").where("state", Op.EQ, "held"))
        bureaus = {r["id"]: str(r["name"]) for r in every(hub, "bureau", Filter())}
        codes = codes_known(hub)
    print_table(
        ["编号", "单位", "填报人", "内容", "原因", "说明"],
        (
            [
                r["id"], bureaus.get(r["bureau"], ""), str(r["persons"] or ""), str(r["summary"]),
                codes.name("隔离原因", str(r["kind"])), str(r["result"] or r["reason"]),
            ]
            for r in rows
        ),
    )  # fmt: skip


def _decide(parsed: argparse.Namespace) -> None:
    if parsed.state == REJECTED and not parsed.note.strip():
        raise InputError("退回必须写明理由。", "请加上 --note。")
    with opened(parsed) as hub:
        rows = every(hub, "held_set", Filter().where("state", Op.EQ, "held"))
        for wanted in parsed.ids:
            found = [r["id"] for r in rows if r["id"].startswith(wanted)]
            if len(found) != 1:
                raise InputError(f"没有编号为“{wanted}”的待审变更集，或不止一个。", "请用 held list 查看。")
            hub.ledger.review.decide(found[0], parsed.state, parsed.note.strip())
        after = {r["id"]: r for r in every(hub, "held_set", Filter())}
        for wanted in parsed.ids:
            for one in (r for i, r in after.items() if i.startswith(wanted)):
                print(str(one["result"] or ""))
