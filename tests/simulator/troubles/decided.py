"""What was put aside is decided by an administrator, in the end all of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from server_stub.review import REJECTED, RELEASED
from tests.simulator.town import ADMIN
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World


class Decided(Trouble):
    """Held sets are released or rejected; only when none is left all must agree again."""

    needs_admin = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.tries: Counter[str] = Counter()

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 40, self.decide: 8}

    @property
    def admin(self) -> Seat:
        """Who decides."""
        return next(s for s in self.world.seats if s.index == ADMIN)

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


__all__ = ["Decided"]
