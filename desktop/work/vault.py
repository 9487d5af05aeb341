"""The operating system's keyring, where one works: the only module that loads it."""

from __future__ import annotations

import base64
from typing import Protocol

SERVICE = "yizhan"


class Vault(Protocol):
    """A place of the operating system that keeps a secret for this user."""

    def get(self, name: str) -> bytes | None:
        """The secret of that name; None when there is none."""

    def put(self, name: str, secret: bytes) -> bool:
        """Keep a secret; False when it could not be kept."""


def system_vault() -> Vault | None:
    """The operating system's keyring; None when none works. Loading it takes a while."""
    import keyring
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
        if backend.priority < 1:
            return None
        backend.get_password(SERVICE, "probe")
    except (KeyringError, RuntimeError, OSError):
        return None
    return _SystemVault()


class _SystemVault:
    """``keyring`` as a :class:`Vault`; what it raises means that it does not work."""

    def get(self, name: str) -> bytes | None:
        import keyring
        from keyring.errors import KeyringError

        try:
            text = keyring.get_password(SERVICE, name)
        except (KeyringError, RuntimeError, OSError):
            return None
        return base64.b64decode(text) if text else None

    def put(self, name: str, secret: bytes) -> bool:
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, name, base64.b64encode(secret).decode())
        except (KeyringError, RuntimeError, OSError):
            return False
        return True
