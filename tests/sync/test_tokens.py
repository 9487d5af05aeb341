"""Tokens of the reading API: shown once, kept as a hash, over when their time or an administrator says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from server_stub import cli
from server_stub.tokens import Token, Tokens
from shared.errors import InputError
from shared.store import audit
from tests.fixtures.hubs import PASSPHRASE, Place

NOON = 1_778_040_000_000
"""12:00 on a day in May 2026, +08:00."""


def _found(tokens: Tokens, text: str) -> Token:
    found = tokens.find(text)
    assert found is not None
    return found


def test_a_token_lives_until_it_is_revoked_or_too_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = place.hub.store
    tokens = Tokens(store)
    monkeypatch.setattr(place.hub.clock, "_millis", lambda: NOON)
    text, other = tokens.add("monitoring", 30), tokens.add("board")
    assert tokens.find(text) and tokens.find(other)
    assert tokens.find(text[:-1]) is None and tokens.find("") is None
    for one in (text, text, other):
        tokens.used(_found(tokens, one))
    assert [(t.name, t.state, bool(t.used_at)) for t in tokens.every()] == [
        ("board", "active", True), ("monitoring", "active", True),
    ]  # fmt: skip
    with store.read() as connection:
        kept = b"".join(bytes(r[0]) for r in connection.exec_driver_sql("SELECT value FROM fact"))
        assert text.encode() not in kept and text[4:].encode() not in kept
        assert [e.event for e in audit.latest(connection, 2)] == ["token_used", "token_used"]
        assert {e.who for e in audit.latest(connection, 2)} == {"token:board", "token:monitoring"}
    for seconds, noted in ((120, 2), (86_400, 3)):  # the same day again; the next day
        monkeypatch.setattr(place.hub.clock, "_millis", lambda s=seconds: NOON + s * 1000)
        tokens.used(_found(tokens, text))
        with store.read() as connection:
            assert len(audit.latest(connection, event="token_used")) == noted
    with pytest.raises(InputError):
        tokens.add("monitoring")
    tokens.revoke("board")
    assert tokens.find(other) is None and tokens.find(text)
    with pytest.raises(InputError):
        tokens.revoke("board")
    monkeypatch.setattr(place.hub.clock, "_millis", lambda: NOON + 31 * 86_400_000)
    assert tokens.find(text) is None
    assert {t.name: t.state for t in tokens.every()} == {"board": "revoked", "monitoring": "expired"}


def test_a_token_is_limited_to_a_bureau_that_exists(place: Place) -> None:
    tokens = Tokens(place.hub.store)
    assert _found(tokens, tokens.add("a", bureau=place.a)).bureau == place.a
    assert _found(tokens, tokens.add("whole")).bureau == ""
    with pytest.raises(InputError):
        tokens.add("b", bureau="0" * 32)
    with place.hub.store.read() as connection:
        assert [e.detail.split(" ", 1)[0] for e in audit.latest(connection, 2)] == ["whole", "a"]
        assert audit.latest(connection, 2)[1].detail.endswith(" A")


def test_tokens_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As the administrator types it: shown once, listed with what it may see, revoked."""
    monkeypatch.setenv("YIZHAN_HUB_DATA", str(tmp_path / "hub"))
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)

    def run(*words: str, code: int = 0) -> str:
        assert cli.main(words) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    run("init")
    run("bureau", "add", "BS01", "市场监督管理局", "--division", "310113")
    text = run("token", "add", "monitoring").split("：")[1].split()[0]
    run("token", "add", "scjg", "--bureau", "BS01", "--days", "30")
    listed = run("token", "list")
    assert text.startswith("yzh_") and text not in listed
    rows = {line.split()[0]: line.split()[1:] for line in listed.splitlines()[1:]}
    assert (rows["monitoring"][0], rows["scjg"][0]) == ("全部", "市场监督管理局")
    assert {row[-1] for row in rows.values()} == {"使用中"}
    assert "没有这个单位" in run("token", "add", "other", "--bureau", "XX", code=1)
    assert "1 至 366 天" in run("token", "add", "other", "--days", "400", code=1)
    assert "立即失效" in run("token", "revoke", "scjg")
    assert "没有这个使用中的令牌" in run("token", "revoke", "scjg", code=1)
    assert "已吊销" in run("token", "list")
    assert "吊销接口令牌" in run("audit", "list", "--event", "token_revoked")
