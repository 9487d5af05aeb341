"""What this device knows of contents: which pieces are here, which the hub has, what is wanted.

A content stands here because a live attachment names it. ``delivered`` means that the
hub has signed for the whole of it; ``archived`` that it lies in a verified backup of the
hub. What was taken in here is removable only then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from shared.attachments import piece_size, pieces_of
from shared.store import sql
from shared.store.facts import read_text, write_text

TAKEN_IN, FETCHED = "verified", "fetched"
"""States of a piece that is here and right: taken in on this device, or from the hub."""
DELIVERED, ARCHIVED = 1, 2
NOT_WANTED, AHEAD, ASKED_FOR = 0, 1, 2
"""Why a content is fetched: not at all, because its task is ours, because somebody opens it."""
WORD_AT = "content_word_at"
"""Fact: time of the hub's latest word about contents."""
EPOCH_FACT, BACKUP = "content_epoch", "content_backup"
"""Facts: the hub's epoch its word is of, and the name of its last backup, as last heard."""
_COLUMNS = "c.sha256, c.size, c.whole, c.delivered, c.asked, c.wanted, c.absent, c.used_at"
_NAMED = 'EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = c.sha256 AND a."_deleted" = 0)'


@dataclass(frozen=True, slots=True)
class ContentRow:
    """One content.

    :param whole: all of it is here and was verified.
    :param delivered: the hub has signed that it has it; ``archived`` that it is in a backup too.
    :param asked: the hub has said what it lacks of it, or, once delivered, whether the last backup has it.
    :param absent: the hub was asked for it and has not got it itself yet.
    :param used_at: when it was last looked at, as text that sorts by time.
    """

    sha256: str
    size: int
    whole: bool
    delivered: bool
    asked: bool
    wanted: int
    absent: bool
    used_at: str
    archived: bool = False

    @property
    def count(self) -> int:
        """Pieces in all."""
        return pieces_of(self.size)


def _row(r: Sequence[object]) -> ContentRow:
    return ContentRow(
        str(r[0]), int(str(r[1])), bool(r[2]), bool(r[3]), bool(r[4]), int(str(r[5])), bool(r[6]), str(r[7]),
        r[3] == ARCHIVED,
    )  # fmt: skip


def of(connection: sa.Connection, hashes: Collection[str]) -> dict[str, ContentRow]:
    """Contents by hash, those known here."""
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE {sql.in_ids(False, 'sha256')}",
        (sql.ids_parameter(False, list(hashes)),),
    )
    return {str(r[0]): _row(r) for r in rows}


def keep(connection: sa.Connection, sha256: str, size: int, at: str) -> None:
    """A content was taken in here, whole."""
    sql.execute(
        connection,
        "INSERT INTO content (sha256, size, whole, delivered, asked, wanted, absent, used_at)"
        " VALUES (?, ?, 1, 0, 0, 0, 0, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET whole = 1, wanted = 0, used_at = excluded.used_at",
        (sha256, size, at),
    )
    statement = (
        "INSERT INTO piece (sha256, no, state, at_hub) VALUES (?, ?, 'verified', 0)"
        " ON CONFLICT (sha256, no) DO UPDATE SET state = 'verified'"
    )
    sql.executemany(connection, statement, [(sha256, no) for no in range(pieces_of(size))])


def want(connection: sa.Connection, wanted: Iterable[tuple[str, int]], level: int, at: str) -> None:
    """These contents shall be fetched: hash and size."""
    statement = (
        "INSERT INTO content (sha256, size, whole, delivered, asked, wanted, absent, used_at)"
        " VALUES (?, ?, 0, 0, 0, ?, 0, ?) ON CONFLICT (sha256) DO UPDATE SET"
        " wanted = max(wanted, excluded.wanted), used_at = excluded.used_at WHERE whole = 0"
    )
    sql.executemany(connection, statement, [(s, size, level, at) for s, size in wanted])


def use(connection: sa.Connection, sha256: str, at: str) -> None:
    """Somebody looked at it."""
    sql.execute(connection, "UPDATE content SET used_at = ? WHERE sha256 = ?", (at, sha256))


# --- on the way to the hub ---------------------------------------------------------
def undelivered(connection: sa.Connection, limit: int) -> list[ContentRow]:
    """Whole contents the hub has not signed for and an attachment names, oldest first."""
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE c.whole = 1 AND c.delivered = 0 AND {_NAMED}"
        " ORDER BY c.used_at, c.sha256 LIMIT ?",
        (limit,),
    )
    return [_row(r) for r in rows]


def unproven(connection: sa.Connection, limit: int) -> list[ContentRow]:
    """What the hub is asked about: what it has not signed for, then what a newer backup may have."""
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE c.whole = 1 AND {_NAMED}"
        " AND (c.delivered = 0 OR (c.delivered = 1 AND c.asked = 0))"
        " ORDER BY c.delivered, c.used_at, c.sha256 LIMIT ?",
        (limit,),
    )
    return [_row(r) for r in rows]


def lacking(connection: sa.Connection, hashes: Collection[str]) -> dict[str, list[int]]:
    """Pieces that, as far as known here, the hub lacks, by content."""
    rows = sql.execute(
        connection,
        f"SELECT sha256, no FROM piece WHERE at_hub <> 1 AND {sql.in_ids(False, 'sha256')}"
        " ORDER BY sha256, no",
        (sql.ids_parameter(False, list(hashes)),),
    )
    out: dict[str, list[int]] = {}
    for sha256, no in rows:
        out.setdefault(sha256, []).append(no)
    return out


def carried(connection: sa.Connection, hashes: Collection[str]) -> set[tuple[str, int]]:
    """Pieces that went onto a medium and of which the hub has said nothing since."""
    rows = sql.execute(
        connection,
        f"SELECT sha256, no FROM piece WHERE at_hub = 2 AND {sql.in_ids(False, 'sha256')}",
        (sql.ids_parameter(False, list(hashes)),),
    )
    return {(str(s), int(n)) for s, n in rows}


def note_carried(connection: sa.Connection, found: Iterable[tuple[str, int]]) -> None:
    """These pieces lie on a medium now; the next one begins with others."""
    sql.executemany(
        connection, "UPDATE piece SET at_hub = 2 WHERE sha256 = ? AND no = ? AND at_hub = 0", list(found)
    )


def at_hub(connection: sa.Connection, hashes: Collection[str]) -> dict[str, int]:
    """How many pieces the hub has of each."""
    rows = sql.execute(
        connection,
        f"SELECT sha256, count(*) FROM piece WHERE at_hub = 1 AND {sql.in_ids(False, 'sha256')}"
        " GROUP BY sha256",
        (sql.ids_parameter(False, list(hashes)),),
    )
    return {str(s): int(n) for s, n in rows}


def note_lacks(connection: sa.Connection, row: ContentRow, missing: Collection[int]) -> None:
    """The hub said which pieces it lacks of a content, also of one it has had before."""
    sql.execute(connection, "UPDATE content SET asked = 1, delivered = 0 WHERE sha256 = ?", (row.sha256,))
    marks = [(int(no not in missing), row.sha256, no) for no in range(row.count)]
    sql.executemany(connection, "UPDATE piece SET at_hub = ? WHERE sha256 = ? AND no = ?", marks)


def note_delivered(connection: sa.Connection, sha256: str, *, archived: bool = False) -> None:
    """The hub has signed for the whole of it."""
    sql.execute(
        connection, "UPDATE content SET delivered = ?, asked = 1 WHERE sha256 = ?",
        (ARCHIVED if archived else DELIVERED, sha256),
    )  # fmt: skip
    sql.execute(connection, "UPDATE piece SET at_hub = 1 WHERE sha256 = ?", (sha256,))


def enter(connection: sa.Connection, epoch: str) -> bool:
    """The hub's word is of this epoch: in a new one, what it said it had it must say again.

    False for an epoch that is over.
    """
    known = read_text(connection, EPOCH_FACT)
    if epoch > known:
        write_text(connection, EPOCH_FACT, epoch)
        if known:
            _doubt_all(connection)
    return epoch >= known


def hear_backup(connection: sa.Connection, name: str) -> None:
    """The hub has a backup of this name: ask whether contents it has are in it."""
    if name and name != read_text(connection, BACKUP):
        write_text(connection, BACKUP, name)
        sql.execute(connection, "UPDATE content SET asked = 0 WHERE delivered = ?", (DELIVERED,))


def _doubt_all(connection: sa.Connection) -> None:
    sql.execute(connection, "UPDATE content SET delivered = 0, asked = 0, absent = 0")
    sql.execute(connection, "UPDATE piece SET at_hub = 0")


# --- on the way here --------------------------------------------------------------
def wanted(connection: sa.Connection, limit: int) -> list[ContentRow]:
    """Contents to fetch: those somebody opened first."""
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE c.whole = 0 AND c.wanted > 0 AND {_NAMED}"
        " ORDER BY c.wanted DESC, c.absent, c.used_at, c.sha256 LIMIT ?",
        (limit,),
    )
    return [_row(r) for r in rows]


def here(connection: sa.Connection, hashes: Collection[str]) -> dict[str, list[int]]:
    """Pieces that are here, by content."""
    rows = sql.execute(
        connection,
        f"SELECT sha256, no FROM piece WHERE {sql.in_ids(False, 'sha256')} ORDER BY sha256, no",
        (sql.ids_parameter(False, list(hashes)),),
    )
    out: dict[str, list[int]] = {}
    for sha256, no in rows:
        out.setdefault(sha256, []).append(no)
    return out


def awaits(connection: sa.Connection, sha256: str, no: object) -> bool:
    """Whether this device would take a piece."""
    row = of(connection, [sha256]).get(sha256)
    return row is not None and not row.whole and no not in here(connection, [sha256]).get(sha256, ())


def arrived(connection: sa.Connection, sha256: str, no: int) -> None:
    """A piece came from the hub; whether it is right shows when all are here."""
    sql.execute(
        connection,
        "INSERT INTO piece (sha256, no, state, at_hub) VALUES (?, ?, 'pending', 1) ON CONFLICT DO NOTHING",
        (sha256, no),
    )


def complete(connection: sa.Connection, sha256: str) -> None:
    """All pieces are here and are what the attachment says."""
    sql.execute(
        connection,
        "UPDATE content SET whole = 1, delivered = max(delivered, ?), asked = 1, wanted = 0, absent = 0"
        " WHERE sha256 = ?",
        (DELIVERED, sha256),
    )
    sql.execute(connection, "UPDATE piece SET state = ?, at_hub = 1 WHERE sha256 = ?", (FETCHED, sha256))


def note_absent(connection: sa.Connection, hashes: Iterable[str], *, absent: bool) -> None:
    """Whether the hub has what was asked for."""
    rows = [(int(absent), one) for one in hashes]
    sql.executemany(connection, "UPDATE content SET absent = ? WHERE sha256 = ?", rows)


def for_own_tasks(connection: sa.Connection, user: str) -> list[tuple[str, int]]:
    """Hash and size of contents not asked for yet that are about entities of somebody's open tasks."""
    rows = sql.execute(
        connection,
        "SELECT DISTINCT a.sha256, a.size FROM attachment a JOIN task t ON t.entity_id = a.entity_id"
        " LEFT JOIN content c ON c.sha256 = a.sha256"
        ' WHERE a."_deleted" = 0 AND t."_deleted" = 0 AND t.state = \'claimed\' AND t.assignee = ?'
        " AND (c.sha256 IS NULL OR (c.whole = 0 AND c.wanted = 0)) ORDER BY a.size",
        (user,),
    )
    return [(str(r[0]), int(r[1])) for r in rows]


# --- letting go -------------------------------------------------------------------------
def drop_pieces(connection: sa.Connection, sha256: str) -> None:
    """The pieces are not here any more; what the hub has is as before."""
    sql.execute(connection, "DELETE FROM piece WHERE sha256 = ?", (sha256,))
    sql.execute(connection, "UPDATE content SET whole = 0, wanted = 0 WHERE sha256 = ?", (sha256,))


def forget(connection: sa.Connection, sha256: str) -> None:
    """Nothing names this content any more."""
    sql.execute(connection, "DELETE FROM piece WHERE sha256 = ?", (sha256,))
    sql.execute(connection, "DELETE FROM content WHERE sha256 = ?", (sha256,))


def unnamed(connection: sa.Connection) -> list[ContentRow]:
    """Contents that no live attachment names."""
    rows = sql.execute(connection, f"SELECT {_COLUMNS} FROM content c WHERE NOT {_NAMED}")
    return [_row(r) for r in rows]


def removable(connection: sa.Connection) -> list[ContentRow]:
    """Contents here that can be fetched again, least recently used first.

    Those taken in here only when a backup of the hub has them; of others the hub's word is enough.
    """
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE c.delivered > 0"
        " AND EXISTS (SELECT 1 FROM piece p WHERE p.sha256 = c.sha256)"
        " AND (c.delivered = ? OR NOT EXISTS"
        " (SELECT 1 FROM piece p WHERE p.sha256 = c.sha256 AND p.state = ?)) ORDER BY c.used_at, c.sha256",
        (ARCHIVED, TAKEN_IN),
    )
    return [_row(r) for r in rows]


def half_taken(connection: sa.Connection, before: str) -> list[ContentRow]:
    """Contents of which pieces came, that did not become whole, and nobody has asked for since."""
    rows = sql.execute(
        connection,
        f"SELECT {_COLUMNS} FROM content c WHERE c.whole = 0 AND c.used_at < ?"
        " AND EXISTS (SELECT 1 FROM piece p WHERE p.sha256 = c.sha256)",
        (before,),
    )
    return [_row(r) for r in rows]


def pieces_here(connection: sa.Connection) -> list[tuple[str, int]]:
    """Hash and number of every piece that is here."""
    return [(str(r[0]), int(r[1])) for r in sql.execute(connection, "SELECT sha256, no FROM piece")]


def weight(rows: Iterable[ContentRow], parts: dict[str, list[int]]) -> int:
    """Bytes of the pieces that are here."""
    return sum(piece_size(r.size, no) for r in rows for no in parts.get(r.sha256, ()))
