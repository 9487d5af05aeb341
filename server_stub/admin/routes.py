"""The routes of ``/v1/admin``: thin, synchronous (they run beside the event loop), described truthfully."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Query, Request, Response, Security
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from server_stub.admin import shapes
from server_stub.admin.desk import Desk, Reader
from server_stub.admin.facts import SeatFilter, Wanted
from server_stub.admin.paging import MOST, USUAL, Order, Window
from server_stub.admin.refusals import AdminRefused, BadRequest, NotFound, NoToken, WrongToken
from server_stub.described import Responses
from server_stub.hub import Hub
from server_stub.proving import Asked
from shared.supervision.overview import SILENT_DAYS
from shared.upcasting import PROGRAM, SCHEMA

PREFIX = "/v1/admin"
_MARK = {"X-Yizhan": {"description": "a hub answers", "schema": {"type": "string"}}}


class Unstored(JSONResponse):
    """What stands now; nobody on the way keeps it."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        super().init_headers({**(headers or {}), "Cache-Control": "no-store"})


def _says(**headers: str) -> dict[str, Any]:
    further = {n.replace("_", "-"): d for n, d in headers.items()}
    return {**_MARK, **{n: {"description": d, "schema": {"type": "string"}} for n, d in further.items()}}


_REFUSED: Responses = {
    200: {"headers": _MARK},
    400: {"model": shapes.Refused, "description": "a parameter is not what it should be", "headers": _MARK},
    401: {
        "model": shapes.Refused, "description": "no token, or none that may read",
        "headers": _says(WWW_Authenticate="Bearer"),
    },
    429: {
        "model": shapes.Refused, "description": "too many wrong tokens, or too many requests at once",
        "headers": _says(Retry_After="seconds"),
    },
    503: {"model": shapes.Refused, "description": "the database cannot answer now", "headers": _MARK},
}  # fmt: skip
_FORBIDDEN: Responses = {
    403: {"model": shapes.Refused, "description": "outside of what the token may see", "headers": _MARK}
}
_MISSING: Responses = {
    404: {"model": shapes.Refused, "description": "not there, or not for this token", "headers": _MARK}
}

_bearer = HTTPBearer(auto_error=False, description="A token of `yizhan-hub token add`.")


def reader(
    request: Request,
    background: BackgroundTasks,
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Reader:
    """Who asks; the token's use is noted after the answer."""
    desk: Desk = request.app.state.admin
    text = shown.credentials if shown is not None else ""
    found = desk.admit(text)
    _only_known(request)
    background.add_task(desk.note_used, found, text)
    return found


def _only_known(request: Request) -> None:
    """A misspelt filter would be none: raises :class:`BadRequest` for what is not described."""
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
    names = "、".join(n[:40] for n in dict.fromkeys(request.query_params) if n not in known)
    if names:
        hint = f"可用的参数：{'、'.join(known)}。" if known else "这个地址没有参数。"
        raise BadRequest(f"没有参数 {names}。", f"{hint}详见 /openapi.json。")


Asking = Annotated[Reader, Depends(reader)]
_Code = Query(pattern="^[a-z_]{0,40}$")
BureauWanted = Annotated[str, Query(max_length=64, description="code or id of a bureau")]
After = Annotated[str, Query(max_length=200, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Days = Annotated[int, Query(ge=1, le=3650, description="silent after so many days")]

router = APIRouter(prefix=PREFIX, default_response_class=Unstored, responses=_REFUSED, tags=["admin"])


@router.get("/hub")
def hub(asking: Asking) -> shapes.Hub:
    """Who answers, and what the token may."""
    with asking.facts() as facts:
        place, token = asking.desk.hub, asking.token
        return shapes.Hub(
            hub_id=place.keys.hub_id, name=place.keys.name, at=place.clock.stamp(), epoch=place.epoch,
            program=PROGRAM, schema_version=SCHEMA,
            token=shapes.TokenSaid(
                name=token.name, expires_at=token.expires_at,
                bureau=facts.ref(token.bureau) if token.bureau else None,
            ),
        )  # fmt: skip


@router.get("/bureaus")
def bureaus(asking: Asking, silent_days: Days = SILENT_DAYS) -> shapes.Overview:
    """Every bureau that has seats, with the sums of the control room."""
    with asking.facts() as facts:
        return facts.overview(silent_days)


@router.get("/bureaus/{bureau}", responses={**_FORBIDDEN, **_MISSING})
def bureau(asking: Asking, bureau: str, silent_days: Days = SILENT_DAYS) -> shapes.BureauDetail:
    """One bureau, by code or id, with its seats."""
    with asking.facts() as facts:
        return facts.bureau(bureau, silent_days)


@router.get("/seats", responses={**_FORBIDDEN, **_MISSING})
def seats(
    asking: Asking,
    bureau: BureauWanted = "",
    state: Annotated[str, _Code] = "",
    silent_days: Annotated[int | None, Query(ge=1, le=3650, description="only those silent so long")] = None,
    limit: Limit = USUAL,
    after: After = "",
) -> shapes.Page[shapes.Seat]:
    """Seats in the order of their enrolment."""
    with asking.facts() as facts:
        return facts.seats(SeatFilter(bureau, state, silent_days), Window(limit, after))


@router.get("/seats/{seat}", responses=_MISSING)
def seat(asking: Asking, seat: str) -> shapes.SeatDetail:
    """One seat."""
    with asking.facts() as facts:
        return facts.seat(seat)


@router.get("/seats/{seat}/exchanges", responses=_MISSING)
def history(
    asking: Asking, seat: str, limit: Limit = USUAL, after: After = "", order: Order = Order.NEWEST
) -> shapes.Page[shapes.Exchange]:
    """All a seat ever exchanged."""
    if not seat:
        raise NotFound("没有这个席位。", "请填写席位的 32 位设备号。")
    with asking.facts() as facts:
        return facts.exchanges(Wanted(seat=seat), Window(limit, after, order))


@router.get("/exchanges", responses={**_FORBIDDEN, **_MISSING})
def exchanges(
    asking: Asking,
    bureau: BureauWanted = "",
    seat: Annotated[str, Query(max_length=64, description="id of a seat")] = "",
    since: Annotated[date | None, Query(alias="from", description="first day, +08:00")] = None,
    until: Annotated[date | None, Query(alias="to", description="last day, +08:00")] = None,
    kind: Annotated[str, _Code] = "",
    outcome: Annotated[str, _Code] = "",
    carrier: Annotated[str, Query(pattern="^(network|media)?$")] = "",
    direction: Annotated[str, Query(pattern="^(up|down)?$")] = "",
    limit: Limit = USUAL,
    after: After = "",
    order: Order = Order.NEWEST,
) -> shapes.Page[shapes.Exchange]:
    """The log. To follow it, read from the oldest and keep ``next``."""
    wanted = Wanted(bureau, seat, since, until, kind, outcome, carrier, direction)
    with asking.facts() as facts:
        return facts.exchanges(wanted, Window(limit, after, order))


@router.get("/packages/{fingerprint}", responses=_MISSING)
def package(asking: Asking, fingerprint: str) -> shapes.Package:
    """Where a package turned up, by the fingerprint on its hand-over sheet or the beginning of it."""
    with asking.facts() as facts:
        return facts.package(fingerprint)


@router.get("/held", responses={**_FORBIDDEN, **_MISSING})
def held(
    asking: Asking,
    bureau: BureauWanted = "",
    state: Annotated[str, _Code] = "",
    kind: Annotated[str, _Code] = "",
    limit: Limit = USUAL,
    after: After = "",
    order: Order = Order.NEWEST,
) -> shapes.Page[shapes.HeldSet]:
    """Change sets that were put aside, why, and what was decided."""
    with asking.facts() as facts:
        return facts.held(bureau, state, kind, Window(limit, after, order))


@router.get("/held/{held_set}", responses=_MISSING)
def held_set(asking: Asking, held_set: str) -> shapes.HeldSet:
    """One of them."""
    with asking.facts() as facts:
        return facts.held_set(held_set)


@router.get("/backups", responses=_FORBIDDEN)
def backups(
    asking: Asking, limit: Limit = USUAL, after: After = "", order: Order = Order.NEWEST
) -> shapes.Page[shapes.Backup]:
    """Backups of the hub."""
    asking.require_whole()
    with asking.facts() as facts:
        return facts.backups(Window(limit, after, order))


@router.get("/epochs", responses=_FORBIDDEN)
def epochs(asking: Asking) -> shapes.Epochs:
    """The lives of the hub's database: a restore begins a new one."""
    asking.require_whole()
    with asking.facts() as facts:
        return facts.epochs()


@router.get("/audit/check", responses=_FORBIDDEN)
def audit_checked(asking: Asking) -> shapes.AuditCheck:
    """What going through the hub's evidence found last."""
    asking.require_whole()
    with asking.desk.turn():
        return _checked(asking.desk.hub.proofs.known())


@router.post(
    "/audit/check",
    responses={
        **_FORBIDDEN,
        200: {"description": "gone through less than ten minutes ago: that result", "headers": _MARK},
        202: {"model": shapes.AuditCheck, "description": "begun, or under way; ask again", "headers": _MARK},
    },
)
def audit_check(asking: Asking, response: Response) -> shapes.AuditCheck:
    """Let the hub go through its evidence; once at a time, at most once in ten minutes."""
    asking.require_whole()
    with asking.desk.turn():
        found = asking.desk.hub.proofs.ask(asking.token.name)
    if found.running:
        response.status_code = 202
    return _checked(found)


def _checked(found: Asked) -> shapes.AuditCheck:
    result = found.result
    return shapes.AuditCheck(
        state="running" if found.running else "done" if result is not None else "none",
        began_at=found.began_at or None,
        at=result.at if result is not None else None,
        whole=not result.words if result is not None else None,
        proofs=[
            shapes.Proof(title=p.title, count=p.count, trouble=p.trouble)
            for p in (result.proofs if result is not None else [])
        ],
    )


# --- into the application --------------------------------------------------------------
def add_to(app: FastAPI, hub: Hub, processes: int = 1) -> None:
    """The routes, and how the application says no on them; :param processes: so many serve this hub."""
    app.state.admin = Desk(hub, processes)
    app.include_router(router)

    @app.exception_handler(AdminRefused)
    async def refuse(request: Request, refused: AdminRefused) -> JSONResponse:
        return _refusal(app.state.admin, refused)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, bad: RequestValidationError) -> Response:
        if not _ours(request):
            return await request_validation_exception_handler(request, bad)
        names = "、".join(dict.fromkeys(str(e["loc"][-1]) for e in bad.errors() if e.get("loc")))
        said = BadRequest(f"参数 {names} 不正确。", "可用的参数和取值见 /openapi.json。")
        return _refusal(app.state.admin, said)

    @app.exception_handler(HTTPException)
    async def nothing(request: Request, bad: HTTPException) -> Response:
        if not _ours(request):
            return await http_exception_handler(request, bad)
        missing = bad.status_code == 404
        said = {
            "code": "not_found" if missing else "method_not_allowed",
            "message": "没有这个地址。" if missing else "这个地址不支持这种请求方法。",
            "hint": "可用的地址见 /openapi.json。",
        }
        return Unstored(said, status_code=bad.status_code, headers=dict(bad.headers or {}))

    framework = app.openapi

    def described() -> dict[str, Any]:
        schema = framework()
        for path, methods in schema["paths"].items():
            for operation in methods.values() if path.startswith(PREFIX) else ():
                operation["responses"].pop("422", None)  # told with 400 here
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _ours(request: Request) -> bool:
    return request.url.path == PREFIX or request.url.path.startswith(PREFIX + "/")


def _refusal(desk: Desk, refused: AdminRefused) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(refused, NoToken) else {}
    if refused.wait:
        headers["Retry-After"] = str(refused.wait)
    said = {"code": refused.code, "message": refused.message, "hint": refused.hint}
    task = BackgroundTask(desk.note_refused) if isinstance(refused, WrongToken) else None
    return Unstored(said, status_code=refused.status, headers=headers, background=task)


__all__ = ["PREFIX", "add_to"]
