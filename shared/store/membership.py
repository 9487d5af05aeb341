"""Identifiers and codes looked at again at the hub: check digits, and whether a code table has the code.

Per run, each different value once. A table the hub does not have cannot be asked; a retired or
deleted code was one when somebody wrote it, so it stays readable and may arrive late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from shared.changes import Value
from shared.fields import Field, Kind
from shared.ids import key_id
from shared.record import RecordType
from shared.store import sql

_CODES = (Kind.CODE, Kind.CODES)
_ITEM = "code_item"


def judged(declared: RecordType, names: Iterable[str]) -> list[Field]:
    """Those of these fields whose values have a check or come from a code table."""
    there = frozenset(names)
    return [f for f in declared.own_fields if f.name in there and (f.check or f.kind in _CODES)]


class Membership:
    """What one transaction has asked about code tables so far."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._codes: dict[str, set[str]] = {}

    def complaint(self, declared: RecordType, values: Mapping[Field, Iterable[Value]]) -> str:
        """The first thing wrong with these values, without a word of what is personal; ``""`` = nothing."""
        for one, given in values.items():
            words = {v for v in set(given) if isinstance(v, str) and v}
            if one.check is not None:
                found = next(filter(None, map(one.check, words)), None)
                if found is not None:
                    what = f"“{one.title}”未通过校验" if one.personal else found
                    return f"{declared.title}：{what}。"
            if one.kind in _CODES and (strange := self._strange(one, words)):
                return f"{declared.title}的“{one.title}”：“{strange[:50]}”不在代码表“{one.table}”中。"
        return ""

    def _strange(self, one: Field, words: Iterable[str]) -> str:
        """A code the table does not have."""
        known = self._codes.setdefault(one.table, set())
        codes = {c for w in words for c in (w.split(",") if one.kind is Kind.CODES else (w,))} - known
        if not codes:
            return ""
        ids = {key_id(_ITEM, [one.table, c]): c for c in codes}
        known.update(ids[r[0]] for r in sql.fetch(self._connection, _ITEM, ("id",), list(ids)))
        missing = codes - known
        return min(missing) if missing and self._kept(one.table) else ""

    def _kept(self, table: str) -> bool:
        """Whether the hub has this table."""
        statement = "SELECT 1 FROM code_item WHERE table_name = ? LIMIT 1"
        return sql.execute(self._connection, statement, (table,)).fetchone() is not None


__all__ = ["Membership", "judged"]
