"""``invite``: one-time codes, issued, listed, cancelled."""

from __future__ import annotations

import argparse
from pathlib import Path

from server_stub import slips
from server_stub.cli.commands import Commands
from server_stub.cli.terminal import codes_known, opened, print_table
from server_stub.invitations import NAME_SHOWN, cancel, issued
from shared.errors import InputError

_STATES = {"open": "未使用", "used": "已使用", "cancelled": "已作废", "expired": "已过期"}


def register(commands: Commands) -> None:
    """The commands of this module."""
    invite = commands.add("invite", _invite, "签发一次性登记码；invite list 列出，--cancel 作废")
    invite.add_argument("what", nargs="?", choices=["list"], help="列出签发过的登记码")
    invite.add_argument("--cancel", metavar="编号或账号", help="作废一个尚未使用的登记码")
    invite.add_argument("--bureau", help="单位代码；已有的账号可以不写")
    invite.add_argument("--account", help="登录账号")
    invite.add_argument("--name", help="姓名；已有的账号不写")
    invite.add_argument(
        "--role", action="append", choices=["officer", "bureau_admin", "hub_admin"],
        help="角色，可写多次；已有的账号不写",
    )
    invite.add_argument(
        "--slip", type=Path, metavar="文件", help="另存一张登记码条（HTML），打印后当面交给本人"
    )


def _invite(parsed: argparse.Namespace) -> None:
    if (parsed.what or parsed.cancel) and (parsed.account or parsed.bureau or parsed.name or parsed.role):
        raise InputError("签发登记码和列出、作废不能同时进行。", "用法见 yizhan-hub invite --help。")
    if parsed.what and parsed.cancel:
        raise InputError("列出和作废请分两次执行。", "先用 invite list 查看编号，再用 invite --cancel 编号。")
    if parsed.what == "list":
        _list(parsed)
    elif parsed.cancel:
        with opened(parsed) as hub:
            done = cancel(hub.store, parsed.cancel)
        print(f"已作废：{done.person}（{done.account}）的登记码 {done.name[:NAME_SHOWN]}。")
    else:
        _issue(parsed)


def _issue(parsed: argparse.Namespace) -> None:
    from server_stub.enrolment import VALID_DAYS
    from server_stub.invitees import settle

    if not parsed.account:
        raise InputError("签发登记码要写明 --account。", "用法见 yizhan-hub invite --help。")
    if parsed.slip is not None:
        slips.check_place(parsed.slip)
    with opened(parsed) as hub:
        said = (parsed.bureau or "", parsed.name or "", parsed.role or ())
        one = settle(hub.store, codes_known(hub), parsed.account, *said)
        code = hub.enrolment.invite(one.person)
        name, at = hub.keys.name, hub.clock.stamp()
    who = [("姓名", one.person.name), ("账号", parsed.account), ("单位代码", one.seat.code), ("中心", name)]
    if one.known:
        further = f"账号 {parsed.account} 已是 {one.home.name} 的 {one.person.name}"
        who.append(("说明", f"{further}，这是本人在 {one.seat.name} 的又一个席位"))
        print(f"{further}；这是本人的又一个席位，放在 {one.seat.name}，姓名和角色不变。")
    print(f"登记码（{VALID_DAYS} 天内用一次）：{code.shown()}")
    if parsed.slip is not None:
        slips.write_slip(parsed.slip, slips.invite_slip(code.shown(), VALID_DAYS, who, at))
        print(f"登记码条写在 {parsed.slip}；请用浏览器打印，打印后删除这个文件。")


def _list(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        found = issued(hub.store)
    print_table(
        ["编号", "账号", "姓名", "单位", "签发", "有效期至", "状态"],
        (
            [
                one.name[:NAME_SHOWN], one.account, one.person, one.bureau, one.issued_at[:10],
                one.expires_at[:10], _STATES[one.state],
            ]
            for one in found
        ),
    )  # fmt: skip
