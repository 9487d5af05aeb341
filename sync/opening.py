"""Opening: verify the outer signature and every hash first, decrypt and parse only then.

``verify`` needs no private key: a courier or a machine in a DMZ runs it. Nothing
here touches anything but the given stream, which for :func:`open_package` must be
seekable and private (a local spool, not the stick).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard
from cryptography.exceptions import InvalidTag

from shared.errors import NotForUs, PackageTampered, UnknownSigner
from sync.entries import Entry, Manifest, Reader, read_entries
from sync.layout import (
    ASK_AGAIN,
    CHUNK,
    MAX_RAW,
    MAX_TRAILER,
    MAX_WINDOW,
    SELF_SIGNED,
    Core,
    Header,
    Trailer,
    chunk_key,
    commitment,
    decode,
    fingerprint_text,
    manifest_key,
    nonce,
    read_exactly,
    read_header,
    read_length,
    tampered,
    wrap_info,
)
from sync.signing import TRAILER, Envelope, VerifyKey
from sync.signing import verify as verify_envelope
from sync.suite import FILE_KEY_BYTES, Aead, OpenKey

Trust = Callable[[Core], VerifyKey | None]
"""Who may have signed a package with that core: the key on record, or None."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What the outer signature vouches for; the content is still sealed."""

    header: Header
    trailer: Trailer
    fingerprint: bytes
    size: int

    @property
    def core(self) -> Core:
        """Who, for whom, what."""
        return self.header.core

    @property
    def fingerprint_text(self) -> str:
        """As printed on the hand-over sheet."""
        return fingerprint_text(self.fingerprint)

    @property
    def n_chunks(self) -> int:
        return self.trailer.n_chunks

    @property
    def n_entries(self) -> int:
        return self.trailer.n_entries

    @property
    def raw_len(self) -> int:
        """Bytes after decompression."""
        return self.trailer.raw_len


def inspect(stream: BinaryIO) -> Header:
    """The header alone, unverified: to route a package or to show its cover."""
    return read_header(stream)


def verify(stream: BinaryIO, trust: Trust, expected_hub: str | None = None) -> Verified:
    """Check signature and hashes of a whole package, from the present position to the end.

    :raises PackageTruncated: it ends early.
    :raises PackageTampered: something does not fit.
    :raises UnknownSigner: ``trust`` knows no such signer.
    :raises NotForUs: it belongs to another hub than ``expected_hub``.
    :raises NewerFormat: this program is too old for it.
    """
    header = read_header(stream)
    core = header.core
    if expected_hub is not None and core.hub_id != expected_hub:
        raise NotForUs("这个交换包属于另一个中心，不能在这里使用。", "请核对交换包的来源，或交给对应的中心。")
    signer = trust(core)
    if signer is None or signer.key_id != core.exporter_key_id:
        raise UnknownSigner(
            "交换包的发出方不在本机信任的名单中。",
            "请先同步最新的设备名单；仍不行时请联系中心管理员核实该设备。",
        )
    envelope, found = _to_the_end(stream, header)
    return _fitting(header, verify_envelope(envelope, signer, TRAILER), found)


def intact(stream: BinaryIO) -> Verified:
    """Check lengths and hashes alone, for a courier who does not know the signer.

    Shows damage, not forgery: nothing it returns may be believed, only carried on.
    """
    header = read_header(stream)
    envelope, found = _to_the_end(stream, header)
    return _fitting(header, envelope.payload, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was counted on the way through a package."""

    n_chunks: int
    chunks_hash: bytes
    size: int


def _to_the_end(stream: BinaryIO, header: Header) -> tuple[Envelope, _Found]:
    n_chunks, chunks_hash, length = _hash_chunks(stream, header)
    packed = read_exactly(stream, read_length(stream, MAX_TRAILER))
    if stream.read(1):
        tampered("交换包末尾有多余的内容。")
    found = _Found(n_chunks, chunks_hash, header.size + length + 4 + len(packed))
    return Envelope.decode(packed), found


def _fitting(header: Header, payload: bytes, found: _Found) -> Verified:
    trailer = decode(payload, Trailer)
    said = (trailer.header_hash, trailer.n_chunks, trailer.chunks_hash)
    if said != (header.hash, found.n_chunks, found.chunks_hash):
        tampered("交换包的内容与签名不符，可能在途中被改动过。")
    if trailer.raw_len > MAX_RAW:
        tampered("交换包声明的内容大小超出规定。")
    volume = header.core.volume
    if trailer.volumes not in (0, volume.index) or len(trailer.earlier) != max(trailer.volumes - 1, 0):
        tampered("交换包的分卷信息前后不一致。")
    hasher = header.suite.hasher()
    hasher.update(payload)
    return Verified(header, trailer, hasher.digest(), found.size)


def self_signed(core: Core) -> VerifyKey | None:
    """The key inside a request: proves possession, not identity."""
    return VerifyKey(core.exporter_key) if core.kind in SELF_SIGNED else None


class Opened:
    """A verified package whose file key we hold."""

    def __init__(self, stream: BinaryIO, body: int, verified: Verified, file_key: bytes) -> None:
        self._stream = stream
        self._body = body
        self._file_key = file_key
        self.verified = verified

    @property
    def core(self) -> Core:
        """Who, for whom, what."""
        return self.verified.core

    def entries(self) -> Iterator[Entry]:
        """All entries in order, streaming; each call starts anew, one at a time.

        The last step compares the manifest: whoever keeps an entry for good does so
        after the iterator has ended, or checks the entry's own inner signature.
        """
        header, trailer = self.verified.header, self.verified.trailer
        suite = header.suite
        self._stream.seek(self._body)
        aead = suite.aead(chunk_key(suite, self._file_key, header.hash))
        chunks = _Chunks(self._stream, aead, header, trailer.n_chunks)
        manifest = Manifest(suite, manifest_key(suite, self._file_key))
        unzip = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        source = cast(BinaryIO, chunks)
        reader = cast(Reader, unzip.stream_reader(source, read_size=CHUNK, read_across_frames=True))
        try:
            yield from read_entries(reader, manifest, trailer.raw_len)
            rest = reader.read(1)
        except zstandard.ZstdError as error:
            raise PackageTampered("交换包的内容解压失败。", ASK_AGAIN) from error
        if rest or not chunks.ended:
            tampered("交换包解压后的长度与声明的不符。")
        fits = hmac.compare_digest(manifest.digest(), trailer.manifest_hash)
        if not fits or manifest.count != trailer.n_entries:
            tampered("交换包的内容与清单不符。")


def open_package(
    stream: BinaryIO, trust: Trust, keys: Mapping[str, OpenKey], expected_hub: str | None = None
) -> Opened:
    """Verify everything, then unwrap the file key with one of ``keys`` (by kid).

    :raises NotForUs: sealed to none of our keys.
    """
    start = stream.tell()
    verified = verify(stream, trust, expected_hub)
    header = verified.header
    for kid in header.core.audience:
        sealed = header.sealed_for(kid)
        if kid in keys and sealed is not None:
            break
    else:
        raise NotForUs(
            "这个交换包不是封装给本机的，无法打开。", "可以原样转交给接收方；请核对是否拿错了文件。"
        )
    file_key = keys[kid].unwrap(sealed, wrap_info(kid, header.core_bytes))
    if len(file_key) != FILE_KEY_BYTES or not hmac.compare_digest(
        commitment(header.suite, file_key), header.core.key_commit
    ):
        tampered("交换包的密钥与声明的不符。")
    return Opened(stream, start + header.size, verified, file_key)


def _hash_chunks(stream: BinaryIO, header: Header) -> tuple[int, bytes, int]:
    """Number of chunks, hash over their hashes, bytes read including the end mark."""
    suite = header.suite
    hashes = suite.hasher()
    n_chunks, length = 0, 4
    while size := read_length(stream, CHUNK + suite.tag_bytes):
        hasher = suite.hasher()
        hasher.update(read_exactly(stream, size))
        hashes.update(hasher.digest())
        n_chunks += 1
        length += 4 + size
    return n_chunks, hashes.digest(), length


class _Chunks:
    """The decrypted chunks as a byte source for the decompressor."""

    def __init__(self, stream: BinaryIO, aead: Aead, header: Header, n_chunks: int) -> None:
        self._stream = stream
        self._aead = aead
        self._aad = header.hash
        self._limit = CHUNK + header.suite.tag_bytes
        self._n_chunks = n_chunks
        self._next = 0

    @property
    def ended(self) -> bool:
        """Whether every chunk has been handed out."""
        return self._next == self._n_chunks

    def read(self, size: int = -1, /) -> bytes:
        """The next chunk, whole: never more than ``CHUNK``, which is what the caller asks for."""
        if self.ended:
            return b""
        data = read_exactly(self._stream, read_length(self._stream, self._limit))
        final = self._next + 1 == self._n_chunks
        try:
            plain = self._aead.decrypt(nonce(self._next, final), data, self._aad)
        except InvalidTag as error:
            raise PackageTampered("交换包的内容无法解密，可能在途中被改动过。", ASK_AGAIN) from error
        self._next += 1
        return plain
