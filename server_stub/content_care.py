"""The hub's own contents of attachments, gone through byte by byte while it serves: bits rot on disks.

A backup looks at what it has already by length, so a content that went bad at the hub later is found
here. Whole ones are taken from beside a backup; what no backup has can be asked from the devices.
Broken off at any point, nothing is half: run again, what was mended is whole by then.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from server_stub.backup_contents import LAST, archived, named_in, note_lost
from server_stub.content_folder import Content, ContentFolder
from server_stub.holding import lock, release
from server_stub.people import People
from server_stub.pieces import HubPieces
from shared.access import HUB_ACTOR
from shared.errors import InputError, StoreError
from shared.store import audit
from shared.store.facts import read_text, write_text
from shared.store.store import Store

DAMAGED, MISSING = "damaged", "missing"
FOUND, BROUGHT, ASKED, ARCHIVED = "found", "brought", "asked", "archived"
"""What was done: nothing yet, mended from a backup, let go so that devices are asked, or nothing for
the devices were told that it lies in a backup and do not offer it again."""
_AGAIN = " / "
EVERY = 1_000
"""After so many contents it is said how far the pass is."""
Say = Callable[[str], None]


class ContentsDamaged(StoreError):
    """Contents at the hub are not what they should be, and nothing was done about it yet."""

    code = "contents_damaged"


@dataclass(frozen=True, slots=True)
class Ill:
    """A content that is not what it should be.

    :param bureaus: names of those whose records name it; :param what: damaged or missing.
    :param done: what was done about it.
    """

    content: Content
    bureaus: tuple[str, ...]
    what: str
    done: str


@dataclass(slots=True)
class Cared:
    """What a pass found: ``checked`` contents of ``size`` bytes, and those that are ill."""

    checked: int = 0
    size: int = 0
    ill: list[Ill] = field(default_factory=list)

    def count(self, done: str) -> int:
        """How many of the ill came out so."""
        return sum(one.done == done for one in self.ill)


def care(
    store: Store, pieces: HubPieces, shelf: ContentFolder | None, say: Say, *, quick: bool = False,
    ask: bool = False,
) -> Cared:
    """Go through all contents once, beside a serving hub.

    :param shelf: contents beside a backup, to take whole ones from.
    :param quick: look at lengths only.
    :param ask: what cannot be brought back is let go, so that devices are asked for it; until
        then it stays as it is, for there may be another backup.
    Raises :class:`InputError` while another pass or a sweep is under way, or the shelf is not there.
    """
    if shelf is not None and not shelf.folder.is_dir():
        raise InputError(
            f"备份旁边没有附件内容的文件夹“{shelf.folder}”，没有改动任何内容。",
            "请连同它一起找回备份，或用 --contents 指明它在哪里。",
        )
    pieces.folder.mkdir(parents=True, exist_ok=True)
    try:
        held = lock(pieces.folder / "sweep.lock", alone=True)
    except BlockingIOError:
        raise InputError("附件内容正在被另一个命令清理或核对。", "请等它完成后再试。") from None
    try:
        return _gone_through(store, pieces, shelf, say, quick, ask)
    finally:
        release(held)


def _gone_through(
    store: Store, pieces: HubPieces, shelf: ContentFolder | None, say: Say, quick: bool, ask: bool
) -> Cared:
    done, here = Cared(), pieces.whole
    with store.read() as connection:
        wanted = named_in(connection)
    for one in wanted:
        done.checked += 1
        done.size += one.size
        if not _whole(here, one, quick):
            done.ill.append(_mended(store, pieces, shelf, one, ask))
        if done.checked % EVERY == 0:
            say(f"已核对 {done.checked:,} / {len(wanted):,} 个")
    with store.write() as connection:
        words = f"{done.checked} {len(done.ill)} {done.count(BROUGHT)} {done.count(ASKED)}"
        audit.note(connection, store.clock.stamp(), HUB_ACTOR.user, "contents_checked", words)
    return done


def _whole(here: ContentFolder, one: Content, quick: bool) -> bool:
    try:
        return here.has(one) if quick else here.right(one)
    except OSError as bad:
        if bad.errno != errno.EIO:
            raise
        return False  # the disk itself cannot read it any more


def _mended(
    store: Store, pieces: HubPieces, shelf: ContentFolder | None, one: Content, ask: bool
) -> Ill:
    path = pieces.path(one.sha256)
    bureaus, what = _bureaus(store, pieces, one), DAMAGED if path.exists() else MISSING
    if shelf is not None and pieces.whole.take(one, shelf.path(one.sha256)):
        return Ill(one, bureaus, what, BROUGHT)
    with store.read() as connection:
        if archived(connection, [one.sha256]):
            return Ill(one, bureaus, what, ARCHIVED)
    if not ask:
        return Ill(one, bureaus, what, FOUND)
    if not _whole(pieces.whole, one, quick=False):  # else a device has just brought it again
        with store.write() as connection:
            note_lost(connection, [one])
            # Devices name what they once brought again when the last backup has another name.
            last = read_text(connection, LAST).split(_AGAIN)[0]
            write_text(connection, LAST, f"{last}{_AGAIN}{store.clock.stamp()}")
        path.unlink(missing_ok=True)
    return Ill(one, bureaus, what, ASKED)


def _bureaus(store: Store, pieces: HubPieces, one: Content) -> tuple[str, ...]:
    named = pieces.named([one.sha256]).get(one.sha256)
    with store.read() as connection:
        people = People(connection)
        return tuple(sorted(people.bureau_name(b) or b for b in (named.bureaus if named else ())))
