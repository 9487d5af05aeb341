"""First loads in the middle of a history: seats that come late, or must load anew (ADR 0014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server_stub.loads import OVERHEAD
from shared.store import sql
from shared.store.loading import new_file, under_way
from shared.store.swapping import set_aside
from tests.simulator.oracles import pending_stays
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from server_stub.hub import Hub
    from tests.simulator.seat import Seat

PART_PAGES = 24
VOLUME = OVERHEAD + 24_000
"""Room for a part or two of these: small scopes still make several volumes."""


class Loaded(Trouble):
    """A seat has lost its place in the streams and gets everything as pages, by network or in volumes on sticks.

    What it had not delivered stands over what was loaded; in the end all is as if it had followed.
    """

    volume = VOLUME

    def hub_opened(self, hub: Hub) -> None:
        hub.snapshots.large = 1
        hub.snapshots.part_pages = PART_PAGES
        hub.snapshots.patience = 600.0

    def happenings(self) -> dict[Happening, int]:
        world = self.world
        return {world.synchronize: 26, world.export: 10, world.bring_to_hub: 12, world.bring_back: 16, self.begin_anew: 12}

    def begin_anew(self, seat: Seat) -> str:
        """As a seat that was enrolled today: no place in any stream, with what it had entered meanwhile."""
        with seat.store.write() as connection:
            sql.execute(connection, "DELETE FROM stream_cursor")
        world = self.world
        if world.rng.random() < 0.3:
            return ""
        # The stick that asks goes to the hub at once; what is entered until the answer is here is pending when
        # the load is swapped in.
        said = [world.export(seat), world.bring_to_hub(seat), world.people.act(seat)]
        if world.rng.random() < 0.7:
            said += [world.bring_back(seat) for _ in world.to_seat]
        return "; ".join(said)

    def after_step(self) -> None:
        for seat in self.world.seats:
            pending_stays(seat)

    def check(self) -> None:
        for seat in self.world.seats:
            with seat.store.read() as connection:
                assert under_way(connection) is None, f"first load: {seat.name} has not finished"
            path = seat.folder / "client.db"
            assert not new_file(path).exists() and not set_aside(path).exists(), f"first load: {seat.name}"


__all__ = ["Loaded"]
