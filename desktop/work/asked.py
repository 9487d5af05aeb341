"""A request on its way to the centre: its secrets wait on the disk under the password chosen for it.

Enrolment and the recovery of a password both make keys first and get their answer
days later, by stick: a restart between, a lost stick or a second try never cost the
keys. Both files have the same shape; each adds what is public about its request.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desktop.work.files import write_atomic
from desktop.work.key_format import Argon, stretch
from shared.clock import Clock
from shared.errors import StoreError, WrongPassword


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its answer, as it lies there; kinds of requests add what is public.

    :param sealed: the secrets, under the password.
    """

    v: int
    created: str
    argon: Argon
    salt: bytes
    nonce: bytes
    sealed: bytes


One = TypeVar("One", bound=Asked)


class AskedFile(Generic[One]):
    """The one request of a kind an installation may have under way.

    :param aad: binds the secrets to the kind of request.
    :param damaged: what to say of a file that cannot be read, and what to do.
    :param mistyped: what to say of a password that is not the one chosen, and what to do.
    """

    def __init__(
        self,
        path: Path,
        kind: type[One],
        aad: bytes,
        argon: Argon,
        clock: Clock,
        *,
        damaged: tuple[str, str],
        mistyped: tuple[str, str],
    ) -> None:
        self._path = path
        self._kind = kind
        self._aad = aad
        self._argon = argon
        self._clock = clock
        self._damaged = damaged
        self._mistyped = mistyped

    def read(self) -> One | None:
        """What waits; None when nothing does. Raises :class:`StoreError` for a damaged file."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as bad:
            raise StoreError(*self._damaged) from bad

    def keep(self, secrets: bytes, password: str, **public: Any) -> One:
        """Put a request in the place of the one before."""
        salt, nonce = os.urandom(16), os.urandom(12)
        made = self._kind(
            v=1, created=self._clock.stamp(), argon=self._argon, salt=salt, nonce=nonce,
            sealed=AESGCM(stretch(password, salt, self._argon)).encrypt(nonce, secrets, self._aad), **public,
        )  # fmt: skip
        write_atomic(self._path, msgspec.json.encode(made))
        return made

    def open(self, one: One, password: str) -> bytes:
        """Its secrets; raises :class:`WrongPassword`."""
        key = stretch(password, one.salt, one.argon)
        try:
            return AESGCM(key).decrypt(one.nonce, one.sealed, self._aad)
        except InvalidTag:
            raise WrongPassword(*self._mistyped) from None

    def drop(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)
