"""Tokens of the administrators' API: shown once, kept as a hash, ended by time or by hand.

They read and nothing else; one that is limited to a bureau sees what its administrator may
see: the bureau and what is below it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from shared.access import HUB_ACTOR
from shared.errors import InputError
from shared.store import audit, directory, sql
from shared.store.facts import write_fact
from shared.store.store import Store

DAYS = 90
LONGEST = 366
PREFIX = "yzh_"
ACTOR = "token:"
"""Before a token's name where the audit chain says who."""
_FACT = "api_token:"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_SEEN = timedelta(minutes=1)
"""Last use is written no more often than this."""


class _Kept(msgspec.Struct, frozen=True):
    """What the database holds: of the token itself its SHA-256 alone."""

    digest: bytes
    made_at: str
    expires_at: str
    revoked_at: str = ""
    used_at: str = ""
    bureau: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is listed.

    :param bureau: the only bureau it sees, with those below; ``""`` = the whole hub.
    :param state: ``active``, ``revoked`` or ``expired``.
    """

    name: str
    bureau: str
    made_at: str
    expires_at: str
    used_at: str
    state: str


class Tokens:
    """The tokens of one hub."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: str, days: int = DAYS, bureau: str = "") -> str:
        """A new token, said this once.

        Raises :class:`InputError` for a bad or a used name, an unknown bureau, too many days.
        """
        if not _NAME.fullmatch(name):
            raise InputError("令牌名称只能用字母、数字、“.”“_”“-”，最多 40 个。", "请换一个名称。")
        if not 1 <= days <= LONGEST:
            raise InputError(f"令牌的有效期应在 1 至 {LONGEST} 天之间。", "请修改 --days。")
        text = PREFIX + secrets.token_urlsafe(32)
        at, expires = self._store.clock.stamp(), (self._store.clock.now() + timedelta(days=days)).isoformat()
        with self._store.write() as connection:
            place = directory.bureau(connection, bureau) if bureau else None
            if bureau and place is None:
                raise InputError("没有这个单位。", "请用 yizhan-hub bureau list 查看单位代码。")
            before = dict(_all(connection, lock=True)).get(name)
            if before is not None and _state(before, at) == "active":
                raise InputError(f"已经有名为“{name}”的令牌。", "请换一个名称，或先吊销它。")
            new = _Kept(_digest(text), at, expires, bureau=bureau)
            if before is not None:
                _keep(connection, name, new)
            elif not _keep_first(connection, name, new):
                raise InputError(f"刚刚已经签发了名为“{name}”的令牌。", "请换一个名称，或先吊销它。")
            what = f"{name} {expires[:10]}" + (f" {place.code}" if place is not None else "")
            audit.note(connection, at, HUB_ACTOR.user, "token", what)
        return text

    def every(self) -> list[Token]:
        """All that were made, by name."""
        now = self._store.clock.stamp()
        with self._store.read() as connection:
            return [_shown(name, one, now) for name, one in _all(connection)]

    def revoke(self, name: str) -> None:
        """End a token at once; raises :class:`InputError` when there is none in use."""
        at = self._store.clock.stamp()
        with self._store.write() as connection:
            one = dict(_all(connection, lock=True)).get(name)
            if one is None or _state(one, at) != "active":
                raise InputError("没有这个使用中的令牌。", "请用 yizhan-hub token list 查看。")
            _keep(connection, name, msgspec.structs.replace(one, revoked_at=at))
            audit.note(connection, at, HUB_ACTOR.user, "token_revoked", name)

    def find(self, text: str) -> Token | None:
        """The token, if it may read now; every kept one is compared, in constant time each."""
        digest, now = _digest(text), self._store.clock.stamp()
        found: Token | None = None
        with self._store.read() as connection:
            for name, one in _all(connection):
                if hmac.compare_digest(one.digest, digest):
                    found = _shown(name, one, now)
        return found if found is not None and found.state == "active" else None

    def used(self, token: Token) -> None:
        """Note that it was used: the time at most once a minute, in the audit chain once a day."""
        now = self._store.clock.now()
        if token.used_at and (now - _SEEN).isoformat() < token.used_at:
            return
        with self._store.write() as connection:
            one = dict(_all(connection, lock=True)).get(token.name)
            if one is None or one.made_at != token.made_at:
                return  # the name is another token's by now
            _keep(connection, token.name, msgspec.structs.replace(one, used_at=now.isoformat()))
            if one.used_at[:10] != now.isoformat()[:10]:
                audit.note(connection, now.isoformat(), ACTOR + token.name, "token_used")

    def refused(self) -> None:
        """Note that somebody comes with tokens that are none; the caller does so seldom."""
        with self._store.write() as connection:
            audit.note(connection, self._store.clock.stamp(), "", "token_refused")


def _shown(name: str, one: _Kept, now: str) -> Token:
    return Token(name, one.bureau, one.made_at, one.expires_at, one.used_at, _state(one, now))


def _all(connection: sa.Connection, *, lock: bool = False) -> list[tuple[str, _Kept]]:
    held = sql.held(connection) if lock else ""  # a use must not undo a revocation
    rows = sql.execute(
        connection, f"SELECT name, value FROM fact WHERE substr(name, 1, ?) = ? ORDER BY name{held}",
        (len(_FACT), _FACT),
    ).fetchall()  # fmt: skip
    return [(str(r[0])[len(_FACT) :], msgspec.msgpack.decode(bytes(r[1]), type=_Kept)) for r in rows]


def _keep(connection: sa.Connection, name: str, one: _Kept) -> None:
    write_fact(connection, _FACT + name, msgspec.msgpack.encode(one))


def _keep_first(connection: sa.Connection, name: str, one: _Kept) -> bool:
    """Whether no other process was quicker with a token of that name."""
    done = sql.execute(
        connection, "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (_FACT + name, msgspec.msgpack.encode(one)),
    )  # fmt: skip
    return bool(done.rowcount)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _state(one: _Kept, now: str) -> str:
    if one.revoked_at:
        return "revoked"
    return "active" if now < one.expires_at else "expired"


__all__ = ["ACTOR", "PREFIX", "Token", "Tokens"]
