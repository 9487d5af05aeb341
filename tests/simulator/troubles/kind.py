"""What a kind of history is: happenings of its own, and what the oracles must know of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server_stub.hub import Hub
    from tests.simulator.seat import Seat
    from tests.simulator.world import World

Happening = Callable[["Seat"], str]


class Trouble:
    """A history of everyday work: nothing else happens.

    :param world: the history.
    """

    needs_admin = False
    guests: tuple[int, ...] = ()
    """Seats of the town that must take part."""
    longer = 1
    """So many times as much happens as in a history of everyday work."""
    volume = 0
    """Bytes of one file on a stick; 0: as large as may be."""
    recut = False
    """Whether a device may be there twice: the same changes cut into sets in more than one way, and no end
    of the hub's notes about how far it is."""

    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self, stack: ExitStack) -> None:
        """Before the hub opens for the first time."""

    def happenings(self) -> dict[Happening, int]:
        """What else happens, and how often."""
        return {}

    def hub_opening(self) -> None:
        """The hub is about to start."""

    def hub_opened(self, hub: Hub) -> None:
        """The hub has started."""

    def after_step(self) -> None:
        """What must hold at any time."""

    def instead_of_network(self, seat: Seat, *, fine: bool) -> str | None:
        """What a seat does that has no network; None for one that has.

        :param fine: at peace, when it must come as far as the others.
        """
        return None

    def at_peace(self) -> bool:
        """In the end, when nobody has anything new: whether there is nothing left to do. May do some of it."""
        return True

    def excuses(self, device: str, kind: str) -> bool:
        """Whether a set of this device may be put aside for this kind of reason."""
        return False

    def check(self) -> None:
        """What these histories must show beside the five oracles."""


__all__ = ["Happening", "Trouble"]
