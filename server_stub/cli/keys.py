"""``keys``, ``recovery``, ``recover``, ``lease``: the hub's keys, and the way back for a lost password."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from server_stub import key_copies, recovering, shares, slips
from server_stub import keys as hub_keys
from server_stub.answers import LEASE, lease_days
from server_stub.cli.commands import Commands
from server_stub.cli.terminal import opened, passphrase, passphrase_in, typed_secret
from server_stub.keys import HubKeys
from server_stub.shares import Holder
from shared.access import HUB_ACTOR
from shared.errors import InputError, why
from shared.store import audit
from shared.store.facts import read_text, write_number

FILES = "--share-passphrase-file"


def register(commands: Commands) -> None:
    """The commands of this module."""
    keys = commands.group("keys", "中心的密钥")
    keys.add("show", _show, "公钥和版本")
    rotate = keys.add("rotate", _rotate, "更换中心的签名密钥和封装密钥")
    rotate.add_argument(
        "--old-word-days", type=int, default=hub_keys.OLD_WORD_DAYS,
        help="设备在多少天内仍接受原密钥签过的内容（缺省 %(default)s）",
    )  # fmt: skip
    group = commands.group("recovery", "恢复密钥：忘记密码时由两人一起使用")
    init = group.add("init", _init, "生成恢复密钥，分成两份，由两人分别保管")
    _shares(init, "写到哪个文件")
    init.add_argument(
        "--slips", type=Path, metavar="文件夹", help="另存两张保管单（HTML，不含口令），打印后与介质一起封存"
    )
    recover = commands.add("recover", _recover, "两名保管人一起办理找回密码的申请")
    recover.add_argument("request", help="申请文件（.yzp）")
    _shares(recover, "所在的文件", repeated=True)
    recover.add_argument("--fingerprint", required=True, help="申请单上的指纹，用于核对")
    recover.add_argument("--answer", required=True, help="批复写到哪个文件")
    lease = commands.add("lease", _lease, "设备不与中心联系可以使用多少天")
    lease.add_argument("days", type=int, nargs="?", help="1 至 365；不写则只查看")


def _shares(parser: argparse.ArgumentParser, words: str, *, repeated: bool = False) -> None:
    if repeated:
        parser.add_argument("--share", action="append", required=True, help=f"一份恢复密钥{words}；写两次")
    else:
        parser.add_argument("--share-a", required=True, help=f"第一份{words}")
        parser.add_argument("--share-b", required=True, help=f"第二份{words}，须在另一个介质上")
    parser.add_argument(
        FILES, action="append", default=[],
        help="保管口令所在的文件，依次写两次；缺省由两人各自键入",
    )  # fmt: skip


def _show(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        keys = hub.keys
    print(f"签名公钥：{keys.sign.public.to_bytes().hex()}")
    print(f"更换次数：{len(keys.roots) - 1}")
    print(f"恢复密钥：{keys.recovery.kid if keys.recovery else '尚未启用'}")


def _rotate(parsed: argparse.Namespace) -> None:
    if not 0 <= parsed.old_word_days <= 3650:
        raise InputError("--old-word-days 应在 0 至 3650 之间。", "请修改后再试。")
    with opened(parsed) as hub:
        before = hub.keys.sign.key_id
        after = hub_keys.rotate(
            parsed.data / "hub.key", passphrase(parsed), hub.clock, old_word_days=parsed.old_word_days
        )
        with hub.store.write() as connection:
            detail = f"{before} → {after.sign.key_id}"
            audit.note(connection, hub.clock.stamp(), HUB_ACTOR.user, "hub_key", detail)
            folder = read_text(connection, key_copies.FACT)
    print(f"中心的密钥已更换：{before} → {after.sign.key_id}")
    print("设备在下一次同步或导入中心的介质时自动跟随；正在运行的服务会自动换用。")
    print(_copied(parsed.data / "hub.key", after, folder))


def _copied(path: Path, keys: HubKeys, folder: str) -> str:
    """Put the new key file beside the backups; a sentence either way."""
    if folder:
        try:
            return f"新的 hub.key 已存一份到备份文件夹：{key_copies.keep(path, keys, Path(folder))}"
        except OSError as bad:
            return f"新的 hub.key 没有存到“{folder}”（{why(bad)}）。请立即另存一份：以前的备份里没有新密钥。"
    return "请立即另存一份 hub.key：以前的备份里没有新密钥。"


def _init(parsed: argparse.Namespace) -> None:
    papers = [parsed.slips / f"恢复密钥保管单-{part}.html" for part in "AB" if parsed.slips is not None]
    for paper in papers:
        slips.check_place(paper)
    first, second = _holders(parsed, [parsed.share_a, parsed.share_b], twice=True)
    with opened(parsed) as hub:
        public = shares.write_pair(first, second, hub.keys.hub_id, hub.keys.name, hub.clock.stamp())
        after = hub_keys.announce_recovery(parsed.data / "hub.key", passphrase(parsed), hub.clock, public)
        with hub.store.write() as connection:
            audit.note(connection, hub.clock.stamp(), HUB_ACTOR.user, "recovery_key", public.kid)
            folder = read_text(connection, key_copies.FACT)
    print(f"恢复密钥已生成并启用：{public.kid}")
    print(f"第一份：{first.path}\n第二份：{second.path}")
    for paper, one, part in zip(papers, (first, second), "AB", strict=False):
        slips.write_slip(paper, slips.share_slip(one.path, part))
        print(f"保管单：{paper}")
    print(_copied(parsed.data / "hub.key", after, folder))
    print("请由两人分别保管，各自的口令不要告诉对方。设备下一次与中心联系、再登录一次后，就可以找回密码。")


def _recover(parsed: argparse.Namespace) -> None:
    if len(parsed.share) != 2:
        raise InputError("找回密码要两份恢复密钥。", "请写两次 --share，各指一份。")
    answer = Path(parsed.answer)
    draft = answer.with_name(answer.name + ".part")
    try:
        with opened(parsed) as hub, Path(parsed.request).open("rb") as stream:
            one = recovering.examine(hub, stream)
            print(f"申请人：{one.person}（{one.account}）")
            print(f"电脑：{one.bureau} {one.seat}（{one.device.device[-8:]}）")
            print(f"指纹：{one.fingerprint}")
            if "".join(parsed.fingerprint.split()).upper() != "".join(one.fingerprint.split()):
                raise InputError("申请文件与申请单上的指纹不同。", "不要办理；请核对文件和申请单。")
            first, second = _holders(parsed, parsed.share)
            with draft.open("w+b") as out:
                recovering.answer(hub, one, first, second, out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, answer)
    except OSError as bad:
        name = bad.filename or answer
        raise InputError(f"“{name}”不能使用（{why(bad)}）。", "请检查路径和权限。") from None
    finally:
        draft.unlink(missing_ok=True)
    print(f"批复写在 {answer}；请带回那台电脑，在登录页导入。")


def _lease(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        if parsed.days is not None:
            if not 1 <= parsed.days <= 365:
                raise InputError("离线期限应在 1 至 365 天之间。", "请修改后再试。")
            with hub.store.write() as connection:
                write_number(connection, LEASE, parsed.days)
                audit.note(connection, hub.clock.stamp(), HUB_ACTOR.user, "lease", f"{parsed.days} 天")
        with hub.store.read() as connection:
            days = lease_days(connection)
    print(f"设备不与中心联系可以使用 {days} 天，之后只读、仍可导出；下一次交换时生效。")


def _holders(parsed: argparse.Namespace, paths: list[str], *, twice: bool = False) -> list[Holder]:
    """Both persons with their passphrases, typed or from files."""
    files = parsed.share_passphrase_file
    if files and len(files) != 2:
        raise InputError(f"{FILES} 要写两次。", "依次对应两份恢复密钥。")
    out = []
    for at, path in enumerate(paths):
        if files:
            said = passphrase_in(files[at], FILES)
        else:
            said = typed_secret(f"第 {at + 1} 名保管人的口令（{Path(path).name}）：", FILES)
            if twice and typed_secret("再输一遍：", FILES) != said:
                raise InputError("两次输入的口令不同。", "请重新执行。")
        out.append(Holder(Path(path), said))
    return out
