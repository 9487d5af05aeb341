"""What every command needs: the hub opened, its codes, tables on a terminal."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from server_stub.hub import Hub
from server_stub.lists import codes_of
from shared.codes import Codes, load_resource_codes
from shared.errors import InputError, why
from shared.filters import Filter, Op
from shared.lifecycle import State
from shared.store import query
from shared.store.query import Place

PASSPHRASE = "YIZHAN_HUB_PASSPHRASE"  # noqa: S105 - the variable's name
MOST_ROWS = 1_000_000
"""A list on the terminal or in a workbook has at most so many rows."""


@contextlib.contextmanager
def opened(parsed: argparse.Namespace) -> Iterator[Hub]:
    """The hub of the data folder, given back at the end."""
    if not (parsed.data / "hub.key").exists():
        raise InputError(
            f"这个文件夹里还没有中心：{parsed.data}。",
            "请检查 --data 和磁盘是否已挂载；建立新的中心用 yizhan-hub init。",
        )
    with contextlib.closing(Hub(url_of(parsed), parsed.data, passphrase(parsed))) as hub:
        yield hub


def every(hub: Hub, type_name: str, wanted: Filter) -> list[dict[str, Any]]:
    """Records of a type, as plain values with their id."""
    with hub.store.read() as connection:
        found = query.first(connection, hub.store.types[type_name], wanted, Place(), 100_000)
    return [{"id": r.id, **r.values} for r in found]


def bureau_of(hub: Hub, code: str) -> str:
    """Id of the bureau with this code; raises :class:`InputError`."""
    found = every(hub, "bureau", Filter().where("code", Op.EQ, code))
    if not found:
        raise InputError(f"没有代码为“{code}”的单位。", "请用 yizhan-hub bureau list 查看。")
    return str(found[0]["id"])


def states(hub: Hub, type_name: str) -> tuple[State, ...]:
    """States of a type's workflow."""
    cycle = hub.store.types[type_name].lifecycle
    return cycle.states if cycle else ()


def codes_known(hub: Hub) -> Codes:
    """The code tables as this hub holds them; the shipped ones before any were loaded."""
    found = codes_of(hub.store)
    return found if found.tables() else Codes.from_rows(*load_resource_codes())


def url_of(parsed: argparse.Namespace) -> str:
    """Where the database is."""
    return parsed.database or f"sqlite:///{(parsed.data / 'hub.db').absolute()}"


def rows_of(parsed: argparse.Namespace) -> int:
    """How many rows ``--limit`` asks for; raises :class:`InputError`."""
    limit: int = parsed.limit
    if not 1 <= limit <= MOST_ROWS:
        raise InputError(f"--limit 应是 1 至 {MOST_ROWS:,} 的整数。", "要看更早的，请缩小范围。")
    return limit


def passphrase(parsed: argparse.Namespace) -> str:
    """Passphrase of the hub's keys, from a file or the environment."""
    if parsed.passphrase_file:
        return passphrase_in(parsed.passphrase_file, "--passphrase-file")
    said = os.environ.get(PASSPHRASE, "")
    if not said:
        raise InputError("没有给出中心密钥的口令。", f"请设置环境变量 {PASSPHRASE}，或用 --passphrase-file。")
    return said


def passphrase_in(path: str, option: str) -> str:
    """The passphrase a file holds; raises :class:`InputError`, ``option`` says which file it was."""
    try:
        said = Path(path).read_text(encoding="utf-8").strip()
    except OSError as bad:
        raise InputError(f"读不到口令文件（{why(bad)}）。", f"请检查 {option} 的路径和权限。") from None
    except UnicodeDecodeError:
        raise InputError("口令文件不是 UTF-8 文本。", f"请把 {option} 所指的文件另存为 UTF-8。") from None
    if not said:
        raise InputError("口令文件是空的。", f"请检查 {option} 所指的文件。")
    return said


def typed_secret(prompt: str, instead: str) -> str:
    """What a person types unseen; raises :class:`InputError` where it would be seen, or nobody is there.

    :param instead: the option that names a file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (getpass.GetPassWarning, EOFError):
        raise InputError("这里没有终端，不能键入口令。", f"请在终端里执行，或用 {instead}。") from None


def print_table(heads: list[str], rows: Iterable[list[str]]) -> None:
    """Columns as wide as what is in them; a Chinese character takes two places."""
    whole = [heads, *rows]
    widths = [max(width(r[i]) for r in whole) for i in range(len(heads))]
    for row in whole:
        print("  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip())


def width(text: str) -> int:
    """Places a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)
