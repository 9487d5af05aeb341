"""Which parts of a first load one answer brings, and how they are divided among volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server_stub.snapshots import ASK_AGAIN_SECONDS, Kept, Offer
from shared.changes import GENESIS
from shared.errors import InputError
from sync.entries import Entry
from sync.first_load import NETWORK_PARTS, entry_of
from sync.layout import MAX_VOLUME
from sync.messages import Cursor
from sync.signing import SigningKey

OVERHEAD = 1 << 20
"""What a volume needs besides its parts: cover, receipt, state, trailer, tags of the chunks."""
LEAST = 1 << 30 >> 6
"""The smallest volume that may be chosen: 16 MiB."""
FULL = MAX_VOLUME - OVERHEAD


@dataclass(frozen=True, slots=True)
class Load:
    """What one answer brings of a first load.

    :param kept: None while it is being built.
    :param streams: whether what followed the snapshot comes behind its parts.
    """

    kept: Kept | None
    parts: list[int]
    streams: bool = False

    @property
    def wait(self) -> int:
        """Seconds after which to ask again; 0 = at once."""
        return 0 if self.kept is not None else ASK_AGAIN_SECONDS

    def entries(self, key: SigningKey) -> Iterator[Entry]:
        """The parts."""
        for number in self.parts if self.kept is not None else ():
            assert self.kept is not None
            yield entry_of(key, self.kept.head, number, self.kept.read(number))

    def stands(self, names: Sequence[str], epoch: str) -> dict[str, Cursor]:
        """Where the streams go on behind the snapshot."""
        inside = self.kept.head.cursors if self.kept is not None else {}
        start = Cursor(epoch, 0, GENESIS)
        return {name: inside.get(name, start) for name in names}


def by_network(offer: Offer) -> Load:
    """What the next answer over the network brings."""
    return Load(offer.kept, offer.missing[:NETWORK_PARTS])


def by_volumes(offer: Offer, limit: int) -> list[Load]:
    """One load for each volume of at most ``limit`` bytes; raises :class:`InputError` for too small a one."""
    if offer.kept is None:
        return [Load(None, [])]
    groups: list[list[int]] = [[]]
    left = limit - OVERHEAD
    for number in offer.missing:
        size = offer.kept.packed[number]
        size += size >> 10
        if size > limit - OVERHEAD:
            raise InputError(
                f"分卷太小：最小需要 {-(-(size + OVERHEAD) // (1 << 20))} MB。", "请用更大的 --volume-size。"
            )
        if size > left:
            groups.append([])
            left = limit - OVERHEAD
        groups[-1].append(number)
        left -= size
    last = len(groups) - 1
    return [Load(offer.kept, group, streams=i == last) for i, group in enumerate(groups)]


def room(load: Load, limit: int) -> int:
    """Bytes a volume has left for streams."""
    taken = sum(load.kept.packed[n] for n in load.parts) if load.kept is not None else 0
    return max(0, limit - OVERHEAD - taken - (taken >> 10))
