"""Passwords as people type them: what is accepted, what is refused, and one-time ones."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import InputError, WrongPassword
from sync.trust import ALPHABET

MIN_PASSWORD = 8
ONE_TIME_LENGTH, ONE_TIME_DAYS = 16, 7


class PasswordRefused(WrongPassword):
    """Wrong password, or too soon after wrong ones.

    :param retry_at: when the next attempt is allowed; None = at once.
    :param failures: wrong ones in a row with this one; 0 = not tried, because it was too soon.
    """

    def __init__(
        self, message: str, hint: str = "", retry_at: datetime | None = None, failures: int = 0
    ) -> None:
        super().__init__(message, hint)
        self.retry_at = retry_at
        self.failures = failures


class MustChoose(WrongPassword):
    """The one-time password is right; nothing opens before the person has chosen a password."""

    code = "must_choose"


def check_password(password: str, account: str = "") -> None:
    """The password policy; raises :class:`InputError`."""
    if len(password) < MIN_PASSWORD:
        raise InputError(f"密码至少 {MIN_PASSWORD} 个字符。", "请换一个较长的密码，可以是一句话。")
    if account and password.casefold() == account.casefold():
        raise InputError("密码不能与账号相同。", "请换一个别人猜不到的密码。")
    if len(set(password)) < 3:
        raise InputError("密码过于简单。", "请不要使用重复的字符。")


def one_time_password(clock: Clock) -> tuple[str, str]:
    """A fresh one as :func:`plain` has it, and until when it opens (ISO time)."""
    secret = "".join(ALPHABET[b & 31] for b in os.urandom(ONE_TIME_LENGTH))
    expires = (clock.now() + timedelta(days=ONE_TIME_DAYS)).replace(microsecond=0).isoformat()
    return secret, expires


def grouped(secret: str) -> str:
    """A one-time password as it is printed."""
    return "-".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def typed(password: str, expires: str) -> str:
    """One-time passwords are printed in groups and typed in any case."""
    return plain(password) if expires else password


def plain(text: str) -> str:
    """Without groups, in capitals: how a one-time password is compared and stretched."""
    return "".join(ch for ch in text.upper() if ch.isalnum())
