"""Tokens of the reading API: shown once, kept as a hash, over when their time or an administrator says so."""

from __future__ import annotations

import pytest

from server_stub.tokens import Tokens
from shared.clock import system_millis
from shared.errors import InputError
from shared.store import audit
from tests.fixtures.hubs import Place


def test_a_token_lives_until_it_is_revoked_or_too_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = place.hub.store
    tokens = Tokens(store)
    text, other = tokens.add("monitoring", 30), tokens.add("board")
    assert tokens.admits(text) and tokens.admits(other)
    assert not tokens.admits(text[:-1]) and not tokens.admits("")
    assert [(t.name, t.state, bool(t.used_at)) for t in tokens.every()] == [
        ("board", "active", True), ("monitoring", "active", True),
    ]  # fmt: skip
    with store.read() as connection:
        kept = b"".join(bytes(r[0]) for r in connection.exec_driver_sql("SELECT value FROM fact"))
        assert text.encode() not in kept and text[4:].encode() not in kept
        assert [e.event for e in audit.latest(connection, 2)] == ["token", "token"]
    with pytest.raises(InputError):
        tokens.add("monitoring")
    tokens.revoke("board")
    assert not tokens.admits(other) and tokens.admits(text)
    with pytest.raises(InputError):
        tokens.revoke("board")
    monkeypatch.setattr(place.hub.clock, "_millis", lambda: system_millis() + 31 * 86_400_000)
    assert not tokens.admits(text)
    assert {t.name: t.state for t in tokens.every()} == {"board": "revoked", "monitoring": "expired"}
