"""Enrolment seen from the device: a request it signs with its new key, a grant it checks.

A request holds nothing secret: public keys, the name of the invitation, and a
proof that its maker knows the one-time code. It therefore needs no recipient and
travels in the signed core of a package, by network or as a file on a stick.
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from shared.errors import PackageError, PackageTampered, UnknownSigner
from shared.store.migrate import HEAD
from sync import messages, package
from sync.entries import part
from sync.hub_trust import LINKS, follow, read_links
from sync.layout import Core, Kind
from sync.messages import GRANT, PROTOCOL, Grant
from sync.package import CoreDraft, Sealed
from sync.signing import VerifyKey
from sync.suite import SealPublic
from sync.trust import DeviceKeys, HubTrust, InviteCode

HUB_KEY = "hub_key"


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new installation asks for its place.

    :param proof: HMAC-SHA256 under the one-time code over both public keys.
    :param snapshot: newest revision of its own tables that it knows, as in an ask; ``""`` from a
        program that does not say: its first load goes by streams until it has asked.
    """

    v: int
    device: str
    sign_key: bytes
    seal_key: bytes
    invite: str
    proof: bytes
    label: str
    snapshot: str = ""


def seal_request(
    out: BinaryIO, device: str, keys: DeviceKeys, code: InviteCode, label: str, at: str
) -> Sealed:
    """Write an enrolment request."""
    sign_key, seal_key = keys.sign.public.to_bytes(), keys.seal.public.to_bytes()
    prereqs: dict[str, str | int | dict[str, int]] = {
        "request": PROTOCOL,
        "seal_key": seal_key.hex(),
        "invite": code.name,
        "proof": code.proof(sign_key, seal_key).hex(),
        "label": label[:80],
        "snapshot": HEAD,
    }
    draft = CoreDraft(Kind.ENROL_REQUEST, "", device, at, prereqs=prereqs)
    return package.seal(out, draft, [keys.seal.public], keys.sign, [])


def read_request(core: Core) -> EnrolRequest:
    """The request in a verified core; raises :class:`PackageError`."""
    if core.kind is not Kind.ENROL_REQUEST:
        raise PackageError("这不是登记申请。", "请选择新设备生成的登记申请文件。")
    said = core.prereqs
    try:
        return EnrolRequest(
            v=PROTOCOL,
            device=core.exporter,
            sign_key=core.exporter_key,
            seal_key=bytes.fromhex(str(said["seal_key"])),
            invite=str(said["invite"]),
            proof=bytes.fromhex(str(said["proof"])),
            label=str(said["label"]),
            snapshot=str(said.get("snapshot", "")),
        )
    except (KeyError, ValueError):
        raise PackageTampered("登记申请不完整。", "请在新设备上重新生成申请。") from None


def open_grant(stream: BinaryIO, keys: DeviceKeys, code: InviteCode) -> Grant:
    """The grant for this device, from the hub that issued the code.

    Nobody pinned the hub's key yet: the signed core names the root that issued the
    code, and the code says whether it is the right one, before anything is decrypted.
    Where the hub has new keys since, signed links lead from that root to them.
    """

    def pinned(core: Core) -> VerifyKey | None:
        try:
            raw = bytes.fromhex(str(core.prereqs.get(HUB_KEY, "")))
        except ValueError:
            return None
        if not raw or not code.pins(raw):
            return None
        links = core.prereqs.get(LINKS)
        return follow(raw, read_links(links)) if isinstance(links, str) else VerifyKey(raw)

    try:
        opened = package.open_package(stream, pinned, {keys.seal.kid: keys.seal})
    except UnknownSigner:
        raise UnknownSigner(
            "登记批复不是由签发登记码的中心发出的。", "请核对登记码，并向中心管理员确认。"
        ) from None
    for entry in opened.entries():
        if entry.kind == GRANT:
            grant = messages.decode(part(entry, "grant"), Grant)
            if not code.proves(grant.proof, grant.hub_sign_key, grant.hub_seal_key):
                raise UnknownSigner("登记批复与登记码不符。", "请核对登记码，并向中心管理员确认。")
            return grant
    raise PackageError("登记批复是空的。", "请向中心管理员重新索取。")


def trust_of(grant: Grant) -> HubTrust:
    """What a grant pins."""
    return HubTrust(
        grant.hub_id,
        grant.hub_name,
        VerifyKey(grant.hub_sign_key),
        SealPublic.from_bytes(grant.hub_seal_key),
        grant.trust_version,
        SealPublic.from_bytes(grant.recovery_key) if grant.recovery_key else None,
    )
