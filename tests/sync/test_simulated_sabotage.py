"""Would the oracles of copies, first loads and contents notice? Each test breaks what they are for.

The seeds are histories in which it matters; a range would mostly live through others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server_stub import lines
from server_stub.ledger import Ledger, kind_of
from server_stub.lines import CLONE, FORK
from shared.store import pieces
from shared.store.overlay import Overlay
from sync.messages import SetReceipt
from tests.simulator.troubles import ATTACHED, COPIED, LOADED
from tests.sync.test_simulated_troubles import lived


def test_a_hub_that_takes_the_numbers_of_a_copy_for_known_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy gave the same numbers to other work: who does not compare what they mean drops it."""

    def careless(_connection: object, one: lines.ChangeSet) -> SetReceipt:
        return SetReceipt(one.cs_id, one.statement.first, one.statement.last, "applied", "")

    monkeypatch.setattr(lines, "same_again", careless)
    with pytest.raises(AssertionError, match=r"O1: .* which the hub has not"):
        lived(COPIED, (8, 14), ram)


@pytest.mark.parametrize(("kind", "seed"), [(FORK, 8), (CLONE, 36)])
def test_a_hub_that_drops_what_a_copy_did_is_found(
    ram: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    """Its receipt says that the set was put aside, and nothing of it is kept."""
    put_aside: Callable[..., tuple[SetReceipt, bool]] = Ledger._put_aside

    def dropping(ledger: Ledger, connection: object, one: lines.ChangeSet, package_id: str, refused: Any) -> Any:
        if kind_of(refused) != kind:
            return put_aside(ledger, connection, one, package_id, refused)
        return SetReceipt(one.cs_id, one.statement.first, one.statement.last, "quarantined", refused.message), False

    monkeypatch.setattr(Ledger, "_put_aside", dropping)
    with pytest.raises(AssertionError, match=r"O1: .* which the hub has not"):
        lived(COPIED, (seed,), ram)


@pytest.mark.parametrize(("kind", "seed"), [(FORK, 11), (CLONE, 14)])
def test_a_release_of_what_a_copy_did_without_effect_is_found(
    ram: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    """An administrator lets it in, the hub says that it is, and no record changes."""
    merge: Callable[..., tuple[str, str]] = Ledger._apply

    def idle(ledger: Ledger, connection: object, one: lines.ChangeSet, **how: Any) -> tuple[str, str]:
        return ("applied", "") if how.get("kind") == kind else merge(ledger, connection, one, **how)

    monkeypatch.setattr(Ledger, "_apply", idle)
    with pytest.raises(AssertionError, match=r"O2: .* differs"):
        lived(COPIED, (seed,), ram)


def test_a_first_load_that_does_not_keep_what_is_pending_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Overlay, "lay", lambda *_: None)
    with pytest.raises(AssertionError, match=r"N7: .* was pending"):
        lived(LOADED, (2, 10), ram)


def test_a_content_let_go_on_the_hubs_word_alone_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub has it, no backup has: a disk that breaks there would take the only copy with it."""
    monkeypatch.setattr(pieces, "ARCHIVED", pieces.DELIVERED)
    with pytest.raises(AssertionError, match=r"contents: .* before it was safe"):
        lived(ATTACHED, range(1, 5), ram)
