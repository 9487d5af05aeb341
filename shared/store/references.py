"""References to changes, translated between a database's numbers and the wire's.

In a database: ``local origin number << 40 | seq``. On the wire, inside a block:
``seq << 8 | index into the block's origins``; 0 means no change at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from shared.changes import SEQ_BITS, SEQ_MASK
from shared.store import sql

_INDEX_BITS = 8
_INDEX_MASK = (1 << _INDEX_BITS) - 1
MAX_ORIGINS = 1 << _INDEX_BITS


class Origins:
    """Local numbers of origins, read once and added to as new ones appear."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._by_no: dict[int, tuple[str, int]] = {}
        self._by_name: dict[tuple[str, int], int] = {}
        self._read()

    def number(self, device: str, incarnation: int) -> int:
        """Local number of an origin, given one when it is new."""
        found = self._by_name.get((device, incarnation))
        if found is None and sql.is_postgres(self._connection):
            # Another process may be giving out a number: one at a time, until commit.
            self._connection.exec_driver_sql("LOCK TABLE origin IN SHARE ROW EXCLUSIVE MODE")
            self._read()
            found = self._by_name.get((device, incarnation))
        if found is None:
            found = max(self._by_no, default=0) + 1
            sql.execute(
                self._connection,
                "INSERT INTO origin (no, device, incarnation) VALUES (?, ?, ?)",
                (found, device, incarnation),
            )
            self._by_no[found] = (device, incarnation)
            self._by_name[device, incarnation] = found
        return found

    def name(self, number: int) -> tuple[str, int]:
        """Device and incarnation behind a local number."""
        return self._by_no[number]

    def _read(self) -> None:
        rows = sql.execute(self._connection, "SELECT no, device, incarnation FROM origin").fetchall()
        self._by_no = {r[0]: (r[1], r[2]) for r in rows}
        self._by_name = {v: k for k, v in self._by_no.items()}


class WireOrigins:
    """The origins table of one block while it is being written."""

    def __init__(self, origins: Origins, first: int) -> None:
        self._origins = origins
        self._index: dict[int, int] = {first: 0}
        self.table: list[tuple[str, int]] = [origins.name(first)]

    def index(self, number: int) -> int:
        """Index of a local origin in this block."""
        found = self._index.get(number)
        if found is None:
            found = self._index[number] = len(self.table)
            self.table.append(self._origins.name(number))
        return found

    def to_wire(self, packed: Iterable[int]) -> list[int]:
        """References as the wire carries them."""
        return [
            (p & SEQ_MASK) << _INDEX_BITS | self.index(p >> SEQ_BITS) if p else 0 for p in packed
        ]

    @property
    def full(self) -> bool:
        """Whether another origin might not fit."""
        return len(self.table) > MAX_ORIGINS // 2


def from_wire(references: Sequence[int], table: Sequence[int]) -> list[int]:
    """References in local packing; ``table`` holds the local number per block index."""
    return [table[r & _INDEX_MASK] << SEQ_BITS | r >> _INDEX_BITS if r else 0 for r in references]


def local_table(origins: Origins, wire: Iterable[tuple[str, int]]) -> list[int]:
    """Local numbers of a block's origins."""
    return [origins.number(device, incarnation) for device, incarnation in wire]
