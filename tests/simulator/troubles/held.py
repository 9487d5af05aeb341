"""What the hub puts aside because of who sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.troubles.decided import Decided
from tests.simulator.troubles.kind import Happening

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World


class Held(Decided):
    """Accounts are frozen and opened again, devices revoked; what is put aside an administrator decides."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.closed: set[str] = set()

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 40, self.freeze: 16, self.decide: 8, self.revoke: 2}

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

    def excuses(self, device: str, kind: str) -> bool:
        return device in self.closed and kind in ("rights", "revoked", "missing")


__all__ = ["Held"]
