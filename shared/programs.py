"""Which program a seat runs, as the hub keeps it: one line of text that people read, and programs too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.upcasting import SCHEMA

FIRST = "早期版本"
"""Stands for the first release, which did not say what it is."""
FIRST_SCHEMA = 1
_VERSION = 20
_TEXT = re.compile(r"(.*)（数据结构 (\d{1,9})）", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Program:
    """A version for people, and the version of the catalogue it speaks.

    :param schema: 0 when nobody knows.
    """

    version: str = ""
    schema: int = 0

    @property
    def behind(self) -> bool:
        """Whether it speaks an older catalogue than this program."""
        return 0 < self.schema < SCHEMA

    @property
    def text(self) -> str:
        """As it is kept; at most 40 characters. ``""`` when nothing is known."""
        return f"{self.version or FIRST}（数据结构 {self.schema}）" if self.schema else ""

    @classmethod
    def said(cls, version: str, schema: int) -> Program:
        """What a device says of itself; whoever says nothing is the first release."""
        plain = "".join(ch for ch in version if ch.isprintable())[:_VERSION]
        return cls(plain or FIRST, min(schema, 10**9 - 1) if schema > 0 else FIRST_SCHEMA)

    @classmethod
    def read(cls, text: str | None) -> Program:
        """What was kept."""
        found = _TEXT.fullmatch(text or "")
        return cls(found[1], int(found[2])) if found else cls()
