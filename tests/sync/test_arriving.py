"""What came over a line before it broke is kept, however busy the hub is."""

from __future__ import annotations

import asyncio
from typing import Any

from server_stub.api import MAX_PIECE, create_app
from server_stub.reception import Reception
from shared.ids import new_id
from tests.fixtures.devices import Enrol
from tests.fixtures.hubs import Place


class Hasty:
    """Sends a piece and hangs up at once; as a server does it, what nobody asked for till then is forgotten."""

    def __init__(self, package_id: str, size: int, *pieces: bytes, offset: int = 0) -> None:
        self._pieces = list(pieces)
        self._gone = asyncio.Event()
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "PUT", "scheme": "http",
            "path": f"/v1/packages/{package_id}", "raw_path": b"", "root_path": "", "headers": [],
            "query_string": f"offset={offset}&size={size}".encode(),
        }  # fmt: skip
        asyncio.get_running_loop().call_soon(self._gone.set)

    async def receive(self) -> dict[str, Any]:
        if self._pieces and not self._gone.is_set():
            return {"type": "http.request", "body": self._pieces.pop(0), "more_body": True}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, _: object) -> None:
        """Nobody hears it."""


def test_who_hangs_up_at_once_is_not_asked_for_the_same_again(place: Place, enrol_at: Enrol) -> None:
    package, sealed = enrol_at(place.a, "chenmin").sealed("network")
    app = create_app(place.hub)

    async def twice() -> None:
        for start, end in ((0, 300), (300, 500)):
            line = Hasty(sealed.package_id, len(package), package[start:end], offset=start)
            await app(line.scope, line.receive, line.send)

    asyncio.run(twice())
    reception = Reception(place.hub)
    assert reception.offset(sealed.package_id) == 500
    assert reception.spool.whole(sealed.package_id).read_bytes() == package[:500]


def test_what_came_whole_before_the_line_broke_is_handled_when_somebody_waits_for_it(
    place: Place, enrol_at: Enrol
) -> None:
    package, sealed = enrol_at(place.a, "chenmin").sealed("network")
    app, size = create_app(place.hub), len(package)

    async def once() -> None:
        line = Hasty(sealed.package_id, size, package)
        await app(line.scope, line.receive, line.send)

    asyncio.run(once())
    reception = Reception(place.hub)
    assert reception.offset(sealed.package_id) == size and reception.answer(sealed.package_id) is None
    assert reception.take(sealed.package_id, size - 1, size, package[-1:]) == size  # as a device goes on
    assert reception.answer(sealed.package_id) is not None


def test_a_piece_too_large_is_refused_before_it_is_all_here(place: Place) -> None:
    app, said, name = create_app(place.hub), [], new_id().replace("-", "")
    sent = 0

    async def endless() -> dict[str, Any]:
        nonlocal sent
        sent += 1 << 20
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    async def ask() -> None:
        await app(Hasty(name, 1 << 30).scope, endless, send)

    asyncio.run(ask())
    assert said[0]["status"] == 413 and sent == MAX_PIECE + (1 << 20)
    assert Reception(place.hub).offset(name) is None
