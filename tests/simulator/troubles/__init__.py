"""Kinds of history beyond everyday work. Each brings happenings of its own, and what the oracles must know of them.

A kind changes nothing about histories without it: these keep their seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.troubles.attached import Attached
from tests.simulator.troubles.copied import Copied
from tests.simulator.troubles.couriered import Couriered
from tests.simulator.troubles.held import Held
from tests.simulator.troubles.kind import Trouble
from tests.simulator.troubles.loaded import Loaded
from tests.simulator.troubles.moved import Moved
from tests.simulator.troubles.restored import Restored
from tests.simulator.troubles.rotated import Rotated
from tests.simulator.troubles.several import Several

if TYPE_CHECKING:
    from tests.simulator.world import World

RESTORED, HELD, MOVED, COPIED, ROTATED = "restored", "held", "moved", "copied", "rotated"
LOADED, ATTACHED, COURIERED = "loaded", "attached", "couriered"
KINDS: dict[str, type[Trouble]] = {
    RESTORED: Restored, HELD: Held, MOVED: Moved, COPIED: Copied, ROTATED: Rotated,
    LOADED: Loaded, ATTACHED: Attached, COURIERED: Couriered,
}  # fmt: skip
"""Kinds of history by name."""


def trouble_of(world: World, kinds: tuple[str, ...]) -> Trouble:
    """What else happens in a history of these kinds; of none, nothing."""
    made = [KINDS[kind](world) for kind in kinds]
    return made[0] if len(made) == 1 else Several(world, made)


__all__ = ["ATTACHED", "COPIED", "COURIERED", "HELD", "KINDS", "LOADED", "MOVED", "RESTORED", "ROTATED", "Trouble", "trouble_of"]
