"""``bureau``, ``user``, ``revoke``: who may take part."""

from __future__ import annotations

import argparse

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import codes_known, every, opened, print_table, states
from server_stub.lists import put
from shared.access import HUB_ACTOR
from shared.errors import InputError
from shared.filters import Filter, Op
from shared.store import audit


def register(commands: Commands) -> None:
    """The commands of this module."""
    bureaus = commands.group("bureau", "单位名录")
    bureaus.add("list", _bureau_list, "列出单位")
    bureau = bureaus.add("add", _bureau_add, "登记或更新单位")
    bureau.add_argument("code", help="单位代码")
    bureau.add_argument("name", help="单位名称")
    bureau.add_argument("--division", required=True, help="行政区划代码，如 310113")
    above = bureau.add_mutually_exclusive_group()
    above.add_argument("--parent", help="上级单位代码；不写就不改动")
    above.add_argument("--no-parent", action="store_true", help="没有上级单位；原来有的去掉")
    users = commands.group("user", "账号")
    users.add("list", _user_list, "列出账号")
    for name, state, words in (("freeze", "frozen", "冻结账号"), ("thaw", "active", "恢复账号")):
        step = users.add(name, _user_state, words)
        step.set_defaults(state=state)
        step.add_argument("account", help="登录账号")
    revoke = commands.add("revoke", _revoke, "吊销设备")
    revoke.add_argument("device", help="设备号，见 status")
    revoke.add_argument("--reason", required=True, help="吊销原因")


def _bureau_add(parsed: argparse.Namespace) -> None:
    row = {"code": parsed.code, "name": parsed.name, "division": parsed.division}
    row |= {"parent": parsed.parent} if parsed.parent else {}
    clear = ["parent"] if parsed.no_parent or parsed.parent == "" else []
    with opened(parsed) as hub:
        done = put(hub.store, "bureau", [row], codes_known(hub), note=("bureau", parsed.code), clear=clear)
    print("已登记。" if done.added else "已更新。" if done.changed else "没有变化。")


def _bureau_list(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        rows = every(hub, "bureau", Filter(order="code"))
    names = {r["id"]: str(r["name"]) for r in rows}
    print_table(
        ["代码", "名称", "行政区划", "上级"],
        ([str(r["code"]), str(r["name"]), str(r["division"]), names.get(r["parent"], "")] for r in rows),
    )


def _user_list(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        rows = every(hub, "user", Filter(order="account"))
        bureaus = {r["id"]: str(r["name"]) for r in every(hub, "bureau", Filter())}
        titles = {s.name: s.title for s in states(hub, "user")}
        codes = codes_known(hub)
    print_table(
        ["账号", "姓名", "单位", "角色", "状态"],
        (
            [
                str(r["account"]), str(r["name"]), bureaus.get(r["bureau"], ""),
                "、".join(codes.name("用户角色", c) for c in str(r["roles"]).split(",")),
                titles.get(str(r["state"]), str(r["state"])),
            ]
            for r in rows
        ),
    )  # fmt: skip


def _user_state(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        found = every(hub, "user", Filter().where("account", Op.EQ, parsed.account))
        if not found:
            raise InputError(f"没有账号“{parsed.account}”。", "请用 yizhan-hub user list 查看。")
        with hub.store.unit(HUB_ACTOR) as unit:
            unit.update(hub.store.types["user"], found[0]["id"], {"state": parsed.state})
            detail = f"{found[0]['id']} {parsed.state}"
            audit.note(unit.connection, hub.clock.stamp(), HUB_ACTOR.user, "user_state", detail)
    print(f"账号“{parsed.account}”{'已冻结' if parsed.state == 'frozen' else '已恢复'}；设备同步后生效。")


def _revoke(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        hub.ledger.revoke(parsed.device, parsed.reason)
    print("设备已吊销：此前已接受的内容继续有效，以后再到的隔离待审。")
