"""The hub as its devices trust it: a root key pinned at enrolment, and a signed link to each later one.

A link is signed by the key before it and proven by the one it names. Links stand in
the clear part of what the hub sends, so that a package signed by a new key can be
verified by whoever knows the old one, by network and by stick. A link may also keep
the root and only name a recovery key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from shared.errors import PackageError, PackageTampered
from sync import signing
from sync.layout import Core, decode
from sync.signing import Envelope, SigningKey, VerifyKey
from sync.suite import SealPublic

LINKS = "trust"
"""Name under which links stand among the prereqs of a core, as hexadecimal text."""
_REFUSED = "请联系中心管理员核实；本机数据没有任何变动。"


class TrustLink(msgspec.Struct, frozen=True, kw_only=True):
    """What one link says.

    :param version: one more than before; the grant says where a device begins.
    :param recovery_key: to whom devices seal their database key (as it travels); empty = nobody.
    :param old_until: until when the previous key's word is still taken, ISO time.
    """

    v: int
    hub_id: str
    version: int
    prev_sign_key: bytes
    sign_key: bytes
    seal_key: bytes
    recovery_key: bytes
    old_until: str
    at: str


class SignedLink(msgspec.Struct, frozen=True, array_like=True):
    """A link twice: signed by the key before, and by the key it names."""

    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Earlier:
    """A root key that was; signatures made with it are taken until then."""

    sign: VerifyKey
    until: str


@dataclass(frozen=True, slots=True)
class HubTrust:
    """The hub this device was enrolled at.

    :param version: how many links stand before these keys.
    :param links: those learned since enrolment, to be kept.
    """

    hub_id: str
    name: str
    sign: VerifyKey
    seal: SealPublic
    version: int = 0
    recovery: SealPublic | None = None
    earlier: tuple[Earlier, ...] = ()
    links: tuple[SignedLink, ...] = ()

    def key(self, key_id: str) -> VerifyKey | None:
        """The hub's key of that name, if its word is taken."""
        if key_id == self.sign.key_id:
            return self.sign
        return next((one.sign for one in self.earlier if one.sign.key_id == key_id), None)

    @property
    def signers(self) -> tuple[VerifyKey, ...]:
        """Every root key this device has known, newest first: whose signatures prove what was said."""
        past = [VerifyKey(root_of(one)) for one in reversed(self.links)]
        return tuple(dict.fromkeys((self.sign, *past, *(one.sign for one in self.earlier))))

    def checked(self, envelope: bytes, payload_type: str) -> bytes:
        """What the hub signed; raises :class:`PackageTampered` for anybody else."""
        read = Envelope.decode(envelope)
        return signing.verify(read, self.key(read.keyid) or self.sign, payload_type)

    def signer(self, core: Core) -> VerifyKey | None:
        """Trust callback: only this hub signs what a device imports.

        Raises :class:`PackageTampered` for links that do not continue what is trusted.
        """
        if core.exporter != self.hub_id:
            return None
        return self.key(core.exporter_key_id) or self.learned(core).key(core.exporter_key_id)

    def learned(self, core: Core) -> HubTrust:
        """With the links a package brings; nothing is believed but what the chain proves."""
        said = core.prereqs.get(LINKS)
        return self.extended(read_links(said)) if isinstance(said, str) else self

    def extended(self, links: Iterable[SignedLink]) -> HubTrust:
        """With these links; those known already are compared, never taken again."""
        trust = self
        kept = {_read(one).version: one for one in self.links}
        for one in links:
            link = _read(one)
            if link.version <= trust.version:
                if link.version in kept and kept[link.version] != one:
                    raise PackageTampered("中心的密钥更换记录与以前收到的不同。", _REFUSED)
                continue
            trust = trust._with(one, link)
        return trust

    def as_of(self, now: str) -> HubTrust:
        """Without the keys whose time is over."""
        return replace(self, earlier=tuple(one for one in self.earlier if one.until > now))

    def _with(self, signed: SignedLink, link: TrustLink) -> HubTrust:
        if link.hub_id != self.hub_id or link.version != self.version + 1:
            raise PackageTampered("中心的密钥更换记录不连续。", _REFUSED)
        _vouched(signed, self.sign, VerifyKey(link.sign_key))
        earlier = self.earlier
        if link.sign_key != self.sign.to_bytes():
            earlier = (*earlier, Earlier(self.sign, link.old_until))
        recovery = SealPublic.from_bytes(link.recovery_key) if link.recovery_key else None
        return replace(
            self, sign=VerifyKey(link.sign_key), seal=SealPublic.from_bytes(link.seal_key),
            version=link.version, recovery=recovery, earlier=earlier, links=(*self.links, signed),
        )


def make_link(link: TrustLink, old: SigningKey, new: SigningKey) -> SignedLink:
    """Sign a link with the key that was and the key that will be."""
    payload = msgspec.msgpack.encode(link)
    return SignedLink(
        signing.sign(old, signing.TRUST, payload).encode(), signing.sign(new, signing.TRUST, payload).encode()
    )


def follow(root: bytes, links: Sequence[SignedLink]) -> VerifyKey | None:
    """Where links lead that begin at a root key; None when they do not begin there.

    For somebody who has nothing but a root, as pinned by a one-time code.
    """
    at = VerifyKey(root)
    began = not links
    for one in links:
        link = _read(one)
        began = began or link.prev_sign_key == root
        if began:
            _vouched(one, at, VerifyKey(link.sign_key))
            at = VerifyKey(link.sign_key)
    return at if began else None


def write_links(links: Sequence[SignedLink]) -> str:
    """As they stand in a core."""
    return msgspec.msgpack.encode(list(links)).hex()


def read_links(text: str) -> list[SignedLink]:
    """Back from :func:`write_links`; raises :class:`PackageTampered`."""
    try:
        return decode(bytes.fromhex(text), list[SignedLink])
    except ValueError:
        raise PackageTampered("中心的密钥更换记录无法读取。", _REFUSED) from None


def version_of(signed: SignedLink) -> int:
    """Which version a link leads to."""
    return _read(signed).version


def root_of(signed: SignedLink) -> bytes:
    """The signing key before a link."""
    return _read(signed).prev_sign_key


def _read(signed: SignedLink) -> TrustLink:
    return decode(Envelope.decode(signed.old).payload, TrustLink)


def _vouched(signed: SignedLink, old: VerifyKey, new: VerifyKey) -> None:
    """The key before has signed it, and whoever made it holds the new one."""
    try:
        before = signing.verify(Envelope.decode(signed.old), old, signing.TRUST)
        after = signing.verify(Envelope.decode(signed.new), new, signing.TRUST)
    except PackageError as bad:
        raise PackageTampered("中心的密钥更换记录不是由原来的密钥签署的。", _REFUSED) from bad
    if before != after:
        raise PackageTampered("中心的密钥更换记录前后不一致。", _REFUSED)


__all__ = [
    "LINKS", "Earlier", "HubTrust", "SignedLink", "TrustLink", "follow", "make_link", "read_links",
    "root_of", "version_of", "write_links",
]  # fmt: skip
