"""What a line brought before it broke reaches the spool.

A server tells its application that somebody hung up as soon as it knows, and forgets the
bytes that nobody had asked for yet: on a busy hub, all that came in the last moment. On a
line that breaks after every few hundred bytes an upload would never get further.
"""

from __future__ import annotations

from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

WHERE = "/v1/packages/"


class Arriving:
    """Around the application: asks for a piece of a package at once, before anything else takes its time.

    :param most: bytes after which the application itself shall ask on, and refuse.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; others than pieces of packages pass untouched."""
        if scope["type"] != "http" or scope["method"] != "PUT" or not scope["path"].startswith(WHERE):
            await self._app(scope, receive, send)
            return
        came: deque[Message] = deque()
        size, more = 0, True
        while more and size <= self._most:
            came.append(await receive())
            size += len(came[-1].get("body", b""))
            more = came[-1].get("more_body", False)

        async def again() -> Message:
            return came.popleft() if came else await receive()

        await self._app(scope, again, send)
