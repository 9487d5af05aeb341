"""What the hub puts aside, and who decides about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from server_stub.review import REJECTED, RELEASED
from tests.simulator.town import ADMIN
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World


class Held(Trouble):
    """Accounts are frozen and opened again, devices revoked; what is put aside an administrator releases or rejects.

    In the end everything is decided: only then must all agree again.
    """

    needs_admin = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.tries: Counter[str] = Counter()
        self.closed: set[str] = set()

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
        self.closed.add(seat.device)
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
        self.closed.add(seat.device)
        return seat.name

    def decide(self, _: Seat) -> str:
        """An administrator looks at what was put aside."""
        waiting = self.admin.ids("held_set", "\"state\" = 'held'")
        if not waiting:
            return "nothing there"
        return self._decide(self.world.rng.choice(waiting), self.world.rng.choice((RELEASED, REJECTED)))

    def excuses(self, device: str, kind: str) -> bool:
        return device in self.closed and kind in ("rights", "revoked", "missing")

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
