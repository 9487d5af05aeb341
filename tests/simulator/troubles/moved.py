"""Who is responsible changes while edits are under way (N7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import AccessDenied, InputError, StaleRecord
from tests.simulator.oracles import pending_stays
from tests.simulator.town import DIVISION, NEIGHBOUR, NEXT_DOOR
from tests.simulator.troubles.decided import Decided
from tests.simulator.troubles.kind import Happening

if TYPE_CHECKING:
    from tests.simulator.seat import Seat

OTHER = {DIVISION: NEXT_DOOR, NEXT_DOOR: DIVISION}


class Moved(Decided):
    """Entities move to the next division and back, bureaus are given another; those who knew them edit on.

    What is pending at a seat stays on its screen, whatever the hub says about whose it is by now.
    """

    guests = (NEIGHBOUR,)

    def happenings(self) -> dict[Happening, int]:
        return {**super().happenings(), self.move: 14, self.reassign: 4}

    def move(self, seat: Seat) -> str:
        """An entity gets another division; who it leaves may be editing it just now."""
        known = seat.ids("market_entity")
        if not known:
            return "nothing there"
        chosen = self.world.rng.choice(known)
        (division,) = seat.row("market_entity", chosen, "division")
        try:
            with seat.pen() as pen:
                pen.update("market_entity", chosen, division=OTHER[division])
        except (AccessDenied, InputError, StaleRecord) as refused:
            return f"{chosen} refused: {type(refused).__name__}"
        return f"{chosen} to {OTHER[division]}"

    def reassign(self, _: Seat) -> str:
        """A whole bureau answers for another division from now on."""
        admin = self.admin
        chosen = self.world.rng.choice([b for c, b in sorted(self.world.town.bureaus.items()) if c != "C"])
        (division,) = admin.row("bureau", chosen, "division")
        with admin.pen() as pen:
            pen.update("bureau", chosen, division=OTHER[division])
        return f"{chosen} to {OTHER[division]}"

    def excuses(self, device: str, kind: str) -> bool:
        return kind in ("moved", "missing")

    def after_step(self) -> None:
        for one in self.world.seats:
            pending_stays(one)


__all__ = ["Moved"]
