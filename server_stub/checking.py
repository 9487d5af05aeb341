"""Whether a hub's database is whole: every chain, every device, every signature; not just hashes.

The same going-through serves backups, ``yizhan-hub audit check`` and the
administrator's button; it reads everything and changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
import zstandard

from server_stub.backup_file import damaged
from server_stub.keys import HubKeys
from shared import gaps
from shared.changes import GENESIS, chain, decode_block, unpack
from shared.errors import YizhanError
from shared.store import audit, sql
from shared.store.facts import read_text
from sync import changeset, signing
from sync.proving import Proof
from sync.signing import Envelope, VerifyKey

PARKED = "parked"
MOST_SAID = 5
"""So many places that do not fit are named for each kind of evidence; the rest is counted."""
_UNREADABLE = (YizhanError, ValueError, TypeError, msgspec.MsgspecError, zstandard.ZstdError)

Tell = Callable[[str], None]


class _Unfit(Exception):
    """Something does not fit; the text says what."""


class _Tally:
    """Counts what was gone through, and keeps what did not fit."""

    def __init__(self) -> None:
        self.count = 0
        self._troubles: list[str] = []

    def within(self, name: str, part: Callable[..., None], *inside: Any) -> None:
        """Go through one stream or device; the others are gone through all the same."""
        try:
            part(*inside)
        except _Unfit as unfit:
            self._troubles.append(f"{name}{unfit}")
        except _UNREADABLE as bad:
            said = bad.message if isinstance(bad, YizhanError) else "内容无法读取"
            self._troubles.append(f"{name}：{said.rstrip('。')}")

    def proof(self, title: str) -> Proof:
        """What was found."""
        said = "；".join(self._troubles[:MOST_SAID])
        more = f"；另有 {len(self._troubles) - MOST_SAID:,} 处" if len(self._troubles) > MOST_SAID else ""
        return Proof(title, self.count, said + more)


def check(connection: sa.Connection, keys: HubKeys) -> dict[str, int]:
    """Go through a copy of the whole database; returns how much of what was checked.

    Raises :class:`BackupDamaged` with what does not fit.
    """
    if read_text(connection, "device") != keys.hub_id:
        raise damaged("备份中的数据库属于另一个中心。")
    found = prove(connection, keys)
    for one in found:
        if one.trouble:
            raise damaged(f"备份中的{one.title}核对不上：{one.trouble}。")
    streams = sql.execute(connection, "SELECT count(*) FROM stream").scalar() or 0
    counts = {one.title: one.count for one in found}
    return {
        "streams": streams, "changes": counts[CHANGES], "sets": counts[SETS], "receipts": counts[RECEIPTS],
    }  # fmt: skip


ACTS, CHANGES, SETS, RECEIPTS, FILE = "审计记录", "数据流", "设备变更集", "中心回执", "数据库文件"


def prove(connection: sa.Connection, keys: HubKeys, tell: Tell = lambda _: None) -> list[Proof]:
    """What was gone through and what does not fit, kind by kind.

    :param connection: one that sees a single moment; :param tell: hears what is next, and may raise.
    """
    out = [_file(connection)] if not sql.is_postgres(connection) else []
    tell(ACTS)
    acts = audit.check(connection)
    out.append(Proof(ACTS, acts.count, "" if acts.whole else f"第 {acts.broken:,} 条{acts.reason}"))
    tell(CHANGES)
    out.append(_streams(connection))
    tell(SETS)
    out.append(_devices(connection, keys))
    tell(RECEIPTS)
    out.append(_receipts(connection, keys))
    return out


def _file(connection: sa.Connection) -> Proof:
    said = [str(r[0]) for r in connection.exec_driver_sql("PRAGMA integrity_check(1)")]
    return Proof(FILE, 1, "" if said == ["ok"] else "文件已损坏")


def _streams(connection: sa.Connection) -> Proof:
    tops = sql.execute(connection, "SELECT name, n, head FROM stream ORDER BY name").fetchall()
    forks: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for name, n, head in sql.execute(connection, "SELECT stream, n, head FROM epoch_fork"):
        forks[name][n] = bytes(head)
    tally = _Tally()
    known = {str(name) for name, _, _ in tops}
    for name, top, top_head in tops:
        end = (top, bytes(top_head))
        tally.within(f"数据流 {name} ", _stream, connection, name, end, forks[name], tally)
    for (name,) in sql.execute(connection, "SELECT DISTINCT stream FROM stream_block ORDER BY stream"):
        if name not in known:
            tally.within(f"数据流 {name} ", _unlisted)
    return tally.proof(CHANGES)


def _unlisted() -> None:
    raise _Unfit("没有登记")


def _stream(
    connection: sa.Connection, name: str, end: tuple[int, bytes], forks: dict[int, bytes], tally: _Tally
) -> None:
    n, head = 0, GENESIS
    for first, last, before, raw_len, payload in sql.execute(
        connection,
        "SELECT first, last, prev_head, raw_len, payload FROM stream_block WHERE stream = ? ORDER BY first",
        (name,),
    ):
        if first != n + 1 or bytes(before) != head:
            raise _Unfit(f"在第 {first:,} 条断开")
        raw = unpack(bytes(payload))
        if decode_block(raw).count != last - first + 1 or len(raw) != raw_len:
            raise _Unfit(f"在第 {first:,} 条的内容不齐")
        if forks.get(n, head) != head:
            raise _Unfit("与恢复时的记录不符")
        tally.count += last - n
        n, head = last, chain(head, raw)
    if (n, head) != end:
        raise _Unfit("的末尾不齐")


def _devices(connection: sa.Connection, keys: HubKeys) -> Proof:
    """Each device's accepted sets: signed by it, and one chain up to where the hub says it has come."""
    tally = _Tally()
    lines = sql.execute(connection, "SELECT DISTINCT device, incarnation FROM accepted_set")
    nothing = (0, GENESIS)  # of what no line counts as accepted, signatures are looked at alone
    spans = {(str(r[0]), int(r[1])): (nothing, nothing) for r in lines}
    for device, incarnation, top, top_head, start, parent, parent_head in sql.execute(
        connection,
        "SELECT device, incarnation, contiguous_to, head, start, parent, parent_head FROM device_reach",
    ):
        begin = (start, bytes(parent_head)) if parent else nothing
        spans[device, incarnation] = begin, (top, bytes(top_head))
    for (device, incarnation), (begin, end) in sorted(spans.items()):
        tally.within(
            f"设备 {device[-8:]} ", _device, connection, keys, (device, incarnation), begin, end, tally
        )
    return tally.proof(SETS)


def _device(
    connection: sa.Connection, keys: HubKeys, line: tuple[str, int], begin: tuple[int, bytes],
    end: tuple[int, bytes], tally: _Tally,
) -> None:  # fmt: skip
    device, incarnation = line
    signers = _signers(connection, device)
    inflate = zstandard.ZstdDecompressor().decompress
    at, head = begin
    for cs_id, first, last, status, envelope, payload in sql.execute(
        connection,
        "SELECT cs_id, first, last, status, envelope, payload FROM accepted_set"
        " WHERE device = ? AND incarnation = ? ORDER BY first, received_at",
        (device, incarnation),
    ):
        key = signers.get(Envelope.decode(bytes(envelope)).keyid)
        if key is None:
            raise _Unfit("的变更集由未知的密钥签署")
        try:
            one = changeset.check(bytes(envelope), inflate(bytes(payload)), key, keys.hub_id)
        except _UNREADABLE as bad:
            raise _Unfit(f"第 {gaps.said([(first, last)])} 号变更与签名不符") from bad
        said = one.statement
        kept = (cs_id, device, incarnation, first, last)
        if (one.cs_id, said.device, said.incarnation, said.first, said.last) != kept:
            raise _Unfit("的变更集与登记的不符")
        tally.count += 1
        if status != PARKED and (said.first, said.prev_head) == (at + 1, head) and said.last <= end[0]:
            _ = changeset.blocks(one)
            at, head = said.last, said.head
    if end[0] and (at, head) != end:
        raise _Unfit(f"的变更链不齐：只到第 {at:,} 条，应到第 {end[0]:,} 条")


def _signers(connection: sa.Connection, device: str) -> dict[str, VerifyKey]:
    rows = sql.execute(
        connection,
        "SELECT sign_key FROM device_key WHERE device = ? UNION SELECT sign_key FROM device_key_past"
        " WHERE device = ?",
        (device, device),
    )
    found = [VerifyKey(bytes(r[0])) for r in rows]
    return {key.key_id: key for key in found}


def _receipts(connection: sa.Connection, keys: HubKeys) -> Proof:
    tally = _Tally()

    def verify(envelope: bytes) -> None:
        tally.count += 1
        read = Envelope.decode(envelope)
        signing.verify(read, keys.own(read.keyid) or keys.sign.public, signing.RECEIPT)

    for package_id, envelope in sql.execute(
        connection, "SELECT package_id, receipt FROM package_seen ORDER BY at, package_id"
    ):
        tally.within(f"交换包 {package_id[:16]} 的回执", verify, bytes(envelope))
    return tally.proof(RECEIPTS)


__all__ = ["check", "prove"]
