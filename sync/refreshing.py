"""Asking how records stand now, and taking the answer in (sync.md, Receipts, epochs).

The streams say what changed; after the hub was restored from a backup a device also
holds what no stream will ever take back. It names those records, and the hub says how
they stand, or that it has none such.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from shared.changes import decode_block, split_blocks
from shared.errors import PackageTampered
from shared.record import RecordType
from shared.store import rewinding
from shared.store.follow import Follower
from shared.store.unit import Unit
from sync import messages
from sync.layout import ASK_AGAIN
from sync.messages import Ask, Refresh

PIECE = 30_000
"""Records one ask names: its entry must stay below a mebibyte."""
STREAM = "refresh"


def pieces(wanted: Mapping[int, bytes]) -> list[dict[int, bytes]]:
    """What is asked, in pieces that fit into an entry; one empty piece when nothing is."""
    out: list[dict[int, bytes]] = []
    room = 0
    for number, packed in wanted.items():
        while packed:
            if not room:
                out.append({})
                room = PIECE
            out[-1][number], packed = packed[: 16 * room], packed[16 * room :]
            room -= len(out[-1][number]) // 16
    return out or [{}]


def asks(ask: Ask, wanted: Mapping[int, bytes]) -> list[Ask]:
    """The ask of a package with these records wanted; what does not fit into it follows in others."""
    first, *further = pieces(wanted)
    alone = Ask(v=ask.v, incarnation=ask.incarnation, cursors={})
    replace = msgspec.structs.replace
    return [replace(ask, refresh=first), *(replace(alone, refresh=one) for one in further)]


def take(
    unit: Unit,
    follower: Follower,
    types: Mapping[int, RecordType],
    said: bytes,
    payload: bytes,
    hub_id: str,
) -> bool:
    """Apply an answer; False for one that came too late: the records stay in doubt and are asked again."""
    refresh = messages.decode(said, Refresh)
    if refresh.hub_id != hub_id or hashlib.sha256(payload).digest() != refresh.payload_hash:
        raise PackageTampered("下发数据与签名不符。", ASK_AGAIN)
    if not rewinding.in_step(unit.connection, refresh.epoch, refresh.as_of):
        return False
    try:
        blocks = [decode_block(raw) for raw in split_blocks(payload)]
    except (msgspec.DecodeError, msgspec.ValidationError) as bad:
        raise PackageTampered("下发数据的格式不对。", ASK_AGAIN) from bad
    for block in blocks:
        follower.apply(STREAM, block)
    for number, packed in refresh.absent.items():
        if number in types:
            rewinding.forget(unit, types[number], _ids(packed))
        else:
            rewinding.settled(unit.connection, {number: packed})
    rewinding.settled(unit.connection, refresh.answered)
    return True


def _ids(packed: bytes) -> list[str]:
    text = packed.hex()
    return [text[i : i + 32] for i in range(0, len(text), 32)]
