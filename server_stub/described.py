"""What each HTTP route may answer, for the hub's OpenAPI (``/openapi.json``); a test holds the hub to it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Responses = dict[int | str, dict[str, Any]]


class Refusal(BaseModel):
    """Why the hub does not: a code for programs, a sentence and what to do next for people.

    Malformed parameters are told by ``detail`` instead.
    """

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    code: str = ""
    message: str = ""
    hint: str = ""
    detail: list[dict[str, Any]] | None = None


_MARK = {"X-Yizhan": {"description": "a hub answers", "schema": {"type": "string"}}}
_OFFSET = {"Upload-Offset": {"description": "bytes that have arrived", "schema": {"type": "integer"}}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_REFUSED: Responses = {
    422: {"model": Refusal, "description": "refused, or malformed", "headers": _MARK},
    503: {"model": Refusal, "description": "the hub's storage cannot be used now", "headers": _MARK},
}

ABOUT: Responses = {200: {"headers": _MARK}}
OFFSET: Responses = {
    200: {"description": "so much is there", "headers": {**_MARK, **_OFFSET}, "content": {}},
    404: {"description": "nothing is there", "headers": _MARK, "content": {}},
    **_REFUSED,
}
UPLOAD: Responses = {
    200: {
        "description": "taken; handled, when that was the last piece",
        "headers": {**_MARK, **_OFFSET}, "content": {},
    },
    400: {"description": "the line broke within the piece", "headers": _MARK, "content": {}},
    413: {"model": Refusal, "description": "more than 8 MiB in one piece", "headers": _MARK},
    **_REFUSED,
}  # fmt: skip
ANSWER: Responses = {
    200: {"description": "the whole answer", "headers": _MARK, "content": _BYTES},
    206: {"description": "the range that was asked for", "headers": _MARK, "content": _BYTES},
    400: {"description": "a Range that is none", "headers": _MARK, "content": {"text/plain": {}}},
    404: {"model": Refusal, "description": "there is no answer yet, or no more", "headers": _MARK},
    416: {"description": "a Range behind the end", "headers": _MARK, "content": {"text/plain": {}}},
    **_REFUSED,
}
