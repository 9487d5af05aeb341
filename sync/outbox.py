"""The 代转箱: sealed packages of others on their way through this installation.

Nothing in here can be opened by who carries it. What comes from the hub is kept in
pieces until it is whole, then signature and fingerprint are checked; only ids in a
fixed form become file names, and the box has a size.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shared.durable import sync_file, sync_folder
from shared.errors import MediaError, PackageError, PackageTampered
from shared.store import courier
from shared.store.courier import DELIVERED, FROM_HUB, REPLACED, TO_HUB, WAITING, Carried
from shared.store.store import Store
from sync import package
from sync.layout import ASK_AGAIN, MAX_VOLUME, Core, Kind
from sync.media import disk_errors
from sync.messages import Held, Letter
from sync.opening import Verified
from sync.trust import HubTrust

BOX_BYTES = 8 << 30
"""How much the box holds; older delivered packages make room."""
KEPT_DELIVERED = 200
LETTERS_BYTES = 512 << 20
"""How much of first loads and contents is taken along at once, unless somebody chose."""
_ID = re.compile(r"[0-9a-f]{32}")


class Outbox:
    """One folder of the data folder, and what the database says about it.

    :param bureaus: asked each time: ids of the bureaus this installation carries for.
    :param limit: bytes of first loads and contents that may lie here undelivered, as chosen.
    """

    def __init__(
        self, store: Store, hub: Callable[[], HubTrust], folder: Path, bureaus: Callable[[], list[str]],
        limit: Callable[[], int] = lambda: LETTERS_BYTES,
    ) -> None:
        self._store = store
        self._hub = hub
        self._folder = folder
        self._bureaus = bureaus
        self._limit = limit
        self._begun: set[str] = set()
        self._given: set[str] = set()
        """Packages of which pieces were here when the hub was last asked, and of which it gave some since."""

    # --- from the hub --------------------------------------------------------
    def ask(self) -> dict[str, list[Held]]:
        """For whom to bring mail, and what of theirs is here already, whole or begun.

        Of what has lost its bytes the hub is not told that it is here, so that it gives them again.
        """
        wanted: dict[str, list[Held]] = {bureau: [] for bureau in self._bureaus()}
        self._begun, self._given = set(), set()
        if not wanted:
            return {}
        for one in self.content():
            ours = one.direction == FROM_HUB and one.bureau in wanted and one.state in (WAITING, DELIVERED)
            if ours and self._lies(one.package_id):
                wanted[one.bureau].append(Held(one.package_id, one.size))
        for part in self._folder.glob("*.part"):
            package_id, _, bureau = part.name.removesuffix(".part").partition("-")
            if bureau in wanted:
                wanted[bureau].append(Held(package_id, part.stat().st_size))
                self._begun.add(package_id)
        return wanted

    def let_go(self) -> int:
        """Drop what was begun and will never be whole; returns how many. To be called after an answer that
        left no mail behind: the hub goes on with what was begun before anything else, unless it has been
        swept there."""
        stays, gone = set(self._bureaus()), 0
        for part in self._folder.glob("*.part"):
            package_id, _, bureau = part.name.removesuffix(".part").partition("-")
            swept = package_id in self._begun and package_id not in self._given
            if bureau and (swept or bureau not in stays):
                part.unlink(missing_ok=True)
                gone += 1
        return gone

    def room(self) -> int:
        """Bytes of larger mail the hub may give along now; 0 when nobody is carried for."""
        if not self._bureaus():
            return 0
        lying = sum(c.size for c in self.content() if c.direction == FROM_HUB and c.state == WAITING)
        begun = sum(part.stat().st_size for part in self._folder.glob("*.part"))
        return max(0, self._limit() - lying - begun)

    def core(self, package_id: str) -> Core | None:
        """The cover of what lies here; None when its bytes are gone."""
        try:
            with self.path(package_id).open("rb") as stream:
                return package.inspect(stream).core
        except (MediaError, PackageError, OSError):
            return None

    def take(self, letter: Letter, data: bytes) -> bool:
        """Keep a piece the hub gave along; True when that makes a package whole.

        Raises :class:`PackageTampered` for what the hub never sends, and ``DiskFull``.
        """
        if not (_ID.fullmatch(letter.package_id) and _ID.fullmatch(letter.bureau)):
            raise PackageTampered("代转件的编号不合规定。", ASK_AGAIN)
        if letter.size > MAX_VOLUME or letter.offset + len(data) > letter.size:
            raise PackageTampered("代转件的大小超出规定。", ASK_AGAIN)
        self._given.add(letter.package_id)
        if letter.bureau not in self._bureaus() or self._known(letter.package_id):
            return False
        part = self._folder / f"{letter.package_id}-{letter.bureau}.part"
        have = part.stat().st_size if part.exists() else 0
        if letter.offset > have:
            return False  # the piece before it was lost; the next ask says what is here
        with disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("r+b" if have else "wb") as out:
                out.seek(letter.offset)
                out.write(data)
                if letter.offset + len(data) < letter.size:
                    return False
                out.truncate(letter.size)
                out.flush()
                os.fsync(out.fileno())
        return self._whole(part, letter)

    def _whole(self, part: Path, letter: Letter) -> bool:
        try:
            verified = self._checked(part)
            fits = (verified.core.package_id, verified.fingerprint) == (letter.package_id, letter.fingerprint)
            if not fits:
                raise PackageTampered("代转件与它的指纹不符。", ASK_AGAIN)
        except PackageError:
            part.unlink()  # asked for again from its beginning
            return False
        return self._keep(part, verified, letter.bureau, FROM_HUB)

    # --- from a stick ----------------------------------------------------------
    def accept(self, source: Path, verified: Verified, bureau: str) -> bool:
        """Keep a copy of somebody's package for the hub until there is a network."""
        with disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{verified.core.package_id}-.part"
            shutil.copyfile(source, part)
        return self._keep(part, verified, bureau, TO_HUB)

    def accept_answer(self, source: Path, bureau: str) -> str:
        """Keep the hub's answer to a package that was delivered for somebody; returns its id."""
        verified = self._checked(source)
        self._keep(source, verified, bureau, FROM_HUB)
        return verified.core.package_id

    # --- what is here ------------------------------------------------------------
    def content(self) -> list[Carried]:
        """Everything, newest first."""
        with self._store.read() as connection:
            return courier.every(connection)

    def bureau_of(self, audience: Collection[str]) -> str:
        """For which bureau something was carried that was sealed to one of these keys; ``""`` for none."""
        keys = set(audience)
        same = (c.bureau for c in self.content() if c.bureau and keys.intersection(c.audience.split(",")))
        return next(same, "")

    def path(self, package_id: str) -> Path:
        """Where the bytes lie; raises :class:`MediaError` when they are gone."""
        found = self._folder / f"{package_id}.yzp"
        if not _ID.fullmatch(package_id) or not self._lies(package_id):
            raise MediaError(
                "这件代转件的文件已经不在本机。",
                "请再同步一次，程序会向中心重新取回；发往中心的请从介质重新收下。",
            )
        return found

    def mark(self, package_id: str, state: str, detail: str) -> None:
        """What became of it."""
        with self._store.write() as connection:
            courier.mark(connection, [package_id], state, detail, self._store.clock.stamp())

    def drop(self, package_id: str) -> None:
        """Forget it, bytes and line."""
        with self._store.write() as connection:
            courier.forget(connection, package_id)
        (self._folder / f"{package_id}.yzp").unlink(missing_ok=True)

    def discard(self, package_id: str) -> None:
        """Drop the bytes alone."""
        (self._folder / f"{package_id}.yzp").unlink(missing_ok=True)

    # --- inside --------------------------------------------------------------
    def _known(self, package_id: str) -> bool:
        with self._store.read() as connection:
            found = courier.find(connection, package_id)
        return found is not None and self._lies(package_id)

    def _lies(self, package_id: str) -> bool:
        return (self._folder / f"{package_id}.yzp").exists()

    def _checked(self, path: Path) -> Verified:
        with path.open("rb") as stream:
            verified = package.verify(stream, self._hub().signer, self._hub().hub_id)
        if verified.core.kind not in (Kind.ANSWER, Kind.ENROL_GRANT):
            raise PackageTampered("代转件不是中心下发的交换包。", ASK_AGAIN)
        if not _ID.fullmatch(verified.core.package_id):
            raise PackageTampered("代转件的编号不合规定。", ASK_AGAIN)
        return verified

    def _keep(self, part: Path, verified: Verified, bureau: str, direction: str) -> bool:
        core = verified.core
        one = Carried(
            core.package_id, direction, bureau, ",".join(core.audience), str(core.kind),
            verified.fingerprint.hex(), verified.size, core.created, self._store.clock.stamp(),
        )  # fmt: skip
        with disk_errors():
            sync_file(part)  # the line in the database, below, must not outlast the bytes
            os.replace(part, self._folder / f"{core.package_id}.yzp")
            sync_folder(self._folder)
        with self._store.write() as connection:
            if courier.find(connection, core.package_id) is not None:
                courier.mark(connection, [core.package_id], WAITING, "", "")
                return True
            known = courier.every(connection)
            if not bureau:  # the cover does not tell, another package for the same keys may
                same = (c.bureau for c in known if c.audience == one.audience and c.bureau)
                one = replace(one, bureau=next(same, ""))
            courier.keep(connection, one)
            older = self._older(known, one)
            courier.mark(connection, older, REPLACED, "已有更新的一件代替", one.received_at)
        for package_id in older:
            self.discard(package_id)
        self._make_room()
        return True

    def _older(self, known: list[Carried], new: Carried) -> list[str]:
        """Undelivered mail to the same recipients: the newer one holds all of it."""
        if new.direction != FROM_HUB or new.kind != Kind.ANSWER or self._in_series(new.package_id):
            return []
        return [
            c.package_id
            for c in known
            if c.direction == FROM_HUB
            and c.state == WAITING
            and c.package_id != new.package_id
            and (c.kind, c.audience) == (new.kind, new.audience)
            and not self._in_series(c.package_id)
        ]

    def _in_series(self, package_id: str) -> bool:
        """Whether it is one of several letters or volumes, each with something else in it."""
        core = self.core(package_id)
        return core is not None and ("letter" in core.prereqs or "volumes" in core.prereqs)

    def _make_room(self) -> None:
        done = [c for c in self.content() if c.state not in (WAITING,)]
        used = sum(c.size for c in self.content() if self._lies(c.package_id))
        for one in reversed(done):
            if used <= BOX_BYTES and len(done) <= KEPT_DELIVERED:
                return
            done.remove(one)
            used -= one.size
            with suppress(OSError):
                self.drop(one.package_id)


__all__ = ["Outbox"]
