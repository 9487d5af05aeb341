"""Sealing: entries in, ``.yzp`` bytes out, in one pass and constant memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
import zstandard

from shared.errors import PackageError
from shared.ids import new_id
from sync.entries import Entry, Manifest, entry_head
from sync.layout import (
    CHUNK,
    END_OF_CHUNKS,
    MAGIC,
    MAX_HEADER,
    MAX_RAW,
    MAX_TRAILER,
    MAX_VOLUME,
    SELF_SIGNED,
    VERSION,
    Core,
    Kind,
    Prereq,
    Range,
    RawHeader,
    Trailer,
    Volume,
    Wrap,
    chunk_key,
    commitment,
    fingerprint_text,
    len32,
    manifest_key,
    nonce,
    wrap_info,
)
from sync.signing import TRAILER, SigningKey, sign
from sync.suite import DEFAULT_SUITE, FILE_KEY_BYTES, SealPublic, Suite, suite_of

ZSTD_LEVEL = 3


@dataclass(frozen=True, slots=True)
class CoreDraft:
    """What the sealer decides about a package; the rest of :class:`Core` follows from keys.

    :param created: wall time as stored (``Clock.stamp()``).
    :param volume: default: volume 1 of a set named like the package.
    """

    kind: Kind
    hub_id: str
    exporter: str
    created: str
    ranges: Sequence[Range] = ()
    prereqs: Mapping[str, Prereq] = field(default_factory=dict)
    trust_version: int = 0
    volume: Volume | None = None
    package_id: str = field(default_factory=new_id)
    suite: int = DEFAULT_SUITE


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written. The fingerprint names these very bytes and no others."""

    package_id: str
    fingerprint: bytes
    size: int
    n_entries: int
    raw_len: int

    @property
    def fingerprint_text(self) -> str:
        """For the hand-over sheet."""
        return fingerprint_text(self.fingerprint)


def seal(
    out: BinaryIO,
    core: CoreDraft,
    audience: Sequence[SealPublic],
    signer: SigningKey,
    entries: Iterable[Entry],
    earlier: Sequence[bytes] | None = (),
) -> Sealed:
    """Write a package to ``out``, front to back, under a fresh file key.

    :param earlier: for the last volume of a set the fingerprints of all before it
        (``()`` for a single package); None when more volumes follow.
    """
    suite = suite_of(core.suite)
    volume = core.volume or Volume(1, core.package_id)
    if earlier is not None and len(earlier) != volume.index - 1:
        raise ValueError("the last volume names every volume before it")
    file_key = os.urandom(FILE_KEY_BYTES)
    header = _header(suite, core, volume, audience, signer, file_key)
    hasher = suite.hasher()
    hasher.update(header)
    header_hash = hasher.digest()
    out.write(MAGIC + len32(len(header)))
    out.write(header)
    manifest = Manifest(suite, manifest_key(suite, file_key))
    body = _Body(out, suite, chunk_key(suite, file_key, header_hash), header_hash)
    body.write(_compressed(entries, manifest))
    trailer = msgspec.msgpack.encode(
        Trailer(
            header_hash=header_hash,
            n_chunks=body.n_chunks,
            chunks_hash=body.digest(),
            raw_len=manifest.raw_len,
            n_entries=manifest.count,
            manifest_hash=manifest.digest(),
            volumes=0 if earlier is None else volume.index,
            earlier=tuple(earlier or ()),
        )
    )
    signed = sign(signer, TRAILER, trailer).encode()
    if len(signed) > MAX_TRAILER:
        raise PackageError("交换包的分卷太多。", "请分几次导出。")
    out.write(END_OF_CHUNKS + len32(len(signed)))
    out.write(signed)
    hasher = suite.hasher()
    hasher.update(trailer)
    size = len(MAGIC) + 4 + len(header) + body.size + 8 + len(signed)
    return Sealed(core.package_id, hasher.digest(), size, manifest.count, manifest.raw_len)


def seal_bytes(
    core: CoreDraft,
    audience: Sequence[SealPublic],
    signer: SigningKey,
    entries: Iterable[Entry],
    earlier: Sequence[bytes] | None = (),
) -> bytes:
    """A small package as bytes."""
    out = io.BytesIO()
    seal(out, core, audience, signer, entries, earlier)
    return out.getvalue()


def _header(
    suite: Suite,
    draft: CoreDraft,
    volume: Volume,
    audience: Sequence[SealPublic],
    signer: SigningKey,
    file_key: bytes,
) -> bytes:
    kids = tuple(one.kid for one in audience)
    if not kids or len(set(kids)) != len(kids):
        raise ValueError("a package is sealed to at least one key, to each once")
    if any(one.suite != draft.suite for one in audience):
        raise ValueError("one package, one suite")
    core = msgspec.msgpack.encode(
        Core(
            v=VERSION,
            suite=draft.suite,
            package_id=draft.package_id,
            hub_id=draft.hub_id,
            exporter=draft.exporter,
            exporter_key_id=signer.key_id,
            exporter_key=signer.public.to_bytes() if draft.kind in SELF_SIGNED else b"",
            key_commit=commitment(suite, file_key),
            audience=kids,
            kind=draft.kind,
            volume=volume,
            ranges=tuple(draft.ranges),
            prereqs=dict(draft.prereqs),
            trust_version=draft.trust_version,
            created=draft.created,
        )
    )
    wraps = tuple(Wrap(one.kid, one.wrap(file_key, wrap_info(one.kid, core))) for one in audience)
    header = msgspec.msgpack.encode(RawHeader(core, wraps))
    if len(header) > MAX_HEADER:
        raise PackageError("交换包的接收方太多。", "请分几次导出，每次选择较少的接收方。")
    return header


def _compressed(entries: Iterable[Entry], manifest: Manifest) -> Iterator[bytes]:
    """One zstd stream over all entries, cut to exactly ``CHUNK`` bytes but for the last."""
    cutter = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_content_size=False).chunker(chunk_size=CHUNK)
    with ThreadPoolExecutor(1) as beside:  # hashing takes a third as long as compressing, so do both at once
        for entry in entries:
            head = entry_head(entry)
            hashed = manifest.add_beside(beside, head, entry.data)
            yield from cutter.compress(head)
            yield from cutter.compress(entry.data)
            if hashed is not None:
                hashed.result()
            if manifest.raw_len > MAX_RAW:
                raise PackageError("内容太多，一个交换包装不下。", "请分几次导出。")
    yield from cutter.finish()  # type: ignore[no-untyped-call]


class _Body:
    """Encrypts and writes chunks; one is held back, because the last is marked as such."""

    def __init__(self, out: BinaryIO, suite: Suite, key: bytes, header_hash: bytes) -> None:
        self._out = out
        self._suite = suite
        self._aead = suite.aead(key)
        self._header_hash = header_hash
        self._hashes = suite.hasher()
        self._frame = memoryview(bytearray(4 + CHUNK + suite.tag_bytes))
        self.n_chunks = 0
        self.size = 0

    def write(self, chunks: Iterator[bytes]) -> None:
        held = next(chunks)
        for chunk in chunks:
            self._put(held, final=False)
            held = chunk
        self._put(held, final=True)

    def digest(self) -> bytes:
        """Hash over the hashes of all chunks."""
        return self._hashes.digest()

    def _put(self, chunk: bytes, final: bool) -> None:
        sealed = len(chunk) + self._suite.tag_bytes
        frame = self._frame[: 4 + sealed]
        frame[:4] = len32(sealed)
        self._aead.encrypt_into(nonce(self.n_chunks, final), chunk, self._header_hash, frame[4:])
        hasher = self._suite.hasher()
        hasher.update(frame[4:])
        self._hashes.update(hasher.digest())
        self._out.write(frame)
        self.n_chunks += 1
        self.size += len(frame)
        if self.size > MAX_VOLUME:
            raise PackageError("交换包超过 3.5 GB，U 盘可能放不下。", "请分卷导出。")
