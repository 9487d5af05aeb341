"""The sealed package: what goes in comes out, and anything else is refused with a reason."""

from __future__ import annotations

import io
import os
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.errors import (
    NewerFormat,
    NotForUs,
    PackageError,
    PackageTampered,
    PackageTruncated,
    UnknownSigner,
)
from sync.describe import describe
from sync.package import (
    CHUNK,
    Core,
    CoreDraft,
    Entry,
    Kind,
    Range,
    Volume,
    fingerprint_text,
    inspect,
    open_package,
    seal,
    seal_bytes,
    self_signed,
    verify,
)
from sync.signing import Envelope, SigningKey, VerifyKey, sign
from sync.suite import SUITES, OpenKey

HUB, DEVICE = "hub-qingyang", "device-a"
SIGNER, STRANGER = SigningKey.generate(), SigningKey.generate()
OURS, THEIRS, NOBODYS = OpenKey.generate(), OpenKey.generate(), OpenKey.generate()
KEYS = {OURS.kid: OURS}
DRAFT = CoreDraft(
    kind=Kind.CHANGES,
    hub_id=HUB,
    exporter=DEVICE,
    created="2024-05-06T08:30:00+08:00",
    ranges=(Range(DEVICE, 1, 5, 9),),
    prereqs={"hub_epoch": "e1", "cursors": {"common": 12}},
    trust_version=3,
)
ENTRIES = [
    Entry("change_set", {"id": "cs1", "n": 2}, "许可与处罚".encode() * 20),
    Entry("empty"),
    Entry("receipt", {"to": None}, bytearray(b"\x00\xff" * 40)),
]


def trust(core: Core) -> VerifyKey | None:
    return SIGNER.public if core.exporter == DEVICE else None


def content(data: bytes, keys: dict[str, OpenKey] = KEYS) -> list[tuple[str, Any, bytes]]:
    opened = open_package(io.BytesIO(data), trust, keys)
    return [(one.kind, one.meta, bytes(one.data)) for one in opened.entries()]


def small() -> bytes:
    return seal_bytes(DRAFT, [OURS.public], SIGNER, ENTRIES)


def big(chunks: int = 3) -> bytes:
    noise = (Entry("noise", {"i": i}, os.urandom(CHUNK)) for i in range(chunks))
    return seal_bytes(DRAFT, [OURS.public], SIGNER, noise)


def parts(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Header, chunks, trailer."""
    found, at = [], 4
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found[0], found[1:-2], found[-1]


def joined(header: bytes, chunks: list[bytes], trailer: bytes) -> bytes:
    return b"YZP1" + b"".join(len(p).to_bytes(4, "big") + p for p in [header, *chunks, b"", trailer])


def rewritten(data: bytes, **changes: object) -> bytes:
    """The same package with another core, all else untouched."""
    header, chunks, trailer = parts(data)
    core_bytes, wraps = msgspec.msgpack.decode(header)
    core = msgspec.msgpack.decode(core_bytes)
    core |= changes
    return joined(msgspec.msgpack.encode([msgspec.msgpack.encode(core), wraps]), chunks, trailer)


def test_round_trip() -> None:
    out = io.BytesIO()
    sealed = seal(out, DRAFT, [OURS.public], SIGNER, iter(ENTRIES))
    data = out.getvalue()
    assert sealed.size == len(data) and sealed.n_entries == 3 and sealed.package_id == DRAFT.package_id
    assert content(data) == [(one.kind, one.meta, bytes(one.data)) for one in ENTRIES]
    checked = verify(io.BytesIO(data), trust, expected_hub=HUB)
    assert (checked.fingerprint, checked.size, checked.raw_len) == (
        sealed.fingerprint,
        sealed.size,
        sealed.raw_len,
    )
    core = checked.core
    assert core.ranges == DRAFT.ranges and core.prereqs == DRAFT.prereqs and core.audience == (OURS.kid,)
    assert core.volume == Volume(1, DRAFT.package_id) and core.exporter_key_id == SIGNER.key_id
    assert inspect(io.BytesIO(data)).core == core
    assert "许可".encode() not in data


def test_entries_can_be_read_again_and_the_stream_need_not_start_at_zero() -> None:
    stream = io.BytesIO(b"spool" + small())
    stream.seek(5)
    opened = open_package(stream, trust, KEYS)
    assert [one.kind for one in opened.entries()] == [one.kind for one in opened.entries()]


def test_an_empty_package_is_a_package() -> None:
    assert content(seal_bytes(DRAFT, [OURS.public], SIGNER, [])) == []


def test_every_recipient_opens_it_and_nobody_else() -> None:
    data = seal_bytes(DRAFT, [THEIRS.public, OURS.public], SIGNER, ENTRIES)
    assert content(data) == content(data, {THEIRS.kid: THEIRS, NOBODYS.kid: NOBODYS}) != []
    with pytest.raises(NotForUs):
        content(data, {NOBODYS.kid: NOBODYS})
    with pytest.raises(PackageTampered):  # a key under another's name
        content(data, {OURS.kid: NOBODYS})
    assert verify(io.BytesIO(data), trust).core.audience == (THEIRS.kid, OURS.kid)


def test_file_key_and_bytes_are_fresh_each_time() -> None:
    assert inspect(io.BytesIO(small())).core.key_commit != inspect(io.BytesIO(small())).core.key_commit


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_one_flipped_byte_anywhere_is_refused(mask: int) -> None:
    data = small()
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= mask
        with pytest.raises(PackageError):
            verify(io.BytesIO(bytes(spoiled)), trust)


def test_flipped_ciphertext_or_signature_is_tampering() -> None:
    header, chunks, trailer = parts(small())
    for spoiled in (
        joined(header, [chunks[0][:-1] + bytes([chunks[0][-1] ^ 1])], trailer),
        joined(header, chunks, trailer[:-1] + bytes([trailer[-1] ^ 1])),
        joined(header, chunks, trailer) + b"\0",
    ):
        with pytest.raises(PackageTampered) as caught:
            content(spoiled)
        assert caught.value.message and caught.value.hint


def test_truncation_anywhere() -> None:
    data = small()
    for size in range(len(data)):
        with pytest.raises(PackageTruncated):
            verify(io.BytesIO(data[:size]), trust)
    data = big()
    header, chunks, _ = parts(data)
    boundaries = [8 + len(header)]
    for chunk in chunks:
        boundaries.append(boundaries[-1] + 4 + len(chunk))
    lots = random.Random(7)
    for at in [*boundaries, boundaries[-1] + 4, *(lots.randrange(len(data)) for _ in range(20))]:
        for size in {at, at + 1, at + 4} - {len(data)}:
            with pytest.raises(PackageTruncated):
                content(data[:size])


def test_chunks_swapped_dropped_or_repeated() -> None:
    header, chunks, trailer = parts(big())
    assert len(chunks) >= 3
    for wrong in ([chunks[1], chunks[0], *chunks[2:]], chunks[:-1], [chunks[0], *chunks], []):
        with pytest.raises(PackageTampered):
            content(joined(header, wrong, trailer))


def test_parts_of_two_packages_do_not_mix() -> None:
    (header, _, trailer), (other_header, other_chunks, other_trailer) = parts(small()), parts(small())
    for mixed in (
        joined(header, other_chunks, trailer),
        joined(header, other_chunks, other_trailer),
        joined(other_header, other_chunks, trailer),
    ):
        with pytest.raises(PackageTampered):
            content(mixed)


def test_recipient_added_or_replaced() -> None:
    data = small()
    header, chunks, trailer = parts(data)
    core_bytes, wraps = msgspec.msgpack.decode(header)
    extra = [THEIRS.kid, wraps[0][1]]
    only_wrap = joined(msgspec.msgpack.encode([core_bytes, [*wraps, extra]]), chunks, trailer)
    core = msgspec.msgpack.decode(core_bytes)
    core["audience"].append(THEIRS.kid)
    both = joined(msgspec.msgpack.encode([msgspec.msgpack.encode(core), [*wraps, extra]]), chunks, trailer)
    for spoiled in (only_wrap, both):
        with pytest.raises(PackageTampered):
            content(spoiled, {THEIRS.kid: THEIRS})


def test_signature_stripped_or_by_another() -> None:
    header, chunks, trailer = parts(small())
    envelope = Envelope.decode(trailer)
    no_signature = msgspec.structs.replace(envelope, sig=b"")
    by_stranger = sign(STRANGER, envelope.payload_type, envelope.payload)
    in_our_name = msgspec.structs.replace(by_stranger, keyid=SIGNER.key_id)
    other_type = sign(SIGNER, "application/vnd.yizhan.receipt+msgpack", envelope.payload)
    for forged in (no_signature, by_stranger, in_our_name, other_type):
        with pytest.raises(PackageTampered):
            content(joined(header, chunks, forged.encode()))
    with pytest.raises(PackageTampered):
        content(joined(header, chunks, b""))
    with pytest.raises(PackageTruncated):
        content(joined(header, chunks, b"")[:-8])


def test_unknown_signer() -> None:
    data = small()
    for nobody in (lambda core: None, lambda core: STRANGER.public):
        with pytest.raises(UnknownSigner):
            verify(io.BytesIO(data), nobody)
    with pytest.raises(UnknownSigner):
        content(seal_bytes(DRAFT, [OURS.public], STRANGER, ENTRIES))


def test_package_of_another_hub() -> None:
    with pytest.raises(NotForUs):
        verify(io.BytesIO(small()), trust, expected_hub="hub-elsewhere")
    with pytest.raises(NotForUs):
        open_package(io.BytesIO(small()), trust, KEYS, expected_hub="hub-elsewhere")
    moved = rewritten(small(), hub_id="hub-elsewhere")
    with pytest.raises(PackageTampered):
        verify(io.BytesIO(moved), trust, expected_hub="hub-elsewhere")


def test_newer_or_downgraded_format() -> None:
    for field, value in (("v", 2), ("suite", 0), ("suite", 2), ("kind", "hologram")):
        with pytest.raises(NewerFormat) as caught:
            content(rewritten(small(), **{field: value}))
        assert "升级" in caught.value.hint
    with pytest.raises(NewerFormat):
        content(b"YZP2" + small()[4:])
    wrong: dict[str, object] = {"v": 0, "trust_version": 99, "created": "2099", "suite": "1", "audience": []}
    for field, other in wrong.items():
        with pytest.raises(PackageTampered):
            content(rewritten(small(), **{field: other}))


def test_suite_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the other suite is one we know, nobody on the way can choose it."""
    monkeypatch.setattr("sync.suite.SUITES", {**SUITES, 2: SUITES[1]})
    with pytest.raises(PackageTampered):
        content(rewritten(small(), suite=2))


def test_not_a_package_at_all() -> None:
    for other in (b"PK\x03\x04 a workbook", b"%PDF-1.7", b"\0" * 64, b"YZPx"):
        with pytest.raises(PackageError) as caught:
            content(other)
        assert caught.value.message == "这不是驿站交换包。"
    with pytest.raises(PackageTruncated):
        content(b"")


def test_enrolment_request_brings_its_own_key() -> None:
    draft = replace(DRAFT, kind=Kind.ENROL_REQUEST)
    data = seal_bytes(draft, [OURS.public], STRANGER, ENTRIES)
    assert verify(io.BytesIO(data), self_signed).core.exporter_key == STRANGER.public.to_bytes()
    with pytest.raises(UnknownSigner):
        verify(io.BytesIO(small()), self_signed)
    other = SIGNER.public.to_bytes()
    for spoil in (
        {"exporter_key": other},
        {"exporter_key": b""},
        {"exporter_key": other, "exporter_key_id": SIGNER.key_id},
    ):
        with pytest.raises(PackageTampered):
            verify(io.BytesIO(rewritten(data, **spoil)), self_signed)
    smuggled = rewritten(small(), exporter_key=other)
    with pytest.raises(PackageTampered):
        verify(io.BytesIO(smuggled), trust)


def test_volumes_name_each_other() -> None:
    first_draft = replace(DRAFT, volume=Volume(1, "set"))
    out = io.BytesIO()
    first = seal(out, first_draft, [OURS.public], SIGNER, ENTRIES, earlier=None)
    assert verify(io.BytesIO(out.getvalue()), trust).trailer.volumes == 0
    last = seal_bytes(
        replace(DRAFT, volume=Volume(2, "set")), [OURS.public], SIGNER, [], earlier=[first.fingerprint]
    )
    trailer = verify(io.BytesIO(last), trust).trailer
    assert trailer.volumes == 2 and trailer.earlier == (first.fingerprint,)
    with pytest.raises(ValueError):
        seal_bytes(replace(DRAFT, volume=Volume(2, "set")), [OURS.public], SIGNER, [])


def test_what_cannot_be_sealed() -> None:
    for audience in ([], [OURS.public, OURS.public]):
        with pytest.raises(ValueError):
            seal_bytes(DRAFT, audience, SIGNER, [])
    with pytest.raises(PackageError):
        seal_bytes(DRAFT, [OURS.public], SIGNER, [Entry("snapshot", {}, bytes((64 << 20) + 1))])
    with pytest.raises(PackageError):
        seal_bytes(DRAFT, [OURS.public], SIGNER, [Entry("k" * 65)])


def test_streams_in_constant_memory(tmp_path: Path) -> None:
    size, path = 1 << 20, tmp_path / "大.yzp"
    block = os.urandom(size // 2) * 2

    def entries() -> Iterator[Entry]:
        for i in range(32):
            yield Entry("noise", {"i": i}, i.to_bytes(4, "big") + os.urandom(size // 2) + block[: size // 2])

    tracemalloc.start()
    try:
        with path.open("wb") as out:
            sealed = seal(out, DRAFT, [OURS.public], SIGNER, entries())
        with path.open("rb") as stream:
            opened = open_package(stream, trust, KEYS)
            assert opened.verified.n_chunks >= 16
            count = sum(int.from_bytes(one.data[:4], "big") == i for i, one in enumerate(opened.entries()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 32 and sealed.size == path.stat().st_size > 16 << 20
    assert peak < 12 << 20


def test_description_is_what_the_cover_says() -> None:
    sealed_to = io.BytesIO()
    sealed = seal(sealed_to, DRAFT, [OURS.public, THEIRS.public], SIGNER, ENTRIES)
    data = sealed_to.getvalue()
    rows = describe(io.BytesIO(data))
    shown = dict(rows)
    assert shown["用途"] == "上报变更" and shown["发出方"] == DEVICE and shown["所属中心"] == HUB
    assert OURS.kid in shown["接收方"] and shown["接收方"].startswith("2 个")
    assert shown["指纹"] == sealed.fingerprint_text == fingerprint_text(sealed.fingerprint)
    assert len(sealed.fingerprint_text) == 19 and shown["文件大小"] == f"{len(data):,} 字节"
    assert "5–9" in shown["变更范围"] and "尚未核验" in rows[-1][1]
    assert ("前提", "hub_epoch = e1") in rows
    broken = describe(io.BytesIO(data[:-1]))
    assert broken[0] == rows[0] and broken[-1][0] == "完整性" and "不完整" in broken[-1][1]


def test_description_of_a_hostile_cover_is_harmless() -> None:
    draft = replace(
        DRAFT, exporter="甲" * 1000, created="\x1b[2J\n", ranges=[Range("d", 1, i, i) for i in range(500)]
    )
    rows = describe(io.BytesIO(seal_bytes(draft, [OURS.public], SIGNER, [])))
    assert all(value.isprintable() and len(value) <= 301 for _, value in rows)
    assert len(rows) < 40 and ("变更范围", "等共 500 段") in rows
