"""Sockets that can be left at any moment: while they wait they ask whether anybody still wants the answer.

A hung line would otherwise hold 取消 as long as the longest wait. Reading and writing wait in
slices; between two the question may raise, and the connection is given up with it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

T = TypeVar("T")
SLICE = 0.2
"""Seconds after which a waiting socket asks: what a person takes for at once."""
PORTION = 1 << 16


class Question:
    """What is asked between two slices; whoever carries something sets it for as long as he does."""

    def __init__(self) -> None:
        self.ask: Callable[[], None] = nobody_asks


def nobody_asks() -> None:
    """Go on."""


def in_slices(one: socket.socket, question: Question, act: Callable[[], T]) -> T:
    """``act``, tried again until the socket's own time is over; raises what the question raises."""
    whole = one.gettimeout()
    if whole == 0:
        return act()
    until = None if whole is None else time.monotonic() + whole
    try:
        while True:
            left = SLICE if until is None else until - time.monotonic()
            one.settimeout(max(min(SLICE, left), 0.001))
            try:
                return act()
            except TimeoutError:
                if until is not None and time.monotonic() >= until:
                    raise
            question.ask()
    finally:
        if one.fileno() != -1:
            one.settimeout(whole)


class PlainSocket(socket.socket):
    """A connected socket without TLS."""

    question = Question()

    def recv_into(self, *args: Any) -> int:
        return in_slices(self, self.question, lambda: socket.socket.recv_into(self, *args))

    def sendall(self, data: Any, flags: int = 0) -> None:
        with memoryview(data).cast("B") as whole:
            sent = 0
            while sent < len(whole):
                part = whole[sent : sent + PORTION]
                sent += in_slices(self, self.question, lambda part=part: self.send(part, flags))  # type: ignore[misc]


class SecureSocket(ssl.SSLSocket):
    """A connected socket under TLS; its ``sendall`` goes through ``send``."""

    question = Question()

    def recv_into(self, *args: Any) -> int:
        return in_slices(self, self.question, lambda: ssl.SSLSocket.recv_into(self, *args))

    def send(self, *args: Any) -> int:
        return in_slices(self, self.question, lambda: ssl.SSLSocket.send(self, *args))


def secure_context() -> ssl.SSLContext:
    """What urllib3 itself would use, making our sockets."""
    made = create_urllib3_context()
    made.sslsocket_class = SecureSocket
    return made


def pools(question: Question) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools by scheme whose sockets ask this question."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            found = super()._new_conn()
            left = found.gettimeout()
            made = PlainSocket(found.family, found.type, found.proto, fileno=found.detach())
            made.settimeout(left)
            made.question = question
            return made

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            if isinstance(self.sock, SecureSocket):
                self.sock.question = question

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


__all__ = ["Question", "pools", "secure_context"]
