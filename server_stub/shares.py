"""The two halves of the recovery key: files that two persons keep apart, each under a passphrase.

The hub has the public half only. A file alone, a passphrase alone, or one whole share
says nothing about the key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import InputError, WrongPassword, why
from sync import recovery
from sync.suite import OpenKey, SealPublic

FORMAT = "yizhan recovery share"
LEAST = 12
"""Characters of a passphrase at least: these files lie in drawers for years."""


class ShareFile(msgspec.Struct, frozen=True, kw_only=True):
    """One half, as written.

    :param key: name of the whole key; :param pair: the same in both halves of one generation.
    """

    format: str
    v: int
    hub_id: str
    hub_name: str
    part: str
    key: str
    pair: str
    created: str
    passes: int
    kib: int
    salt: bytes
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """One of the two persons: where the share is, and the passphrase."""

    path: Path
    passphrase: str = field(repr=False)


def write_pair(
    first: Holder, second: Holder, hub_id: str, hub_name: str, at: str, *, kib: int = 256 * 1024
) -> SealPublic:
    """Make a recovery key, write both halves, read them back; raises :class:`InputError`.

    Nothing is left when the second cannot be written.
    """
    _check(first, second)
    key = OpenKey.generate()
    halves = recovery.split(key)
    written: list[Path] = []
    try:
        for part, holder, half in zip("AB", (first, second), halves, strict=True):
            _write(holder, part, half, key.public.kid, hub_id, hub_name, at, kib)
            written.append(holder.path)
        if join_pair(first, second, hub_id).public != key.public:
            raise InputError("写入的两份恢复密钥读回来不一致。", "请换一个介质重试。")
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return key.public


def join_pair(first: Holder, second: Holder, hub_id: str) -> OpenKey:
    """The recovery key from both halves.

    Raises :class:`WrongPassword`, or :class:`InputError` for halves that are not of one
    key or not of this hub.
    """
    files = [read(one.path) for one in (first, second)]
    if any(one.hub_id != hub_id for one in files):
        raise InputError("这份恢复密钥是另一个中心的。", "请核对是否拿错了文件。")
    if {one.part for one in files} != {"A", "B"}:
        raise InputError("两份恢复密钥是同一半。", "请两名保管人各自提供自己的那一份。")
    if files[0].pair != files[1].pair or files[0].key != files[1].key:
        raise InputError("两份恢复密钥不是同一次生成的。", "请使用最近一次 recovery init 生成的两份。")
    halves = [_open(one, holder) for one, holder in zip(files, (first, second), strict=True)]
    key = recovery.join(*halves)
    if key.public.kid != files[0].key:
        raise InputError("两份恢复密钥合不成声明的密钥。", "文件可能已损坏，请用备份的那一份。")
    return key


def read(path: Path) -> ShareFile:
    """A share as it lies there, still sealed."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=ShareFile)
    except OSError as bad:
        raise InputError(f"读不到恢复密钥文件“{path.name}”（{why(bad)}）。", "请检查路径和介质。") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(f"“{path.name}”不是恢复密钥文件，或已损坏。", "请核对是否拿错了文件。") from None
    if found.format != FORMAT or found.v != 1:
        raise InputError(f"“{path.name}”不是本版本能读的恢复密钥文件。", "请升级 yizhan-hub，或核对文件。")
    return found


def _check(first: Holder, second: Holder) -> None:
    places = [one.path.resolve().parent for one in (first, second)]
    if places[0] == places[1]:
        raise InputError("两份恢复密钥不能写在同一个文件夹。", "请写到两个不同的介质，由两人分别保管。")
    if first.passphrase == second.passphrase:
        raise InputError("两人的口令不能相同。", "请两人各自输入只有自己知道的口令。")
    for one in (first, second):
        if len(one.passphrase) < LEAST:
            raise InputError(f"保管口令至少 {LEAST} 个字符。", "可以是一句话。")
        if one.path.exists():
            raise InputError(f"“{one.path}”已经存在。", "请换一个文件名；旧的恢复密钥文件请保留。")


def _write(
    holder: Holder, part: str, half: bytes, key: str, hub_id: str, hub_name: str, at: str, kib: int
) -> None:
    salt, nonce = os.urandom(16), os.urandom(12)
    aead = AESGCM(_stretch(holder.passphrase, salt, 3, kib))
    body = ShareFile(
        format=FORMAT, v=1, hub_id=hub_id, hub_name=hub_name, part=part, key=key, pair=f"{key} {at}",
        created=at, passes=3, kib=kib, salt=salt, nonce=nonce,
        sealed=aead.encrypt(nonce, half, _aad(hub_id, part, key)),
    )  # fmt: skip
    try:
        handle = os.open(holder.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(body)))
            out.flush()
            os.fsync(out.fileno())
    except OSError as bad:
        raise InputError(f"不能写入“{holder.path}”（{why(bad)}）。", "请检查介质和路径。") from None


def _open(one: ShareFile, holder: Holder) -> bytes:
    costs = 1 <= one.passes <= 20 and 8 <= one.kib <= 1 << 20
    if not costs or len(one.salt) < 8 or len(one.nonce) != 12:
        raise InputError(f"“{holder.path.name}”已损坏。", "请用备份的那一份。")
    key = _stretch(holder.passphrase, one.salt, one.passes, one.kib)
    try:
        return AESGCM(key).decrypt(one.nonce, one.sealed, _aad(one.hub_id, one.part, one.key))
    except InvalidTag:
        raise WrongPassword(
            f"恢复密钥“{one.part}”的口令不正确，或文件被改动过。", "请保管人重新输入自己的口令。"
        ) from None


def _stretch(passphrase: str, salt: bytes, passes: int, kib: int) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=passes, memory_cost=kib, parallelism=1, hash_len=32, type=Type.ID
    )


def _aad(hub_id: str, part: str, key: str) -> bytes:
    return f"{FORMAT} 1 {hub_id} {part} {key}".encode()
