"""Would the oracles of copies, first loads and contents notice? Each test breaks what they are for.

The seeds are histories in which it matters; a range would mostly live through others.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from server_stub import lines
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


def test_a_first_load_that_does_not_keep_what_is_pending_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Overlay, "lay", lambda *_: None)
    with pytest.raises(AssertionError, match=r"N7: .* was pending"):
        lived(LOADED, (2, 10), ram)


def test_a_content_let_go_on_the_hubs_word_alone_is_found(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub has it, no backup has: a disk that breaks there would take the only copy with it."""
    monkeypatch.setattr(pieces, "ARCHIVED", pieces.DELIVERED)
    with pytest.raises(AssertionError, match=r"contents: .* before it was safe"):
        lived(ATTACHED, range(1, 5), ram)
