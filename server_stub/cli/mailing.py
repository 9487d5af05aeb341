"""``export``: the hub's packages for a bureau or a device, without one that came in."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import bureau_of, opened
from server_stub.hub import Hub
from server_stub.postal import Recipient
from sync import package
from sync.media import write_safely


def register(commands: Commands) -> None:
    """The commands of this module."""
    export = commands.add("export", _export, "为单位或席位制作下发包（回执、下发数据），不需要先有来包")
    whom = export.add_mutually_exclusive_group(required=True)
    whom.add_argument("--bureau", help="单位代码：该单位所有在用的席位合用一个包")
    whom.add_argument("--device", help="设备号，见 status")
    export.add_argument("--to", required=True, type=Path, help="介质上的文件夹")
    export.add_argument(
        "--limit", type=int, default=512, metavar="MB",
        help="首批数据和附件一次最多带多少 MB（0 = 都不带），先带对方缺的，下次接着带；默认 512",
    )  # fmt: skip


def _export(parsed: argparse.Namespace) -> None:
    with opened(parsed) as hub:
        bureau = bureau_of(hub, parsed.bureau) if parsed.bureau else ""
        groups = hub.mail.recipients(bureau=bureau, device=parsed.device or "")
        with tempfile.TemporaryDirectory(dir=hub.data) as spool:
            for group in groups:
                _one_group(hub, group, Path(spool), parsed.to, parsed.bureau or "", parsed.limit << 20)
    print("已写入并回读核对，可以拔出介质。介质丢失不要紧：再执行一次即可。")


def _one_group(
    hub: Hub, group: list[Recipient], spool: Path, folder: Path, code: str, limit: int
) -> None:
    for one in group:
        when = one.asked.at[:16].replace("T", " ")
        begun = bool(one.asked.ask.cursors)  # an enrolment asks without having anything
        known = f"从它 {when} 告知的进度起" if begun else "从头下发（它还没有收到过数据）"
        print(f"席位 {one.name or one.device.device}：{known}")
    for draft, posted in hub.export(group, spool, limit):
        tail = posted.sealed.fingerprint.hex()[:8]
        plain = "".join(c for c in code if c.isascii() and c.isalnum())[:32] or group[0].device.device[-8:]
        names = (f"驿站-中心下发-{code or plain}-{tail}.yzp", f"yizhan-mail-{plain}-{tail}.yzp")
        path = write_safely(
            draft, folder, names, lambda s: package.verify(s, hub.own, hub.keys.hub_id), lambda *_: None
        )
        draft.unlink()
        sealed = posted.sealed
        print(f"{path}\n指纹 {sealed.fingerprint_text}，{sealed.size:,} 字节，{len(group)} 个接收席位")
