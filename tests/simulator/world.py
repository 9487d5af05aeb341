"""A history: seats and a hub, days of work in all weathers, and peace at the end."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from server_stub import lines
from server_stub.hub import Hub
from server_stub.ledger import Ledger
from server_stub.reception import Reception
from shared.changes import decode_block, split_blocks
from shared.clock import Clock
from shared.errors import (
    BadAnswer,
    HubRefused,
    Interrupted,
    MediaError,
    PackageError,
    Unreachable,
    YizhanError,
)
from shared.store import sql
from shared.types import catalog
from sync import changeset, media, package
from sync.changeset import ChangeSet
from sync.http import HttpCarrier
from tests.simulator import oracles
from tests.simulator.mishaps import POWER, Crash, Mishaps
from tests.simulator.model import Model, Ref
from tests.simulator.people import People
from tests.simulator.roads import WEATHER, Line, Shelf, carrier_over, damage
from tests.simulator.seat import Seat
from tests.simulator.seeded import DAY, Time, Wall, determined
from tests.simulator.town import ADMIN, Town, town
from tests.simulator.troubles import trouble_of

EXPECTED = (Interrupted, Unreachable, BadAnswer, HubRefused, PackageError, MediaError)
YEAR = 365 * DAY
ROUNDS = 8
"""So often everybody may synchronize before all must agree."""


def quiet(_done: int, _total: int, _text: str) -> None:
    """Progress nobody watches."""


@dataclass(slots=True)
class Package:
    """A file on the way; :param seat: whose."""

    seat: Seat
    path: Path


@dataclass(slots=True)
class Options:
    """What kind of history.

    :param steps: how many things happen.
    :param hub_url: makes the URL of the hub's database; None for SQLite.
    :param trace: hears every line.
    :param mishaps: which kinds befall the machines; none, and only the weather is bad.
    :param trouble: which kinds of things else happen (see ``troubles``); none, and it is everyday work.
    """

    steps: int = 26
    hub_url: Callable[[], str] | None = None
    town: Callable[[], Town] = town
    trace: Callable[[str], None] | None = None
    mishaps: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


@dataclass
class World:
    """One history."""

    seed: int
    folder: Path
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"history {self.seed}")
        self.time = Time()
        self.lines: list[str] = []
        self.town = self.options.town()
        self.model = Model({t.number: t for t in catalog.ALL})
        self.mishaps = Mishaps(
            self.folder, random.Random(f"mishaps {self.seed}"), cuts_power=POWER in self.options.mishaps
        )
        self.hub_keys = replace(self.town.hub_keys)
        self.people = People(self.rng, self.town.bureaus)
        self.to_hub: list[Package] = []
        self.to_seat: list[Package] = []
        self.accepted: set[str] = set()
        self.applied: dict[str, int] = {}
        self.trouble = trouble_of(self, self.options.trouble)
        self._files = 0

    # --- beginning and end -------------------------------------------------------
    @contextmanager
    def begun(self) -> Iterator[World]:
        """Everything set up; closed in the end."""
        with ExitStack() as stack:
            stack.enter_context(determined(self.time, self.rng))
            stack.enter_context(self.mishaps.watching())
            stack.enter_context(patch.object(Ledger, "_apply", _noted(Ledger._apply, self.applied)))
            (self.folder / "hub").mkdir(parents=True)
            (self.folder / "stick").mkdir()
            self.hub_wall = Wall(self.time, self._wrong(0.1))
            if self.options.hub_url is None:
                self.town.hub_copy(self.folder)
                self.url = f"sqlite:///{self.folder / 'hub.db'}"
            else:
                self.url = self.options.hub_url()
            self.hub: Hub | None = None
            self.trouble.begin(stack)
            stack.callback(lambda: self.hub.close() if self.hub else None)
            self.open_hub()
            self.model.records = oracles.standing(self.serving.store)
            self.seats: list[Seat] = []
            for index in self._who():
                self.seats.append(self._seat(index))
                stack.callback(self.seats[-1].close)
            self.network = {s.index: Line(self, self.rng) for s in self.seats}
            self._closing = stack
            self.say(f"seed {self.seed}: " + ", ".join(f"{s.name}{s.wall.wrong:+d}" for s in self.seats))
            yield self

    def join(self, seat: Seat) -> None:
        """Another seat takes part from now on."""
        self.seats.append(seat)
        self.network[seat.index] = Line(self, self.rng)
        self._closing.callback(seat.close)

    def run(self) -> str:
        """The whole history and its oracles; returns the digest of its trace."""
        with self.begun():
            for _ in range(self.options.steps * self.trouble.longer):
                self.step()
            self.settle()
            self.check()
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    def say(self, text: str) -> None:
        """A line of the trace."""
        self.lines.append(text)
        if self.options.trace is not None:
            self.options.trace(text)

    # --- what happens --------------------------------------------------------------
    def step(self) -> None:
        """The next thing."""
        self.time.pass_by(self.rng.choice((1_000, 60_000, 3_600_000, DAY, DAY)))
        kinds = {
            self.work: 50, self.synchronize: 22, self.export: 6, self.bring_to_hub: 7, self.bring_back: 7,
            self.again: 3, self.restart_seat: 2, self.restart_hub: 1, self.turn_clock: 1, self.wait_long: 1,
        }  # fmt: skip
        kinds |= self.trouble.happenings()
        (what,) = self.rng.choices(list(kinds), list(kinds.values()))
        seat = self.rng.choice(self.seats)
        self._tempt_fate()
        try:
            with self.mishaps.acting(seat.folder.name):
                said = what(seat)
        except Crash as crash:
            said = f"{self.mishaps.mode} at {self.mishaps.fired}"
            self.note_accepted()
            if crash.who == "hub":
                self.hub_died()
            else:  # not always who acts: a letter is taken in by the seat it is for
                struck = next((one for one in self.seats if one.folder.name == crash.who), None)
                struck.die() if struck is not None else self.mishaps.disarm()  # a copy that never came to life
        except (YizhanError, OSError):
            if not self.mishaps.full:
                raise
            said = f"full at {self.mishaps.fired}"
        if self.mishaps.full:
            self.mishaps.disarm()
            self.note_accepted()
        self.say(f"{len(self.lines):3} {seat.name:8} {what.__name__}: {said}")
        self.trouble.after_step()

    def _tempt_fate(self) -> None:
        """Perhaps something will happen in some durable steps from now."""
        if self.options.mishaps and not self.mishaps.mode and self.rng.random() < 0.8:
            mode = self.rng.choice(self.options.mishaps)
            self.mishaps.arm(mode, self.rng.choice((1, 2, 3, 5, 8, 13, 21)), after=self.rng.random() < 0.5)

    def hub_died(self) -> None:
        """Its process is gone; the next one starts when somebody needs it."""
        close = self.hub.close if self.hub is not None else lambda: None  # it may have died while starting
        self.mishaps.die("hub", close, self.folder / "hub.db" if self.options.hub_url is None else None)
        self.hub = None

    def work(self, seat: Seat) -> str:
        """Somebody does something."""
        return self.people.act(seat)

    def synchronize(self, seat: Seat, *, fine: bool = False) -> str:
        """Over the network, in some weather."""
        if (said := self.trouble.instead_of_network(seat, fine=fine)) is not None:
            return said
        carrier, weather = self.call(seat, fine=fine)
        try:
            done = seat.engine.sync(carrier, quiet, seat.name)
        except EXPECTED as failed:
            return f"[{weather}] {type(failed).__name__}"
        finally:
            carrier.close()
            self.note_accepted()
        sets = " ".join(f"{s.first}-{s.last}:{s.status}" for s in done.received.sets)
        return f"[{weather}] sent {done.sent_sets} got {done.received.changes} {sets}"

    def call(self, seat: Seat, *, fine: bool = False) -> tuple[HttpCarrier, str]:
        """A seat's carrier over its line, and what weather that will have."""
        line = self.network[seat.index]
        line.weather, line.dead = [], False
        if not fine and self.rng.random() < 0.5:
            line.weather = [
                self.rng.choice(WEATHER) if self.rng.random() < 0.4 else "fine" for _ in range(6)
            ]
            line.dead = self.rng.random() < 0.1
        carrier = carrier_over(line, lambda seconds: self.time.pass_by(round(seconds * 1000)))
        return carrier, ",".join(w for w in line.weather if w != "fine")

    def export(self, seat: Seat) -> str:
        """Onto a stick."""
        self._files += 1
        source = seat.folder / "spool" / "out.yzp"
        source.parent.mkdir(exist_ok=True)
        with source.open("w+b") as out:
            sealed = seat.engine.prepare(out, "media", seat.name)
        path = media.write_safely(
            source, self.folder / "stick", [f"{self._files}-up.yzp"], package.intact, quiet
        )
        source.unlink()
        self.to_hub.append(Package(seat, path))
        return f"{path.name} {sealed.n_entries - 1} sets"

    def bring_to_hub(self, _: Seat) -> str:
        """A stick arrives at the hub, and an answer is written on it."""
        if not self.to_hub:
            return "none under way"
        one, fate = self._pick(self.to_hub)
        if self.hub is None:
            self.open_hub()
        try:
            with self.mishaps.acting("hub"):
                self._import_at_hub(one)
        except EXPECTED as refused:
            return f"{one.path.name} {fate} {type(refused).__name__}"
        finally:
            self.note_accepted()
        return f"{one.path.name} {fate}"

    def bring_back(self, _: Seat) -> str:
        """An answer arrives at the seat it is for."""
        if not self.to_seat:
            return "none under way"
        one, fate = self._pick(self.to_seat)
        try:
            taken = self._import_at_seat(one)
        except EXPECTED as refused:
            return f"{one.path.name} {fate} {type(refused).__name__}"
        return f"{one.path.name} {fate} {taken}"

    def again(self, seat: Seat) -> str:
        """What the hub had over the network arrives once more, by somebody's stick."""
        heard = self.network[seat.index].heard
        if not heard:
            return "nothing"
        self._files += 1
        path = self.folder / "stick" / f"{self._files}-old.yzp"
        path.write_bytes(self.rng.choice(heard))
        self.to_hub.append(Package(seat, path))
        return path.name

    def restart_seat(self, seat: Seat) -> str:
        """The program ends and starts."""
        seat.restart()
        return ""

    def restart_hub(self, _: Seat) -> str:
        """The hub's process ends; the next one starts when somebody needs it."""
        if self.hub is not None:
            self.hub.close()
            self.hub = None
        if self.rng.random() < 0.5:
            self.open_hub()
            return "up again"
        return "down"

    def turn_clock(self, seat: Seat) -> str:
        """Somebody sets the clock, or the battery is empty."""
        seat.wall.wrong = self._wrong(1)
        return f"{seat.wall.wrong:+d}"

    def wait_long(self, _: Seat) -> str:
        """Nothing for a long time."""
        self.time.pass_by(self.rng.choice((40, 400)) * DAY)
        return ""

    # --- peace -----------------------------------------------------------------
    def settle(self) -> None:
        """Fine weather: everybody synchronizes until nothing is new."""
        for seat in self.seats:  # whose death nobody heard of: it came while another failure was handled
            if seat.folder.name in self.mishaps.dead:
                seat.die()
        if "hub" in self.mishaps.dead:
            self.hub_died()
        self.mishaps.disarm()
        if self.hub is None:
            self.open_hub()
        for _ in range(ROUNDS):
            for seat in self.seats:
                self.time.pass_by(1000)
                said = self.synchronize(seat, fine=True)
                self.say(f"    {seat.name:8} at peace: {said}")
            notes = self.trouble.recut
            if all(oracles.followed(self.serving, s, but_notes=notes) for s in self.seats) and self.trouble.at_peace():
                return
        raise AssertionError("it does not settle: somebody still has something pending, or has not heard all")

    def check(self) -> None:
        """The five oracles."""
        oracles.every_change_accounted_for(self)
        oracles.content_equal(self)
        oracles.nothing_receipted_lost(self)
        oracles.chains_whole(self)
        oracles.receipts_explain(self)
        self.trouble.check()

    # --- the hub -----------------------------------------------------------------
    @property
    def serving(self) -> Hub:
        """The hub that is up."""
        assert self.hub is not None
        return self.hub

    def open_hub(self) -> None:
        """Start it."""
        self.trouble.hub_opening()
        hub = Hub(self.url, self.folder / "hub", "", clock=Clock(self.hub_wall), keys=self.hub_keys)
        self.mishaps.watch(hub.store.database.writer, "hub")
        try:
            self.reception = Reception(hub)
        except BaseException:
            hub.close()
            raise
        self.hub = hub
        self.trouble.hub_opened(hub)
        self.note_accepted()

    def reach(self) -> Reception | None:
        """For who comes over the network; a hub that is down is started by somebody sometimes."""
        if self.hub is None and self.rng.random() < 0.7:
            with self.mishaps.acting("hub"):
                self.open_hub()
        return self.reception if self.hub is not None else None

    def note_accepted(self) -> None:
        """Tell the model what the hub has applied since we last looked."""
        if self.hub is None:
            return
        with self.hub.store.read() as connection:
            rows = sql.execute(
                connection,
                "SELECT cs_id, device, incarnation, status, payload, reason, kind, envelope FROM accepted_set"
                " WHERE status <> 'parked' ORDER BY device, incarnation, first",
            ).fetchall()
        rows.sort(key=lambda row: self.applied.get(row[0], 0))
        for cs_id, device, incarnation, status, payload, reason, kind, envelope in rows:
            if cs_id in self.accepted or status in ("quarantined", "rejected"):
                continue  # without effect; if somebody releases it, it has one then
            self.accepted.add(cs_id)
            raws = split_blocks(oracles.unpacked(bytes(payload)))
            known = self._fork_of(cs_id, bytes(envelope)) if kind == lines.FORK else _itself
            clashes = self.model.accept(device, incarnation, [decode_block(r) for r in raws], known)
            assert (status == "conflicted") == bool(clashes), f"{status} with {clashes} clashes: {reason}"

    def _fork_of(self, cs_id: str, envelope: bytes) -> Callable[[Ref], Ref]:
        """What the numbers of a released fork mean: its own are under a name of their own (ADR 0012)."""
        st = changeset.peek(envelope)
        with self.serving.store.read() as connection:
            shared = lines.head_at(connection, st.device, st.incarnation, st.first - 1) == st.prev_head

        def known(ref: Ref) -> Ref:
            device, incarnation, number = ref
            own = (device, incarnation) == (st.device, st.incarnation)
            return (cs_id[:32], 1, number) if own and (number >= st.first or not shared) else ref

        return known

    # --- inside --------------------------------------------------------------------
    def _import_at_hub(self, one: Package) -> None:
        spooled = media.read_to_spool(one.path, self.folder / "hub" / "in", quiet)
        answer = self.folder / "hub" / "answer.yzp"
        shelf = Shelf(answer, self.trouble.volume) if self.trouble.volume else None
        try:
            with spooled.path.open("rb") as stream, answer.open("w+b") as out:
                self.serving.handle(stream, out, shelf, folder=one.path.parent)
            for volume in (answer, *(shelf.finish() if shelf else ())):
                self._files += 1
                path = media.write_safely(
                    volume, self.folder / "stick", [f"{self._files}-down.yzp"], package.intact, quiet
                )
                self.to_seat.append(Package(one.seat, path))
        finally:
            spooled.path.unlink(missing_ok=True)
            answer.unlink(missing_ok=True)
            if shelf is not None:
                shelf.clear()

    def _import_at_seat(self, one: Package) -> str:
        spooled = media.read_to_spool(one.path, one.seat.folder / "spool", quiet)
        try:
            with spooled.path.open("rb") as stream:
                taken = one.seat.engine.absorb(one.seat.engine.open(stream), "media")
        finally:
            spooled.path.unlink(missing_ok=True)
        return f"receipts {taken.receipts} changes {taken.changes}"

    def _pick(self, under_way: list[Package]) -> tuple[Package, str]:
        """Any of them, in any order; some stay to arrive again, some go bad."""
        at = self.rng.randrange(len(under_way))
        kind = self.rng.random()
        if kind < 0.3:
            return under_way[at], "(and stays)"
        one = under_way.pop(at)
        if kind < 0.45 and one.path.exists():
            return one, damage(one.path, self.rng)
        return one, ""

    def _who(self) -> list[int]:
        count = self.rng.choice((2, 2, 3))
        who = sorted(self.rng.sample(range(ADMIN), count))
        if self.rng.random() < 0.2 or self.trouble.needs_admin:
            who.append(ADMIN)
        return [*who, *(g for g in self.trouble.guests if g not in who)]

    def _seat(self, index: int) -> Seat:
        folder = self.folder / f"seat{index}"
        folder.mkdir()
        self.town.seat_copy(index, folder)
        return Seat(index, self.town.seats[index], folder, Wall(self.time, self._wrong(0.3)), self.model, self.mishaps)

    def _wrong(self, chance: float) -> int:
        if self.rng.random() >= chance:
            return self.rng.randrange(-90_000, 90_000)
        return self.rng.choice((-YEAR, 10 * YEAR, 2 * YEAR, -DAY, DAY, 12 * 60_000))


def _itself(ref: Ref) -> Ref:
    return ref


def _noted(apply: Callable[..., tuple[str, str]], order: dict[str, int]) -> Callable[..., tuple[str, str]]:
    """The hub's own way to apply a set, noting in which order it does so."""

    def applied(ledger: Ledger, connection: Any, one: ChangeSet, **how: Any) -> tuple[str, str]:
        order[one.cs_id] = max(order.values(), default=0) + 1
        return apply(ledger, connection, one, **how)

    return applied


def told_again(seed: int, flags: str = "") -> str:
    """The line that says how to see a history again."""
    return f"replay: python -m tests.simulator {seed} --trace {flags}".rstrip()


__all__ = ["EXPECTED", "Options", "World", "told_again"]
