"""What leaves this installation's scope goes from its screens: evicted, never deleted.

A record with own changes that the hub has not signed for stays until it has
(sync.md, Scope; N7). The hub says which records left a stream; when the device
itself follows fewer streams, whatever belongs to none of them goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from shared.record import Part, Partition, RecordType
from shared.scope import ADMIN, COMMON, bureaus_of, divisions_of
from shared.store import sql
from shared.store.unit import Unit

ENTITY = "market_entity"


class Leaving:
    """Evictions inside one transaction of a client.

    :param pending: whether the change a reference names is an own one without a receipt.
    """

    def __init__(
        self, unit: Unit, types: Mapping[str, RecordType], pending: Callable[[int], bool]
    ) -> None:
        self._unit = unit
        self._types = types
        self._pending = pending
        self._waiting = sql.execute(unit.connection, "SELECT 1 FROM leaving LIMIT 1").fetchone() is not None

    def leave(self, declared: RecordType, ids: Sequence[str]) -> None:
        """These records left our scope; what is pending on them keeps them here for now."""
        found = sql.fetch(self._unit.connection, declared.name, ("id", "_tag"), ids)
        held = [record_id for record_id, tag in found if self._pending(tag)]
        self._drop(declared, [record_id for record_id, tag in found if not self._pending(tag)])
        if held:
            sql.executemany(
                self._unit.connection,
                "INSERT INTO leaving (type, record_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(declared.name, i) for i in held],
            )
            self._waiting = True

    def returned(self, declared: RecordType, ids: Iterable[str]) -> None:
        """These are told to us again: they stay."""
        if self._waiting:
            sql.executemany(
                self._unit.connection,
                "DELETE FROM leaving WHERE type = ? AND record_id = ?",
                [(declared.name, i) for i in ids],
            )

    def settle(self) -> None:
        """Let go what had to wait for its receipt."""
        if not self._waiting:
            return
        rows = sql.execute(self._unit.connection, "SELECT type, record_id FROM leaving").fetchall()
        for name in sorted({r[0] for r in rows}):
            ids = [r[1] for r in rows if r[0] == name]
            sql.executemany(
                self._unit.connection,
                "DELETE FROM leaving WHERE type = ? AND record_id = ?",
                [(name, i) for i in ids],
            )
            self.leave(self._types[name], ids)

    def narrow(self, streams: Collection[str]) -> None:
        """From now on only these streams are followed; what belongs to none of them leaves."""
        last = [self._types[ENTITY]] if ENTITY in self._types else []  # others are placed by their entity
        for declared in (*(t for t in self._types.values() if t.name != ENTITY), *last):
            kept = [part for rule in declared.partitions if (part := _kept(rule, streams))]
            if any(part == _ALL for part in kept):
                continue
            stays = " OR ".join(f"coalesce({part}, 0)" for part in kept) or "0"
            rows = sql.execute(
                self._unit.connection, f'SELECT id FROM "{declared.name}" WHERE NOT ({stays})', ()
            ).fetchall()
            ids = [r[0] for r in rows]
            for start in range(0, len(ids), 1000):
                self.leave(declared, ids[start : start + 1000])

    def _drop(self, declared: RecordType, ids: Sequence[str]) -> None:
        if not ids:
            return
        self._unit.put_gone(declared, ids)
        sql.execute(
            self._unit.connection,
            f"DELETE FROM shadow WHERE type = ? AND {sql.in_ids(False, 'record_id')}",
            (declared.name, sql.ids_parameter(False, ids)),
        )


_ALL = "1"


def _kept(rule: Partition, streams: Collection[str]) -> str:
    """SQL that says whether a row belongs to one of the streams by this rule; ``""`` never."""
    match rule.part:
        case Part.COMMON:
            return _ALL if COMMON in streams else ""
        case Part.ADMIN:
            return _ALL if ADMIN in streams else ""
        case Part.DIVISION:
            return f'"{rule.field}" IN ({_texts(divisions_of(streams))})'
        case Part.BUREAU:
            return f'"{rule.field}" IN ({_texts(bureaus_of(streams))})'
        case Part.ENTITY_DIVISION:
            within = f"SELECT id FROM {ENTITY} WHERE division IN ({_texts(divisions_of(streams))})"
            return f'"{rule.field}" IN ({within})'


def _texts(values: Iterable[str]) -> str:
    """Names of our own streams as SQL texts."""
    return ", ".join("'" + v.replace("'", "''") + "'" for v in values)
