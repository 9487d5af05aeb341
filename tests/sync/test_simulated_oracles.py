"""Would the oracles of the troubles notice? What each is for is broken once, and it must object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from server_stub import mail as hub_mail
from server_stub.mail import Mailroom, Recipient
from server_stub.pieces import HubPieces
from shared.store import pieces, sql
from shared.store.facts import write_number
from sync.credentials import Credentials
from sync.entries import Entry
from sync.messages import RECEIPT
from sync.suite import SealPublic
from tests.simulator.oracles import pending_stays
from tests.simulator.troubles import ATTACHED, COURIERED, RESTORED, ROTATED
from tests.simulator.troubles.restored import Restored
from tests.simulator.world import Options, World


def test_a_device_that_offers_again_what_the_hub_remembers(ram: Path) -> None:
    """It forgets its receipt after the hub came back with everything it was told then."""
    for seed in range(1, 20):
        world = World(seed, ram / str(seed), Options(trouble=(RESTORED,)))
        with world.begun():
            for _ in range(world.options.steps):
                world.step()
            assert isinstance(world.trouble, Restored)
            known = world.trouble.remembered
            seat = next((s for s in world.seats if known.get(s.device)), None)
            if seat is None:
                continue
            world.trouble.after_step()
            with seat.store.write() as connection:
                write_number(connection, "receipted", 0)
            with pytest.raises(AssertionError, match=r"O3: .* offers again what the hub remembers"):
                world.trouble.after_step()
            return
    pytest.fail("no history in which the hub remembered anything")


def test_a_screen_that_lets_go_what_is_pending(ram: Path) -> None:
    world = World(1, ram / "world", Options())
    with world.begun():
        seat = world.seats[0]
        world.people.enter_permit(seat)
        pending_stays(seat)
        with seat.store.write() as connection:
            sql.execute(connection, "DELETE FROM permit")
        with pytest.raises(AssertionError, match=r"N7: .* while its own change was pending"):
            pending_stays(seat)


def test_a_device_that_never_hears_that_its_keys_are_known(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Credentials, "confirmed", lambda _: False)
    with pytest.raises(AssertionError, match=r"keys: .* never heard"):
        _live(ram, range(1, 11))


def test_a_hub_that_signs_for_contents_it_has_not(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HubPieces, "holds", lambda *_: True)
    with pytest.raises(AssertionError, match=r"contents: .* delivered, the hub has it not"):
        _live(ram, range(1, 11), ATTACHED)


def test_a_seat_that_lets_go_what_no_backup_has(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "removable", lambda connection: pieces.undelivered(connection, 100))
    with pytest.raises(AssertionError, match=r"contents: .* go before it was safe"):
        _live(ram, range(1, 11), ATTACHED)


def test_mail_of_the_hub_without_receipts(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets nothing else never hears what became of his own."""
    whole = Mailroom._entries

    def silent(*args: Any) -> Iterator[Entry]:
        return (one for one in whole(*args) if one.kind != RECEIPT)

    monkeypatch.setattr(Mailroom, "_entries", silent)
    with pytest.raises(AssertionError, match="does not settle"):
        _live(ram, range(1, 11), COURIERED)


def test_mail_that_its_courier_could_open(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealed to everybody who ever asked, and not to the far bureau alone."""
    right, known = hub_mail._audience, dict[str, SealPublic]()

    def everybody(recipients: Sequence[Recipient]) -> list[SealPublic]:
        return list({**known, **{one.kid: one for one in right(recipients)}}.values())

    taken = Mailroom.note

    def noting(room: Mailroom, device: str, *args: Any) -> list[str]:
        found = room._ledger.device(device)
        assert found is not None
        seal = SealPublic.from_bytes(found.seal)
        known[seal.kid] = seal
        return taken(room, device, *args)

    monkeypatch.setattr(hub_mail, "_audience", everybody)
    monkeypatch.setattr(Mailroom, "note", noting)
    with pytest.raises(AssertionError, match=r"courier: .* can open what it carries"):
        _live(ram, range(1, 11), COURIERED)


def _live(folder: Path, seeds: Iterable[int], kind: str = ROTATED) -> None:
    for seed in seeds:
        World(seed, folder / str(seed), Options(trouble=(kind,))).run()
