"""A device after its hub was restored from a backup (sync.md, Receipts, epochs).

The hub begins a new *epoch* then. What it forgot is offered again; records this device
followed beyond the backup are in doubt until the hub has said how they stand now.
Epochs are ordered by their text; nothing an older one says is taken in any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain as together

import msgspec
import sqlalchemy as sa

from shared.changes import Block, ids_bytes
from shared.record import RecordType
from shared.store import exchange, sql
from shared.store.exchange import CursorRow
from shared.store.facts import read_number, read_text, write_number, write_text
from shared.store.incarnations import OwnChanges
from shared.store.journal import raw_blocks
from shared.store.unit import RowState, Unit, encode_fw

EPOCH = "epoch"
REWOUND_AT, REWOUND_FROM, REWOUND_TO = "rewound_at", "rewound_from", "rewound_to"
_ids_encoder = msgspec.msgpack.Encoder()
_ids_decoder = msgspec.msgpack.Decoder(dict[int, bytes])


@dataclass(frozen=True, slots=True)
class Rewound:
    """The last time the hub came back from a backup.

    :param at: the hub's time of the first receipt after it; ``""`` = never.
    :param offered: own changes it had forgotten; ``left`` those it has not signed for again.
    :param lost: those among them whose blocks are no longer kept here.
    """

    at: str
    offered: int
    left: int
    lost: int = 0


# --- epochs ----------------------------------------------------------------------
def newest_epoch(connection: sa.Connection) -> str:
    """The newest epoch the hub spoke in; ``""`` before the first answer."""
    said = read_text(connection, EPOCH)
    return said or max((c.epoch for c in exchange.cursors(connection)), default="")


def enter(connection: sa.Connection, epoch: str) -> None:
    """Note that the hub speaks in this epoch now; never backwards."""
    if epoch > newest_epoch(connection) or not read_text(connection, EPOCH):
        write_text(connection, EPOCH, max(epoch, newest_epoch(connection)))


def take_back(
    unit: Unit, types: Mapping[int, RecordType], epoch: str, contiguous_to: int, at: str,
    named: Iterable[str] = (),
) -> bool:
    """A receipt of a newer epoch may take ``receipted`` back; True when it did.

    What the hub forgot becomes pending again: every way offers it, and it stays on screen.

    :param named: sets the receipt speaks of: what was said of them before counts no more.
    """
    connection = unit.connection
    known = newest_epoch(connection)
    if not known or epoch <= known:
        enter(connection, epoch)
        return False
    enter(connection, epoch)
    sql.executemany(
        connection,
        "UPDATE change_set SET status = 'sealed', detail = '', archived_at = '' WHERE cs_id = ?",
        [(cs_id,) for cs_id in named],
    )
    before = read_number(connection, "receipted")
    write_text(connection, REWOUND_AT, at)
    write_number(connection, REWOUND_FROM, min(contiguous_to, before))
    write_number(connection, REWOUND_TO, before)
    if contiguous_to >= before:
        return False
    write_number(connection, "receipted", contiguous_to)
    sql.execute(
        connection,
        "UPDATE change_set SET status = 'sealed', detail = '', archived_at = ''"
        " WHERE apart = 1 OR to_seq > ?",
        (contiguous_to,),
    )
    _own_first(unit, types, contiguous_to, before)
    return True


def rewound(connection: sa.Connection) -> Rewound:
    """What to tell the person about the hub's last restore."""
    start, end = read_number(connection, REWOUND_FROM), read_number(connection, REWOUND_TO)
    receipted = read_number(connection, "receipted")
    kept = exchange.kept_from(connection)
    return Rewound(
        read_text(connection, REWOUND_AT),
        end - start,
        max(0, end - max(start, receipted)),
        max(0, min(end, kept - 1) - max(start, receipted)),
    )


def _own_first(unit: Unit, types: Mapping[int, RecordType], after: int, to: int) -> None:
    """Rows whose own changes are pending again are tagged with them, before all others."""
    mine = OwnChanges(unit.connection, after)
    touched: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for raw in raw_blocks(unit.connection, after + 1, to):
        for run in _block(raw).runs:
            touched[run.type].update(dict.fromkeys(run.record_ids()))
    for number, ids in touched.items():
        declared = types.get(number)
        if declared is None:
            continue
        rows = []
        for record_id, state in unit.load(declared, list(ids), ()).items():
            own = max((w for w in _writers(state) if mine.pending(w)), default=0)
            if own and not mine.pending(state.tag):
                rows.append((encode_fw(state.fw), own, state.hlc, record_id))
        if rows:
            unit.put_changed(declared, (), rows)


def _block(raw: bytes) -> Block:
    return msgspec.msgpack.decode(raw, type=Block)


def _writers(state: RowState) -> Iterable[int]:
    return together((state.w,), state.fw.values())


# --- what a stream touched ---------------------------------------------------------
def note_tail(
    connection: sa.Connection, after: int, now: CursorRow, blocks: Iterable[Block], at: str
) -> None:
    """Remember which records a stretch touched, in case the hub forgets it.

    The first load is not remembered: who falls back behind it asks about everything.
    """
    if not read_text(connection, "complete_at") or now.n == after:
        return
    ids: defaultdict[int, list[bytes]] = defaultdict(list)
    for block in blocks:
        for run in block.runs:
            ids[run.type].append(run.ids)
    packed = _ids_encoder.encode({number: b"".join(parts) for number, parts in ids.items()})
    sql.execute(
        connection,
        "INSERT INTO stream_tail (stream, last, first, epoch, head, ids, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (now.stream, now.n, after + 1, now.epoch, now.head, packed, at),
    )


def rewind(
    connection: sa.Connection, to: CursorRow, types: Iterable[RecordType]
) -> None:
    """Go back to where the hub goes on; what was touched since is in doubt.

    A tail that does not reach back so far puts everything in doubt.
    """
    at = exchange.cursor_at(connection, to.stream)
    rows = sql.execute(
        connection,
        "SELECT first, last, ids FROM stream_tail WHERE stream = ? AND last > ? ORDER BY last",
        (to.stream, to.n),
    ).fetchall()
    if at.n > to.n and (not rows or rows[0][0] > to.n + 1):
        _doubt_everything(connection, types)
    for _, _, ids in rows:
        _doubt(connection, _ids_decoder.decode(bytes(ids)))
    sql.execute(
        connection, "DELETE FROM stream_tail WHERE stream = ? AND last > ? AND first > ?",
        (to.stream, to.n, to.n),
    )
    sql.execute(
        connection, "UPDATE stream_tail SET last = ?, head = ? WHERE stream = ? AND last > ?",
        (to.n, to.head, to.stream, to.n),
    )
    exchange.move_cursor(connection, to)


def doubt(connection: sa.Connection, declared: RecordType, ids: list[str]) -> None:
    """Let the hub say anew how these records stand."""
    if ids:
        _doubt(connection, {declared.number: ids_bytes(ids)})


def _doubt(connection: sa.Connection, ids: Mapping[int, bytes]) -> None:
    for number, packed in ids.items():
        text = packed.hex()
        rows = [(number, text[i : i + 32]) for i in range(0, len(text), 32)]
        sql.executemany(
            connection,
            "INSERT INTO doubtful (type, record_id) VALUES (?, ?) ON CONFLICT DO NOTHING", rows,
        )


def doubt_own(connection: sa.Connection, first: int, last: int) -> None:
    """How the records that own changes touched stand is for the hub to say."""
    ids: defaultdict[int, list[bytes]] = defaultdict(list)
    for raw in raw_blocks(connection, first, last):
        for run in _block(raw).runs:
            ids[run.type].append(run.ids)
    _doubt(connection, {number: b"".join(parts) for number, parts in ids.items()})


def _doubt_everything(connection: sa.Connection, types: Iterable[RecordType]) -> None:
    for declared in types:
        sql.execute(
            connection,
            f'INSERT INTO doubtful (type, record_id) SELECT {declared.number}, id FROM "{declared.name}"'
            " WHERE true ON CONFLICT DO NOTHING",
        )


def doubts(connection: sa.Connection) -> dict[int, bytes]:
    """Records the hub must say anew: type number → ids, 16 bytes each."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for number, record_id in sql.execute(connection, "SELECT type, record_id FROM doubtful"):
        found[number].append(record_id)
    return {number: ids_bytes(ids) for number, ids in found.items()}


# --- the hub's answer ----------------------------------------------------------------
def settled(connection: sa.Connection, answered: Mapping[int, bytes]) -> None:
    """These records are in doubt no longer."""
    for number, packed in answered.items():
        text = packed.hex()
        rows = [(number, text[i : i + 32]) for i in range(0, len(text), 32)]
        sql.executemany(connection, "DELETE FROM doubtful WHERE type = ? AND record_id = ?", rows)


def forget(unit: Unit, declared: RecordType, ids: list[str]) -> None:
    """The hub has no such records: they go.

    Those with own changes it has not signed for stay, and in doubt: it is asked again when it has.
    """
    mine = OwnChanges(unit.connection, read_number(unit.connection, "receipted"))
    kept = {
        record_id
        for record_id, state in unit.load(declared, ids, ()).items()
        if any(mine.pending(w) for w in (*_writers(state), state.tag))
    }
    gone = [record_id for record_id in ids if record_id not in kept]
    if gone:
        unit.put_gone(declared, gone)
    settled(unit.connection, {declared.number: ids_bytes(gone)})
    sql.executemany(
        unit.connection, "DELETE FROM shadow WHERE type = ? AND record_id = ?",
        [(declared.name, record_id) for record_id in ids],
    )


def in_step(connection: sa.Connection, epoch: str, as_of: Mapping[str, int]) -> bool:
    """Whether an answer about records is of this epoch and not older than the streams here."""
    if epoch != newest_epoch(connection):
        return False
    at = {c.stream: c.n for c in exchange.cursors(connection) if c.epoch == epoch}
    return all(at.get(stream, 0) <= n for stream, n in as_of.items())
