"""Change sets, blocks and messages from a hostile but enrolled hand: only expected errors, bounded memory."""

from __future__ import annotations

import hashlib
import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.changes import GENESIS, Block, Op, Run, chain, encode_block, ids_bytes, join_blocks
from shared.errors import YizhanError
from sync import changeset, messages, signing
from sync.changeset import Author, ChangeSet
from sync.messages import Ask, Down, Grant, Receipt, State, Statement
from sync.signing import Envelope, SigningKey
from tests.fixtures.longer import more

KEY = SigningKey.from_bytes(bytes(range(32)))
DEVICE, HUB = "0123456789abcdef" * 2, "f" * 32
pack = msgspec.msgpack.encode
ANYTHING = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
RUN = Run(
    type=1, op=int(Op.INSERT), schema=1, origin=0, first=1, hlc=1, tx=1, actor="u", cause="", fields=[10, 11],
    ids=ids_bytes(["ab" * 16]), columns=[["x"], ["y"]],
)  # fmt: skip
GOOD = encode_block(Block([(DEVICE, 1)], [RUN]))
DEEP = b"\x91" * 100_000 + b"\xc0"
LIMITS = settings(max_examples=more(150, 20_000), deadline=None)


def signed(*raws: bytes, payload: bytes | None = None) -> ChangeSet:
    """A change set of these blocks under a good signature."""
    head = GENESIS
    for raw in raws:
        head = chain(head, raw)
    body = join_blocks(raws) if payload is None else payload
    statement = Statement(
        v=1, hub_id=HUB, device=DEVICE, incarnation=1, first=1, last=1, prev_head=GENESIS, head=head,
        schema_version=1, raw_len=len(body), payload_hash=hashlib.sha256(body).digest(), sealed_at="now",
    )  # fmt: skip
    envelope = signing.sign(KEY, signing.STATEMENT, messages.encode(statement)).encode()
    return changeset.check(envelope, body, KEY.public, HUB)


def only_expected(one: ChangeSet) -> None:
    try:
        changeset.blocks(one)
    except YizhanError as error:
        assert error.message and error.hint


def test_a_good_one_is_read() -> None:
    made = changeset.make(
        Author(HUB, DEVICE, 1), KEY, first=1, last=1, prev_head=GENESIS, raw_blocks=[GOOD], sealed_at="now",
        schema_version=1,
    )  # fmt: skip
    assert changeset.blocks(made)[0].runs == [RUN] == changeset.blocks(signed(GOOD))[0].runs


@LIMITS
@given(st.binary(max_size=200))
def test_noise_for_a_block_and_for_a_payload(noise: bytes) -> None:
    only_expected(signed(noise))
    only_expected(signed(payload=noise))


@LIMITS
@given(st.data(), ANYTHING)
def test_any_position_of_a_run(data: st.DataObject, value: object) -> None:
    origins, (run,) = msgspec.msgpack.decode(GOOD)
    run[data.draw(st.integers(0, len(run) - 1))] = value
    only_expected(signed(pack([origins, [run]])))
    only_expected(signed(pack([value, [run]])))
    only_expected(signed(pack([origins, value])))


@pytest.mark.parametrize("where", ["block", "origins", "run", "behind", "column"])
def test_deep_structures(where: str) -> None:
    origins, (run,) = msgspec.msgpack.decode(GOOD)
    whole = pack([origins, [run]])
    only_expected(signed({
        "block": DEEP,
        "origins": b"\x92" + DEEP + pack([run]),
        "run": b"\x92" + pack(origins) + b"\x91" + DEEP,
        "behind": b"\x93" + whole[1:] + DEEP,
        "column": b"\x92" + pack(origins) + b"\x91\x9f" + b"".join(map(pack, run)) + DEEP,
    }[where]))  # fmt: skip


def test_lengths_that_lie_take_no_memory() -> None:
    """Arrays, texts and blobs that claim four thousand million elements."""
    tracemalloc.start()
    try:
        for mark in (b"\xdd", b"\xdf", b"\xdb", b"\xc6"):
            for before in (b"", b"\x92", b"\x92" + pack([(DEVICE, 1)]), b"\x92" + pack([(DEVICE, 1)]) + b"\x91"):
                only_expected(signed(before + mark + b"\xff\xff\xff\xff" + bytes(100)))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@LIMITS
@given(st.sampled_from([Statement, Receipt, Down, Ask, State, Grant]), ANYTHING, st.binary(max_size=100))
def test_messages_and_envelopes(kind: type[msgspec.Struct], value: object, noise: bytes) -> None:
    for data in (pack(value), noise, DEEP, pack({"v": 1, "x": value})):
        try:
            messages.decode(data, kind)
        except YizhanError as error:
            assert error.message
        try:
            Envelope.decode(data)
        except YizhanError as error:
            assert error.message
