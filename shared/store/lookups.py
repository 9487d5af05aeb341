"""Finding records by what people know of them: id, key, or name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from shared.fields import Field
from shared.ids import key_id
from shared.record import RecordType
from shared.store import sql

KNOWN_BY: dict[str, tuple[str, ...]] = {
    "market_entity": ("uscc", "name"),
    "bureau": ("code", "name"),
    "user": ("account", "name"),
    "officer": ("certificate_no", "name"),
}
"""Fields besides the key by which a record may be named; others by key and label."""


class StoreReferences:
    """References looked up in one connection; words are resolved in batches."""

    def __init__(self, connection: sa.Connection, types: Mapping[str, RecordType]) -> None:
        self._connection = connection
        self._types = types

    def resolve(self, target: str, word: str) -> str | None:
        """Id of the record with that id, key, or unique name."""
        return self.resolve_many(target, [word]).get(word)

    def resolve_many(self, target: str, words: Collection[str]) -> dict[str, str]:
        """Ids by word; a name that several records share resolves to none."""
        declared = self._types[target]
        found: dict[str, str] = {}
        left = {w for w in words if w}
        ids = {w: w for w in left if len(w) == 32}
        if len(declared.key) == 1:
            ids |= {w: key_id(target, [w]) for w in left if w not in ids}
        present = self.existing(target, ids.values())
        found |= {w: i for w, i in ids.items() if i in present}
        for name in self._names(declared):
            left -= found.keys()
            if not left:
                break
            found |= self._unique(declared, name, left)
        return found

    def existing(self, target: str, ids: Iterable[str]) -> set[str]:
        """Which of these ids exist and are not deleted."""
        rows = sql.fetch(self._connection, target, ("id", "_deleted"), list(ids))
        return {r[0] for r in rows if not r[1]}

    def _names(self, declared: RecordType) -> tuple[str, ...]:
        known = KNOWN_BY.get(declared.name, (*declared.key, declared.label))
        return tuple(n for n in dict.fromkeys(known) if n in declared.by_name)

    def _unique(self, declared: RecordType, name: str, words: set[str]) -> dict[str, str]:
        field: Field = declared.by_name[name]
        pg = sql.is_postgres(self._connection)
        rows = self._connection.exec_driver_sql(
            f'SELECT "{field.name}", min(id), count(*) FROM "{declared.name}"'
            f' WHERE {sql.in_ids(pg, field.name)} AND "_deleted" = 0 GROUP BY "{field.name}"',
            (sql.ids_parameter(pg, sorted(words)),),
        )
        return {r[0]: r[1] for r in rows if r[2] == 1}
