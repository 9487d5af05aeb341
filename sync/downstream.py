"""A stretch of a stream on its way into a device, checked against what the device has."""

from __future__ import annotations

import msgspec

from shared.changes import Block, chain, decode_block, split_blocks
from shared.errors import PackageTampered
from shared.store.exchange import CursorRow
from sync.layout import ASK_AGAIN
from sync.messages import Down

EARLIER_FIRST = (
    "请先导入较早的交换包；没有的话，请导出一次或联网同步一次，中心知道本机的进度后会补发。"
)


def continuing(down: Down, payload: bytes, at: CursorRow) -> list[Block]:
    """The blocks that follow a cursor; those before it came by another way already.

    Raises :class:`PackageTampered` when shape, chain or cursor do not fit.
    """
    try:
        raws = split_blocks(payload)
        blocks = [decode_block(raw) for raw in raws]
    except (msgspec.DecodeError, msgspec.ValidationError) as bad:
        raise PackageTampered("下发数据的格式不对。", ASK_AGAIN) from bad
    n, head, start = down.after, down.prev_head, -1
    for i, (raw, block) in enumerate(zip(raws, blocks, strict=True)):
        if (n, head) == (at.n, at.head):
            start = i
        head = chain(head, raw)
        n += block.count
    if (n, head) != (down.to, down.head):
        raise PackageTampered("下发数据的链与签名不符。", ASK_AGAIN)
    if start < 0:
        raise PackageTampered("下发数据与本机已有的接不上。", "请联网同步一次，或请中心重新导出。")
    return blocks[start:]
