"""What is left to decide about change sets in conflict: a receipt is of its day, decisions come later."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.store import sql
from shared.store.exchange import SetRow

CONFLICTED = "conflicted"

# Both references have an index; ";" comes right after ":".
_MET = " UNION ALL ".join(
    f"SELECT line.value, substr(c.{reference}, length(line.value) + 2), c.id, c.state"
    f" FROM json_each(?) AS line CROSS JOIN conflict AS c"
    f" ON c.{reference} >= line.value || ':' AND c.{reference} < line.value || ';'"
    ' WHERE c."_deleted" = 0'
    for reference in ("ours_ref", "theirs_ref")
)


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
    known = sorted({line for one in wanted for line in _lines(device, one)})
    by_line: defaultdict[str, list[tuple[int, str, bool]]] = defaultdict(list)
    for line, seq, conflict_id, state in sql.execute(connection, _MET, (json.dumps(known),) * 2):
        if seq.isdigit():
            by_line[line].append((int(seq), conflict_id, state == "open"))
    out: dict[str, Dispute] = {}
    for one in wanted:
        met = {
            i: is_open
            for line in _lines(device, one)
            for seq, i, is_open in by_line[line]
            if one.first <= seq <= one.last
        }
        if met:
            out[one.cs_id] = Dispute(len(met), sum(met.values()))
    return out


def open_about(connection: sa.Connection, device: str) -> int:
    """How many open conflicts there are about changes of this device, whoever else is in them."""
    found = sql.execute(
        connection,
        """SELECT COUNT(*) FROM conflict WHERE "_deleted" = 0 AND state = 'open'"""
        " AND (ours_ref >= ? AND ours_ref < ? OR theirs_ref >= ? AND theirs_ref < ?)",
        (f"{device}:", f"{device};") * 2,
    ).fetchone()
    return int(found[0]) if found else 0


def _lines(device: str, one: SetRow) -> tuple[str, str]:
    """Where its changes count; the second when it was a fork that was released, under numbers of its own."""
    return f"{device}:{one.incarnation}", f"{one.cs_id[:32]}:1"


__all__ = ["Dispute", "disputes", "open_about"]
