"""Wrong usage said in Chinese: one sentence what is wrong, and where the usage stands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

_WORDS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"the following arguments are required: (.+)", lambda m: f"还要写明：{_listed(m[1])}。"),
    (r"argument (.+?): invalid int value: '(.*)'", lambda m: f"{m[1]} 应是整数，不能是“{m[2]}”。"),
    (
        r"argument (.+?): invalid choice: '(.*?)' \(choose from (.+)\)",
        lambda m: f"{m[1]} 不能是“{m[2]}”，可以是：{_listed(m[3])}。",
    ),
    (r"argument (.+?): expected .*argument.*", lambda m: f"{m[1]} 后面没有写内容。"),
    (r"unrecognized arguments: (.+)", lambda m: f"不认识，或多写了：{m[1]}。"),
    (r"ambiguous option: (\S+) could match (.+)", lambda m: f"{m[1]} 写得不全，可能是：{_listed(m[2])}。"),
    (r"one of the arguments (.+) is required", lambda m: f"还要写明其中一个：{'、'.join(m[1].split())}。"),
    (r"argument (.+?): (应.+)", lambda m: f"{m[1]} {m[2]}。"),
    (r"argument (.+?): not allowed with argument (.+)", lambda m: f"{m[1]} 和 {m[2]} 不能同时写。"),
)


class Speaking(argparse.ArgumentParser):
    """A parser for administrators; its subcommands are of the same class."""

    def error(self, message: str) -> NoReturn:
        """End with code 2."""
        self.exit(2, f"{said(message)}\n用法见 {self.prog} --help。\n")


def counted(least: int, most: int) -> Callable[[str], int]:
    """How ``argparse`` reads a whole number within bounds, both inside."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"应是整数，不能是“{text}”") from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"应在 {least} 至 {most} 之间，不能是 {number}")
        return number

    return read


def said(message: str) -> str:
    """What ``argparse`` found wrong, in Chinese; its own words where they are not known."""
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, message)
        if found:
            return words(found)
    return message


def _listed(names: str) -> str:
    return "、".join(name.strip(" '") for name in names.split(","))
