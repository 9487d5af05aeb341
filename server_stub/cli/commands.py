"""How the modules of the command line add their commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Run = Callable[[argparse.Namespace], None]


class Commands:
    """One level of commands.

    :param level: what ``add_subparsers`` returned; :param dest: what it is called when parsed.
    """

    def __init__(self, parser: argparse.ArgumentParser, dest: str = "command") -> None:
        self._level: Any = parser.add_subparsers(dest=dest, required=True, metavar="命令")

    def add(self, name: str, run: Run, words: str) -> argparse.ArgumentParser:
        """A command that calls ``run``."""
        made: argparse.ArgumentParser = self._level.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        return made

    def group(self, name: str, words: str) -> Commands:
        """A command that has commands of its own."""
        return Commands(self._level.add_parser(name, help=words, description=words), "what")
