"""The hub falls back to a backup, and is offered again what it forgot."""

from __future__ import annotations

from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from server_stub import backup
from server_stub import keys as hub_keys
from server_stub.backup_contents import SUFFIX
from shared.clock import Clock
from shared.store import exchange
from tests.simulator.model import Clash, Key, Record
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World


@dataclass(frozen=True, slots=True)
class _Backup:
    """A backup and what the model said when it was made."""

    file: Path
    records: dict[Key, Record]
    clashes: set[Clash]
    accepted: set[str]


class Restored(Trouble):
    """The hub is restored from a backup, the newest or an older one, perhaps more than once.

    Only what it forgot may be offered again: sets it remembers, of which the seat had a receipt, stay at home.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.backups: list[_Backup] = []
        self.remembered: dict[str, set[str]] = {}
        self.forgotten = 0

    def begin(self, stack: ExitStack) -> None:
        (self.world.folder / "backups").mkdir()
        if "rotated" in self.world.options.trouble:
            return  # the keys lie where the hub keeps them
        keys = self.world.town.hub_keys
        (self.world.folder / "hub" / "hub.key").write_bytes(b"the keys of the town")
        stack.enter_context(patch.object(hub_keys, "load", lambda *_: keys))

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 45, self.back_up: 8, self.restore: 12}

    def back_up(self, _: Seat) -> str:
        """While the hub serves."""
        world = self.world
        if world.hub is None:
            world.open_hub()
        world.note_accepted()
        name = f"{len(world.lines)}{SUFFIX}"
        file, found = backup.make(world.serving, world.folder / "backups" / name)
        model = world.model
        self.backups.append(_Backup(file, deepcopy(model.records), set(model.clashes), set(world.accepted)))
        return f"{name} {sum(found.manifest.streams.values())} changes"

    def restore(self, seat: Seat) -> str:
        """The hub's disk broke; somebody finds a backup."""
        world = self.world
        if not self.backups:
            return self.back_up(seat)
        if not world.accepted - self.backups[0].accepted:
            return "nothing would be forgotten"
        chosen = world.rng.choice((self.backups[-1], world.rng.choice(self.backups)))
        if world.hub is not None:
            world.hub.close()
            world.hub = None
        backup.restore(chosen.file, world.url, world.folder / "hub", "", clock=Clock(world.hub_wall))
        world.model.records = deepcopy(chosen.records)
        world.model.clashes = set(chosen.clashes)
        forgotten = len(world.accepted - chosen.accepted)
        self.forgotten += forgotten
        world.accepted = set(chosen.accepted)
        for one in world.seats:
            with one.store.read() as connection:
                mine = exchange.all_sets(connection, 100_000)
                kept = exchange.reach(connection).receipted
            known = {s.cs_id for s in mine if s.last <= kept and s.cs_id in chosen.accepted}
            self.remembered[one.device] = self.remembered.get(one.device, known) & known
        return f"{chosen.file.name}, forgotten: {forgotten}"

    def after_step(self) -> None:
        for one in self.world.seats:
            with one.store.read() as connection:
                offered = {s.cs_id for s in exchange.unreceipted(connection)}
            again = offered & self.remembered.get(one.device, set())
            assert not again, f"O3: {one.name} offers again what the hub remembers: {len(again)} sets"
