"""``backup``, ``restore``, ``verify``: what keeps the hub's data through a disaster."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from server_stub import backup
from server_stub.backup import Verified
from server_stub.cli.commands import Commands
from server_stub.cli.terminal import opened, passphrase, url_of
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.errors import StoreError
from shared.store import audit
from shared.store.database import storage_errors
from shared.store.migrate import HEAD, revision_of


def register(commands: Commands) -> None:
    """The commands of this module."""
    make = commands.add("backup", _backup, "备份中心并打开核对；服务照常运行")
    make.add_argument("to", metavar="TO", type=Path, help="文件夹，或备份文件的名称")
    back = commands.add("restore", _restore, "从备份恢复中心；先停止服务")
    back.add_argument("source", metavar="FROM", type=Path, help="备份文件")
    check = commands.add("verify", _verify, "打开一份备份逐项核对，不改动业务数据")
    check.add_argument("source", metavar="FROM", type=Path, help="备份文件")


def _backup(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        target, verified = backup.make(hub, parsed.to, lambda text: print(text, flush=True))
    print(f"备份已核验：{target}")
    _tell(verified)
    for name, (files, size) in _beside(verified.manifest.others).items():
        print(f"未包含在内，请另行保存：{name}（{files:,} 个文件，{size:,} 字节）")
    print("请把备份存到另一台机器上，并与密钥口令分开保管。")


def _verify(parsed: argparse.Namespace) -> None:
    verified = backup.verify(parsed.source, passphrase(parsed), data=parsed.data)
    _note(parsed, verified)
    print(f"备份完好：{parsed.source}")
    _tell(verified)


def _restore(parsed: argparse.Namespace) -> None:
    done = backup.restore(parsed.source, url_of(parsed), parsed.data, passphrase(parsed))
    print(f"已从备份恢复：{done.verified.manifest.made_at}")
    _tell(done.verified)
    if done.aside:
        print(f"恢复前的数据另存在：{done.aside}")
    print("现在可以启动服务。各单位照常同步或用介质交换，备份之后的数据会自动重新上报。")
    print("备份之后登记的设备请重新发登记码；备份之后办理的吊销请重新办理。")


def _note(parsed: argparse.Namespace, verified: Verified) -> None:
    """Into the audit chain of the hub the backup is of, where that hub stands here and can be opened."""
    database = backup.open_hub_address(url_of(parsed)) if (parsed.data / "hub.key").exists() else None
    if database is None:
        return
    detail = f"{verified.manifest.made_at} {verified.fingerprint[:16]}"
    # A backup is also verified because the hub's own database is gone: that must not stop it.
    with contextlib.closing(database), contextlib.suppress(StoreError), storage_errors():
        with database.reader.connect() as connection:
            stands = revision_of(connection) == HEAD
        if stands:
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
