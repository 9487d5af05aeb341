"""What the first window may ask the program to do; each of these runs in a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from desktop.work.jobs import Progress


class AccountLine(Protocol):
    """An account of this installation (``desktop.work.keys.KnownAccount``)."""

    @property
    def account(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def bureau(self) -> str: ...

    @property
    def keyring_missing(self) -> bool: ...

    @property
    def retry_at(self) -> datetime | None: ...


class WaitingLine(Protocol):
    """A request whose grant has not come yet."""

    @property
    def label(self) -> str: ...

    @property
    def created(self) -> str: ...


class RequestLine(Protocol):
    """A request that was written to a medium."""

    @property
    def path(self) -> Path: ...

    @property
    def fingerprint_text(self) -> str: ...


class EnrolledLine(Protocol):
    """An account that can sign in now."""

    @property
    def account(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def bureau_name(self) -> str: ...

    @property
    def hub_name(self) -> str: ...

    @property
    def keyring_missing(self) -> bool: ...


class Enrolling(Protocol):
    """The use case of the first start (``desktop.work.enrolment.Enrolment``)."""

    def waiting(self) -> WaitingLine | None: ...

    def discard(self) -> None: ...

    def enrol_online(
        self, hub_url: str, code_text: str, label: str, password: str, progress: Progress, /
    ) -> EnrolledLine: ...

    def write_request(
        self, folder: Path, code_text: str, label: str, password: str, progress: Progress, /
    ) -> RequestLine: ...

    def read_grant(self, path: Path, password: str, progress: Progress, /) -> EnrolledLine: ...


class SheetLine(Protocol):
    """What is printed with a request (``desktop.work.recovering.RecoverySheet``)."""

    @property
    def account(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def created(self) -> str: ...


class RecoveryFileLine(Protocol):
    """A request that was written to a medium."""

    @property
    def path(self) -> Path: ...

    @property
    def sheet(self) -> SheetLine: ...


class RecoveredLine(Protocol):
    """An account that can sign in again."""

    @property
    def account(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def pending(self) -> int: ...


class Recover(Protocol):
    """The use case of a forgotten password (``desktop.work.recovering.Recovering``)."""

    def obstacle(self) -> str: ...

    def waiting(self) -> SheetLine | None: ...

    def discard(self) -> None: ...

    def write_request(
        self, folder: Path, account: str, password: str, progress: Progress, /
    ) -> RecoveryFileLine: ...

    def print_sheet(self, made: Any, /) -> Path: ...

    def read_answer(self, path: Path, password: str, progress: Progress, /) -> RecoveredLine: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways in.

    :param enrolled: whether this installation has accounts; quick, asked before anything is drawn.
    :param accounts: who can sign in here.
    :param sign_in: account, password, the person's own password in place of a one-time one (or
        ``""``), progress → the session, whatever that is.
    :param recovering: makes the use case of a forgotten password, asked late as well.
    :param enrolment: makes the use case of the first start; slow to load, so asked late.
    """

    enrolled: Callable[[], bool]
    accounts: Callable[[], Sequence[AccountLine]]
    sign_in: Callable[[str, str, str, Progress], object]
    enrolment: Callable[[], Enrolling]
    recovering: Callable[[], Recover]
