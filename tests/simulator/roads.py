"""The ways between seat and hub, in all weathers: network and sticks.

The network is the real client carrier over a transport of our own, which hands its
requests to the hub's real reception and fails as the seed says.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from server_stub.api import MARK
from server_stub.reception import Reception
from shared.errors import YizhanError
from sync.http import HttpCarrier
from tests.simulator.mishaps import Crash, Mishaps

FINE = "fine"
BEFORE, AFTER, PARTLY, FLIP_UP, FLIP_DOWN, STALE = "before", "after", "partly", "flip up", "flip down", "stale"
WEATHER = (BEFORE, AFTER, PARTLY, FLIP_UP, FLIP_DOWN, STALE)


class Far(Protocol):
    """The hub, as a line knows it."""

    mishaps: Mishaps

    def reach(self) -> Reception | None:
        """Its reception; None when it is down."""

    def hub_died(self) -> None:
        """It crashed over what we sent."""


class Line(BaseAdapter):
    """One seat's line to the hub.

    :param hub: what is at the other end.
    :param weather: what happens to the next request; a list that is used up, then all is fine.
    """

    def __init__(self, hub: Far, rng: random.Random) -> None:
        super().__init__()
        self._hub = hub
        self._rng = rng
        self.weather: list[str] = []
        self.dead = False
        self.heard: list[bytes] = []
        self.answers: list[bytes] = []

    def close(self) -> None:
        """Nothing is held."""

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, stream: bool = False, **_: Any
    ) -> requests.Response:
        weather = self.weather.pop(0) if self.weather else FINE
        if self.dead or weather == BEFORE:
            raise requests.ConnectionError("Connection reset")
        reception = self._hub.reach()
        if reception is None:
            raise requests.ConnectionError("Connection refused")
        try:
            with self._hub.mishaps.acting("hub"):
                status, headers, body = self._at_hub(reception, request, weather)
        except Crash as crash:
            if crash.who != "hub":
                raise
            self._hub.hub_died()
            raise requests.ConnectionError("Connection reset") from None
        if weather == AFTER:
            raise requests.ConnectionError("Connection reset")
        answer = requests.Response()
        answer.status_code, answer.headers = status, CaseInsensitiveDict(headers | MARK)
        answer.request, answer.url = request, str(request.url)
        if weather == FLIP_DOWN and body:
            body = self._flipped(body)
        answer.raw = io.BytesIO(body)
        if weather == PARTLY and request.method == "GET":
            answer.raw = _Torn(body[: self._rng.randrange(len(body) + 1)])
        return answer

    # --- inside --------------------------------------------------------------
    def _at_hub(
        self, reception: Reception, request: requests.PreparedRequest, weather: str
    ) -> tuple[int, dict[str, str], bytes]:
        where = urlsplit(str(request.url))
        package_id = where.path.split("/")[3]
        if request.method == "HEAD":
            have = reception.offset(package_id)
            return (404, {}, b"") if have is None else (200, {"Upload-Offset": str(have)}, b"")
        if request.method == "PUT":
            return self._put(reception, package_id, parse_qs(where.query), request.body or b"", weather)
        found = reception.answer(package_id)
        if found is None:
            return 404, {}, b'{"code": "no_answer", "message": "-", "hint": "-"}'
        body = found.read_bytes()
        if weather == STALE and self.answers:
            return 200, {"Content-Length": str(len(self.answers[0]))}, self.answers[0]
        self.answers.append(body)
        asked = request.headers.get("Range", "")
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                return 416, {}, b""
            return 206, {"Content-Length": str(len(body) - start)}, body[start:]
        return 200, {"Content-Length": str(len(body))}, body

    def _put(
        self, reception: Reception, package_id: str, query: dict[str, list[str]], body: bytes | str, weather: str
    ) -> tuple[int, dict[str, str], bytes]:
        body = body.encode() if isinstance(body, str) else body
        offset, size = int(query["offset"][0]), int(query["size"][0])
        self.heard.append(body)
        if weather == FLIP_UP:
            body = self._flipped(body)
        try:
            if weather == PARTLY:
                cut = self._rng.randrange(len(body) + 1)
                reception.take(package_id, offset, size, body[:cut], broken=True)
                raise requests.ConnectionError("Connection reset")
            have = reception.take(package_id, offset, size, body)
        except YizhanError as refused:
            said = {"code": refused.code, "message": refused.message, "hint": refused.hint}
            return 422, {}, json.dumps(said).encode()
        return 200, {"Upload-Offset": str(have)}, b""

    def _flipped(self, body: bytes) -> bytes:
        at = self._rng.randrange(len(body))
        return body[:at] + bytes([body[at] ^ 1 << self._rng.randrange(8)]) + body[at + 1 :]


class _Torn(io.BytesIO):
    """A body whose line breaks where it ends."""

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece:
            raise requests.exceptions.ChunkedEncodingError("Connection reset")
        return piece


def carrier_over(line: Line, wait: Callable[[float], None]) -> HttpCarrier:
    """The client's carrier, on our line."""
    carrier = HttpCarrier("http://hub", wait)
    carrier._http.mount("http://", line)
    return carrier


def damage(path: Path, rng: random.Random) -> str:
    """A file on a stick goes bad."""
    data = path.read_bytes()
    if rng.random() < 0.5 or not data:  # a power cut may have left nothing of it
        path.write_bytes(data[: rng.randrange(len(data) or 1)])
        return "cut short"
    at = rng.randrange(len(data))
    path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    return "flipped"


class Shelf:
    """Files for the further volumes of an answer.

    :param answer: where the first is; :param limit: bytes of each.
    """

    waits = True

    def __init__(self, answer: Path, limit: int) -> None:
        self.limit = limit
        self._answer = answer
        self._open: list[BinaryIO] = []
        self._paths: list[Path] = []

    def open(self, index: int) -> BinaryIO:
        """A file for volume ``index``, from 2."""
        self._paths.append(self._answer.with_name(f"answer-{index}.yzp"))
        self._open.append(self._paths[-1].open("w+b"))
        return self._open[-1]

    def finish(self) -> list[Path]:
        """All of them, written."""
        for stream in self._open:
            stream.close()
        return self._paths

    def clear(self) -> None:
        """Nothing is left at the hub."""
        for path in self.finish():
            path.unlink(missing_ok=True)
