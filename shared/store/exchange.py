"""The client's side of the exchange, as its database keeps it: sets, receipts, cursors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.changes import GENESIS
from shared.store import audit, sql
from shared.store.facts import read_number, write_number
from shared.store.incarnations import head_at
from shared.store.journal import Journal, Range, ranges, raw_blocks

SEALED = "sealed"
MAX_RAW = 8 << 20
MAX_CHANGES = 50_000
_SET = "cs_id, from_seq, to_seq, envelope, status, detail, incarnation"
_RANK = (
    "(CASE {} WHEN 'sealed' THEN 0 WHEN 'parked' THEN 1 WHEN 'quarantined' THEN 2"
    " WHEN 'archived' THEN 4 ELSE 3 END)"
)
"""How late in its life a status comes: an older receipt takes nothing back."""
_UNNAMED = "(status IN ('applied', 'archived') AND carrier = '')"
"""Sets the hub has accounted for by number only: what became of them no receipt has said yet."""


@dataclass(frozen=True, slots=True)
class SetRow:
    """A change set as cut and signed here; ``status`` is ``sealed`` until a receipt speaks."""

    cs_id: str
    first: int
    last: int
    envelope: bytes
    status: str
    detail: str
    incarnation: int = 1


@dataclass(frozen=True, slots=True)
class Reach:
    """How far own changes have come, in sequence numbers."""

    written: int
    sealed: int
    receipted: int


def reach(connection: sa.Connection) -> Reach:
    """Where the device's own changes stand."""
    sealed = sql.execute(connection, "SELECT max(to_seq) FROM change_set").scalar()
    return Reach(
        Journal().last_seq(connection), int(sealed or 0), read_number(connection, "receipted")
    )


def pending(connection: sa.Connection) -> int:
    """Own changes the hub has not signed for."""
    at = reach(connection)
    return max(0, at.written - at.receipted)


def uncut(connection: sa.Connection) -> list[Range]:
    """Stretches of the journal that no change set covers yet."""
    return ranges(connection, reach(connection).sealed, max_raw=MAX_RAW, max_changes=MAX_CHANGES)


def blocks_of(connection: sa.Connection, one: Range) -> tuple[bytes, Iterator[bytes]]:
    """Chain head before a stretch, and its blocks."""
    return head_at(connection, one.first - 1) or GENESIS, raw_blocks(connection, one.first, one.last)


def remember_set(
    connection: sa.Connection, cs_id: str, first: int, last: int, envelope: bytes, at: str
) -> None:
    """Keep a signed statement: from here on this range is immutable."""
    sql.execute(
        connection,
        "INSERT INTO change_set (cs_id, from_seq, to_seq, envelope, status, sealed_at, incarnation)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (cs_id, first, last, envelope, SEALED, at, read_number(connection, "incarnation")),
    )


def unreceipted(connection: sa.Connection) -> list[SetRow]:
    """Sets the hub has not accounted for, in order: offered again by every way.

    One whose blocks were discarded long after their archiving cannot be.
    """
    rows = sql.execute(
        connection,
        f"SELECT {_SET} FROM change_set WHERE ((apart = 0 AND to_seq > ?)"
        " OR (apart = 1 AND status IN ('sealed', 'parked'))) AND from_seq >= ? ORDER BY from_seq",
        (read_number(connection, "receipted"), kept_from(connection)),
    )
    return [_set_row(r) for r in rows]


def unsettled(connection: sa.Connection, limit: int = 1000) -> list[str]:
    """Sets whose last word has not been spoken: the hub is asked about them each time."""
    rows = sql.execute(
        connection,
        f"SELECT cs_id FROM change_set WHERE status IN ('parked', 'quarantined') OR {_UNNAMED}"
        " ORDER BY from_seq LIMIT ?",
        (limit,),
    )
    return [str(r[0]) for r in rows]


def kept_from(connection: sa.Connection) -> int:
    """First own change whose block is still in the journal; the next to be made when none is."""
    found = sql.execute(
        connection, "SELECT first_seq FROM journal WHERE raw_len > 0 ORDER BY first_seq LIMIT 1"
    ).scalar()
    return int(found or Journal().last_seq(connection) + 1)


def payload_blocks(connection: sa.Connection, one: SetRow) -> Iterator[bytes]:
    """The blocks of a set, as they were signed."""
    return raw_blocks(connection, one.first, one.last)


def record_receipt(
    connection: sa.Connection,
    envelope: bytes,
    *,
    contiguous_to: int,
    sets: Iterable[tuple[str, str, str]],
    at: str,
    carrier: str,
    archived_to: int = 0,
) -> bool:
    """Take a verified receipt into account; False when it was known already.

    :param contiguous_to: 0 when the receipt speaks of another line than this database's.
    :param archived_to: own changes up to here are inside a verified backup of the hub.
    :param sets: ``(cs_id, status, reason)``.
    An older receipt that arrives late never takes anything back.
    """
    if knows_receipt(connection, envelope):
        return False
    digest = hashlib.sha256(envelope).hexdigest()
    sql.execute(
        connection,
        "INSERT INTO receipt (digest, envelope, received_at, carrier) VALUES (?, ?, ?, ?)",
        (digest, envelope, at, carrier),
    )
    for cs_id, status, reason in sets:
        sql.execute(
            connection,
            "UPDATE change_set SET status = ?, detail = ?, carrier = ? WHERE cs_id = ? AND"
            f" ({_RANK.format('status')} <= {_RANK.format('?')} OR ({_UNNAMED} AND {_RANK.format('?')} = 3))",
            (status, reason, carrier, cs_id, status, status),
        )
    if contiguous_to > read_number(connection, "receipted"):
        write_number(connection, "receipted", contiguous_to)
        sql.execute(
            connection,
            "UPDATE change_set SET status = 'applied', carrier = '' WHERE to_seq <= ? AND apart = 0"
            " AND status IN ('sealed', 'parked')",
            (contiguous_to,),
        )
    _archive(connection, archived_to, at)
    return True


def _archive(connection: sa.Connection, archived_to: int, at: str) -> None:
    """已归档, and since when: the blocks may go some time after."""
    sql.execute(
        connection,
        "UPDATE change_set SET archived_at = ? WHERE to_seq <= ? AND apart = 0 AND archived_at = ''",
        (at, archived_to),
    )
    sql.execute(
        connection,
        "UPDATE change_set SET status = 'archived' WHERE to_seq <= ? AND apart = 0 AND status = 'applied'",
        (archived_to,),
    )


def archived_since(connection: sa.Connection, seq: int) -> bool:
    """Whether a change set that begins at ``seq`` or later is inside a verified backup of the hub."""
    row = sql.execute(
        connection, "SELECT 1 FROM change_set WHERE from_seq >= ? AND archived_at <> '' LIMIT 1", (seq,)
    ).fetchone()
    return row is not None


def every_receipt(connection: sa.Connection) -> Iterator[bytes]:
    """All receipts kept, oldest first."""
    for (envelope,) in sql.execute(connection, "SELECT envelope FROM receipt ORDER BY no"):
        yield bytes(envelope)


def knows_receipt(connection: sa.Connection, envelope: bytes) -> bool:
    """Whether this very receipt was taken into account before."""
    digest = hashlib.sha256(envelope).hexdigest()
    row = sql.execute(connection, "SELECT 1 FROM receipt WHERE digest = ?", (digest,)).fetchone()
    return row is not None


def last_receipt(connection: sa.Connection) -> tuple[bytes, str] | None:
    """The newest receipt and when it came."""
    row = sql.execute(
        connection, "SELECT envelope, received_at FROM receipt ORDER BY no DESC LIMIT 1"
    ).fetchone()
    return (bytes(row[0]), str(row[1])) if row else None


# --- downstream --------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class CursorRow:
    """How far one stream has been followed."""

    stream: str
    epoch: str
    n: int
    head: bytes


def cursors(connection: sa.Connection) -> list[CursorRow]:
    """All streams followed."""
    rows = sql.execute(connection, "SELECT stream, epoch, n, head FROM stream_cursor ORDER BY stream")
    return [CursorRow(r[0], r[1], r[2], bytes(r[3])) for r in rows]


def cursor_at(connection: sa.Connection, stream: str) -> CursorRow:
    """Where a stream stands, in whichever epoch; at its start before anything came."""
    row = sql.execute(
        connection, "SELECT epoch, n, head FROM stream_cursor WHERE stream = ?", (stream,)
    ).fetchone()
    return CursorRow(stream, row[0], row[1], bytes(row[2])) if row else CursorRow(stream, "", 0, GENESIS)


def move_cursor(connection: sa.Connection, one: CursorRow) -> None:
    """Note how far a stream has been followed."""
    sql.execute(
        connection,
        "INSERT INTO stream_cursor (stream, epoch, n, head) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (stream) DO UPDATE SET epoch = excluded.epoch, n = excluded.n,"
        " head = excluded.head",
        (one.stream, one.epoch, one.n, one.head),
    )


def forget_cursor(connection: sa.Connection, stream: str) -> None:
    """A stream is not followed any more; should it be again, it begins anew."""
    sql.execute(connection, "DELETE FROM stream_cursor WHERE stream = ?", (stream,))


# --- attempts ----------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Attempt:
    """One exchange as this device saw it."""

    at: str
    carrier: str
    direction: str
    package_id: str
    fingerprint: str
    sets: int
    changes: int
    bytes: int
    outcome: str
    message: str


_ENDED = {"done": "成功", "failed": "失败", "cancelled": "已取消"}
_EVENTS = {("media", "up"): "media_out", ("media", "down"): "media_in"}


def log_attempt(connection: sa.Connection, one: Attempt) -> None:
    """Remember an exchange, failed or not; the audit chain holds on to what passed."""
    word = _ENDED.get(one.outcome, one.outcome)
    detail = f"{word}，{one.changes:,} 条变更，指纹 {one.fingerprint[:16].upper() or '无'}"
    audit.note(connection, one.at, "", _EVENTS.get((one.carrier, one.direction), "sync"), detail)
    sql.execute(
        connection,
        "INSERT INTO sync_attempt (at, carrier, direction, package_id, fingerprint, sets, changes,"
        " bytes, outcome, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.at, one.carrier, one.direction, one.package_id, one.fingerprint, one.sets,
            one.changes, one.bytes, one.outcome, one.message,
        ),
    )


def attempts(connection: sa.Connection, limit: int = 200) -> list[Attempt]:
    """The latest exchanges, newest first."""
    rows = sql.execute(
        connection,
        "SELECT at, carrier, direction, package_id, fingerprint, sets, changes, bytes, outcome,"
        " message FROM sync_attempt ORDER BY no DESC LIMIT ?",
        (limit,),
    )
    return [Attempt(*r) for r in rows]


def attempt_of(connection: sa.Connection, package_id: str) -> Attempt | None:
    """The last exchange of a package that went well."""
    row = sql.execute(
        connection,
        "SELECT at, carrier, direction, package_id, fingerprint, sets, changes, bytes, outcome, message"
        " FROM sync_attempt WHERE package_id = ? AND outcome = 'done' AND fingerprint <> ''"
        " ORDER BY no DESC LIMIT 1",
        (package_id,),
    ).fetchone()
    return Attempt(*row) if row else None


def sealed_at(connection: sa.Connection, packages: Iterable[str]) -> list[str]:
    """When these packages of ours were sealed, by our clock then; nothing for those of others."""
    found = [
        sql.execute(
            connection, "SELECT min(at) FROM sync_attempt WHERE package_id = ? AND direction = 'up'", (one,)
        ).scalar()
        for one in packages
    ]
    return [str(at) for at in found if at]


def all_sets(connection: sa.Connection, limit: int = 500) -> list[SetRow]:
    """Change sets cut here, newest first."""
    rows = sql.execute(
        connection,
        f"SELECT {_SET} FROM change_set ORDER BY from_seq DESC LIMIT ?",
        (limit,),
    )
    return [_set_row(r) for r in rows]


def _set_row(row: Any) -> SetRow:
    return SetRow(row[0], row[1], row[2], bytes(row[3]), row[4], row[5], row[6])
