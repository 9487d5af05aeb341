"""``import``, ``admit``: packages that came as files."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.shelf import FileShelf, volume_bytes
from server_stub.cli.terminal import codes_known, opened
from server_stub.diary import MEDIA
from server_stub.receipts import EMPTY
from shared import gaps
from shared.errors import InputError, why
from sync.layout import Kind


def register(commands: Commands) -> None:
    """The commands of this module."""
    for name, words in (
        ("import", "处理一个交换包文件，写出应答"), ("admit", "处理一个登记申请文件，写出批复"),
    ):  # fmt: skip
        take = commands.add(name, _import, words)
        take.add_argument("package", help="收到的文件（.yzp）")
        take.add_argument("--answer", required=True, help="应答写到哪个文件")
        take.add_argument(
            "--volume-size", type=int, default=0, metavar="MB",
            help="每卷最多多少 MB；首批数据装不下一卷时分卷，默认约 3,700",
        )  # fmt: skip


def _import(parsed: argparse.Namespace) -> None:
    answer, package = Path(parsed.answer), Path(parsed.package)
    if package.exists() and not package.is_file():
        raise InputError(f"“{package}”不是文件。", "请写明收到的文件（.yzp）的路径。")
    shelf = FileShelf(answer, volume_bytes(parsed.volume_size))
    with opened(parsed) as hub, contextlib.ExitStack() as files:
        codes = codes_known(hub)
        try:
            stream = files.enter_context(package.open("rb"))
            files.callback(shelf.drop)
            folder = package.absolute().parent
            handled = hub.handle(stream, shelf.open(1), shelf, carrier=MEDIA, folder=folder)
            written = shelf.finish()
        except OSError as bad:
            raise InputError(
                f"“{bad.filename or answer}”不能使用（{why(bad)}）。", "请检查路径、权限和剩余空间。"
            ) from None
    if handled.verified.core.kind is Kind.ENROL_REQUEST:
        print("已登记设备。")
    else:
        intake = handled.intake
        result = "没有变更" if intake.outcome == EMPTY else codes.name("交换结果", intake.outcome)
        print(f"已处理：{len(intake.sets)} 个变更集，{intake.changes} 条变更，{result}")
        if handled.pieces.anything:
            print(handled.pieces.words)
        for one in intake.sets:
            if one.reason:
                print(f"第 {gaps.said([(one.first, one.last)])} 条：{one.reason}")
        for beside in handled.beside:
            print(beside.words)
    if len(written) == 1:
        print(f"应答写在 {answer}")
        return
    print(f"应答含首批数据，分为 {len(written)} 卷；每卷都要带到，导入的先后不限：")
    for path, volume in zip(written, handled.volumes, strict=True):
        print(f"{path}　{volume.size / 1_000_000:,.1f} MB　指纹 {volume.fingerprint_text}")
