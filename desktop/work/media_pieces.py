"""附件一并导出: contents of attachments onto a medium, in packages of their own beside the changes.

Each package stands alone and stays well below what FAT32 holds. What lies on a medium
is sent again only after everything else, and not at all once the hub has signed for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from desktop.work.session import Session
from shared.errors import MediaError, MediaFull, YizhanError
from shared.ids import new_id
from shared.store import pieces
from sync import package
from sync.carrier import Progress
from sync.entries import Entry
from sync.layout import Core
from sync.media import disk_errors, write_safely
from sync.signing import VerifyKey

CARRIER = "media"
VOLUME = 512 << 20
"""Bytes of pieces in one package: a disc of 700 MB holds it, and so does the local disk for a while."""
ROOM = 4 << 20
"""Left free on the medium."""


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """A package of pieces that surely lies on the medium.

    :param contents: attachments some of whose pieces are inside.
    """

    path: Path
    package_id: str
    fingerprint_text: str
    size: int
    pieces: int
    contents: int = 0


@dataclass(slots=True)
class Carried:
    """What went onto the medium and what did not.

    :param left: contents that had no room, or were more than was asked for.
    :param failed: what stopped it; the files before that lie there and count.
    """

    files: list[CarriedFile] = field(default_factory=list)
    left: int = 0
    left_bytes: int = 0
    failed: YizhanError | None = None

    @property
    def size(self) -> int:
        """Bytes of all packages."""
        return sum(one.size for one in self.files)


def waiting(session: Session) -> tuple[int, int]:
    """Contents and bytes that would go along."""
    return session.engine.pieces.waiting()


def export(
    session: Session, folder: Path, progress: Progress, *, for_burning: bool = False, most: int = 0,
    spare: int = 0,
) -> Carried:
    """Put what the hub may lack into ``folder``, package by package, while there is room.

    :param most: bytes of contents to take at most; 0 = as many as fit.
    :param spare: bytes to leave free for the changes that follow.
    Raises a ``MediaError`` when nothing could be written; what stops it later stands in the result.
    """
    done, on_medium = Carried(), set[tuple[str, int]]()
    taken = 0

    def own(core: Core) -> VerifyKey | None:
        return session.device_keys.sign.public if core.exporter == session.device else None

    while True:
        limit = min(VOLUME, most - taken) if most else VOLUME
        if folder.is_dir():
            limit = min(limit, shutil.disk_usage(folder).free - ROOM - spare)
        inside: set[tuple[str, int]] = set()
        found = session.engine.pieces.entries(max(0, limit), blind=True, skip=on_medium)
        first = next(found, None)
        if first is None:
            break
        draft = session.settings.spool / f"out-{new_id()}.yzp"
        try:
            with disk_errors():
                session.settings.spool.mkdir(parents=True, exist_ok=True)
                with draft.open("w+b") as out:
                    progress(0, 0, "正在封装附件")
                    sealed = session.engine.pieces.seal(
                        out, CARRIER, session.actor.name, _noting(first, found, inside)
                    )
            tail = f"{session.store.clock.now():%Y%m%d%H%M}-{sealed.fingerprint.hex()[:8]}.yzp"
            names = (f"驿站-附件-{tail}", f"yizhan-attachments-{tail}")
            path = write_safely(
                draft, folder, names[1:] if for_burning else names,
                lambda stream: package.verify(stream, own, session.hub_trust.hub_id),
                progress,
            )  # fmt: skip
        except MediaFull:
            if not done.files:
                raise
            break
        except MediaError as failed:
            if not done.files:
                raise
            done.failed = failed
            break
        finally:
            draft.unlink(missing_ok=True)
        with session.store.write() as connection:
            pieces.note_carried(connection, inside)
        on_medium |= inside
        taken += sealed.raw_len
        whole = {sha256 for sha256, _ in inside}
        done.files.append(
            CarriedFile(
                path, sealed.package_id, sealed.fingerprint_text, sealed.size, len(inside), len(whole)
            )
        )
    left = [one for one in session.engine.pieces.unsent() if one[:2] not in on_medium]
    done.left, done.left_bytes = len({sha256 for sha256, _, _ in left}), sum(size for _, _, size in left)
    return done


def _noting(first: Entry, rest: Iterator[Entry], inside: set[tuple[str, int]]) -> Iterator[Entry]:
    """The entries, each noted as it goes in."""
    for entry in chain([first], rest):
        inside.add((entry.meta["content"].hex(), entry.meta["no"]))
        yield entry
