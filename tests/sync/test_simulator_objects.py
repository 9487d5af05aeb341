"""The simulator's oracles object when something is wrong: each sabotage must be found by the oracle it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from server_stub import ledger
from shared.store import sql
from shared.store.facts import write_number
from tests.simulator.seat import Seat
from tests.simulator.world import Options, World


@pytest.fixture
def settled(ram: Path) -> Iterator[World]:
    """A history that came to peace; seed 1 has sets of every seat, and permits."""
    world = World(1, ram / "world", Options())
    with world.begun():
        for _ in range(world.options.steps):
            world.step()
        world.settle()
        world.check()
        yield world


def hub_does(world: World, statement: str) -> None:
    assert world.hub is not None
    with world.hub.store.write() as connection:
        sql.execute(connection, statement)


def seat_does(seat: Seat, statement: str) -> None:
    with seat.store.write() as connection:
        sql.execute(connection, statement)


SABOTAGE: dict[str, tuple[str, Callable[[World], None]]] = {
    "a set vanishes": ("O1", lambda w: hub_does(w, "DELETE FROM accepted_set WHERE first = 1")),
    "a set is still parked": ("O1", lambda w: hub_does(w, "UPDATE accepted_set SET status = 'parked'")),
    "a set is put aside without need": (
        "O1", lambda w: hub_does(w, "UPDATE accepted_set SET status = 'quarantined'"),
    ),
    "a value differs at a seat": (
        "O2", lambda w: seat_does(w.seats[0], "UPDATE market_entity SET phone = 'x' WHERE rid = 1"),
    ),
    "a record is missing at a seat": ("O2", lambda w: seat_does(w.seats[0], "DELETE FROM permit")),
    "a value differs everywhere": (
        "O2",
        lambda w: [
            hub_does(w, "UPDATE market_entity SET phone = 'x'"),
            *(seat_does(s, "UPDATE market_entity SET phone = 'x'") for s in w.seats),
        ][0],
    ),
    "an author differs": ("O2", lambda w: seat_does(w.seats[0], "UPDATE market_entity SET \"_w\" = \"_w\" + 1")),
    "the hub falls behind what it receipted": (
        "O3", lambda w: hub_does(w, "UPDATE device_reach SET contiguous_to = 0"),
    ),
    "a stream loses a block": (
        "O4", lambda w: hub_does(w, "DELETE FROM stream_block WHERE first = (SELECT min(first) FROM stream_block)"),
    ),
    "a journal is altered": ("O4", lambda w: seat_does(w.seats[0], "UPDATE journal SET head = x'00'")),
    "a block is gone, and its head another": (
        "O4", lambda w: seat_does(
            w.seats[0], "UPDATE journal SET payload = x'', raw_len = 0, head = x'00' WHERE first_seq = 1",
        ),
    ),
    "an author is not told": ("O5", lambda w: seat_does(w.seats[0], "UPDATE change_set SET status = 'parked'")),
    "a receipt is missing": ("O5", lambda w: _unreceipted(w.seats[0])),
    "a conflict is invented": ("O5", lambda w: w.model.clashes.clear() or _invented(w)),
}  # fmt: skip


def _unreceipted(seat: Seat) -> None:
    with seat.store.write() as connection:
        write_number(connection, "receipted", 0)


def _invented(world: World) -> None:
    world.model.clashes.add(next(iter(_some_clash())))


def _some_clash() -> list[object]:
    from tests.simulator.model import NOBODY, Clash

    return [Clash("permit", "0" * 32, "remark", NOBODY)]


@pytest.mark.parametrize("what", SABOTAGE)
def test_sabotage_is_found(settled: World, what: str) -> None:
    oracle, sabotage = SABOTAGE[what]
    sabotage(settled)
    with pytest.raises(AssertionError, match=oracle):
        settled.check()


def test_a_hub_that_applies_out_of_order_is_found(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole history under a broken hub: one that takes any base for the right one."""
    from shared.store import merging
    from shared.store.incoming import Incoming

    monkeypatch.setattr(merging.Merger, "_all_clean", lambda self, one, states: isinstance(one, Incoming))
    with pytest.raises(AssertionError):
        _live(ram, range(1, 30))


def test_a_hub_that_forgets_a_receipted_set_is_found(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ledger.Ledger._keep

    def forgetful(self: object, *args: object) -> object:
        said = kept(self, *args)  # type: ignore[arg-type]
        sql.execute(args[0], "DELETE FROM accepted_set WHERE first = 2")  # type: ignore[arg-type]
        return said

    monkeypatch.setattr(ledger.Ledger, "_keep", forgetful)
    with pytest.raises(AssertionError):
        _live(ram, range(1, 10))


def _live(folder: Path, seeds: Iterable[int]) -> None:
    for seed in seeds:
        World(seed, folder / str(seed), Options(steps=40)).run()
