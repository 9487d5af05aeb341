"""Several kinds of trouble in one history."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from server_stub.hub import Hub
    from tests.simulator.seat import Seat
    from tests.simulator.world import World


class Several(Trouble):
    """All of them at once; of none it is everyday work."""

    def __init__(self, world: World, kinds: list[Trouble]) -> None:
        super().__init__(world)
        self._kinds = kinds
        self.needs_admin = any(k.needs_admin for k in kinds)
        self.volume = max(k.volume for k in kinds) if kinds else 0
        self.longer = max((k.longer for k in kinds), default=1)
        self.recut = any(k.recut for k in kinds)
        self.guests = tuple(dict.fromkeys(g for k in kinds for g in k.guests))

    def begin(self, stack: ExitStack) -> None:
        for kind in self._kinds:
            kind.begin(stack)

    def happenings(self) -> dict[Happening, int]:
        found: dict[Happening, int] = {}
        for kind in self._kinds:
            for what, weight in kind.happenings().items():
                found[what] = max(weight, found.get(what, 0))
        return found

    def hub_opening(self) -> None:
        for kind in self._kinds:
            kind.hub_opening()

    def hub_opened(self, hub: Hub) -> None:
        for kind in self._kinds:
            kind.hub_opened(hub)

    def after_step(self) -> None:
        for kind in self._kinds:
            kind.after_step()

    def instead_of_network(self, seat: Seat, *, fine: bool) -> str | None:
        for kind in self._kinds:
            if (said := kind.instead_of_network(seat, fine=fine)) is not None:
                return said
        return None

    def at_peace(self) -> bool:
        done = [kind.at_peace() for kind in self._kinds]  # each does its part
        return all(done)

    def excuses(self, device: str, kind: str) -> bool:
        return any(k.excuses(device, kind) for k in self._kinds)

    def check(self) -> None:
        for kind in self._kinds:
            kind.check()
