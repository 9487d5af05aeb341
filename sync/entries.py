"""What lies inside the compressed stream of a package: a sequence of entries.

Each is ``len32 [kind, meta, size]`` and then ``size`` bytes. No entry carries a
name that could become a path.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec

from shared.errors import PackageError
from sync.layout import MAX_ENTRY, Count, decode, len32, tampered
from sync.suite import Suite

MAX_ENTRY_HEADER = 1 << 20
WORTH_A_THREAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a package: a change set, a receipt, a grant …

    :param kind: free text, short.
    :param meta: small; anything msgpack can say.
    """

    kind: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | bytearray | memoryview = b""


def part(entry: Entry, name: str) -> bytes:
    """The bytes an entry carries under ``name`` in its meta; a package without them is refused."""
    found = entry.meta.get(name)
    if not isinstance(found, bytes):
        tampered("交换包中有一项内容不完整。")
    return found


class _Head(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    kind: Annotated[str, msgspec.Meta(max_length=64)]
    meta: dict[str, Any]
    size: Count


class Manifest:
    """Running keyed hash over (entry header, hash of its data) in order."""

    def __init__(self, suite: Suite, key: bytes) -> None:
        self._suite = suite
        self._hmac = hmac.new(key, digestmod=suite.hash_name)
        self.count = 0
        self.raw_len = 0

    def add(self, head: bytes, data: bytes | bytearray | memoryview) -> None:
        """Take one entry into account; ``head`` with its length in front."""
        hasher = self._suite.hasher()
        hasher.update(data)
        self._hmac.update(head)
        self._hmac.update(hasher.digest())
        self.count += 1
        self.raw_len += len(head) + len(data)

    def add_beside(
        self, pool: ThreadPoolExecutor, head: bytes, data: bytes | bytearray | memoryview
    ) -> Future[None] | None:
        """:meth:`add`, for much data in the pool; whoever adds next waits for the future."""
        if len(data) < WORTH_A_THREAD:
            self.add(head, data)
            return None
        return pool.submit(self.add, head, data)

    def digest(self) -> bytes:
        """The hash so far."""
        return self._hmac.digest()


class Reader(Protocol):
    """A byte source that returns less than asked only at its end."""

    def read(self, size: int = -1, /) -> bytes: ...


def entry_head(entry: Entry) -> bytes:
    """The framing in front of the entry's data."""
    if len(entry.data) > MAX_ENTRY:
        raise PackageError("有一项内容超过 64 MB，不能装入交换包。", "请拆分后再导出。")
    head = msgspec.msgpack.encode(_Head(entry.kind, dict(entry.meta), len(entry.data)))
    if len(head) > MAX_ENTRY_HEADER or len(entry.kind) > 64:
        raise PackageError("有一项内容的说明过长，不能装入交换包。", "请拆分后再导出。")
    return len32(len(head)) + head


def read_entries(reader: Reader, manifest: Manifest, raw_len: int) -> Iterator[Entry]:
    """Entries until ``raw_len`` bytes are used up; never reads past it.

    Sizes are checked against what is left before a buffer for them is made.
    """
    left = raw_len
    with ThreadPoolExecutor(1) as beside:  # one entry is hashed while its reader is at work on it
        hashed: Future[None] | None = None
        while left:
            front = _take(reader, 4, left)
            size = int.from_bytes(front, "big")
            if size > MAX_ENTRY_HEADER:
                tampered("交换包内一项内容的说明过长。")
            packed = _take(reader, size, left - 4)
            head = decode(packed, _Head)
            if head.size > MAX_ENTRY:
                tampered("交换包内一项内容超过 64 MB。")
            data = _take(reader, head.size, left - 4 - size)
            left -= 4 + size + head.size
            if hashed is not None:
                hashed.result()
            hashed = manifest.add_beside(beside, front + packed, data)
            yield Entry(head.kind, head.meta, data)
        if hashed is not None:
            hashed.result()


def _take(reader: Reader, size: int, left: int) -> bytes:
    if size > left:
        tampered("交换包内一项内容比声明的短。")
    data = reader.read(size) if size else b""
    if len(data) != size:
        tampered("交换包解压后的长度与声明的不符。")
    return data
