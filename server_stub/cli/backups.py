"""``backup``, ``restore``, ``verify``: what keeps the hub's data through a disaster."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from server_stub import backup, backup_file
from server_stub.backup import Restored, Verified
from server_stub.backup_contents import FOLDER, SUFFIX, beside, prune
from server_stub.backup_file import BackupDamaged
from server_stub.backup_opening import finished
from server_stub.cli.commands import Commands
from server_stub.cli.terminal import opened, passphrase, print_table, url_of
from server_stub.content_care import (
    ARCHIVED,
    ASKED,
    BROUGHT,
    DAMAGED,
    FOUND,
    MISSING,
    ContentsDamaged,
    care,
)
from server_stub.content_folder import ContentFolder
from server_stub.migrate import hub_of
from server_stub.sweeping import sweep
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.errors import InputError, StoreError
from shared.store import audit
from shared.store.database import storage_errors
from shared.store.migrate import HEAD, revision_of

_WHAT = {DAMAGED: "已损坏", MISSING: "已丢失"}
_DONE = {FOUND: "未处理", BROUGHT: "已从备份取回", ASKED: "向设备索取", ARCHIVED: "已归档过，只能从备份取回"}


def register(commands: Commands) -> None:
    """The commands of this module."""
    make = commands.add("backup", _backup, "备份中心并打开核对；服务照常运行")
    make.add_argument("to", metavar="TO", help=f"已有的文件夹，或备份文件的名称（{SUFFIX}）")
    make.add_argument(
        "--prune", action="store_true", help="再清理该文件夹中不再被任何备份引用的附件内容",
    )  # fmt: skip
    back = commands.add("restore", _restore, "从备份恢复中心；先停止服务")
    back.add_argument("source", metavar="FROM", type=Path, help="备份文件")
    _contents(back)
    check = commands.add("verify", _verify, "打开一份备份逐项核对；--live 核对中心自己的附件内容")
    check.add_argument(
        "source", metavar="FROM", type=Path, nargs="?", help="备份文件；用 --live 时从它取回完好的附件内容"
    )
    check.add_argument(
        "--live", action="store_true", help="核对中心自己的附件内容，服务照常运行；不写 FROM 只报告"
    )
    check.add_argument(
        "--ask", action="store_true", help="用 --live 时：取不回、也从未进过备份的，向还有原件的设备索取"
    )
    check.add_argument("--quick", action="store_true", help="附件内容只核对大小，不重算校验值")
    _contents(check)


def _contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--contents", type=Path, help=f"附件内容所在的文件夹；缺省为备份文件旁边的 {FOLDER}"
    )


def _backup(parsed: argparse.Namespace) -> None:
    if not parsed.to.strip():
        raise InputError("没有写明备份到哪里。", "请写出备份文件夹，例如 yizhan-hub backup /backup。")
    with opened(parsed) as hub:
        target, verified = backup.make(hub, Path(parsed.to), lambda text: print(text, flush=True))
    print(f"备份已核验：{target}")
    _tell(verified)
    contents = verified.contents
    if contents is not None and contents.lost:
        print(
            f"附件内容缺 {len(contents.lost):,} 个（{contents.lost_words}）："
            "中心里已丢失或损坏，将向设备重新索取"
        )
    for name, (files, size) in _beside(verified.manifest.others).items():
        print(f"未包含在内，请另行保存：{name}（{files:,} 个文件，{size:,} 字节）")
    with opened(parsed) as hub:
        swept = sweep(hub.store, hub.pieces)
    if swept.anything:
        print(
            f"已清理中心里不再有记录引用的附件内容 {swept.contents:,} 个（{swept.size:,} 字节）、"
            f"久未传完的附件片 {swept.pieces:,} 片"
        )
    if parsed.prune:
        gone = prune(target.parent)
        print(f"已清理不再被任何备份引用的附件内容 {len(gone.lost):,} 个")
    print(f"请把整个备份文件夹（连同其中的 {FOLDER}）存到另一台机器上，并与密钥口令分开保管。")


def _verify(parsed: argparse.Namespace) -> None:
    if parsed.live:
        _care(parsed)
        return
    if parsed.source is None:
        raise InputError(
            "没有写明核对哪一份备份。", "请写出备份文件；核对中心自己的附件内容用 verify --live。"
        )
    if parsed.ask:
        raise InputError("--ask 要与 --live 一起使用。", "用法见 yizhan-hub verify --help。")
    verified = backup.verify(
        parsed.source, passphrase(parsed), data=parsed.data, contents=parsed.contents, quick=parsed.quick
    )
    _note(parsed, verified)
    contents = verified.contents
    if contents is not None and contents.lost:
        _tell(verified)
        raise BackupDamaged(
            f"备份文件完好，但附件内容缺少或损坏 {len(contents.lost):,} 个：{contents.lost_words}。",
            f"请找回备份时的 {FOLDER} 文件夹；仍可用这份备份恢复，缺的附件由各单位的设备重新上传。",
        )
    print(f"备份完好：{parsed.source}")
    _tell(verified)


def _care(parsed: argparse.Namespace) -> None:
    source: Path | None = parsed.source
    if source is not None:
        finished(source)
        if not source.is_file():
            raise InputError(f"找不到备份文件“{source}”。", "请检查路径和磁盘是否已挂载；没有改动任何内容。")
    where: Path | None = parsed.contents or (beside(source).folder if source is not None else None)
    shelf = ContentFolder(where) if where is not None else None
    with opened(parsed) as hub:
        done = care(
            hub.store, hub.pieces, shelf, lambda text: print(text, flush=True), quick=parsed.quick,
            ask=parsed.ask,
        )  # fmt: skip
    print(f"已核对中心的附件内容 {done.checked:,} 个（{done.size:,} 字节）")
    if not done.ill:
        print("全部完好。")
        return
    print_table(
        ["附件内容", "大小", "单位", "情况", "处理"],
        (
            [
                one.content.sha256[:16], f"{one.content.size:,}", "、".join(one.bureaus) or "（记录已作废）",
                _WHAT[one.what], _DONE[one.done],
            ]
            for one in done.ill
        ),
    )  # fmt: skip
    brought, asked = done.count(BROUGHT), done.count(ASKED)
    if brought:
        print(f"已从备份取回 {brought:,} 个。")
    if asked:
        print(f"{asked:,} 个在下一次同步或介质交换时，向还有原件的设备索取。")
    if left := len(done.ill) - brought - asked:
        raise ContentsDamaged(
            f"中心还有 {left:,} 个附件内容损坏或丢失。",
            what_to_type(done.count(ARCHIVED), done.count(FOUND), source),
        )


def what_to_type(archived: int, never: int, source: Path | None) -> str:
    """The way on: what a backup has is taken from one, the devices are asked for the rest.

    :param archived: how many were in a verified backup, so that devices do not offer them any more.
    """
    another = "另一份备份文件" if source is not None else "备份文件"
    ways = []
    if archived:
        ways.append(
            f"{archived:,} 个进过备份，请从备份取回：yizhan-hub verify --live {another}；"
            "各份备份都没有的，请原录入单位重新添加"
        )
    if never:
        tail = f" {source}" if source is not None else ""
        ways.append(f"{never:,} 个从未进过备份，请向设备索取：yizhan-hub verify --live{tail} --ask")
    return "；".join(ways) + "。"


def _restore(parsed: argparse.Namespace) -> None:
    done = backup.restore(
        parsed.source, url_of(parsed), parsed.data, passphrase(parsed), contents=parsed.contents
    )
    print(f"已从备份恢复：{done.verified.manifest.made_at}")
    _tell(done.verified)
    _tell_contents(done)
    _tell_keys(done)
    if done.aside:
        print(f"恢复前的数据另存在：{done.aside}")
    print("现在可以启动服务。各单位照常同步或用介质交换，备份之后的数据会自动重新上报。")
    print("备份之后登记的设备请重新发登记码；备份之后办理的吊销请重新办理：")
    print("管理员的席位以前知道的，同步后列在“同步日志 › 单位与席位”，可以一次重新吊销。")


def _tell_contents(done: Restored) -> None:
    contents = done.contents
    print(f"附件内容 {len(contents.here) + done.adopted:,} 个已就位，其中从备份取回 {contents.new:,} 个")
    if contents.lost:
        print(
            f"附件内容缺少或损坏 {len(contents.lost):,} 个（{contents.lost_words}），"
            "还有原件的设备在下一次同步或介质交换时自动重新上传"
        )


def _tell_keys(done: Restored) -> None:
    """Which keys the hub goes on with, where there was a choice."""
    archived, chosen = done.verified.manifest.key_version, done.keys
    version = chosen.keys.version
    if chosen.present is not None and chosen.source is not None:
        print(f"数据文件夹里的 hub.key 较旧，已另存；换用了较新的一份（第 {version} 次更换）")
    elif version > archived:
        print(f"备份里的 hub.key 较旧，没有使用；沿用较新的一份（第 {version} 次更换）")


def _note(parsed: argparse.Namespace, verified: Verified) -> None:
    """Into the audit chain of the hub the backup is of, where that hub stands here and can be opened."""
    detail = f"{verified.manifest.made_at} {verified.fingerprint[:16]}"
    # A backup is also verified because the hub's own database is gone: that must not stop it.
    with contextlib.suppress(StoreError), contextlib.ExitStack() as open_now, storage_errors():
        database = backup.open_hub_address(url_of(parsed)) if (parsed.data / "hub.key").exists() else None
        if database is None:
            return
        open_now.callback(database.close)
        with database.reader.connect() as connection:
            stands = revision_of(connection) == HEAD
        if stands and hub_of(database) == verified.manifest.hub_id:
            with database.writer.begin() as connection:
                audit.note(connection, Clock().stamp(), HUB_ACTOR.user, "backup_checked", detail)


def _beside(others: dict[str, int]) -> dict[str, tuple[int, int]]:
    """What lies beside the database, by folder: how many files, how many bytes."""
    found: dict[str, tuple[int, int]] = {}
    for path, size in others.items():
        top = path.split("/")[0]
        files, total = found.get(top, (0, 0))
        found[top] = files + 1, total + size
    return found


def _tell(verified: Verified) -> None:
    manifest, found = verified.manifest, verified.found
    print(f"中心：{manifest.hub_name}  {manifest.hub_id}")
    print(f"时间：{manifest.made_at}  大小：{verified.size:,} 字节  指纹：{verified.fingerprint[:16]}")
    print(
        f"数据流 {found['streams']} 个、变更 {found['changes']:,} 条、"
        f"设备变更集 {found['sets']:,} 个、回执 {found['receipts']:,} 份，链和签名都完好"
    )
    contents = verified.contents
    if contents is None:
        if manifest.v < backup_file.VERSION:
            print("这份备份由较早的版本制作，不含附件内容")
    else:
        more = f"，本次新存 {contents.new:,} 个（{contents.new_bytes:,} 字节）" if contents.new else ""
        print(f"附件内容 {len(contents.here):,} 个（{contents.size:,} 字节）{more}")
