"""Who may read: tokens, few wrong ones a minute, few requests at a time, use noted sparsely."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from server_stub.admin.facts import Facts
from server_stub.admin.refusals import NotNow, NoToken, OutOfScope, TooOften, WrongToken
from server_stub.hub import Hub
from server_stub.pace import Pace
from server_stub.tokens import PREFIX, Token, Tokens
from shared.errors import StoreError
from shared.store import directory

WRONG, WRONG_SECONDS = 20, 60.0
"""So many wrong tokens in this time; whoever then comes with one that was not good lately waits."""
SEEN_SECONDS = 60.0
REFUSED_SECONDS = 3600.0
"""Refused tokens are noted in the audit chain no more often than this."""
AT_ONCE = 3
"""Requests read at the same time, in each process: the exchange goes first."""
PATIENCE = 5.0
LATELY = 200
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads. :param desk: where."""

    desk: Desk
    token: Token

    @contextlib.contextmanager
    def facts(self) -> Iterator[Facts]:
        """What the token may see, on one connection."""
        hub = self.desk.hub
        with self.desk.turn(), hub.store.read() as connection:
            bureau = self.token.bureau
            scope = directory.subtree(connection, bureau) if bureau else None
            yield Facts(hub.store, connection, hub.epoch, scope)

    def require_whole(self) -> None:
        """Raise :class:`OutOfScope` for a token that is limited to a bureau."""
        if self.token.bureau:
            raise OutOfScope(
                "这个令牌只能查看一个单位，不能查看中心自身的情况。", "请中心签发不限单位的令牌。"
            )


class Desk:
    """Lets readers in, at one hub.

    :param processes: so many serve it; wrong tokens are counted over all of them.
    """

    def __init__(self, hub: Hub, processes: int = 1) -> None:
        self.hub = hub
        self.tokens = Tokens(hub.store)
        self._wrong = Pace(WRONG, WRONG_SECONDS, processes=processes)
        self._refused = Pace(1, REFUSED_SECONDS, processes=processes)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._good: dict[bytes, float] = {}

    def admit(self, text: str) -> Reader:
        """The reader behind a token.

        Raises :class:`NoToken`, :class:`WrongToken`; after many of them :class:`TooOften`, without looking.
        """
        if not text:
            raise NoToken("没有出示令牌。", "请在 Authorization: Bearer 中填写中心签发的令牌。")
        digest = hashlib.sha256(text.encode(errors="replace")).digest()
        if digest not in self._good and self._wrong.full:
            raise TooOften("无效的令牌过多，暂不受理。", "请核对令牌，稍后再试。", wait=self._wrong.wait)
        found = None
        if text.startswith(PREFIX) and text.isascii() and len(text) <= LONGEST:
            with self.turn():
                found = self.tokens.find(text)
        if found is None:
            with self._lock:
                self._good.pop(digest, None)
            self._wrong.take()
            raise WrongToken("令牌无效、已过期或已吊销。", "请核对令牌；需要时请中心重新签发。")
        with self._lock:
            self._good.setdefault(digest, 0.0)
            while len(self._good) > LATELY:
                self._good.pop(next(iter(self._good)))
        return Reader(self, found)

    def note_used(self, reader: Reader, text: str) -> None:
        """After the answer: when the token was used last. A database that is busy is not waited for twice."""
        digest, now = hashlib.sha256(text.encode()).digest(), time.monotonic()
        with self._lock:
            last = self._good.get(digest, 0.0)
            if last and now - last < SEEN_SECONDS:
                return
            self._good[digest] = now
        with contextlib.suppress(StoreError):
            self.tokens.used(reader.token)

    def note_refused(self) -> None:
        """After a refusal: that somebody came with a wrong token, once an hour."""
        if self._refused.take():
            with contextlib.suppress(StoreError):
                self.tokens.refused()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One of the few places; database errors become :class:`NotNow`."""
        if not self._slots.acquire(timeout=PATIENCE):
            raise TooOften("同时查询的请求过多。", "请稍后再试，或减少并发。", wait=1)
        try:
            yield
        except StoreError as bad:
            raise NotNow("中心的数据库暂时不能查询。", f"请稍后再试。（{bad.message}）") from bad
        finally:
            self._slots.release()


__all__ = ["Desk", "Reader"]
