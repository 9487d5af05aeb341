"""The bytes of a ``.yzp`` file: structures, limits, and strict reading.

::

    "YZP1" len32 HEADER (len32 CHUNK)+ 0x00000000 len32 TRAILER

Every length is a 32-bit big-endian integer and is checked against its limit
before anything is read. ``HEADER`` is ``[core, wraps]`` with the core as a byte
string, so that what is signed and bound is what travelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, BinaryIO, NoReturn, TypeVar

import msgspec

from shared.errors import NewerFormat, PackageError, PackageTampered, PackageTruncated
from sync.signing import KEY_BYTES, key_id
from sync.suite import Suite, suite_of

MAGIC = b"YZP1"
VERSION = 1
CHUNK = 1 << 20
MAX_HEADER = 1 << 20
MAX_TRAILER = 1 << 20
MAX_ENTRY = 64 << 20
MAX_RAW = 64 << 30
MAX_VOLUME = 7 << 29  # 3.5 GiB: FAT32 ends at 4 GiB
MAX_WINDOW = 8 << 20
END_OF_CHUNKS = bytes(4)

ASK_AGAIN = "请向发出方重新索取交换包；本机数据没有任何变动。"
UPGRADE = "请升级驿站后再导入；本机数据没有任何变动。"

T = TypeVar("T")
Prereq = str | int | dict[str, int]
Count = Annotated[int, msgspec.Meta(ge=0)]
Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Kid = Annotated[str, msgspec.Meta(min_length=16, max_length=16)]


class Kind(StrEnum):
    """What a package is for."""

    CHANGES = "changes"
    ANSWER = "answer"  # receipts and what comes down
    SNAPSHOT = "snapshot"
    ENROL_REQUEST = "enrol_request"
    ENROL_GRANT = "enrol_grant"
    TRUST = "trust"
    ATTACHMENTS = "attachments"
    RECOVER_REQUEST = "recover_request"
    RECOVER_ANSWER = "recover_answer"


SELF_SIGNED = frozenset({Kind.ENROL_REQUEST, Kind.RECOVER_REQUEST})
"""Kinds that bring the key they are signed with: it proves possession, not identity."""


_KINDS = frozenset(kind.value for kind in Kind)


class Volume(msgspec.Struct, frozen=True, array_like=True):
    """Which volume of which set; a single package is volume 1 of a set of its own."""

    index: Annotated[int, msgspec.Meta(ge=1)]
    set_id: str


class Range(msgspec.Struct, frozen=True, array_like=True):
    """Changes ``first`` to ``last`` (both included) of one device are inside."""

    device: str
    incarnation: int
    first: int
    last: int


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the header that wraps and signature bind. Fields unknown here are kept signed and ignored.

    :param exporter: device id of the sealer (or the hub's id).
    :param exporter_key_id: the signing key used.
    :param exporter_key: that key itself, in a request of :data:`SELF_SIGNED` only.
    :param audience: kids of the keys it is sealed to.
    :param prereqs: what the opener must already have: cursors by stream, ``hub_epoch`` …
    """

    v: Annotated[int, msgspec.Meta(ge=1)]
    suite: int
    package_id: str
    hub_id: str
    exporter: str
    exporter_key_id: Kid
    exporter_key: bytes = b""
    key_commit: Hash
    audience: tuple[Kid, ...]
    kind: Kind
    volume: Volume
    ranges: tuple[Range, ...]
    prereqs: dict[str, Prereq]
    trust_version: int
    created: str


class Wrap(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The file key, sealed to one recipient."""

    kid: Kid
    sealed: bytes


class RawHeader(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """HEADER on the wire."""

    core: bytes
    wraps: tuple[Wrap, ...]


class Trailer(msgspec.Struct, frozen=True, kw_only=True):
    """What the exporter signs: header, ciphertext, and the sizes to expect.

    :param manifest_hash: keyed with a key derived from the file key: a plain hash
        would let a courier confirm a guess of what is inside.
    :param volumes: on the last volume of a set how many there are, else 0.
    :param earlier: on the last volume the fingerprints of all before it.
    """

    header_hash: Hash
    n_chunks: Count
    chunks_hash: Hash
    raw_len: Count
    n_entries: Count
    manifest_hash: Hash
    volumes: Count = 0
    earlier: tuple[Hash, ...] = ()


class _Version(msgspec.Struct):
    v: Annotated[int, msgspec.Meta(ge=1)]
    suite: int
    kind: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header as read; nothing of it is trusted before the trailer is verified."""

    core: Core
    core_bytes: bytes
    wraps: tuple[Wrap, ...]
    suite: Suite
    hash: bytes
    size: int

    def sealed_for(self, kid: str) -> bytes | None:
        """The wrapped file key of that recipient."""
        return next((one.sealed for one in self.wraps if one.kid == kid), None)


def len32(size: int) -> bytes:
    """A length as it stands in front of what it measures."""
    return size.to_bytes(4, "big")


def wrap_info(kid: str, core_bytes: bytes) -> bytes:
    """Binds a wrap to its recipient and to this one package."""
    return b"yzp1 wrap" + kid.encode("ascii") + core_bytes


def nonce(counter: int, final: bool) -> bytes:
    """12 bytes: the chunk's number and whether it is the last."""
    return counter.to_bytes(11, "big") + (b"\x01" if final else b"\x00")


def chunk_key(suite: Suite, file_key: bytes, header_hash: bytes) -> bytes:
    """The key of the chunks, bound to the header."""
    return suite.derive(file_key, header_hash, b"yzp1 chunks")


def manifest_key(suite: Suite, file_key: bytes) -> bytes:
    """The key of the manifest hash."""
    return suite.derive(file_key, b"", b"yzp1 manifest")


def commitment(suite: Suite, file_key: bytes) -> bytes:
    """Fixes the file key: AES-GCM alone would open under more than one key."""
    return suite.derive(file_key, b"", b"yzp1 commit")


def fingerprint_text(fingerprint: bytes) -> str:
    """Four groups of four digits, for the hand-over sheet and for reading aloud."""
    digits = fingerprint.hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def decode(data: bytes, type_: type[T]) -> T:
    """Strict, typed, bounded; whatever does not fit is :class:`PackageTampered`."""
    try:
        return msgspec.msgpack.decode(data, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PackageTampered("交换包的内容无法读取，可能已损坏。", ASK_AGAIN) from error


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """``size`` bytes, or :class:`PackageTruncated`."""
    data = stream.read(size)
    if len(data) == size:
        return data
    parts = [data]
    missing = size - len(data)
    while data and missing:
        data = stream.read(missing)
        parts.append(data)
        missing -= len(data)
    if missing:
        raise PackageTruncated("交换包不完整，后面的部分缺失。", "请重新复制或重新导出后再试。")
    return b"".join(parts)


def read_length(stream: BinaryIO, limit: int) -> int:
    """A length not above ``limit``."""
    size = int.from_bytes(read_exactly(stream, 4), "big")
    if size > limit:
        tampered("交换包中有一段的长度超出规定。")
    return size


def read_header(stream: BinaryIO) -> Header:
    """Parse the header and nothing else; no key needed, no trust implied."""
    _read_magic(stream)
    data = read_exactly(stream, read_length(stream, MAX_HEADER))
    raw = decode(data, RawHeader)
    version = decode(raw.core, _Version)
    if version.v > VERSION:
        raise NewerFormat("交换包由更新版本的驿站生成。", UPGRADE)
    suite = suite_of(version.suite)
    if version.kind not in _KINDS:
        raise NewerFormat("交换包的用途是本程序不认识的。", UPGRADE)
    core = decode(raw.core, Core)
    if tuple(one.kid for one in raw.wraps) != core.audience or len(set(core.audience)) != len(core.audience):
        tampered("交换包的接收方名单前后不一致。")
    if core.kind in SELF_SIGNED:
        if len(core.exporter_key) != KEY_BYTES or key_id(core.exporter_key) != core.exporter_key_id:
            tampered("申请中的公钥与声明的不一致。")
    elif core.exporter_key:
        tampered("交换包中有不应出现的公钥。")
    hasher = suite.hasher()
    hasher.update(data)
    return Header(core, raw.core, raw.wraps, suite, hasher.digest(), len(MAGIC) + 4 + len(data))


def _read_magic(stream: BinaryIO) -> None:
    start = stream.read(len(MAGIC))
    if start == MAGIC:
        return
    if MAGIC.startswith(start):
        raise PackageTruncated("交换包是空的或不完整。", "请重新复制或重新导出后再试。")
    if len(start) == len(MAGIC) and start[:3] == MAGIC[:3] and start[3:].isdigit() and start > MAGIC:
        raise NewerFormat("交换包由更新版本的驿站生成。", UPGRADE)
    raise PackageError("这不是驿站交换包。", "请选择扩展名为 .yzp 的交换包文件。")


def tampered(message: str) -> NoReturn:
    """Refuse: hash, tag, signature or structure do not fit."""
    raise PackageTampered(message, ASK_AGAIN)
