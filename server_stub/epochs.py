"""Epochs: a hub restored from a backup says so, and goes on from where the backup was made.

The restored database knows at which place of every stream the new epoch forked from the
one before. A device at or before that place goes on; one beyond it goes back to it. What
the hub forgot comes again from the devices that wrote it, in whatever order they turn up:
a change set that builds on another device's forgotten one waits for that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
import zstandard

from server_stub import lines
from shared.changes import GENESIS, SEQ_BITS, SEQ_MASK, Block, Op
from shared.clock import Clock
from shared.ids import new_id
from shared.store import sql
from shared.store.facts import read_number, read_text, write_number, write_text
from shared.store.incoming import Incoming
from shared.store.merging import RESOLVES
from shared.store.references import Origins
from shared.store.unit import Unit
from sync.messages import Ask, Cursor, SetReceipt

WAIT_DAYS = 30
"""How long after a restore a change set waits for others it builds on."""
_INDEX_MASK = 0xFF
MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Lineage:
    """The epochs of this hub.

    :param before: epoch → the one it forked from.
    :param forks: (epoch, stream) → where.
    :param own: incarnation of the hub → its last own change that is not forgotten.
    """

    current: str
    began_at: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    forks: Mapping[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    own: Mapping[int, int] = field(default_factory=dict)

    @property
    def restored(self) -> bool:
        """Whether this hub ever came back from a backup."""
        return bool(self.before)

    def start(self, stream: str, at: Cursor | None) -> Cursor:
        """From where a device gets a stream."""
        if at is None or not 0 <= at.n <= MOST:
            return Cursor(self.current, 0, GENESIS)
        n, head = at.n, at.head
        epoch = self.current
        while epoch != at.epoch:
            if epoch not in self.before:
                return Cursor(self.current, 0, GENESIS)  # of a time nobody remembers
            fork = self.forks.get((epoch, stream), (0, GENESIS))
            if fork[0] < n:
                n, head = fork
            epoch = self.before[epoch]
        return Cursor(self.current, n, head)


def read(connection: sa.Connection) -> Lineage:
    """What the database remembers."""
    rows = sql.execute(
        connection, "SELECT epoch, before, began_at, incarnation, own_seq FROM epoch ORDER BY epoch"
    ).fetchall()
    forks = sql.execute(connection, "SELECT epoch, stream, n, head FROM epoch_fork").fetchall()
    return Lineage(
        read_text(connection, "epoch"),
        max((r[2] for r in rows), default=""),
        {r[0]: r[1] for r in rows},
        {(f[0], f[1]): (f[2], bytes(f[3])) for f in forks},
        {r[3] - 1: r[4] for r in rows},
    )


def begin(
    connection: sa.Connection,
    hub_id: str,
    clock: Clock,
    *,
    beyond: str = "",
    backup: str = "",
    made: str = "",
) -> str:
    """Begin a new epoch at the present state of every stream; returns its name.

    :param beyond: an epoch heard of elsewhere; the new one comes after it in any case.
    :param backup: fingerprint of the backup; ``made`` when it was made.
    """
    before = read_text(connection, "epoch")
    epoch = later_than(max(before, beyond))
    incarnation = read_number(connection, "incarnation") + 1
    sql.execute(
        connection,
        "INSERT INTO epoch (epoch, before, began_at, incarnation, own_seq, backup, backup_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (epoch, before, clock.stamp(), incarnation, read_number(connection, "seq"), backup, made),
    )
    sql.execute(
        connection,
        "INSERT INTO epoch_fork (epoch, stream, n, head) SELECT ?, name, n, head FROM stream", (epoch,),
    )
    write_text(connection, "epoch", epoch)
    write_number(connection, "incarnation", incarnation)
    write_number(connection, "origin", Origins(connection).number(hub_id, incarnation))
    return epoch


def later_than(epoch: str) -> str:
    """A new epoch's name, greater than ``epoch`` even where the clock was set back."""
    made = new_id()
    return made if made > epoch else f"{int(epoch, 16) + 1:032x}"


def heard(ask: Ask) -> str:
    """The newest epoch a device had heard of when it asked."""
    return ask.epoch or max((c.epoch for c in ask.cursors.values()), default="")


def come_since(connection: sa.Connection, device: str, epoch: str, most: int) -> list[SetReceipt]:
    """The latest sets of a device that came after an epoch had ended, as they stand.

    What was said of them before, another life of this hub had said.
    """
    (ended,) = sql.execute(connection, "SELECT min(began_at) FROM epoch WHERE epoch > ?", (epoch,)).fetchone()
    if not ended:
        return []
    rows = sql.execute(
        connection,
        "SELECT cs_id, first, last, status, reason FROM accepted_set WHERE device = ? AND received_at >= ?"
        " ORDER BY incarnation DESC, first DESC LIMIT ?",
        (device, ended, most),
    ).fetchall()
    return [SetReceipt(*row) for row in reversed(rows)]


# --- what is offered again ---------------------------------------------------------
def waits_for(
    connection: sa.Connection, lineage: Lineage, device: str, blocks: list[Block], now: datetime,
    held_type: int,
) -> str:  # fmt: skip
    """Why a set must wait for what other devices have not offered again yet; ``""`` to go on.

    :param held_type: number of the record type of held sets.
    """
    if not lineage.restored:
        return ""
    if now - datetime.fromisoformat(lineage.began_at) > timedelta(days=WAIT_DAYS):
        return ""
    actors = sorted({run.actor for block in blocks for run in block.runs})
    if len(sql.fetch(connection, "user", ("id",), actors)) < len(actors):
        return "中心从备份恢复过，提交人的账号要重新建立后才能入库"
    decided = _decided(blocks, held_type)
    if len(sql.fetch(connection, "held_set", ("id",), decided)) < len(decided):
        return "中心从备份恢复过，所决定的隔离变更集还没有重新上报"
    for (other, incarnation), seq in _built_on(blocks).items():
        if other != device and _missing(connection, other, incarnation, seq):
            return "中心从备份恢复过，所依据的另一台设备的变更还没有重新上报"
    return ""


def _decided(blocks: list[Block], held_type: int) -> list[str]:
    """Held sets these decide about: their records are the hub's own word and come again with the sets."""
    runs = [run for block in blocks for run in block.runs if run.type == held_type and run.op == Op.UPDATE]
    return sorted({run.ids[at : at + 16].hex() for run in runs for at in range(0, len(run.ids), 16)})


def _built_on(blocks: list[Block]) -> dict[tuple[str, int], int]:
    """The last change of each origin that these were made in knowledge of."""
    found: defaultdict[tuple[str, int], int] = defaultdict(int)
    for block in blocks:
        for run in block.runs:
            for reference in {r for column in run.bases for r in column if r}:
                origin = block.origins[reference & _INDEX_MASK]
                found[origin] = max(found[origin], reference >> 8)
    return found


def _missing(connection: sa.Connection, device: str, incarnation: int, seq: int) -> bool:
    if device == read_text(connection, "device"):
        return False  # the hub's own word does not come again
    row = sql.execute(
        connection,
        "SELECT state FROM device_key WHERE device = ?",
        (device,),
    ).fetchone()
    if row is None:
        return True  # enrolled after the backup; it comes with a new code
    return row[0] == "active" and lines.reach(connection, device, incarnation).contiguous_to < seq


def waiting(connection: sa.Connection) -> list[tuple[bytes, bytes, str]]:
    """Parked sets (envelope, payload, device) whose turn has come but for what others have to offer."""
    heads = sql.execute(
        connection,
        "SELECT device, incarnation, min(first) FROM accepted_set WHERE status = 'parked'"
        " GROUP BY device, incarnation ORDER BY min(received_at), device, incarnation",
    ).fetchall()
    out: list[tuple[bytes, bytes, str]] = []
    for device, incarnation, first in heads:
        if first > lines.reach(connection, device, incarnation).contiguous_to + 1:
            continue
        envelope, payload = sql.execute(
            connection,
            "SELECT envelope, payload FROM accepted_set WHERE device = ? AND incarnation = ?"
            " AND first = ? AND status = 'parked' ORDER BY cs_id",
            (device, incarnation, first),
        ).fetchone()
        out.append((bytes(envelope), zstandard.ZstdDecompressor().decompress(bytes(payload)), str(device)))
    return out


def settle(unit: Unit, lineage: Lineage, one: Incoming) -> Incoming | None:
    """A run whose author had seen what the hub itself said and has forgotten; None when void.

    The hub's word of before and the hub's word of now are both the hub's: the author has
    seen it. A decision about a forgotten conflict is an ordinary change.
    """
    if not lineage.restored or one.op is Op.INSERT:
        return one
    if one.run.cause.startswith(RESOLVES) and not _known_conflict(unit, one.run.cause):
        if one.declared.name == "conflict":
            return None
        one = replace(one, run=msgspec.structs.replace(one.run, cause=""))
    hub = _own_origins(unit.connection, lineage)
    if not any(_forgotten(r, hub) for column in one.bases for r in column):
        return one
    states = unit.load(one.declared, one.ids, ())
    bases = [
        [
            _now(states[i].writer(f.number), r, hub) if i in states and _forgotten(r, hub) else r
            for i, r in zip(one.ids, column, strict=True)
        ]
        for f, column in zip(one.fields, one.bases, strict=True)
    ]
    return replace(one, bases=bases)


def _known_conflict(unit: Unit, cause: str) -> bool:
    return bool(sql.fetch(unit.connection, "conflict", ("id",), [cause.removeprefix(RESOLVES)]))


def _own_origins(connection: sa.Connection, lineage: Lineage) -> dict[int, int]:
    """Local origins of the hub: each with its last change that is not forgotten."""
    rows = sql.execute(
        connection, "SELECT no, incarnation FROM origin WHERE device = ?", (read_text(connection, "device"),)
    ).fetchall()
    return {no: lineage.own.get(incarnation, SEQ_MASK) for no, incarnation in rows}


def _forgotten(reference: int, hub: Mapping[int, int]) -> bool:
    return reference & SEQ_MASK > hub.get(reference >> SEQ_BITS, SEQ_MASK)


def _now(writer: int, base: int, hub: Mapping[int, int]) -> int:
    return writer if writer >> SEQ_BITS in hub else base
