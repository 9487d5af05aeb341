"""Where a stretch of a stream joins what this device has followed; pure, no I/O.

Equal chain heads prove equal histories. So a device at or before the point from which
the hub was restored simply goes on; one beyond it finds that nothing fits and goes back
to where the hub's stretch begins (sync.md, Receipts, epochs).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from shared.changes import Block, chain, decode_block, split_blocks
from shared.errors import PackageError, PackageTampered
from shared.store.exchange import CursorRow
from sync.layout import ASK_AGAIN
from sync.messages import Down

EARLIER_FIRST = (
    "请先导入较早的交换包；没有的话，请导出一次或联网同步一次，中心知道本机的进度后会补发。"
)


@dataclass(frozen=True, slots=True)
class Joined:
    """What to apply, and after which position.

    :param rewound: whether the device must first go back to ``after``.
    """

    after: int
    head: bytes
    blocks: list[Block]
    rewound: bool = False


def join(down: Down, payload: bytes, at: CursorRow, newest: str) -> Joined | None:
    """The part of a stretch that follows ``at``; None when it brings nothing new.

    :param newest: the newest epoch heard of; what an older one says does not count any more.
    Raises :class:`PackageError` when something before it is missing.
    """
    if down.epoch < newest:
        return None
    forked = at.n > 0 and at.epoch != down.epoch
    if not forked and down.to <= at.n:
        return None  # had it already, by whichever way
    if down.after > at.n:
        raise PackageError("这个交换包前面还有没有收到的数据。", EARLIER_FIRST)
    blocks, bounds = _parsed(down, payload)
    if (at.n, at.head) in bounds:
        return Joined(at.n, at.head, blocks[bounds.index((at.n, at.head)) :])
    if forked:
        return Joined(down.after, down.prev_head, blocks, rewound=True)
    raise PackageTampered("下发数据与本机已有的接不上。", "请联网同步一次，或请中心重新导出。")


def _parsed(down: Down, payload: bytes) -> tuple[list[Block], list[tuple[int, bytes]]]:
    """The blocks, and where in the chain each begins and the last one ends."""
    try:
        raws = split_blocks(payload)
        blocks = [decode_block(raw) for raw in raws]
    except (msgspec.DecodeError, msgspec.ValidationError) as bad:
        raise PackageTampered("下发数据的格式不对。", ASK_AGAIN) from bad
    n, head = down.after, down.prev_head
    bounds = [(n, head)]
    for raw, block in zip(raws, blocks, strict=True):
        n, head = n + block.count, chain(head, raw)
        bounds.append((n, head))
    if (n, head) != (down.to, down.head):
        raise PackageTampered("下发数据的链与签名不符。", ASK_AGAIN)
    return blocks, bounds
