"""``yizhan``: the window; ``yizhan package inspect|verify FILE``: a package without a window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 well, 1 refused with a reason, 2 wrong usage."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "package":
        from desktop.package_cli import run

        return run(parsed)
    from desktop.bootstrap import run_window

    return run_window(measure_start=parsed.measure_start)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yizhan", description="驿站：事中事后综合监管平台离线客户端")
    parser.add_argument("--measure-start", action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command")
    package = commands.add_parser("package", help="查看或核验交换包（.yzp）")
    actions = package.add_subparsers(dest="action", required=True)
    inspect = actions.add_parser("inspect", help="查看封面：谁发出、给谁、里面有什么；不核验签名")
    inspect.add_argument("file", help="交换包文件")
    verify = actions.add_parser("verify", help="核验签名和完整性，不需要解密密钥")
    verify.add_argument("file", help="交换包文件")
    verify.add_argument(
        "--key", metavar="HEX", help="发出方的签名公钥（64 位十六进制）；缺省用本机所登记中心的公钥"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
