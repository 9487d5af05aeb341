"""The content store: pieces of photos and scans in encrypted files beside the database.

A piece lies in a file of its own under AES-256-GCM. Its key is derived from the
store's key and the content's hash; its name is a keyed hash that tells nothing.
What is written is flushed and renamed, so that a name is a whole piece or absent.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.durable import sync_folder
from shared.errors import DiskFull, StoreError, why

THUMB = -1
"""Number under which the small picture of a content lies."""
NONCE = 12
NAME = 32


class ContentDamaged(StoreError):
    """A piece is there and is not what was written."""

    code = "content_damaged"


class Contents:
    """Pieces in a folder.

    :param key: 32 bytes; who has them reads everything here.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key
        self._names = _derived(key, b"", b"yizhan attachment names")

    def put(self, sha256: str, no: int, data: bytes) -> None:
        """Write one piece; raises :class:`DiskFull` or :class:`StoreError` and leaves nothing half."""
        path = self._path(sha256, no)
        nonce = os.urandom(NONCE)
        sealed = nonce + self._aead(sha256).encrypt(nonce, data, _about(sha256, no))
        part = path.with_name(f"{path.name}.{nonce.hex()}.part")
        with file_errors():
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as out:
                    out.write(sealed)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(part, path)
                sync_folder(path.parent)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise

    def get(self, sha256: str, no: int) -> bytes | None:
        """One piece; None when it is not here. Raises :class:`ContentDamaged`."""
        try:
            sealed = self._path(sha256, no).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as bad:
            raise StoreError(f"附件文件读不出来（{why(bad)}）。", "请检查磁盘后重试。") from bad
        try:
            return self._aead(sha256).decrypt(sealed[:NONCE], sealed[NONCE:], _about(sha256, no))
        except (InvalidTag, ValueError) as bad:
            raise ContentDamaged(
                "本机保存的附件内容已损坏。", "已入库的可以从中心重新下载；未入库的请重新添加。"
            ) from bad

    def drop(self, sha256: str, no: int) -> None:
        """Forget one piece; nothing happens when it is not here."""
        with suppress(OSError):
            self._path(sha256, no).unlink()

    def names(self) -> Iterator[tuple[str, Path]]:
        """Name and place of every file here, unfinished ones too."""
        if not self._folder.is_dir():
            return
        for shelf in self._folder.iterdir():
            if shelf.is_dir():
                yield from ((path.name, path) for path in shelf.iterdir())

    def name(self, sha256: str, no: int) -> str:
        """How the file of a piece is called."""
        return hmac.new(self._names, _about(sha256, no), hashlib.sha256).hexdigest()[:NAME]

    # --- inside --------------------------------------------------------------
    def _path(self, sha256: str, no: int) -> Path:
        name = self.name(sha256, no)
        return self._folder / name[:2] / name

    def _aead(self, sha256: str) -> AESGCM:
        return AESGCM(_derived(self._key, bytes.fromhex(sha256), b"yizhan attachment pieces"))


@contextmanager
def file_errors() -> Iterator[None]:
    """What the system says about the files of contents, as sentences."""
    try:
        yield
    except OSError as bad:
        if bad.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(
                "磁盘空间不足，附件没有保存。", "请清理磁盘后重试；已保存的附件和记录没有变动。"
            ) from bad
        raise StoreError(f"附件文件写不进去（{why(bad)}）。", "请检查磁盘和数据文件夹的权限后重试。") from bad


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def content_key(database_key: bytes) -> bytes:
    """The store's key that goes with a database key."""
    return _derived(database_key, b"", b"yizhan attachments")


def _about(sha256: str, no: int) -> bytes:
    return bytes.fromhex(sha256) + no.to_bytes(4, "big", signed=True)
