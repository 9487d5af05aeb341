"""What is signed and sent inside packages: statements, receipts, downstream, enrolment.

All are msgpack maps with short names; unknown names are ignored on reading but
stay in the signed bytes, so that a newer side can say more.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from shared.errors import PackageTampered
from sync.layout import ASK_AGAIN

T = TypeVar("T")
PROTOCOL = 1

CHANGE_SET = "change_set"
ASK = "ask"
RECEIPT = "receipt"
DOWN = "down"
STATE = "state"
REFRESH = "refresh"
GRANT = "grant"
MAIL = "mail"
PIECES = "pieces"
PIECE = "piece"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a device signs about one change set (sync.md, Capture).

    :param first: first sequence number inside; ``last`` the last one.
    :param prev_head: chain head before, ``head`` after these blocks.
    :param payload_hash: SHA-256 of the uncompressed payload.
    """

    v: int
    hub_id: str
    device: str
    incarnation: int
    first: int
    last: int
    prev_head: bytes
    head: bytes
    schema_version: int
    raw_len: int
    payload_hash: bytes
    sealed_at: str


class SetReceipt(msgspec.Struct, frozen=True, array_like=True):
    """What became of one change set: applied, parked, conflicted, quarantined or rejected."""

    cs_id: str
    first: int
    last: int
    status: str
    reason: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's signed answer (sync.md, Receipts).

    :param contiguous_to: everything up to here is accounted for.
    :param gaps: sequence ranges the hub misses before what it has parked.
    :param head: the device's chain head at ``contiguous_to`` as the hub has it; empty in old ones.
    :param newest: the newest incarnation of the device the hub has heard of.
    :param archived_to: everything up to here is inside a verified backup of the hub.
    """

    v: int
    hub_id: str
    epoch: str
    device: str
    incarnation: int
    contiguous_to: int
    gaps: list[tuple[int, int]]
    sets: list[SetReceipt]
    at: str
    prev_receipt: str
    head: bytes = b""
    newest: int = 0
    archived_to: int = 0


class Down(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub signs about one stretch of a stream."""

    v: int
    hub_id: str
    epoch: str
    stream: str
    after: int
    to: int
    prev_head: bytes
    head: bytes
    payload_hash: bytes
    at: str


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """How far a device has followed one stream."""

    epoch: str
    n: int
    head: bytes


class Held(msgspec.Struct, frozen=True, array_like=True):
    """How much a courier holds of a package it carries for others, in bytes."""

    package_id: str
    have: Annotated[int, msgspec.Meta(ge=0)]


Spans = list[tuple[int, int]]
"""Stretches ``(first, last)`` of piece numbers, from 0."""


class PieceAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of attachments: what a device could send, and which pieces it wants; by SHA-256."""

    have: list[bytes] = []
    want: list[tuple[bytes, Spans]] = []


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub signs about contents a device has asked after; all by SHA-256.

    :param held: whole here and found right; :param lacks: what is missing of others.
    :param unknown: no attachment that stands here names them.
    :param bad: all pieces had come and the hash was another; they were dropped.
    :param offered: wanted, and sent now or with the next packages; :param absent: wanted, not here.
    :param archived: of those held, which lie in a verified backup of the hub.
    """

    v: int
    hub_id: str
    epoch: str
    device: str
    at: str
    held: list[bytes] = []
    lacks: list[tuple[bytes, Spans]] = []
    unknown: list[bytes] = []
    bad: list[bytes] = []
    offered: list[bytes] = []
    absent: list[bytes] = []
    archived: list[bytes] = []


class Branch(msgspec.Struct, frozen=True, array_like=True):
    """Where an incarnation of the device leaves the one before it (ADR 0012).

    :param start: last number before its own.
    :param parent_seq: point of the parent's chain it continues, ``parent_head`` the head there.
    """

    incarnation: int
    start: int
    parent: int
    parent_seq: int
    parent_head: bytes


class Holding(msgspec.Struct, frozen=True, array_like=True):
    """That a device takes first loads, and which parts of one it has already.

    :param schema: newest revision of its own tables that it knows.
    :param id: the snapshot under way; ``""`` for none.
    :param anew: the person has asked for all of it again, however little it is.
    """

    schema: str
    id: str = ""
    parts: list[int] = []
    anew: bool = False


class Proven(msgspec.Struct, frozen=True, array_like=True):
    """What the hub found about one kind of its evidence; ``trouble`` is empty when all fits."""

    title: str
    count: int
    trouble: str = ""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a device wants with its change sets: everything after these cursors.

    :param acknowledged: digest of the last receipt it holds.
    :param mail: bureaus it carries for, each with what it holds of their packages already.
    :param mail_room: bytes of first loads and contents it takes along for them now; 0 = none of these.
    :param pieces: contents of attachments; None when it has nothing to say about them.
    :param branches: every incarnation of this database after the first, oldest first.
    :param waiting: ids of change sets that are parked or quarantined, or that no receipt has named yet.
    :param snapshot: None from a program that knows no first loads.
    :param report: counts for the administrators' overview: ``pending`` changes when it was sealed.
    :param refresh: records it wants as they stand now, whatever the streams say: type number →
        16 bytes per record. None from a device that does not know epochs.
    :param prove: it wants the hub to go through its own evidence; for devices of the hub's administrators.
    :param program: version of its program, for people; :param schema: of its catalogue, 0 = not said.
    :param epoch: the newest epoch of the hub it has heard of; ``""`` = not said.
    """

    v: int
    incarnation: int
    cursors: dict[str, Cursor]
    person: str = ""
    acknowledged: str = ""
    mail: dict[str, list[Held]] = {}
    pieces: PieceAsk | None = None
    branches: list[Branch] = []
    waiting: list[str] = []
    snapshot: Holding | None = None
    report: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    refresh: dict[int, bytes] | None = None
    program: str = ""
    schema: int = 0
    prove: bool = False
    epoch: str = ""
    mail_room: Annotated[int, msgspec.Meta(ge=0)] = 0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub says besides receipts and streams.

    :param streams: what the device subscribes to now.
    :param more: whether another round would bring more.
    :param arrived: ids of the recipients' latest packages that the hub has taken in.
    :param wait: the hub is preparing a first load: ask again after so many seconds.
    :param lease_days: how long the device may work without hearing from the hub; 0 = not said.
    :param device_key: name of the device's signing key as the hub knows it.
    :param rewound: streams the device has followed beyond the point from which the hub was
        restored: where they go on.
    :param proofs: what the hub found when it went through its evidence at ``proofs_at``; said to who asked.
    :param revoked_at: when the device was revoked; ``""`` while it is in use.
    :param backup: names the hub's last verified backup, ``""`` = none: ask which contents it has.
    """

    v: int
    epoch: str
    at: str
    streams: list[str]
    more: bool
    hub_name: str = ""
    rewound: dict[str, tuple[int, bytes]] = {}
    arrived: list[str] = []
    wait: int = 0
    lease_days: int = 0
    device_key: str = ""
    revoked_at: str = ""
    revoke_reason: str = ""
    proofs: list[Proven] = []
    proofs_at: str = ""
    backup: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a sealed package for another bureau, for a courier to keep.

    :param fingerprint: of the whole package; :param size: its length; :param offset: where the piece begins.
    """

    package_id: str
    bureau: str
    fingerprint: bytes
    size: Annotated[int, msgspec.Meta(ge=1)]
    offset: Annotated[int, msgspec.Meta(ge=0)]
    created: str


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """Records as they stand at the hub; their values follow as blocks.

    :param as_of: how far each of the device's streams had come when they were read.
    :param absent: records the hub does not have, or not for this device: type number → ids.
    :param answered: records the blocks speak of, in the same packing.
    """

    v: int
    hub_id: str
    epoch: str
    as_of: dict[str, int]
    absent: dict[int, bytes]
    answered: dict[int, bytes]
    payload_hash: bytes


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's answer to an enrolment request.

    :param trust_version: how many links of the chain of trust stand before these keys.
    :param recovery_key: to whom the device seals its database key; empty = nobody.
    """

    v: int
    hub_id: str
    hub_name: str
    epoch: str
    hub_sign_key: bytes
    hub_seal_key: bytes
    device: str
    bureau: str
    bureau_name: str
    division: str
    user: str
    account: str
    person: str
    roles: list[str]
    proof: bytes
    at: str
    trust_version: int = 0
    recovery_key: bytes = b""
    lease_days: int = 0


def encode(message: msgspec.Struct) -> bytes:
    """The bytes that are signed."""
    return msgspec.msgpack.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    """Read one message; raises :class:`PackageTampered` for anything else."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as bad:
        raise PackageTampered("交换内容的格式不对。", ASK_AGAIN) from bad
