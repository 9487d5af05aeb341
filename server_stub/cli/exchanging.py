"""``import``, ``admit``: packages that came as files."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import codes_known, opened
from server_stub.diary import MEDIA
from server_stub.ledger import EMPTY
from shared.errors import InputError
from sync.layout import Kind


def register(commands: Commands) -> None:
    """The commands of this module."""
    for name, words in (
        ("import", "处理一个交换包文件，写出应答"), ("admit", "处理一个登记申请文件，写出批复"),
    ):  # fmt: skip
        take = commands.add(name, _import, words)
        take.add_argument("package", help="收到的文件（.yzp）")
        take.add_argument("--answer", required=True, help="应答写到哪个文件")


def _import(parsed: argparse.Namespace) -> None:
    answer = Path(parsed.answer)
    draft = answer.with_name(answer.name + ".part")
    with opened(parsed) as hub, contextlib.ExitStack() as files:
        codes = codes_known(hub)
        try:
            stream = files.enter_context(Path(parsed.package).open("rb"))
            out = files.enter_context(draft.open("w+b"))
            files.callback(draft.unlink, missing_ok=True)
            handled = hub.handle(stream, out, carrier=MEDIA)
            out.flush()
            os.fsync(out.fileno())
            os.replace(draft, answer)
        except OSError as bad:
            raise InputError(
                f"“{bad.filename or answer}”不能使用（{bad.strerror}）。", "请检查路径、权限和剩余空间。"
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
                print(f"第 {one.first} 至 {one.last} 条：{one.reason}")
    print(f"应答写在 {answer}")
