"""Whether a hub's database is whole: every stream, every device, every signature; not just hashes."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
import zstandard

from server_stub.backup_file import BackupDamaged, damaged
from server_stub.keys import HubKeys
from shared.changes import GENESIS, chain, decode_block, unpack
from shared.errors import YizhanError
from shared.store import audit, sql
from shared.store.facts import read_text
from sync import changeset, signing
from sync.signing import Envelope, VerifyKey

PARKED = "parked"


def check(connection: sa.Connection, keys: HubKeys) -> dict[str, int]:
    """Go through the whole database; returns how much of what was checked.

    Raises :class:`BackupDamaged` with the first thing that does not fit.
    """
    if read_text(connection, "device") != keys.hub_id:
        raise damaged("备份中的数据库属于另一个中心。")
    if sql.is_postgres(connection):
        raise ValueError("a copy is a SQLite file")
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(1)"):
        if said != "ok":
            raise damaged("备份中的数据库文件已损坏。")
    try:
        streams, changes = _streams(connection)
        sets = _devices(connection, keys)
        receipts = _receipts(connection, keys)
    except BackupDamaged:
        raise
    except (YizhanError, ValueError) as bad:
        raise damaged(f"备份中的内容核对不上：{bad}") from bad
    acts = audit.check(connection)
    if not acts.whole:
        raise damaged(f"备份中的审计记录第 {acts.broken} 条核对不上（{acts.reason}）。")
    return {"streams": streams, "changes": changes, "sets": sets, "receipts": receipts}


def _streams(connection: sa.Connection) -> tuple[int, int]:
    tops = sql.execute(connection, "SELECT name, n, head FROM stream ORDER BY name").fetchall()
    forks: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for name, n, head in sql.execute(connection, "SELECT stream, n, head FROM epoch_fork"):
        forks[name][n] = bytes(head)
    total = 0
    for name, top, top_head in tops:
        n, head = 0, GENESIS
        for first, last, before, payload in sql.execute(
            connection,
            "SELECT first, last, prev_head, payload FROM stream_block WHERE stream = ? ORDER BY first",
            (name,),
        ):
            if not n and first > 1:  # what came before is no longer kept
                n, head = first - 1, bytes(before)
            if first != n + 1 or bytes(before) != head:
                raise damaged(f"数据流 {name} 在第 {first} 条断开。")
            raw = unpack(bytes(payload))
            if decode_block(raw).count != last - first + 1:
                raise damaged(f"数据流 {name} 在第 {first} 条的内容不齐。")
            if forks[name].get(n, head) != head:
                raise damaged(f"数据流 {name} 与恢复时的记录不符。")
            n, head = last, chain(head, raw)
        if (n, head) != (top, bytes(top_head)):
            raise damaged(f"数据流 {name} 的末尾不齐。")
        total += n
    return len(tops), total


def _devices(connection: sa.Connection, keys: HubKeys) -> int:
    """Each device's accepted sets: signed by it, and one chain up to where the hub says it has come."""
    count = 0
    inflate = zstandard.ZstdDecompressor().decompress
    reaches = sql.execute(
        connection,
        "SELECT device, incarnation, contiguous_to, head, start, parent, parent_head FROM device_reach",
    ).fetchall()
    for device, incarnation, top, top_head, start, parent, parent_head in reaches:
        signers = _signers(connection, device)
        at, head = (start, bytes(parent_head)) if parent else (0, GENESIS)
        for cs_id, status, envelope, payload in sql.execute(
            connection,
            "SELECT cs_id, status, envelope, payload FROM accepted_set WHERE device = ? AND incarnation = ?"
            " ORDER BY first, received_at",
            (device, incarnation),
        ):
            key = signers.get(Envelope.decode(bytes(envelope)).keyid)
            if key is None:
                raise damaged(f"设备 {device[-8:]} 的变更集由未知的密钥签署。")
            one = changeset.check(bytes(envelope), inflate(bytes(payload)), key, keys.hub_id)
            said = one.statement
            if (one.cs_id, said.device, said.incarnation) != (cs_id, device, incarnation):
                raise damaged(f"设备 {device[-8:]} 的变更集与登记的不符。")
            count += 1
            if status != PARKED and (said.first, said.prev_head) == (at + 1, head) and said.last <= top:
                _ = changeset.blocks(one)
                at, head = said.last, said.head
        if top and (at, head) != (top, bytes(top_head)):
            raise damaged(f"设备 {device[-8:]} 的变更链不齐：只到第 {at} 条，应到第 {top} 条。")
    return count


def _signers(connection: sa.Connection, device: str) -> dict[str, VerifyKey]:
    rows = sql.execute(
        connection,
        "SELECT sign_key FROM device_key WHERE device = ? UNION SELECT sign_key FROM device_key_past"
        " WHERE device = ?",
        (device, device),
    )
    found = [VerifyKey(bytes(r[0])) for r in rows]
    return {key.key_id: key for key in found}


def _receipts(connection: sa.Connection, keys: HubKeys) -> int:
    count = 0
    for (envelope,) in sql.execute(connection, "SELECT receipt FROM package_seen"):
        read = Envelope.decode(bytes(envelope))
        signing.verify(read, keys.own(read.keyid) or keys.sign.public, signing.RECEIPT)
        count += 1
    return count
