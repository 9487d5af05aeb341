"""How far each device has come, along the line of its incarnations (ADR 0012).

A device's numbers run on from one incarnation to the next. The newest incarnation
says what the device is; of older ones only what lies on its line still comes in by
itself, anything further is the work of a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa
import zstandard

from shared.changes import GENESIS, SEQ_BITS, SEQ_MASK, chain, decode_block, split_blocks
from shared.store import sql
from shared.store.incoming import Incoming
from shared.store.references import Origins
from sync import changeset
from sync.changeset import ChangeSet
from sync.messages import Branch, SetReceipt

FORK = "fork"
CLONE = "clone"
_WORST = ("quarantined", "rejected", "conflicted", "applied")


class Reach(msgspec.Struct, frozen=True):
    """Where a line stands at the hub.

    :param contiguous_to: everything up to here is accounted for; ``head`` the chain head there.
    :param strange: the incarnation claims to continue a chain that the hub has otherwise.
    """

    contiguous_to: int
    head: bytes
    last_receipt: str = ""
    strange: bool = False


class _Row(msgspec.Struct, frozen=True):
    contiguous_to: int
    head: bytes
    last_receipt: str
    start: int
    parent: int
    parent_seq: int
    parent_head: bytes


def lock(connection: sa.Connection, device: str) -> None:
    """Hold a device until commit: one process at a time decides about its numbers.

    Who needs the numbering of changes as well takes that before (``Store.take_turn``).
    """
    if sql.is_postgres(connection):
        sql.execute(connection, "SELECT 1 FROM device_key WHERE device = ? FOR UPDATE", (device,))


def reach(connection: sa.Connection, device: str, incarnation: int) -> Reach:
    """How far the line of an incarnation has come."""
    row = _row(connection, device, incarnation)
    if row is None:
        return Reach(0, GENESIS)
    if row.contiguous_to > row.start or not row.parent:
        return Reach(row.contiguous_to, row.head, row.last_receipt)
    before = reach(connection, device, row.parent)
    if before.strange or before.contiguous_to < row.parent_seq:
        return Reach(before.contiguous_to, before.head, row.last_receipt, before.strange)
    if head_at(connection, device, row.parent, row.parent_seq) != row.parent_head:
        return Reach(0, GENESIS, row.last_receipt, strange=True)
    return Reach(row.start, row.parent_head, row.last_receipt)


def archived(connection: sa.Connection, device: str, incarnation: int) -> int:
    """How far the line of an incarnation is inside a verified backup."""
    row = sql.execute(
        connection,
        "SELECT archived_to, start, parent, parent_seq FROM device_reach"
        " WHERE device = ? AND incarnation = ?",
        (device, incarnation),
    ).fetchone()
    if row is None:
        return 0
    to, start, parent, parent_seq = row
    if to > start or not parent:
        return int(to)
    return min(int(parent_seq), archived(connection, device, parent))


def learn(connection: sa.Connection, device: str, branches: Iterable[Branch]) -> int:
    """Remember where a device's incarnations branch off; the first word stands.

    Returns the newest incarnation when this is the first the hub hears of it, else 0.
    """
    known = newest(connection, device)
    for one in branches:
        fits = 1 <= one.parent < one.incarnation and 0 <= one.parent_seq <= one.start <= SEQ_MASK
        if not fits or len(one.parent_head) != len(GENESIS) or one.incarnation >= changeset.MAX_INCARNATION:
            continue
        _insert(connection, device, one.incarnation)
        sql.execute(
            connection,
            "UPDATE device_reach SET start = ?, parent = ?, parent_seq = ?, parent_head = ?"
            " WHERE device = ? AND incarnation = ? AND parent = 0 AND contiguous_to = 0",
            (one.start, one.parent, one.parent_seq, one.parent_head, device, one.incarnation),
        )
    now = newest(connection, device)
    return now if now > known else 0


def newest(connection: sa.Connection, device: str) -> int:
    """The newest incarnation heard of."""
    found = sql.execute(
        connection, "SELECT max(incarnation) FROM device_reach WHERE device = ?", (device,)
    ).scalar()
    return int(found or 1)


def line(connection: sa.Connection, device: str, incarnation: int) -> dict[int, int]:
    """Incarnations on the line that ends in one, with the last number of each that belongs to it."""
    out = {incarnation: SEQ_MASK}
    while (row := _row(connection, device, incarnation)) is not None and row.parent:
        incarnation = row.parent
        out[incarnation] = row.parent_seq
    return out


def of_a_copy(connection: sa.Connection, one: ChangeSet) -> bool:
    """Whether a set is further than its incarnation goes on the device's newest line."""
    st = one.statement
    last = newest(connection, st.device)
    if st.incarnation == last:
        return False
    return st.last > line(connection, st.device, last).get(st.incarnation, 0)


def move(connection: sa.Connection, device: str, incarnation: int, to: int, head: bytes) -> None:
    """Account for everything up to a number, and for what is kept already right after it."""
    _insert(connection, device, incarnation)
    while to:
        sql.execute(
            connection,
            "UPDATE device_reach SET contiguous_to = ?, head = ? WHERE device = ? AND incarnation = ?",
            (to, head, device, incarnation),
        )
        following = sql.execute(
            connection,
            "SELECT envelope FROM accepted_set WHERE device = ? AND incarnation = ? AND first = ?"
            " AND status NOT IN ('parked') AND kind <> 'fork'",
            (device, incarnation, to + 1),
        ).fetchall()
        sets = [changeset.peek(bytes(r[0])) for r in following]
        to, head = next(((s.last, s.head) for s in sets if s.prev_head == head), (0, head))


def remember_receipt(connection: sa.Connection, device: str, incarnation: int, digest: str) -> None:
    """Receipts of one incarnation are chained."""
    _insert(connection, device, incarnation)
    sql.execute(
        connection,
        "UPDATE device_reach SET last_receipt = ? WHERE device = ? AND incarnation = ?",
        (digest, device, incarnation),
    )


def head_at(connection: sa.Connection, device: str, incarnation: int, seq: int) -> bytes | None:
    """Chain head of an incarnation just after a number; None when the hub has no block end there."""
    row = _row(connection, device, incarnation)
    if row is not None and row.contiguous_to == seq > row.start:
        return row.head
    if row is not None and row.parent and seq == row.start:
        return row.parent_head
    if seq == 0:
        return GENESIS
    for envelope, payload in _archived(connection, device, incarnation, seq):
        st = changeset.peek(envelope)
        head, last = st.prev_head, st.first - 1
        for raw in split_blocks(payload):
            head = chain(head, raw)
            last += decode_block(raw).count
            if last == seq:
                return head
    return None


def same_again(connection: sa.Connection, one: ChangeSet) -> SetReceipt | None:
    """The word on a set whose very changes the hub has, cut otherwise; None when it has not."""
    st = one.statement
    if (
        head_at(connection, st.device, st.incarnation, st.first - 1) != st.prev_head
        or head_at(connection, st.device, st.incarnation, st.last) != st.head
    ):
        return None
    rows = sql.execute(
        connection,
        "SELECT status, reason FROM accepted_set WHERE device = ? AND incarnation = ? AND first <= ?"
        " AND last >= ? AND kind <> 'fork'",
        (st.device, st.incarnation, st.last, st.first),
    ).fetchall()
    found = sorted((r for r in rows if r[0] in _WORST), key=lambda r: _WORST.index(r[0]))
    if not found:
        return None
    return SetReceipt(one.cs_id, st.first, st.last, found[0][0], found[0][1])


def fork_origin(one: ChangeSet) -> tuple[str, int]:
    """The origin a released fork is applied under: its own numbers mean something else already."""
    return (one.cs_id[:32], 1)


def rebase_fork(connection: sa.Connection, one: ChangeSet, known: Incoming, origins: Origins) -> None:
    """Let a fork that leaves the chain just here refer to the history it shares with it."""
    st = one.statement
    if head_at(connection, st.device, st.incarnation, st.first - 1) != st.prev_head:
        return
    fork, shared = origins.number(*fork_origin(one)), origins.number(st.device, st.incarnation)
    for column in known.bases:
        for at, base in enumerate(column):
            if base >> SEQ_BITS == fork and base & SEQ_MASK < st.first:
                column[at] = shared << SEQ_BITS | base & SEQ_MASK


# --- inside ------------------------------------------------------------------
def _row(connection: sa.Connection, device: str, incarnation: int) -> _Row | None:
    found = sql.execute(
        connection,
        "SELECT contiguous_to, head, last_receipt, start, parent, parent_seq, parent_head"
        " FROM device_reach WHERE device = ? AND incarnation = ?",
        (device, incarnation),
    ).fetchone()
    if found is None:
        return None
    to, head, receipt, start, parent, parent_seq, parent_head = found
    return _Row(to, bytes(head), receipt, start, parent, parent_seq, bytes(parent_head or b""))


def _insert(connection: sa.Connection, device: str, incarnation: int) -> None:
    sql.execute(
        connection,
        "INSERT INTO device_reach (device, incarnation, contiguous_to, head, last_receipt)"
        " VALUES (?, ?, 0, ?, '') ON CONFLICT DO NOTHING",
        (device, incarnation, GENESIS),
    )


def _archived(
    connection: sa.Connection, device: str, incarnation: int, seq: int
) -> Iterator[tuple[bytes, bytes]]:
    rows = sql.execute(
        connection,
        "SELECT envelope, payload FROM accepted_set WHERE device = ? AND incarnation = ? AND first <= ?"
        " AND last >= ? AND status NOT IN ('parked') AND kind <> 'fork'",
        (device, incarnation, seq, seq),
    ).fetchall()
    for envelope, payload in rows:
        yield bytes(envelope), zstandard.ZstdDecompressor().decompress(bytes(payload))
