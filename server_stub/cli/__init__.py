"""``yizhan-hub``: the hub from the command line. Exit codes: 0 well, 1 refused, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from server_stub.cli import (
    auditing,
    backups,
    exchanging,
    held,
    invitations,
    keys,
    loading,
    logs,
    mailing,
    people,
    serving,
    tokens,
)
from server_stub.cli.commands import Commands
from server_stub.cli.speaking import Speaking
from server_stub.cli.terminal import PASSPHRASE
from shared.errors import YizhanError

MODULES = (
    serving, people, logs, loading, exchanging, mailing, invitations, keys, backups, held, auditing, tokens,
)  # fmt: skip
"""Each brings its own commands; a new topic is a module and a word here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a refusal is a sentence and a hint on the error stream."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = parsed.run
    try:
        command(parsed)
        sys.stdout.flush()
    except YizhanError as refused:
        sys.stderr.write(f"{refused.message}\n{refused.hint}\n")
        return 1
    except BrokenPipeError:  # `yizhan-hub log | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Speaking(prog="yizhan-hub", description="驿站中心：登记、接收、合并、应答")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("YIZHAN_HUB_DATA", "hub-data")),
        help="中心的数据文件夹（环境变量 YIZHAN_HUB_DATA）",
    )  # fmt: skip
    parser.add_argument(
        "--database", default=os.environ.get("YIZHAN_HUB_DATABASE", ""),
        help="数据库地址，缺省为数据文件夹中的 SQLite；PostgreSQL 写作 postgresql+psycopg://…",
    )  # fmt: skip
    parser.add_argument("--passphrase-file", help=f"中心密钥口令所在的文件；缺省用环境变量 {PASSPHRASE}")
    commands = Commands(parser)
    for module in MODULES:
        module.register(commands)
    return parser
