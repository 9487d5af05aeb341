"""What is left to decide about change sets in conflict: a receipt is of its day, decisions come later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.store import sql
from shared.store.exchange import SetRow

CONFLICTED = "conflicted"


@dataclass(frozen=True, slots=True)
class Dispute:
    """How many conflicts one change set met, and how many of them are still open."""

    every: int
    left: int


def disputes(connection: sa.Connection, device: str, sets: Sequence[SetRow]) -> Mapping[str, Dispute]:
    """Per change set in conflict what is known of it here; none where its conflicts have not come down."""
    wanted = [s for s in sets if s.status == CONFLICTED]
    if not wanted:
        return {}
    rows = sql.execute(
        connection, 'SELECT id, ours_ref, theirs_ref, state FROM conflict WHERE "_deleted" = 0'
    ).fetchall()
    by_line: defaultdict[str, list[tuple[int, str, bool]]] = defaultdict(list)
    for conflict_id, ours, theirs, state in rows:
        for reference in (ours, theirs):
            line, _, seq = str(reference or "").rpartition(":")
            if seq.isdigit():
                by_line[line].append((int(seq), str(conflict_id), state == "open"))
    out: dict[str, Dispute] = {}
    for one in wanted:
        # the second: a fork that was released counts under numbers of its own
        lines = (f"{device}:{one.incarnation}", f"{one.cs_id[:32]}:1")
        met = {i: is_open for n in lines for seq, i, is_open in by_line[n] if one.first <= seq <= one.last}
        if met:
            out[one.cs_id] = Dispute(len(met), sum(met.values()))
    return out


def open_about(connection: sa.Connection, device: str) -> int:
    """How many open conflicts there are about changes of this device, whoever else is in them."""
    found = sql.execute(
        connection,
        """SELECT COUNT(*) FROM conflict WHERE "_deleted" = 0 AND state = 'open'"""
        " AND (ours_ref LIKE ? OR theirs_ref LIKE ?)",
        (f"{device}:%", f"{device}:%"),
    ).fetchone()
    return int(found[0]) if found else 0


__all__ = ["Dispute", "disputes", "open_about"]
