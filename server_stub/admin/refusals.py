"""What the administrators' API says no with: each has its own HTTP status."""

from __future__ import annotations

from shared.errors import YizhanError


class AdminRefused(YizhanError):
    """The API understood and says no.

    :param wait: seconds after which it may be tried again; 0 = not said.
    """

    code = "refused"
    status = 400

    def __init__(self, message: str, hint: str, *, wait: int = 0) -> None:
        super().__init__(message, hint)
        self.wait = wait


class BadRequest(AdminRefused):
    """A parameter is not what it should be."""

    code = "bad_request"
    status = 400


class NoToken(AdminRefused):
    """There is no token, or none that may read."""

    code = "unauthorized"
    status = 401


class WrongToken(NoToken):
    """There is one, but it may not read."""


class OutOfScope(AdminRefused):
    """The token may not see this."""

    code = "forbidden"
    status = 403


class NotFound(AdminRefused):
    """There is no such thing, or none the token may know of."""

    code = "not_found"
    status = 404


class TooOften(AdminRefused):
    """Later."""

    code = "too_often"
    status = 429


class NotNow(AdminRefused):
    """The database cannot answer at the moment."""

    code = "not_now"
    status = 503
