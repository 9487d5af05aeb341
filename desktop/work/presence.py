"""Who sat at this computer, in the audit chain: signed in, locked, unlocked, and wrong passwords, sparsely.

Somebody who tries passwords for an hour must be found in the chain, but must not fill
it: each of the free tries has an entry, the pause that follows has one, and what was
tried after it is counted in the entry of whoever gets in at last. Tries before a
sign-in are noted with it: nobody can write into the database earlier.
"""

from __future__ import annotations

from desktop.work.keys import Unlocked
from desktop.work.lockout import FREE_FAILURES, KEPT
from desktop.work.passwords import PasswordRefused
from desktop.work.records import Records
from shared.store import audit
from shared.store.store import Store

FAILED, LOCKOUT = "sign_in_failed", "lockout"
AT_LOCK = "解锁时"
_SECONDS = 19
"""Characters of an ISO time up to its second."""


class Presence:
    """Notes of one session."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def signed_in(self, unlocked: Unlocked) -> None:
        """With what was tried before; raises a :class:`StoreError` where nothing can be written."""
        account, known = unlocked.grant.account, self._noted_until(unlocked.grant.user)
        tried = [at for at in unlocked.failed if at > known]
        for at in tried[:FREE_FAILURES]:
            self._records.note(FAILED, f"{account} {at}")
        if tried and len(unlocked.failed) >= FREE_FAILURES:
            self._records.note(LOCKOUT, f"{account} {_times(len(tried))}，{tried[0]} 至 {tried[-1]}")
        self._records.note("sign_in")

    def locked(self, *, idle: bool) -> None:
        """The window was hidden, by itself or by the person."""
        self._records.note("lock", "无人操作" if idle else "本人锁定")

    def refused(self, error: PasswordRefused) -> None:
        """A wrong password at the lock; what is tried after the pause has begun is counted, not noted."""
        if 0 < error.failures <= FREE_FAILURES:
            self._records.note(FAILED, AT_LOCK)
        if error.failures == FREE_FAILURES:
            self._records.note(LOCKOUT, f"{AT_LOCK}{_times(error.failures)}")

    def unlocked(self, unlocked: Unlocked) -> None:
        """The right password at the lock."""
        tried = len(unlocked.failed)
        self._records.note("unlock", f"此前{_times(tried)}" if tried > FREE_FAILURES else "")

    def _noted_until(self, user: str) -> str:
        """Up to when wrong passwords of an account are in the chain already: those typed at the lock."""
        with self._store.read() as connection:
            found = [one for event in (FAILED, LOCKOUT) for one in audit.latest(connection, event=event)]
        own = [one.at[:_SECONDS] for one in found if one.who == user and one.detail.startswith(AT_LOCK)]
        return max(own, default="")


def _times(count: int) -> str:
    return f"连续输错{'至少' if count >= KEPT else ''} {count} 次"
