"""The hub over HTTP: packages go up in ranges, answers come down in ranges.

There is nothing else to steal or forge here: who may do what is decided by the
signatures inside the packages, and every answer is sealed to its device. That is
why any enrolled client may carry anybody's package (N14).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from starlette.requests import ClientDisconnect

from server_stub.hub import Hub
from server_stub.spool import MAX_PACKAGE, Spool
from shared.errors import YizhanError

MARK = {"X-Yizhan": "1"}
MAX_PIECE = 8 << 20
KEEP_SECONDS = 14 * 24 * 3600
"""How long an answer waits to be fetched, and half a package for its other half."""


class Turns:
    """One lock per package under way: a package never waits for another's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def of(self, package_id: str) -> Iterator[None]:
        """The package's turn."""
        with self._lock:
            own, users = self._taken.get(package_id, (threading.Lock(), 0))
            self._taken[package_id] = own, users + 1
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, users = self._taken.pop(package_id)
                if users > 1:
                    self._taken[package_id] = own, users - 1


def create_app(hub: Hub) -> FastAPI:
    """The application for one hub."""
    app = FastAPI(title="驿站中心", version="1", docs_url=None, redoc_url=None)
    spool = Spool(hub.data / "spool")
    spool.sweep(time.time() - KEEP_SECONDS)
    hub.mail.sweep((hub.clock.now() - timedelta(seconds=KEEP_SECONDS)).isoformat())
    turns = Turns()

    @app.middleware("http")
    async def mark(
        request: Request, call: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        answer = await call(request)
        answer.headers.update(MARK)
        return answer

    @app.exception_handler(YizhanError)
    async def refuse(_: Request, refused: YizhanError) -> JSONResponse:
        said = {"code": refused.code, "message": refused.message, "hint": refused.hint}
        return JSONResponse(said, status_code=422)

    @app.get("/v1/hub")
    def about() -> dict[str, str]:
        """Who this is; the key is public and pinned by one-time codes."""
        return {
            "hub_id": hub.keys.hub_id,
            "name": hub.keys.name,
            "sign_key": hub.keys.sign.public.to_bytes().hex(),
            "time": hub.clock.stamp(),
        }

    @app.head("/v1/packages/{package_id}")
    def offset(package_id: str) -> Response:
        """How much of a package has arrived."""
        have = spool.offset(package_id)
        if have is None:
            return Response(status_code=404)
        return Response(headers={"Upload-Offset": str(have)})

    @app.put("/v1/packages/{package_id}")
    async def upload(
        package_id: str,
        request: Request,
        offset: Annotated[int, Query(ge=0, le=MAX_PACKAGE)],
        size: Annotated[int, Query(ge=1, le=MAX_PACKAGE)],
    ) -> Response:
        """Take a piece at ``offset``; when the last arrives the package is handled."""
        body = bytearray()
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_PIECE:
                    return JSONResponse(
                        {"code": "too_large", "message": "一次上传的数据过大。", "hint": "请升级客户端。"},
                        status_code=413,
                    )
        except ClientDisconnect:
            # What came before the line broke is not asked for again.
            await run_in_threadpool(_take, package_id, offset, size, bytes(body), broken=True)
            return Response(status_code=400)
        have = await run_in_threadpool(_take, package_id, offset, size, bytes(body))
        return Response(headers={"Upload-Offset": str(have)})

    def _take(package_id: str, offset: int, size: int, body: bytes, *, broken: bool = False) -> int:
        with turns.of(package_id):
            if spool.answered(package_id):
                return spool.size(package_id)
            have = spool.append(package_id, offset, body)
            if have >= size and not broken:
                _handle(package_id)
        return have

    def _handle(package_id: str) -> None:
        draft = spool.answer_draft(package_id)
        try:
            with spool.whole(package_id).open("rb") as stream, draft.open("wb") as out:
                hub.handle(stream, out)
        except YizhanError:
            spool.drop(package_id)
            draft.unlink(missing_ok=True)
            raise
        spool.finish(package_id, draft)

    @app.get("/v1/packages/{package_id}/answer")
    def answer(package_id: str) -> Response:
        """The sealed answer; ranges are honoured."""
        if not spool.answered(package_id):
            return JSONResponse(
                {"code": "no_answer", "message": "中心没有这个交换包的应答。", "hint": "请重新同步。"},
                status_code=404,
            )
        return FileResponse(spool.answer(package_id), media_type="application/octet-stream")

    return app
