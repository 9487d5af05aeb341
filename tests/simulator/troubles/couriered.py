"""A bureau without a network, for which others carry what they cannot read, both ways (N14, ADR 0015)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest.mock import patch

import server_stub.answering
import server_stub.mail
from shared.errors import HubRefused, MediaError, NotForUs
from shared.store.courier import DELIVERED, FROM_HUB, REFUSED, TO_HUB, WAITING, Carried
from sync import media, package
from sync.layout import Kind
from sync.media import disk_errors
from tests.simulator import oracles
from tests.simulator.roads import damage
from tests.simulator.town import ADMIN
from tests.simulator.troubles.kind import Happening, Trouble

if TYPE_CHECKING:
    from tests.simulator.seat import Seat
    from tests.simulator.world import World

ROOM = 9_000
"""Bytes of streams and mail in one answer over the network: letters come in several rounds."""
PIECE = 1_500
"""Bytes of a letter in one entry."""


class Couriered(Trouble):
    """One seat has no network: its packages and the hub's mail go by others' installations, and by ordinary sticks.

    Boxes lose letters, the hub forgets those it made, the same package goes up by several roads. Also at
    peace this seat hears everything by courier alone. Nobody can open what he carries.
    """

    longer = 2

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._far: Seat | None = None
        self.by_mail = False

    def begin(self, stack: ExitStack) -> None:
        stack.enter_context(patch.object(server_stub.answering, "ANSWER_RAW", ROOM))
        stack.enter_context(patch.object(server_stub.mail, "PIECE", PIECE))

    @property
    def far(self) -> Seat:
        """Who has no network; everybody else carries for that bureau."""
        if self._far is None:
            world = self.world
            self._far = world.rng.choice([s for s in world.seats if s.index != ADMIN])
            for seat in world.seats:
                seat.carries = [self._far.actor.bureau] if seat is not self._far else []
            self.by_mail = world.rng.random() < 0.5
            world.say(f"    {self._far.name} has no network")
        return self._far

    def happenings(self) -> dict[Happening, int]:
        world = self.world
        assert self.far is not None
        return {
            world.work: 30, world.synchronize: 26, world.bring_to_hub: 5, world.bring_back: 18, self.hand_over: 14,
            self.take_along: 16, self.deliver: 16, self.write: 16, self.post: 4, self.lose: 3, self.sweep: 2,
        }  # fmt: skip

    def instead_of_network(self, seat: Seat, *, fine: bool) -> str | None:
        if seat is not self.far:
            return None
        return self._round() if fine else "no network"

    # --- what happens --------------------------------------------------------------
    def hand_over(self, _: Seat) -> str:
        """The far seat puts what it has onto a stick, for whoever comes by."""
        return self.world.export(self.far)

    def take_along(self, seat: Seat) -> str:
        """A courier takes a package from the far seat's stick into the box; others may take it too."""
        world = self.world
        there = [one for one in world.to_hub if one.seat is self.far]
        if not there:
            return "nothing there"
        seat = self._courier(seat)
        one, fate = world.rng.choice(there), ""
        if world.rng.random() < 0.6:
            world.to_hub.remove(one)
            if world.rng.random() < 0.2 and one.path.exists():
                fate = damage(one.path, world.rng)
        return f"{one.path.name} {fate} {self._take(seat, one.path.name)}"

    def deliver(self, seat: Seat, *, fine: bool = False) -> str:
        """What waits for the hub in a courier's box goes up; the answers come into the box."""
        from tests.simulator.world import EXPECTED, quiet

        seat = self._courier(seat)
        waiting = [c for c in seat.box.content() if c.direction == TO_HUB and c.state == WAITING]
        if not waiting:
            return "nothing waits"
        carrier, weather = self.world.call(seat, fine=fine)
        answer = seat.folder / "spool" / "carried-answer.yzp"
        said = []
        try:
            for one in sorted(waiting, key=lambda c: (c.received_at, c.package_id)):
                try:
                    with disk_errors():
                        carrier.exchange(seat.box.path(one.package_id), one.package_id, answer, quiet)
                    seat.box.accept_answer(answer, one.bureau)
                except HubRefused as refused:
                    seat.box.mark(one.package_id, REFUSED, refused.message)
                    said.append(refused.code)
                    continue
                except MediaError as gone:  # its bytes are not here any more: it stops nothing else
                    seat.box.mark(one.package_id, REFUSED, gone.message)
                    said.append("gone")
                    continue
                seat.box.mark(one.package_id, DELIVERED, "")
                seat.box.discard(one.package_id)
                said.append("delivered")
        except EXPECTED as failed:
            said.append(type(failed).__name__)
        finally:
            answer.unlink(missing_ok=True)
            carrier.close()
            self.world.note_accepted()
        self._import_own(seat)
        return f"{seat.name} [{weather}] {' '.join(said)}"

    def write(self, seat: Seat) -> str:
        """A courier puts letters of the hub onto a stick, perhaps some it wrote before."""
        seat = self._courier(seat)
        again = self.world.rng.random() < 0.3
        states = (WAITING, DELIVERED) if again else (WAITING,)
        letters = self._letters(seat, *states)
        for one in letters:
            self._onto_stick(seat, one)
        return f"{len(letters)} letters"

    def post(self, _: Seat) -> str:
        """``yizhan-hub export``: the hub itself writes what the bureau lacks onto a stick."""
        from tests.simulator.world import Package, quiet

        world = self.world
        if world.hub is None:
            world.open_hub()
        spool = world.folder / "hub" / "posts"
        spool.mkdir(exist_ok=True)
        made = 0
        for group in world.serving.mail.recipients(bureau=self.far.actor.bureau):
            for draft, posted in world.serving.export(group, spool):
                path = media.write_safely(
                    draft, world.folder / "stick", [f"{posted.sealed.package_id}-post.yzp"], package.intact, quiet
                )
                draft.unlink()
                made += 1
                if any(one.device.device == self.far.device for one in posted.recipients):
                    world.to_seat.append(Package(self.far, path))
        return f"{made} packages"

    def lose(self, seat: Seat) -> str:
        """A letter in a box is no more."""
        seat = self._courier(seat)
        letters = self._letters(seat, WAITING, DELIVERED)
        if not letters:
            return "none"
        chosen = self.world.rng.choice(letters)
        seat.box.drop(chosen.package_id)
        return f"1 of {len(letters)}"

    def sweep(self, _: Seat) -> str:
        """The hub forgets letters it has made, also such as somebody has begun to fetch."""
        if self.world.hub is None:
            return "down"
        hub = self.world.serving
        return str(hub.mail.sweep(hub.clock.stamp()))

    # --- peace -----------------------------------------------------------------
    def _round(self) -> str:
        """The far seat's package goes up and everything for it comes down, by one courier.

        In some histories answers get lost and the hub's mail must do; in the others there is no mail.
        """
        from tests.simulator.world import EXPECTED

        world, far = self.world, self.far
        if oracles.followed(world.serving, far, but_notes=world.trouble.recut):
            return "has all"
        courier = next(s for s in world.seats if s is not far and not s.revoked)
        for one in self._letters(courier, WAITING, DELIVERED):
            courier.box.drop(one.package_id)
        world.export(far)
        self._take(courier, world.to_hub.pop().path.name)
        said = self.deliver(courier, fine=True)
        if self.by_mail:
            for one in self._letters(courier, WAITING, DELIVERED):
                courier.box.drop(one.package_id)
            said = world.synchronize(courier, fine=True)
        taken = []
        for one in reversed(self._letters(courier, WAITING, DELIVERED)):
            self._onto_stick(courier, one)
            letter = world.to_seat.pop()
            try:
                taken.append(world._import_at_seat(letter))
            except EXPECTED as refused:
                taken.append(type(refused).__name__)
        return f"{'mail' if self.by_mail else 'answers'} by {said}: {'; '.join(taken)}"

    def after_step(self) -> None:
        assert not self.world.network[self.far.index].heard, f"courier: {self.far.name} has used a network"

    def check(self) -> None:
        for seat in self.world.seats:
            for one in self._letters(seat, WAITING, DELIVERED):
                self._sealed(seat, one)

    # --- inside --------------------------------------------------------------
    def _courier(self, seat: Seat) -> Seat:
        """This seat, or another that has a network."""
        return seat if seat is not self.far else self.world.rng.choice([s for s in self.world.seats if s is not seat])

    def _take(self, seat: Seat, name: str) -> str:
        """A package from a stick into a courier's box."""
        from tests.simulator.world import EXPECTED, quiet

        try:
            spooled = media.read_to_spool(self.world.folder / "stick" / name, seat.folder / "spool", quiet)
            try:
                with spooled.path.open("rb") as stream:
                    verified = package.intact(stream)
                seat.box.accept(spooled.path, verified, self.far.actor.bureau)
            finally:
                spooled.path.unlink(missing_ok=True)
        except EXPECTED as refused:
            return type(refused).__name__
        return f"with {seat.name}"

    def _letters(self, seat: Seat, *states: str) -> list[Carried]:
        """Letters of the hub for the far seat in a box, newest first."""
        kid = self.far.engine.credentials.ring.seal.kid
        return [
            c
            for c in seat.box.content()
            if c.direction == FROM_HUB and c.state in states and kid in c.audience.split(",")
        ]

    def _onto_stick(self, seat: Seat, one: Carried) -> None:
        from tests.simulator.world import Package, quiet

        self._sealed(seat, one)
        path = media.write_safely(
            seat.box.path(one.package_id), self.world.folder / "stick",
            [f"{len(self.world.lines)}-{one.package_id[-8:]}-mail.yzp"], package.intact, quiet,
        )  # fmt: skip
        seat.box.mark(one.package_id, DELIVERED, "")
        self.world.to_seat.append(Package(self.far, path))

    def _import_own(self, seat: Seat) -> None:
        """As the program does: a letter for this very device is taken in, not carried."""
        from tests.simulator.world import EXPECTED

        kid = seat.engine.credentials.ring.seal.kid
        for one in seat.box.content():
            if one.direction != FROM_HUB or kid not in one.audience.split(","):
                continue
            if one.state == WAITING and one.kind == Kind.ANSWER:
                try:
                    with seat.box.path(one.package_id).open("rb") as stream:
                        seat.engine.absorb(seat.engine.open(stream), "media")
                except EXPECTED:
                    continue
            seat.box.drop(one.package_id)

    def _one_bureau(self, seat: Seat) -> bool:
        """Whether mail for the far seat may be for this one as well."""
        return seat.actor.bureau == self.far.actor.bureau

    def _sealed(self, seat: Seat, one: Carried) -> None:
        """Nobody can open what he carries."""
        if seat.engine.credentials.ring.seal.kid in one.audience.split(",") and self._one_bureau(seat):
            return
        try:
            with seat.box.path(one.package_id).open("rb") as stream:
                seat.engine.open(stream)
        except NotForUs:
            return
        raise AssertionError(f"courier: {seat.name} can open what it carries for {self.far.name}")


__all__ = ["Couriered"]
