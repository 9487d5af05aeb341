"""Databases rolled back to an older copy, and copies that are both used (ADR 0012)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.lines import Mark
from tests.simulator.mishaps import put
from tests.simulator.model import Change
from tests.simulator.seat import Seat
from tests.simulator.seeded import Wall
from tests.simulator.town import ADMIN
from tests.simulator.troubles.decided import Decided
from tests.simulator.troubles.kind import Happening

if TYPE_CHECKING:
    from tests.simulator.world import World

MOST_COPIES = 2


@dataclass(frozen=True, slots=True)
class _Copy:
    """A device's database as it was once, what had been done by then, and how far the mark outside it was."""

    database: bytes
    acts: Mapping[tuple[int, int], Change]
    mark: Mark | None


class Copied(Decided):
    """A seat comes back from an older copy of its data, or the copy is used on another computer as well.

    Mostly the mark outside the database tells; where a whole disk was copied, only the hub can.
    Whatever either copy has committed is accounted for exactly once; what is put aside somebody decides.
    """

    recut = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.copies: dict[int, _Copy] = {}
        self.made = 0

    def happenings(self) -> dict[Happening, int]:
        return {**super().happenings(), self.copy: 14, self.roll_back: 10, self.use_both: 14}

    def copy(self, seat: Seat) -> str:
        """Somebody keeps a copy of the data folder."""
        if seat.index == ADMIN:
            return "not the centre"
        if not seat.marked:
            seat.note_mark()
        seat.close()
        data = (seat.folder / "client.db").read_bytes()
        self.copies[seat.index] = _Copy(data, dict(seat.life.acts), seat.mark)
        seat.open()
        return f"{len(seat.life.acts)} changes"

    def roll_back(self, seat: Seat) -> str:
        """The data folder is put back as it was; what was not delivered since is gone."""
        copy = self.copies.get(seat.index)
        if copy is None:
            return "no copy"
        seat.close()
        seat.life.over = True
        seat.life = self.world.model.live(seat.device, copy.acts)
        whole_disk = self._put(copy, seat.folder)
        seat.mark = copy.mark if whole_disk else seat.mark
        seat.open()
        said = self._worked(seat)
        return f"{len(copy.acts)} changes, {said} incarnation {seat.incarnation}{' (whole disk)' if whole_disk else ''}"

    def use_both(self, seat: Seat) -> str:
        """A second computer goes on with the copy, the first one too."""
        copy, world = self.copies.get(seat.index), self.world
        if copy is None or self.made == MOST_COPIES:
            return "no copy"
        self.made += 1
        index = 10 * self.made + seat.index
        folder = world.folder / f"seat{index}"
        folder.mkdir()
        whole_disk = self._put(copy, folder)
        life = world.model.live(seat.device, copy.acts)
        try:
            other = Seat(
                index, seat.enrolled, folder, Wall(world.time), world.model, world.mishaps, life,
                mark=copy.mark if whole_disk else None, marked=True,
            )  # fmt: skip
        except BaseException:
            life.over = True
            raise
        other.name = f"{seat.name}#{self.made}"
        world.join(other)
        said = self._worked(other)
        return f"{other.name} {said} incarnation {other.incarnation}{' (whole disk)' if whole_disk else ''}"

    def _worked(self, seat: Seat) -> str:
        """Mostly somebody works there before anything else comes: the same numbers are given twice."""
        return self.world.people.act(seat) if self.world.rng.random() < 0.7 else ""

    def excuses(self, device: str, kind: str) -> bool:
        return kind in ("clone", "fork", "missing")

    def _put(self, copy: _Copy, folder: Path) -> bool:
        for tail in ("-wal", "-shm"):
            put(str(folder / f"client.db{tail}"), None)  # a person's step, not the program's: no mishap halves it
        put(str(folder / "client.db"), copy.database)
        shutil.rmtree(folder / "spool", ignore_errors=True)
        return self.world.rng.random() < 0.4


__all__ = ["Copied"]
