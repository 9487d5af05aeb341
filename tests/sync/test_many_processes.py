"""What one process reads and then writes, another may change in between: on PostgreSQL nothing of it is lost.

Each test holds what two processes want until both surely wait for it, in the order that would go wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server_stub.hub import Hub
from server_stub.tokens import Tokens
from shared.store import audit
from tests.fixtures.hubs import PASSPHRASE, Place
from tests.fixtures.waiting import held_up, row

pytestmark = pytest.mark.parametrize("hub_url", ["postgresql"], indirect=True)


@pytest.fixture
def others(place: Place) -> Iterator[list[Hub]]:
    """Two more processes at the same database."""
    with ExitStack() as at_end:
        made = [Hub(place.url, place.hub.data, PASSPHRASE, keys=place.hub.keys) for _ in range(2)]
        for one in made:
            at_end.callback(one.close)
        yield made


# --- tokens --------------------------------------------------------------------
def test_a_use_that_began_before_a_revocation_does_not_undo_it(place: Place, others: list[Hub]) -> None:
    """It is held up where it writes: what it had read of the token until then must not stand."""
    text = Tokens(place.hub.store).add("monitoring")
    elsewhere = Tokens(others[0].store)
    token = elsewhere.find(text)
    assert token is not None
    with held_up(place, row("SELECT 1 FROM fact WHERE name = 'api_token:monitoring'")) as queue:
        revoking = queue.add(lambda: Tokens(others[1].store).revoke("monitoring"))
        using = queue.add(lambda: elsewhere.used(token))
    revoking.result()
    using.result()
    (kept,) = elsewhere.every()
    assert kept.state == "revoked" and elsewhere.find(text) is None


def test_two_processes_note_the_first_use_of_a_day_once(place: Place, others: list[Hub]) -> None:
    text = Tokens(place.hub.store).add("monitoring")
    tokens = [Tokens(one.store) for one in others]
    seen = [one.find(text) for one in tokens]
    with held_up(place, row("SELECT 1 FROM fact WHERE name = 'api_token:monitoring'")) as queue:
        using = [queue.add(lambda t=t, s=s: t.used(s)) for t, s in zip(tokens, seen, strict=True)]
    for one in using:
        one.result()
    with place.hub.store.read() as connection:
        assert len(audit.latest(connection, event="token_used")) == 1
