"""Packages of attachments from the same medium as a package of changes, taken in with it.

They are taken after the changes, whose records name their contents, and before the
answer, which then says what is here. One that is missing or damaged stops nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from server_stub.devices import DeviceRow
from server_stub.keys import HubKeys
from server_stub.pieces import HubPieces, PieceIntake
from shared.errors import PackageError, YizhanError
from sync import package
from sync.beside import Beside, look_beside
from sync.layout import Core
from sync.media import medium_errors
from sync.messages import PIECE
from sync.package import Trust, Verified


@dataclass(frozen=True, slots=True)
class TakenBeside:
    """What became of one file. :param trouble: why it was not taken; None when it was."""

    one: Beside
    intake: PieceIntake
    verified: Verified | None = None
    trouble: YizhanError | None = None

    @property
    def words(self) -> str:
        """One line for the person at the hub."""
        if self.trouble is not None:
            return f"{self.trouble.message}{self.trouble.hint}"
        name = self.one.path.name if self.one.path is not None else ""
        return f"附件包 {name}：{self.intake.words or '没有内容'}"


def take_beside(
    core: Core, folder: Path, device: DeviceRow, pieces: HubPieces, trust: Trust, keys: HubKeys
) -> Iterator[TakenBeside]:
    """Each file the cover of the changes names, in turn."""
    for one in look_beside(core, folder):
        receiving = pieces.intake(device)
        if one.path is None or one.trouble is not None:
            yield TakenBeside(one, receiving.done, trouble=one.trouble)
            continue
        try:
            with medium_errors(one.path, reading=True), one.path.open("rb") as stream:
                opened = package.open_package(stream, trust, keys.opening, keys.hub_id)
                for entry in opened.entries():
                    if entry.kind == PIECE:
                        receiving.take(entry)
            if receiving.done.only_strange:
                raise PackageError(
                    f"附件包“{one.path.name}”里的附件，所属的记录还没有到中心。", "请等变更入库后再导入它。"
                )
        except YizhanError as bad:
            yield TakenBeside(one, receiving.done, trouble=bad)
            continue
        yield TakenBeside(one, receiving.done, opened.verified)


__all__ = ["TakenBeside", "take_beside"]
