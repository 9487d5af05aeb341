"""The hub over HTTP: packages go up in ranges, answers come down in ranges.

There is nothing else to steal or forge on these routes: who may do what is decided by the
signatures inside the packages, and every answer is sealed to its device. That is
why any enrolled client may carry anybody's package (N14). What administrators' programs
read with a token is in ``server_stub.admin``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from starlette.requests import ClientDisconnect

from server_stub import described
from server_stub.admin import routes as admin
from server_stub.admin.refusals import NotNow
from server_stub.arriving import Arriving
from server_stub.hub import Hub
from server_stub.reception import DiskRefused, Reception
from server_stub.spool import MAX_PACKAGE, Limits
from server_stub.troubles import Troubles
from shared.errors import StoreError, YizhanError

MARK = {"X-Yizhan": "1"}
MAX_PIECE = 8 << 20
MAX_VOLUMES = 10_000
NOT_NOW = {
    "message": "中心的数据库或磁盘暂时不能使用，没有处理完。",
    "hint": "数据仍在本机；请稍后再同步，并通知中心管理员。",
}
"""What a device hears of the hub's own trouble; what it is stands in the hub's log."""


def create_app(hub: Hub, limits: Limits | None = None, processes: int = 1) -> FastAPI:
    """The application for one hub.

    :param limits: how much may lie here half; :param processes: so many serve this hub together.
    """
    app = FastAPI(title="驿站中心", version="1", docs_url=None, redoc_url=None)
    reception = Reception(hub, limits)
    troubles = Troubles()

    @app.middleware("http")
    async def mark(
        request: Request, call: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        answer = await call(request)
        answer.headers.update(MARK)
        return answer

    @app.exception_handler(YizhanError)
    async def refuse(_: Request, refused: YizhanError) -> JSONResponse:
        if isinstance(refused, StoreError):
            troubles.note(refused)
            return JSONResponse({"code": NotNow.code, **NOT_NOW}, status_code=NotNow.status)
        if isinstance(refused, DiskRefused):
            troubles.note(refused)
        said = {"code": refused.code, "message": refused.message, "hint": refused.hint}
        return JSONResponse(said, status_code=422)

    @app.get("/v1/hub", responses=described.ABOUT)
    def about() -> dict[str, str]:
        """Who this is; the key is public and pinned by one-time codes."""
        return {
            "hub_id": hub.keys.hub_id,
            "name": hub.keys.name,
            "sign_key": hub.keys.sign.public.to_bytes().hex(),
            "time": hub.clock.stamp(),
        }

    @app.head("/v1/packages/{package_id}", response_class=Response, responses=described.OFFSET)
    def offset(package_id: str) -> Response:
        """How much of a package has arrived."""
        have = reception.offset(package_id)
        if have is None:
            return Response(status_code=404)
        return Response(headers={"Upload-Offset": str(have)})

    @app.put("/v1/packages/{package_id}", response_class=Response, responses=described.UPLOAD)
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
            await run_in_threadpool(reception.take, package_id, offset, size, bytes(body), broken=True)
            return Response(status_code=400)
        have = await run_in_threadpool(reception.take, package_id, offset, size, bytes(body))
        return Response(headers={"Upload-Offset": str(have)})

    @app.get("/v1/packages/{package_id}/answer", response_class=FileResponse, responses=described.ANSWER)
    def answer(package_id: str) -> Response:
        """The sealed answer, of several volumes the first; ranges are honoured."""
        return given(package_id, 1)

    @app.get(
        "/v1/packages/{package_id}/answer/{volume}", response_class=FileResponse,
        responses=described.ANSWER,
    )  # fmt: skip
    def volume(package_id: str, volume: Annotated[int, PathParameter(ge=1, le=MAX_VOLUMES)]) -> Response:
        """One volume of an answer that goes on by stick and is more than one file holds."""
        return given(package_id, volume)

    def given(package_id: str, volume: int) -> Response:
        found = reception.answer(package_id, volume)
        if found is None:
            return JSONResponse(
                {"code": "no_answer", "message": "中心没有这个交换包的应答。", "hint": "请重新同步。"},
                status_code=404,
            )
        return FileResponse(found, media_type="application/octet-stream")

    hub.diary.share(processes)
    admin.add_to(app, hub, processes)
    app.add_middleware(Arriving, most=MAX_PIECE)  # the last added is the first asked
    return app
