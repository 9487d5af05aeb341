"""Keys, envelopes, suites."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from shared.errors import NewerFormat, PackageError, PackageTampered
from sync.signing import RECEIPT, STATEMENT, Envelope, SigningKey, VerifyKey, key_id, pae, sign, verify
from sync.suite import OpenKey, SealPublic, suite_of


def test_pae_is_that_of_dsse() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_envelope_round_trip_and_refusals() -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    envelope = Envelope.decode(sign(key, STATEMENT, b"payload").encode())
    assert verify(envelope, key.public, STATEMENT) == b"payload"
    for wrong_key, wrong_type in ((other.public, STATEMENT), (key.public, RECEIPT)):
        with pytest.raises(PackageTampered):
            verify(envelope, wrong_key, wrong_type)
    for changed in (
        Envelope(STATEMENT, b"payloaD", key.key_id, envelope.sig),
        Envelope(STATEMENT, b"payload", other.key_id, envelope.sig),
        Envelope(STATEMENT, b"payload", key.key_id, b""),
        Envelope(RECEIPT, b"payload", key.key_id, envelope.sig),
    ):
        with pytest.raises(PackageTampered):
            verify(changed, key.public, changed.payload_type)


def test_envelope_has_one_encoding() -> None:
    wire = sign(SigningKey.generate(), STATEMENT, b"p").encode()
    assert wire[0] == 0x94
    with pytest.raises(PackageTampered):
        Envelope.decode(b"\xdc\x00\x04" + wire[1:])
    for garbage in (
        b"",
        b"\x94",
        b"\xc1",
        wire + b"\x00",
        b"\x91" * 100_000,
        msgspec.msgpack.encode({"sig": b""}),
    ):
        with pytest.raises(PackageTampered):
            Envelope.decode(garbage)


def test_signing_keys_travel_as_bytes_and_stay_out_of_logs() -> None:
    key = SigningKey.generate()
    again = SigningKey.from_bytes(key.to_bytes())
    assert again.public == key.public == VerifyKey.from_bytes(key.public.to_bytes())
    assert (
        key.key_id == key_id(key.public.to_bytes()) == hashlib.sha256(key.public.to_bytes()).hexdigest()[:16]
    )
    assert key.to_bytes().hex() not in repr(key)
    with pytest.raises(PackageError):
        VerifyKey.from_bytes(b"short")


def test_seal_keys_travel_as_bytes_and_stay_out_of_logs() -> None:
    key = OpenKey.generate()
    again = OpenKey.from_bytes(key.to_bytes())
    public = SealPublic.from_bytes(key.public.to_bytes())
    assert again.kid == public.kid == key.kid and len(key.kid) == 16
    assert repr(key.raw)[2:12] not in repr(key)
    wrapped = public.wrap(b"k" * 32, b"info")
    assert len(wrapped) == 1168
    assert again.unwrap(wrapped, b"info") == b"k" * 32
    for spoiled, info in (
        (wrapped, b"other"),
        (wrapped[:-1], b"info"),
        (b"", b"info"),
        (b"\0" * 1168, b"info"),
    ):
        with pytest.raises(PackageTampered):
            again.unwrap(spoiled, info)


def test_bad_seal_keys_are_expected_errors() -> None:
    good = OpenKey.generate().public.to_bytes()
    for bad in (b"", good[:-1], good + b"\0"):
        with pytest.raises(PackageError):
            SealPublic.from_bytes(bad)
    with pytest.raises(NewerFormat):
        SealPublic.from_bytes(b"\x07" + good[1:])
    with pytest.raises(PackageError):
        OpenKey.from_bytes(b"\x01")
    for degenerate in (b"\x01" + b"\xff" * 1216, good[:-32] + bytes(32)):
        with pytest.raises(PackageError):
            SealPublic.from_bytes(degenerate).wrap(b"k" * 32, b"")


def test_unknown_suite_asks_for_an_upgrade() -> None:
    with pytest.raises(NewerFormat) as caught:
        suite_of(9)
    assert "升级" in caught.value.hint
