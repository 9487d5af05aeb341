"""Change sets: a contiguous range of one device's changes, signed by the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from shared.changes import SEQ_MASK, Block, chain, decode_block, join_blocks, split_blocks
from shared.errors import PackageTampered
from sync import messages, signing
from sync.layout import ASK_AGAIN
from sync.messages import PROTOCOL, Statement
from sync.signing import Envelope, SigningKey, VerifyKey

MAX_INCARNATION = 2**31


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A signed statement and the blocks it speaks of."""

    cs_id: str
    statement: Statement
    envelope: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Author:
    """Whose changes, for which hub."""

    hub_id: str
    device: str
    incarnation: int


def make(
    author: Author,
    key: SigningKey,
    *,
    first: int,
    last: int,
    prev_head: bytes,
    raw_blocks: Iterable[bytes],
    sealed_at: str,
    schema_version: int,
) -> ChangeSet:
    """Sign the blocks of changes ``first`` to ``last``."""
    head, raws = prev_head, list(raw_blocks)
    for raw in raws:
        head = chain(head, raw)
    payload = join_blocks(raws)
    statement = Statement(
        v=PROTOCOL,
        hub_id=author.hub_id,
        device=author.device,
        incarnation=author.incarnation,
        first=first,
        last=last,
        prev_head=prev_head,
        head=head,
        schema_version=schema_version,
        raw_len=len(payload),
        payload_hash=hashlib.sha256(payload).digest(),
        sealed_at=sealed_at,
    )
    envelope = signing.sign(key, signing.STATEMENT, messages.encode(statement))
    return ChangeSet(cs_id(envelope.payload), statement, envelope.encode(), payload)


def cs_id(statement: bytes) -> str:
    """Name of a change set: hash of its statement."""
    return hashlib.sha256(statement).hexdigest()


def peek(envelope: bytes) -> Statement:
    """The statement, not yet verified: only good to find the key that must verify it."""
    return messages.decode(Envelope.decode(envelope).payload, Statement)


def check(envelope: bytes, payload: bytes | None, key: VerifyKey, hub_id: str) -> ChangeSet:
    """Verify signature, hub and payload hash before anything inside is parsed.

    :param payload: None to check the statement alone.
    """
    signed = signing.verify(Envelope.decode(envelope), key, signing.STATEMENT)
    statement = messages.decode(signed, Statement)
    if not (
        1 <= statement.first <= statement.last <= SEQ_MASK and 1 <= statement.incarnation < MAX_INCARNATION
    ):
        raise PackageTampered("变更集的顺序号不对。", ASK_AGAIN)
    if statement.hub_id != hub_id:
        raise PackageTampered("变更集是发给另一个中心的。", "请把交换包交给它所属的中心。")
    if payload is not None and (
        len(payload) != statement.raw_len or hashlib.sha256(payload).digest() != statement.payload_hash
    ):
        raise PackageTampered("变更集的内容与签名不符。", ASK_AGAIN)
    return ChangeSet(cs_id(signed), statement, envelope, payload or b"")


def blocks(one: ChangeSet) -> list[Block]:
    """The blocks, parsed; raises :class:`PackageTampered` when chain or shape do not fit."""
    try:
        raws = split_blocks(one.payload)
        head = one.statement.prev_head
        for raw in raws:
            head = chain(head, raw)
        if head != one.statement.head:
            raise PackageTampered("变更集的链与签名不符。", ASK_AGAIN)
        parsed = [decode_block(r) for r in raws]
    except (msgspec.DecodeError, msgspec.ValidationError) as bad:
        raise PackageTampered("变更集的格式不对。", ASK_AGAIN) from bad
    expected = one.statement.first
    for block in parsed:
        if block.origins[:1] != [(one.statement.device, one.statement.incarnation)]:
            raise PackageTampered("变更集中混有别的设备的变更。", ASK_AGAIN)
        for run in block.runs:
            if run.origin != 0 or run.first != expected or run.writers:
                raise PackageTampered("变更集中的顺序号不连续。", ASK_AGAIN)
            expected += run.count
    if expected != one.statement.last + 1:
        raise PackageTampered("变更集中的变更数与签名不符。", ASK_AGAIN)
    return parsed
