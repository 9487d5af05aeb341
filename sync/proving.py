"""Whether what this device holds is still what was written: chains and signatures gone through again.

Reads everything and changes nothing; for the button 核验 and for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from shared import gaps
from shared.changes import join_blocks
from shared.errors import PackageTampered
from shared.store import audit, exchange, incarnations, journal
from shared.store.exchange import SetRow
from shared.store.store import Store
from sync import changeset, messages, signing
from sync.messages import Receipt
from sync.signing import Envelope, VerifyKey

MOST = 10**9


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found about one kind of evidence.

    :param count: how many were gone through; :param trouble: ``""`` when all fit.
    """

    title: str
    count: int
    trouble: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, left out or cut off."""
        return not self.trouble


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose signatures count: this device's and the hub's, past keys included."""

    device: tuple[VerifyKey, ...]
    hub: tuple[VerifyKey, ...]
    hub_id: str


def prove(store: Store, signers: Signers, tell: Callable[[str], None]) -> list[Proof]:
    """Audit chain, journal, change sets, receipts; ``tell`` hears what is next and may raise."""
    with store.read() as connection:
        tell("审计记录")
        found = audit.check(connection)
        out = [Proof("审计记录", found.count, "" if found.whole else f"第 {found.broken:,} 条{found.reason}")]
        tell("变更日志")
        out.append(Proof("变更日志", *journal.broken(connection)))
        tell("变更集签名")
        gone = journal.discarded_sets(connection)
        sets = (
            (s, None if gone.get(s.first) == s.last else join_blocks(exchange.payload_blocks(connection, s)))
            for s in exchange.all_sets(connection, MOST)
        )
        out.append(Proof("变更集签名", *_sets(connection, sets, signers)))
        tell("中心回执")
        receipted = exchange.reach(connection).receipted
        out.append(Proof("中心回执", *_receipts(exchange.every_receipt(connection), signers, receipted)))
    return out


def _sets(
    connection: Any, sets: Iterable[tuple[SetRow, bytes | None]], signers: Signers
) -> tuple[int, str]:
    """A discarded set has no content any more: its statement then vouches for the chain on both sides."""
    count = 0
    for one, payload in sets:
        fits = _signed_by(signers.device, one.envelope, payload, signers.hub_id)
        if not fits or (payload is None and not _spans(connection, one)):
            return count, f"第 {gaps.said([(one.first, one.last)])} 号变更与签名不符"
        count += 1
    return count, ""


def _spans(connection: Any, one: SetRow) -> bool:
    said = changeset.peek(one.envelope)
    ends = (incarnations.head_at(connection, one.first - 1), incarnations.head_at(connection, one.last))
    return (said.first, said.last, said.prev_head, said.head) == (one.first, one.last, *ends)


def _receipts(receipts: Iterable[bytes], signers: Signers, receipted: int) -> tuple[int, str]:
    """What this device takes for delivered, and does not offer any more, the hub must have signed for."""
    count = reached = 0
    for raw in receipts:
        count += 1
        if not _signed_by_hub(signers.hub, raw):
            return count, f"第 {count:,} 份回执与中心的签名不符"
        reached = max(reached, messages.decode(Envelope.decode(raw).payload, Receipt).contiguous_to)
    if receipted > reached:
        return count, f"本机记着中心已签收到第 {receipted:,} 号，留存的回执只到第 {reached:,} 号"
    return count, ""


def _signed_by(keys: tuple[VerifyKey, ...], envelope: bytes, payload: bytes | None, hub_id: str) -> bool:
    for key in keys:
        try:
            changeset.check(envelope, payload, key, hub_id)
        except PackageTampered:
            continue
        return True
    return False


def _signed_by_hub(keys: tuple[VerifyKey, ...], raw: bytes) -> bool:
    for key in keys:
        try:
            signing.verify(Envelope.decode(raw), key, signing.RECEIPT)
        except PackageTampered:
            continue
        return True
    return False


__all__ = ["Proof", "Signers", "prove"]
