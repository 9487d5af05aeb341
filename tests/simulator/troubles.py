"""Kinds of history beyond everyday work. Each brings happenings of its own, and what the oracles must know of them.

A kind changes nothing about histories without it: these keep their seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from server_stub import backup
from server_stub import keys as hub_keys
from server_stub.review import REJECTED, RELEASED
from shared.clock import Clock
from shared.store import exchange
from tests.simulator.model import Clash, Key, Record
from tests.simulator.town import ADMIN

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World

Happening = Callable[["Seat"], str]
RESTORED, HELD = "restored", "held"


class Trouble:
    """A history of everyday work: nothing else happens.

    :param world: the history.
    """

    needs_admin = False

    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self, stack: ExitStack) -> None:
        """Before the hub opens for the first time."""

    def happenings(self) -> dict[Happening, int]:
        """What else happens, and how often."""
        return {}

    def after_step(self) -> None:
        """What must hold at any time."""

    def at_peace(self) -> bool:
        """In the end, when nobody has anything new: whether there is nothing left to do. May do some of it."""
        return True


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
        keys = self.world.town.hub_keys
        (self.world.folder / "hub" / "hub.key").write_bytes(b"the keys of the town")
        (self.world.folder / "backups").mkdir()
        stack.enter_context(patch.object(hub_keys, "load", lambda *_: keys))

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 45, self.back_up: 8, self.restore: 12}

    def back_up(self, _: Seat) -> str:
        """While the hub serves."""
        world = self.world
        if world.hub is None:
            world.open_hub()
        world.note_accepted()
        name = f"{len(world.lines)}{backup.SUFFIX}"
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


class Held(Trouble):
    """Accounts are frozen and opened again, devices revoked; what is put aside an administrator releases or rejects.

    In the end everything is decided: only then must all agree again.
    """

    needs_admin = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.tries: Counter[str] = Counter()

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 40, self.freeze: 16, self.decide: 8, self.revoke: 2}

    @property
    def admin(self) -> Seat:
        """Who decides."""
        return next(s for s in self.world.seats if s.index == ADMIN)

    def freeze(self, seat: Seat) -> str:
        """An administrator closes somebody's account, or opens it again."""
        admin = self.admin
        if seat is admin:
            return "not oneself"
        (state,) = admin.row("user", seat.actor.user, "state")
        now = "frozen" if state == "active" else "active"
        with admin.pen() as pen:
            pen.update("user", seat.actor.user, state=now)
        self.world.model.excused[seat.device] = "frozen"
        return f"{now} {seat.name}"

    def revoke(self, seat: Seat) -> str:
        """A device was stolen; its person goes on without knowing."""
        world = self.world
        if seat is self.admin or seat.revoked:
            return "not this one"
        if world.hub is None:
            world.open_hub()
        world.serving.ledger.revoke(seat.device, "被盗")
        seat.revoked = True
        world.model.excused[seat.device] = "revoked"
        return seat.name

    def decide(self, _: Seat) -> str:
        """An administrator looks at what was put aside."""
        waiting = self.admin.ids("held_set", "\"state\" = 'held'")
        if not waiting:
            return "nothing there"
        return self._decide(self.world.rng.choice(waiting), self.world.rng.choice((RELEASED, REJECTED)))

    def at_peace(self) -> bool:
        waiting = self.admin.ids("held_set", "\"state\" = 'held'")
        for held in waiting:
            self.tries[held] += 1
            again = self.tries[held] > 1  # a release that could not be done
            state = REJECTED if again else self.world.rng.choice((RELEASED, REJECTED))
            self.world.say(f"    {self._decide(held, state)}")
        return not waiting

    def _decide(self, held: str, state: str) -> str:
        admin = self.admin
        said = {"state": state, "decision_note": "模拟", "decided_by": admin.actor.user}
        with admin.pen() as pen:
            pen.update("held_set", held, **said, decided_at=admin.store.clock.stamp())
        return f"{state} {held}"


KINDS: dict[str, type[Trouble]] = {"": Trouble, RESTORED: Restored, HELD: Held}
"""Kinds of history by name; ``""`` everyday work."""

__all__ = ["HELD", "KINDS", "RESTORED", "Trouble"]
