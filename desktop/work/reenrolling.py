"""A seat its hub does not know any more: enrolled again under the same id, with the same keys.

So it is after the hub came back from a backup made before this seat was enrolled. The
database stays as it is: once the hub knows the seat again, it offers everything from the
first change on by itself.
"""

from __future__ import annotations

from pathlib import Path

from desktop.work.session import Session
from shared.errors import InputError, PackageError
from shared.store import audit
from shared.store.facts import read_text, write_text
from sync import enrol, package
from sync.carrier import Progress
from sync.http import HttpCarrier
from sync.layout import Kind
from sync.media import read_to_spool, write_safely
from sync.package import Sealed
from sync.trust import InviteCode

UNKNOWN = "unknown_at_hub"
"""Fact: when the hub said that it does not know this seat; empty once it does."""


def note_unknown(session: Session, at: str) -> None:
    """Remember, or with ``""`` forget, that the hub does not know this seat."""
    with session.store.read() as connection:
        said = read_text(connection, UNKNOWN)
    if bool(said) != bool(at):
        with session.store.write() as connection:
            write_text(connection, UNKNOWN, at)


class Reenrolling:
    """The way back of one signed-in seat; each step may simply be done again."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def online(self, code_text: str, progress: Progress) -> None:
        """Ask the hub and take its grant."""
        url = self._session.settings.hub_url
        if not url:
            raise InputError("还没有设置中心地址。", "请在设置中填写中心地址，或改用申请文件。")
        code = InviteCode.parse(code_text)
        spool = self._spool()
        request, answer = spool / "again.yzp", spool / "again-grant.yzp"
        try:
            sealed = self._seal(request, code)
            HttpCarrier(url).exchange(request, sealed.package_id, answer, progress)
            self._finish(answer, code)
        finally:
            request.unlink(missing_ok=True)
            answer.unlink(missing_ok=True)

    def write_request(self, folder: Path, code_text: str, progress: Progress) -> Path:
        """Put a request into ``folder``; the same code is typed again when its grant is back."""
        code = InviteCode.parse(code_text)
        draft = self._spool() / "again.yzp"
        try:
            tail = self._seal(draft, code).fingerprint.hex()[:8]
            return write_safely(
                draft, folder, (f"驿站登记申请-{tail}.yzp", f"yizhan-request-{tail}.yzp"),
                lambda stream: package.verify(stream, package.self_signed), progress,
            )
        finally:
            draft.unlink(missing_ok=True)

    def read_grant(self, path: Path, code_text: str, progress: Progress) -> None:
        """Take the grant the stick brought back."""
        code = InviteCode.parse(code_text)
        spooled = read_to_spool(path, self._spool(), progress)
        try:
            with spooled.path.open("rb") as stream:
                if package.inspect(stream).core.kind is not Kind.ENROL_GRANT:
                    raise PackageError("这个文件不是登记批复。", "请选择中心返回的登记批复文件。")
            self._finish(spooled.path, code)
        finally:
            spooled.path.unlink(missing_ok=True)

    # --- inside --------------------------------------------------------------
    def _spool(self) -> Path:
        self._session.settings.spool.mkdir(parents=True, exist_ok=True)
        return self._session.settings.spool

    def _seal(self, path: Path, code: InviteCode) -> Sealed:
        session = self._session
        label = f"{session.bureau.name}（恢复后重新登记）"
        with path.open("w+b") as out:
            return enrol.seal_request(
                out, session.device, session.device_keys.speaking, code, label, session.store.clock.stamp()
            )

    def _finish(self, answer: Path, code: InviteCode) -> None:
        session, mine = self._session, self._session.grant
        with answer.open("rb") as stream:
            grant = enrol.open_grant(stream, session.device_keys.speaking, code)
        if grant.device != session.device or grant.hub_id != mine.hub_id:
            raise PackageError("这份批复是给另一台设备的，或来自另一个中心。", "请核对是否拿错了文件。")
        if (grant.account, grant.bureau) != (mine.account, mine.bureau):
            raise PackageError(
                f"这个登记码是发给账号“{grant.account}”（{grant.bureau_name}）的。",
                f"请中心管理员为账号“{mine.account}”（{mine.bureau_name}）签发登记码。",
            )
        with session.store.write() as connection:
            write_text(connection, UNKNOWN, "")
            at = session.store.clock.stamp()
            audit.note(connection, at, session.actor.user, "enrolled_again", session.device)


__all__ = ["UNKNOWN", "Reenrolling", "note_unknown"]
