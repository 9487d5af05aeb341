"""Packages by a hostile hand.

``by_hand`` writes the format from its description, with none of our sealing code:
unchanged it must open (the description and the program agree); with one thing
wrong it must be refused, even though its signature is good.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import PackageError, PackageTampered
from sync.describe import describe
from sync.package import Core, CoreDraft, Entry, Kind, open_package, seal_bytes, self_signed, verify
from sync.signing import SigningKey, VerifyKey
from sync.suite import OpenKey
from tests.fixtures.longer import more

pack = msgspec.msgpack.encode
SECRET = Ed25519PrivateKey.generate()
SIGNER = SigningKey.from_bytes(SECRET.private_bytes_raw())
OURS, THEIRS = OpenKey.generate(), OpenKey.generate()
KEYS = {OURS.kid: OURS}
HPKE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def len32(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def framed(kind: str, meta: object, data: bytes, size: int | None = None) -> bytes:
    return len32(pack([kind, meta, len(data) if size is None else size])) + data


def head_of(entry: bytes) -> bytes:
    return entry[: 4 + int.from_bytes(entry[:4], "big")]


@dataclass
class Hand:
    """One thing to do wrong each."""

    raw: bytes = field(default_factory=lambda: framed("change_set", {"n": 1}, b"data"))
    compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(level=3).compress
    core: dict[str, Any] = field(default_factory=dict)
    core_bytes: bytes | None = None
    trailer: dict[str, Any] = field(default_factory=dict)
    file_key: bytes = b"F" * 32
    wrapped_key: bytes = b"F" * 32
    final_flag: bytes = b"\x01"
    pieces: int = 1


def by_hand(hand: Hand) -> bytes:
    public = OURS.public.raw
    core = {
        "v": 1,
        "suite": 1,
        "package_id": "p1",
        "hub_id": "hub",
        "exporter": "device",
        "exporter_key_id": hashlib.sha256(SECRET.public_key().public_bytes_raw()).hexdigest()[:16],
        "key_commit": hkdf(hand.file_key, b"", b"yzp1 commit"),
        "audience": [OURS.kid],
        "kind": "changes",
        "volume": [1, "p1"],
        "ranges": [],
        "prereqs": {},
        "trust_version": 0,
        "created": "2024-05-06T08:30:00+08:00",
    } | hand.core
    core_bytes = pack(core) if hand.core_bytes is None else hand.core_bytes
    pair = hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:1184]), X25519PublicKey.from_public_bytes(public[1184:])
    )
    wrap = HPKE.encrypt(hand.wrapped_key, pair, b"yzp1 wrap" + OURS.kid.encode() + core_bytes)
    header = pack([core_bytes, [[OURS.kid, wrap]]])
    key = AESGCM(hkdf(hand.wrapped_key, sha(header), b"yzp1 chunks"))
    packed = hand.compress(hand.raw)
    step = -(-len(packed) // hand.pieces)
    plain = [packed[at : at + step] for at in range(0, len(packed), step)]
    chunks = [
        key.encrypt(
            i.to_bytes(11, "big") + (hand.final_flag if i + 1 == len(plain) else b"\0"), p, sha(header)
        )
        for i, p in enumerate(plain)
    ]
    head = head_of(hand.raw)
    manifest = hmac.new(hkdf(hand.wrapped_key, b"", b"yzp1 manifest"), digestmod="sha256")
    manifest.update(head + sha(hand.raw[len(head) :]))
    trailer = pack(
        {
            "header_hash": sha(header),
            "n_chunks": len(chunks),
            "chunks_hash": sha(b"".join(map(sha, chunks))),
            "raw_len": len(hand.raw),
            "n_entries": 1,
            "manifest_hash": manifest.digest(),
            "volumes": 1,
            "earlier": [],
        }
        | hand.trailer
    )
    kind = "application/vnd.yizhan.trailer+msgpack"
    to_sign = f"DSSEv1 {len(kind)} {kind} {len(trailer)} ".encode() + trailer
    envelope = pack([kind, trailer, core["exporter_key_id"], SECRET.sign(to_sign)])
    return b"YZP1" + len32(header) + b"".join(map(len32, chunks)) + bytes(4) + len32(envelope)


def trust(core: Core) -> VerifyKey | None:
    return SIGNER.public


def content(data: bytes) -> list[Entry]:
    return list(open_package(io.BytesIO(data), trust, KEYS).entries())


@pytest.mark.parametrize("pieces", [1, 3, 40])
def test_description_and_program_agree(pieces: int) -> None:
    assert content(by_hand(Hand(pieces=pieces))) == [Entry("change_set", {"n": 1}, b"data")]


def test_a_field_of_a_later_minor_version_is_no_obstacle() -> None:
    assert content(by_hand(Hand(core={"colour": ["red"]}, trailer={"later": 1})))


def wide(raw: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    cutter = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return cutter.compress(raw) + cutter.flush()


def junk_behind(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw) + b"junk"


def more_than_declared(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw + b"x")


def cut_short(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw)[:-2]


DEEP = b"\x91" * 200_000
REFUSED = {
    "key not committed to": Hand(wrapped_key=b"G" * 32),
    "short file key": Hand(file_key=b"F" * 31, wrapped_key=b"F" * 31),
    "last chunk not marked": Hand(final_flag=b"\0", pieces=2),
    "wide window": Hand(compress=wide),
    "junk behind the frame": Hand(compress=junk_behind),
    "more than declared": Hand(compress=more_than_declared),
    "frame cut short": Hand(raw=framed("k", {}, bytes(range(256)) * 9), compress=cut_short),
    "not zstd": Hand(compress=lambda raw: raw),
    "raw_len too small": Hand(trailer={"raw_len": 5}),
    "raw_len too large": Hand(trailer={"raw_len": 5000}),
    "entries miscounted": Hand(trailer={"n_entries": 2}),
    "another manifest": Hand(trailer={"manifest_hash": bytes(32)}),
    "entry longer than the stream": Hand(raw=framed("k", {}, b"data", size=60 << 20)),
    "entry longer than allowed": Hand(
        raw=framed("k", {}, b"data", size=1 << 40), trailer={"raw_len": 1 << 35}
    ),
    "entry header is garbage": Hand(raw=len32(b"\xc1\xc1\xc1")),
    "entry header is deep": Hand(raw=len32(b"\x93\xa1k\x81\xa1m" + DEEP + b"\x00")),
    "entry header of other types": Hand(raw=len32(pack([1, 2, 3]))),
    "entry with a negative size": Hand(raw=framed("k", {}, b"", size=-4)),
    "core is deep": Hand(core_bytes=b"\x82\xa1v\x01\xa1x" + DEEP),
    "core is garbage": Hand(core_bytes=b"\xc1"),
    "core is not text": Hand(core_bytes=pack({"v": 1, "suite": 1, "kind": "x"}).replace(b"x", b"\xff")),
    "core lacks a field": Hand(core_bytes=pack({"v": 1, "suite": 1, "kind": "changes"})),
    "core of other types": Hand(core={"ranges": [["d", "1", 2, 3]]}),
    "no commitment": Hand(core={"key_commit": b""}),
}
REFUSED_UNOPENED = {
    "raw_len absurd": Hand(trailer={"raw_len": 1 << 60}),
    "raw_len negative": Hand(trailer={"raw_len": -1}),
    "chunks miscounted": Hand(trailer={"n_chunks": 2}),
    "header of another": Hand(trailer={"header_hash": bytes(32)}),
    "short hash": Hand(trailer={"chunks_hash": b""}),
    "volumes of another set": Hand(trailer={"volumes": 2, "earlier": [bytes(32)]}),
    "volumes without hashes": Hand(core={"volume": [2, "s"]}, trailer={"volumes": 2}),
    "audience without wraps": Hand(core={"audience": [OURS.kid, THEIRS.kid]}),
    "wraps without audience": Hand(core={"audience": []}),
    "a key where none belongs": Hand(core={"exporter_key": SIGNER.public.to_bytes()}),
    "a request without key": Hand(core={"kind": "enrol_request"}),
    "a request with a short key": Hand(
        core={"kind": "enrol_request", "exporter_key": b"k", "exporter_key_id": sha(b"k").hex()[:16]}
    ),
    "a request with another's key": Hand(core={"kind": "enrol_request", "exporter_key": bytes(32)}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_although_signed(name: str) -> None:
    with pytest.raises(PackageTampered) as caught:
        content(by_hand(REFUSED[name]))
    assert caught.value.hint


@pytest.mark.parametrize("name", REFUSED_UNOPENED)
def test_refused_without_any_key(name: str) -> None:
    with pytest.raises(PackageTampered):
        verify(io.BytesIO(by_hand(REFUSED_UNOPENED[name])), trust)


def test_a_long_entry_header_is_not_even_read() -> None:
    data = by_hand(Hand(raw=b"\xff\xff\xff\xff", trailer={"raw_len": 1 << 35}))
    tracemalloc.start()
    try:
        with pytest.raises(PackageTampered):
            content(data)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("declared", [100, 1 << 30])
def test_a_bomb_does_not_go_off(declared: int) -> None:
    """Half a gigabyte of zeros in a few kilobytes, honest about its size or not."""
    cutter = zstandard.ZstdCompressor(level=3).compressobj()
    parts = [cutter.compress(framed("k", {}, b"", size=declared - 13))]
    parts += [cutter.compress(bytes(1 << 20)) for _ in range(512)]
    bomb = b"".join([*parts, cutter.flush()])
    assert len(bomb) < 100_000
    data = by_hand(Hand(compress=lambda raw: bomb, trailer={"raw_len": declared}))
    tracemalloc.start()
    try:
        with pytest.raises(PackageTampered):
            content(data)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_lengths_are_checked_before_reading() -> None:
    class Counting(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.most = max(self.most, size or 0)
            return super().read(size)

    stream = Counting(b"YZP1\xff\xff\xff\xff" + bytes(100))
    with pytest.raises(PackageTampered):
        open_package(stream, trust, KEYS)
    assert stream.most <= 4


VALID = by_hand(Hand(pieces=2))
REQUEST = seal_bytes(
    CoreDraft(kind=Kind.ENROL_REQUEST, hub_id="h", exporter="d", created="now"), [OURS.public], SIGNER, []
)
HEADER_AT = 8
ANYTHING = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def only_package_errors(data: bytes) -> None:
    """Nothing but the expected errors escapes from anything that reads a package."""
    for reader in (
        lambda: list(open_package(io.BytesIO(data), trust, KEYS).entries()),
        lambda: list(open_package(io.BytesIO(data), self_signed, KEYS).entries()),
        lambda: describe(io.BytesIO(data)),
    ):
        try:
            reader()
        except PackageError as error:
            assert error.message


@settings(max_examples=more(150, 20_000), deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_fuzz_bytes(noise: bytes, with_magic: bool) -> None:
    only_package_errors(b"YZP1" + len32(noise) + noise if with_magic else noise)


@settings(max_examples=more(150, 20_000), deadline=None)
@given(ANYTHING, st.sampled_from([VALID, REQUEST]), st.data())
def test_fuzz_core_fields(value: object, base: bytes, data: st.DataObject) -> None:
    size = int.from_bytes(base[4:8], "big")
    core_bytes, wraps = msgspec.msgpack.decode(base[HEADER_AT : HEADER_AT + size])
    core = msgspec.msgpack.decode(core_bytes)
    core[data.draw(st.sampled_from(sorted(core)))] = value
    rest = base[HEADER_AT + size :]
    only_package_errors(b"YZP1" + len32(pack([pack(core), wraps])) + rest)
    only_package_errors(b"YZP1" + len32(pack([value, wraps])) + rest)
    only_package_errors(b"YZP1" + len32(pack([core_bytes, value])) + rest)


@settings(max_examples=more(150, 20_000), deadline=None)
@given(ANYTHING, st.sampled_from(["header_hash", "n_chunks", "raw_len", "n_entries", "volumes", "earlier"]))
def test_fuzz_signed_trailer_fields(value: object, name: str) -> None:
    only_package_errors(by_hand(Hand(trailer={name: value})))


@settings(max_examples=more(150, 20_000), deadline=None)
@given(st.binary(max_size=120))
def test_fuzz_signed_inside(noise: bytes) -> None:
    only_package_errors(by_hand(Hand(raw=noise)))
    only_package_errors(by_hand(Hand(compress=lambda raw: noise or b"\0")))


@settings(max_examples=more(200, 20_000), deadline=None)
@given(st.data(), st.sampled_from([VALID, REQUEST]))
def test_fuzz_splices(data: st.DataObject, base: bytes) -> None:
    start = data.draw(st.integers(0, len(base)))
    end = data.draw(st.integers(start, min(len(base), start + 64)))
    only_package_errors(base[:start] + data.draw(st.binary(max_size=32)) + base[end:])
