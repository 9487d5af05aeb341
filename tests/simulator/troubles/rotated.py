"""Keys change hands: those of devices, and the hub's own (protocol, § 16)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from server_stub import keys as hub_keys
from shared.clock import Clock
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat


class Rotated(Trouble):
    """Devices make new keys while packages under the old ones are under way; so does the hub.

    In the end hub and devices agree about who signs with what.
    """

    def begin(self, stack: ExitStack) -> None:
        world, rng = self.world, self.world.rng
        stack.enter_context(patch.object(hub_keys, "_stretch", lambda *_: bytes(32)))  # memory-hard: not here
        stack.enter_context(
            patch.object(SigningKey, "generate", lambda: SigningKey.from_bytes(rng.randbytes(32)))
        )
        stack.enter_context(patch.object(OpenKey, "generate", lambda: OpenKey(1, rng.randbytes(96))))
        hub_keys._write(world.folder / "hub" / "hub.key", hub_keys._sealed(world.hub_keys, ""))

    def hub_opening(self) -> None:
        self.world.hub_keys.renew(hub_keys.load(self.world.folder / "hub" / "hub.key", ""))

    def happenings(self) -> dict[Happening, int]:
        return {self.world.synchronize: 40, self.rotate_device: 14, self.rotate_hub: 5}

    def rotate_device(self, seat: Seat) -> str:
        """As the administrator's page does it: new keys, announced with the next package."""
        ring = seat.engine.credentials.ring
        if ring.next is not None:
            return "the last change is not confirmed yet"
        seat.engine.cut()
        made = replace(ring, next=DeviceKeys(SigningKey.generate(), OpenKey.generate()), change="")
        seat.ring = made
        seat.engine.credentials.announce(made, seat.device, seat.incarnation)
        return "announced"

    def rotate_hub(self, _: Seat) -> str:
        """``yizhan-hub keys rotate``, while the hub serves or not; it never gives up a key somebody needs."""
        world = self.world
        keys = world.hub_keys
        if any(s.engine.credentials.hub.version < keys.version for s in world.seats):
            return "somebody has not followed yet"
        with world.mishaps.acting("hub"):
            hub_keys.rotate(world.folder / "hub" / "hub.key", "", Clock(world.hub_wall))
        return "a running hub follows with the next package" if world.hub else "while it was down"

    def check(self) -> None:
        hub = self.world.serving
        for seat in self.world.seats:
            credentials = seat.engine.credentials
            known = hub.ledger.device(seat.device)
            assert known is not None
            assert known.sign == credentials.ring.sign.public, f"keys: the hub has others of {seat.name}"
            assert credentials.ring.next is None, f"keys: {seat.name} never heard that its new keys are known"
            assert credentials.hub.sign == hub.keys.sign.public, f"keys: {seat.name} trusts another hub"


__all__ = ["Rotated"]
