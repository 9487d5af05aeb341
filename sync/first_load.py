"""What both sides say about a first load: the pages of a scope's database, in parts (ADR 0014)."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from shared.errors import PackageTampered
from shared.store.pages import PAGE
from sync import messages, signing
from sync.entries import Entry, part
from sync.hub_trust import HubTrust
from sync.layout import ASK_AGAIN
from sync.messages import PROTOCOL, Cursor
from sync.signing import SigningKey

SNAPSHOT = "snapshot"
PART_PAGES = 4096
"""Pages of one part: 16 MiB, of which about a sixth remains when sealed."""
NETWORK_PARTS = 3
"""Parts of one answer over the network: some 8 MiB on the line, so that a weak one gets on."""
MAX_PARTS = 1 << 16

Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub signs about a whole snapshot; travels with every part of it.

    :param id: names the snapshot. :param at: when it stood so.
    :param schema: revision of the client's tables inside.
    :param cursors: up to where the streams are inside.
    :param pages: of :data:`~shared.store.pages.PAGE` bytes; all parts but the last hold ``part_pages``.
    :param parts: SHA-256 of each part, as plain pages.
    :param rows: records inside, for people.
    """

    v: int
    hub_id: str
    id: str
    epoch: str
    at: str
    schema: str
    cursors: dict[str, Cursor]
    pages: Annotated[int, msgspec.Meta(ge=1)]
    part_pages: Annotated[int, msgspec.Meta(ge=1, le=PART_PAGES)]
    parts: Annotated[list[Hash], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]
    rows: Count = 0

    @property
    def count(self) -> int:
        """How many parts."""
        return len(self.parts)

    def size_of(self, number: int) -> int:
        """Bytes of part ``number`` (from 0)."""
        before = number * self.part_pages
        return min(self.part_pages, self.pages - before) * PAGE


class SnapshotPart(msgspec.Struct, frozen=True):
    """One part as it came, checked."""

    head: Head
    envelope: bytes
    number: int
    data: bytes | bytearray | memoryview


def entry_of(key: SigningKey, head: Head, number: int, data: bytes) -> Entry:
    """One part as an entry of an answer."""
    envelope = signing.sign(key, signing.SNAPSHOT, messages.encode(head)).encode()
    return Entry(SNAPSHOT, {"head": envelope, "part": number}, data)


def read_head(envelope: bytes, hub: HubTrust) -> Head:
    """The head inside an envelope; raises :class:`PackageTampered` unless our hub signed it."""
    head = messages.decode(hub.checked(envelope, signing.SNAPSHOT), Head)
    whole = -(-head.pages // head.part_pages) == head.count
    if head.hub_id != hub.hub_id or head.v != PROTOCOL or not whole or not _is_id(head.id):
        raise PackageTampered("首批数据的说明与本机的中心不符。", ASK_AGAIN)
    return head


def read_part(entry: Entry, hub: HubTrust) -> SnapshotPart:
    """The part inside an entry, signature and hash checked."""
    envelope = part(entry, "head")
    head = read_head(envelope, hub)
    number = entry.meta.get("part")
    if not isinstance(number, int) or not 0 <= number < head.count:
        raise PackageTampered("首批数据的分部编号不对。", ASK_AGAIN)
    whole = len(entry.data) == head.size_of(number)
    if not whole or hashlib.sha256(entry.data).digest() != head.parts[number]:
        raise PackageTampered("首批数据与中心的签名不符。", ASK_AGAIN)
    return SnapshotPart(head, envelope, number, entry.data)


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)
