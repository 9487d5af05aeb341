"""Code tables: an immutable snapshot that finds, names and searches codes.

Tables are records themselves (``code_table``, ``code_item``) and travel like any
other; the store hands their rows to :meth:`Codes.from_rows` and makes a new
snapshot when they change. :func:`load_resource_codes` is the first version.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.pinyin import name_initials
from shared.resource_files import read_codes_file

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code as a list or a drop-down shows it."""

    code: str
    name: str
    initials: str
    order: int
    parent: str = ""
    retired: bool = False
    short_name: str = ""


def _plain(word: str) -> str:
    """How words are compared: full-width forms, case and blanks at the ends do not matter."""
    return unicodedata.normalize("NFKC", word).strip().casefold()


class _Table:
    """One table; entries with initials are made when first asked for."""

    def __init__(self, version: int, rows: list[Row]) -> None:
        self.version = version
        self._rows = sorted(rows, key=lambda row: (int(row.get("order_no") or 0), str(row["code"])))
        self.names = {str(row["code"]): str(row["name"]) for row in self._rows}
        self.words = self._index()
        self._entries: tuple[CodeEntry, ...] | None = None

    def _index(self) -> dict[str, str]:
        """Plain word → code. A code wins over a name, a full name over a short one.

        A short name that two codes share finds neither; a retired code is found
        by itself only, so that old records stay readable.
        """
        current = [row for row in self._rows if not row.get("retired_version")]
        shared: set[str] = set()
        short: dict[str, str] = {}
        for row in current:
            word = _plain(str(row.get("short_name") or ""))
            if word in short:
                shared.add(word)
            elif word:
                short[word] = str(row["code"])
        words = {word: found for word, found in short.items() if word not in shared}
        words.update({_plain(str(row["name"])): str(row["code"]) for row in reversed(current)})
        words.update({_plain(str(row["code"])): str(row["code"]) for row in self._rows})
        return words

    def entries(self) -> tuple[CodeEntry, ...]:
        if self._entries is None:
            self._entries = tuple(
                CodeEntry(
                    code=str(row["code"]),
                    name=str(row["name"]),
                    initials=name_initials(str(row["name"])),
                    order=int(row.get("order_no") or 0),
                    parent=str(row.get("parent") or ""),
                    retired=bool(row.get("retired_version")),
                    short_name=str(row.get("short_name") or ""),
                )
                for row in self._rows
            )
        return self._entries


class Codes:
    """All code tables at one moment."""

    def __init__(self, tables: Mapping[str, _Table]) -> None:
        self._tables = dict(tables)

    @classmethod
    def from_rows(cls, table_rows: Iterable[Row], item_rows: Iterable[Row]) -> Codes:
        """A snapshot from values of ``code_table`` and ``code_item`` records, raw or typed."""
        versions = {str(row["name"]): int(row.get("version") or 1) for row in table_rows}
        grouped: dict[str, list[Row]] = {name: [] for name in versions}
        for row in item_rows:
            grouped.setdefault(str(row["table_name"]), []).append(row)
        return cls({name: _Table(versions.get(name, 1), rows) for name, rows in grouped.items()})

    def tables(self) -> list[str]:
        """Names of all tables, in order of loading."""
        return list(self._tables)

    def version(self, table: str) -> int:
        """Version of a table; 0 when unknown."""
        found = self._tables.get(table)
        return found.version if found else 0

    def find(self, table: str, word: str) -> str | None:
        """Code for a code, a name, or both as in ``01 普通``; None when unknown."""
        found = self._tables.get(table)
        if found is None:
            return None
        plain = _plain(word)
        hit = found.words.get(plain)
        if hit is None and " " in plain:
            head, _, tail = plain.partition(" ")
            hit = found.words.get(head)
            if hit is not None and found.words.get(tail.strip()) != hit:
                hit = None
        return hit

    def name(self, table: str, code: str) -> str:
        """Name of a code; the code itself when unknown."""
        found = self._tables.get(table)
        return found.names.get(code, code) if found else code

    def entries(self, table: str, *, retired: bool = False) -> list[CodeEntry]:
        """Entries in order; retired ones only when asked for."""
        found = self._tables.get(table)
        if found is None:
            return []
        return [one for one in found.entries() if retired or not one.retired]

    def search(self, table: str, word: str, limit: int = 20) -> list[CodeEntry]:
        """Entries by beginning of the code, part of the name, or pinyin initials; best first."""
        plain = _plain(word)
        ranked = [(_rank(one, plain), place, one) for place, one in enumerate(self.entries(table))]
        ranked = [hit for hit in ranked if hit[0] is not None]
        ranked.sort(key=lambda hit: (hit[0], hit[1]))
        return [one for _, _, one in ranked[:limit]]


def _rank(one: CodeEntry, word: str) -> int | None:
    """How well an entry fits, 0 = best; None when it does not."""
    code, name = one.code.casefold(), _plain(one.name)
    if word == code:
        return 0
    if code.startswith(word):
        return 1
    if word in (name, _plain(one.short_name)):
        return 2
    if name.startswith(word):
        return 3
    if word in name:
        return 4
    # one letter per character: the short name's initials are the end of the full name's
    if one.initials.startswith(word) or one.initials[-len(one.short_name) :].startswith(word):
        return 5
    return 6 if word in one.initials else None


# --- the tables shipped with the program ------------------------------------
_FILES_OF_ONE_TABLE = (
    ("行政区划", "divisions.csv", "GB/T 2260，国家统计局 2023 口径"),
    ("街镇", "streets.csv", "统计用区划代码，国家统计局 2023 口径"),
    ("行业代码", "industries.csv", "GB/T 4754-2017 门类和大类"),
)
_FILES_OF_TABLES = ("code_tables.csv", "own_tables.csv")
_FIRST_VERSION = 1


def load_resource_codes() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Raw values of ``code_table`` and ``code_item`` records from the shipped tables."""
    tables: dict[str, dict[str, Any]] = {}
    items: list[dict[str, Any]] = []
    for name in _FILES_OF_TABLES:
        for row in read_codes_file(name):
            table = row["代码表"]
            if table not in tables:
                tables[table] = _table_row(table, row.get("原表名") or table, row["来源"])
            items.append(_item_row(table, row["代码"], row["名称"], row["顺序"], row["来源"], row["核实"]))
    for table, name, source in _FILES_OF_ONE_TABLE:
        tables[table] = _table_row(table, table, source)
        for order, row in enumerate(read_codes_file(name), 1):
            item = _item_row(table, row["代码"], row["名称"], str(order), source, "verified")
            item["parent"] = row["上级代码"]
            item["short_name"] = row.get("简称", "")
            items.append(item)
    return list(tables.values()), items


def _table_row(name: str, title: str, source: str) -> dict[str, Any]:
    return {"name": name, "title": title, "version": str(_FIRST_VERSION), "source": source}


def _item_row(table: str, code: str, name: str, order: str, source: str, verified: str) -> dict[str, Any]:
    return {
        "table_name": table,
        "code": code,
        "name": name,
        "short_name": "",
        "order_no": order,
        "parent": "",
        "source": source,
        "verified": verified,
        "since_version": str(_FIRST_VERSION),
    }
