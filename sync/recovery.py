"""A lost password or keyring: the database key comes back with the help of two persons.

Every device seals its database key, and nothing else, to a recovery key whose private
half exists only as two shares. A device that is locked makes new keys and asks; whoever
holds both shares opens the database key and seals it to the new keys. Signing keys are
never escrowed: what the lost key has not signed yet, the new one signs.
"""

from __future__ import annotations

import os
from typing import BinaryIO

import msgspec

from shared.errors import PackageError, PackageTampered
from sync import messages, package
from sync.entries import Entry, part
from sync.hub_trust import HubTrust
from sync.layout import ASK_AGAIN, Kind
from sync.messages import Grant
from sync.package import CoreDraft, Opened, Sealed
from sync.signing import SigningKey
from sync.suite import OpenKey, SealPublic
from sync.trust import DeviceKeys

RECOVER = "recover"
DB_KEY_BYTES = 32


class Escrow(msgspec.Struct, frozen=True, kw_only=True):
    """A device's database key, sealed to the recovery key of that name."""

    kid: str
    sealed: bytes


class RecoverRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A locked device asks for its database key.

    :param replaces: name of the signing key that is given up; the hub must know it as the device's.
    :param change: an announcement of keys the hub may not have had yet (``sync.rotation``).
    :param seal_key: to whom the answer is sealed (as it travels); the new signing key stands in the core.
    """

    v: int
    hub_id: str
    device: str
    account: str
    replaces: str
    seal_key: bytes
    escrow: Escrow
    at: str
    change: str = ""


class RecoverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the two persons gave back.

    :param request: package id of the request.
    """

    v: int
    hub_id: str
    device: str
    request: str
    db_key: bytes
    grant: Grant
    at: str


def escrow(db_key: bytes, to: SealPublic, hub_id: str, device: str) -> Escrow:
    """Seal a database key to the recovery key, bound to its device."""
    return Escrow(kid=to.kid, sealed=to.wrap(db_key, _info(hub_id, device, to.kid)))


def open_escrow(one: Escrow, key: OpenKey, hub_id: str, device: str) -> bytes:
    """The database key; raises :class:`PackageTampered` when key, device or bytes do not fit."""
    found = key.unwrap(one.sealed, _info(hub_id, device, one.kid))
    if len(found) != DB_KEY_BYTES:
        raise PackageTampered("申请中的数据库密钥格式不对。", "请在那台电脑上重新生成申请。")
    return found


def _info(hub_id: str, device: str, kid: str) -> bytes:
    return f"yizhan recovery 1 {hub_id} {device} {kid}".encode()


# --- the request -----------------------------------------------------------------
def seal_request(
    out: BinaryIO, request: RecoverRequest, keys: DeviceKeys, hub: HubTrust
) -> Sealed:
    """Write a request; signed by the new key, which only the printed fingerprint vouches for."""
    draft = CoreDraft(
        Kind.RECOVER_REQUEST, hub.hub_id, request.device, request.at, prereqs={"carrier": "media"},
        trust_version=hub.version,
    )  # fmt: skip
    entry = Entry(RECOVER, {"request": messages.encode(request)})
    return package.seal(out, draft, [hub.seal], keys.sign, [entry])


def read_request(opened: Opened) -> RecoverRequest:
    """The request in an opened package; raises :class:`PackageError`."""
    if opened.core.kind is not Kind.RECOVER_REQUEST:
        raise PackageError("这不是找回密码的申请。", "请选择忘记密码的那台电脑生成的申请文件。")
    for entry in opened.entries():
        if entry.kind == RECOVER:
            request = messages.decode(part(entry, "request"), RecoverRequest)
            if (request.hub_id, request.device) != (opened.core.hub_id, opened.core.exporter):
                raise PackageTampered("申请的封面与内容不符。", "请在那台电脑上重新生成申请。")
            return request
    raise PackageTampered("申请是空的。", "请在那台电脑上重新生成申请。")


# --- the answer ------------------------------------------------------------------
def seal_answer(
    out: BinaryIO, draft: CoreDraft, answer: RecoverAnswer, to: SealPublic, key: SigningKey
) -> Sealed:
    """Seal the database key to the device's new key."""
    return package.seal(out, draft, [to], key, [Entry(RECOVER, {"answer": messages.encode(answer)})])


def open_answer(stream: BinaryIO, keys: DeviceKeys, hub: HubTrust) -> tuple[Opened, RecoverAnswer]:
    """The answer for this device, signed by its hub; raises :class:`PackageError`."""
    opened = package.open_package(stream, hub.signer, {keys.seal.kid: keys.seal}, hub.hub_id)
    if opened.core.kind is not Kind.RECOVER_ANSWER:
        raise PackageError("这个文件不是找回密码的批复。", "请选择中心返回的批复文件。")
    for entry in opened.entries():
        if entry.kind == RECOVER:
            return opened, messages.decode(part(entry, "answer"), RecoverAnswer)
    raise PackageTampered("批复是空的。", ASK_AGAIN)


# --- the key and its two halves ----------------------------------------------------
def split(key: OpenKey) -> tuple[bytes, bytes]:
    """Two shares; either alone says nothing about the key."""
    secret = key.to_bytes()
    pad = os.urandom(len(secret))
    return pad, bytes(a ^ b for a, b in zip(secret, pad, strict=True))


def join(first: bytes, second: bytes) -> OpenKey:
    """The key from both shares; raises :class:`PackageError` when they are not of one key."""
    if len(first) != len(second):
        raise PackageError("两份恢复密钥不是一对。", "请核对两份文件是否同一次生成。")
    return OpenKey.from_bytes(bytes(a ^ b for a, b in zip(first, second, strict=True)))


__all__ = ["DB_KEY_BYTES", "Escrow", "RecoverAnswer", "RecoverRequest", "escrow", "join", "open_answer",
           "open_escrow", "read_request", "seal_answer", "seal_request", "split"]
