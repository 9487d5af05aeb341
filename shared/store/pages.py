"""Pages of a database file, put into SQLCipher's form one by one (ADR 0014).

A first load comes as pages of a plain SQLite database that already has SQLCipher's
layout: 4,096 bytes of which the last 80 are left free. Here each is encrypted as
SQLCipher 4 would have done it, under this installation's own key, so that plain
pages never touch its disk and the file needs no second pass.

Page ``n`` (from 1) is ``AES-256-CBC(content) ‖ IV (16) ‖ HMAC-SHA512(content ‖ IV ‖ n)``;
the first 16 bytes of page 1 are the salt of the file, in clear.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from shared.store.database import explain

PAGE = 4096
RESERVE = 80
SALT = 16
_IV = 16
_USED = PAGE - RESERVE
_MAC_MASK = 0x3A
_MAC_ROUNDS = 2
_RESERVE_AT = 20
_CONTENT_AT = slice(105, 107)
"""Where the header tells the reserved bytes, and the empty first page where its content begins."""


class PageCipher:
    """Encrypts pages for one file.

    :param key: the raw 32-byte database key; :param salt: the file's own 16 bytes.
    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        if len(key) != 32 or len(salt) != SALT:
            raise ValueError("a raw SQLCipher key has 32 bytes, a salt 16")
        self._aes = algorithms.AES(key)
        self._salt = salt
        mask = bytes(b ^ _MAC_MASK for b in salt)
        self._mac_key = hashlib.pbkdf2_hmac("sha512", key, mask, _MAC_ROUNDS, 32)

    def encrypt(self, first: int, plain: bytes | bytearray | memoryview) -> bytearray:
        """Whole pages, numbered from ``first``, as they stand in the file."""
        if len(plain) % PAGE or first < 1:
            raise ValueError("only whole pages are encrypted")
        view = memoryview(plain)
        out = bytearray(len(plain))
        ivs = os.urandom(_IV * (len(plain) // PAGE))
        for i, at in enumerate(range(0, len(plain), PAGE)):
            number = first + i
            start = at
            if number == 1:
                out[:SALT] = self._salt
                start += SALT
            iv = ivs[i * _IV : (i + 1) * _IV]
            sealed = Cipher(self._aes, modes.CBC(iv)).encryptor().update(view[start : at + _USED]) + iv
            mac = hmac.digest(self._mac_key, sealed + number.to_bytes(4, "little"), "sha512")
            out[start : at + PAGE] = sealed + mac
        return out


def make_blank(path: Path) -> None:
    """An empty plain database whose pages leave SQLCipher's 80 bytes free.

    Everything that is written into it later keeps to that.
    """
    from sqlcipher3 import dbapi2

    handle = dbapi2.connect(str(path))
    try:
        handle.execute(f"PRAGMA page_size = {PAGE}")
        handle.execute("CREATE TABLE gone (a)")
        handle.execute("DROP TABLE gone")
        handle.execute("VACUUM")
    finally:
        handle.close()
    with path.open("r+b") as file:
        header = bytearray(file.read(PAGE))
        header[_RESERVE_AT] = RESERVE
        header[_CONTENT_AT] = _USED.to_bytes(2, "big")
        file.seek(0)
        file.write(header)
    path.chmod(0o600)


@contextmanager
def filling(path: Path) -> Iterator[Any]:
    """One transaction on a plain file, without a journal: half of it is thrown away anyhow.

    Yields a bare handle of the client's own SQLite. Raises :class:`StoreError`.
    """
    from sqlcipher3 import dbapi2

    handle = dbapi2.connect(str(path), isolation_level=None)
    try:
        handle.execute("PRAGMA journal_mode = DELETE")
        handle.execute("PRAGMA journal_mode = OFF")
        handle.execute("PRAGMA synchronous = OFF")
        handle.execute("PRAGMA cache_size = -98304")
        handle.execute("PRAGMA temp_store = MEMORY")
        handle.execute("BEGIN")
        yield handle
        handle.execute("COMMIT")
    except dbapi2.DatabaseError as bad:
        raise explain(bad) from bad
    finally:
        handle.close()
