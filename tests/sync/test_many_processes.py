"""What one process reads and then writes, another may change in between: on PostgreSQL nothing of it is lost.

Each test holds what two processes want until both surely wait for it, in the order that would go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from server_stub.device_keys import ROTATED
from server_stub.hub import Hub
from server_stub.review import REJECTED, RELEASED
from server_stub.tokens import Tokens
from shared.changes import GENESIS
from shared.errors import AccessDenied
from shared.fictitious import market_entities
from shared.scope import division_stream
from shared.store import audit, sql
from shared.types import catalog
from sync.messages import Branch
from sync.trust import DeviceKeys
from tests.fixtures.devices import Device, Enrol, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place
from tests.fixtures.waiting import held_up, row
from tests.sync.test_held_sets import freeze

ENTITIES = list(market_entities(6, DIVISION))
DEVICE = "SELECT 1 FROM device_key WHERE device = ?"
TURN = row("SELECT 1 FROM fact WHERE name = 'seq'")

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


# --- one device, two ways ------------------------------------------------------
def revoked_by_command(a: Device, admin: Device) -> Callable[[Hub], object]:
    return lambda hub: hub.ledger.revoke(a.grant.device, "丢失")


def revoked_by_an_administrator(a: Device, admin: Device) -> Callable[[Hub], object]:
    said = {"revoke_reason": "丢失", "revoked_at": admin.store.clock.stamp()}
    admin.update("device", a.grant.device, state="revoked", **said)
    package = admin.export()
    return lambda hub: handle(hub, package)


def keys_changed(a: Device, admin: Device) -> Callable[[Hub], object]:
    new, known = DeviceKeys.generate(), a.hub.ledger.device(a.grant.device)
    assert known is not None
    sign, seal = new.sign.public.to_bytes(), new.seal.public.to_bytes()
    return lambda hub: hub.device_keys.replace(known, sign, seal, 1, 100, ROTATED)


def line_begun(a: Device, admin: Device) -> Callable[[Hub], object]:
    begun = Branch(incarnation=2, parent=1, parent_seq=0, parent_head=GENESIS, start=0)
    return lambda hub: hub.ledger.learn(a.grant.device, [begun])


@pytest.mark.parametrize(
    "made", [revoked_by_command, revoked_by_an_administrator, keys_changed, line_begun]
)
def test_a_set_comes_in_while_something_else_is_done_to_its_device(
    place: Place, others: list[Hub], enrol_at: Enrol, made: Callable[..., Callable[[Hub], object]]
) -> None:
    """Both need the numbering and the device; whoever has one of them must not wait for who has the other."""
    admin, a = enrol_at(place.b, "wang", roles=["hub_admin", "officer"]), enrol_at(place.a, "chenmin")
    admin.sync()
    a.insert("market_entity", ENTITIES[0])
    package, also = a.export(), made(a, admin)
    with held_up(place, row(DEVICE, a.grant.device)) as queue:
        taking = queue.add(lambda: handle(others[0], package))
        doing = queue.add(lambda: also(others[1]))
    handled, _ = taking.result()  # type: ignore[misc]
    doing.result()
    assert [s.status for s in handled.intake.sets] == ["applied"]
    if made in (revoked_by_command, revoked_by_an_administrator):
        assert value(place.hub.store, "device", a.grant.device, "state") == "revoked"
        assert value(place.hub.store, "device", a.grant.device, "last_seq") == 1


# --- what was put aside ----------------------------------------------------------
def test_of_two_who_decide_at_once_the_second_hears_that_it_is_decided(
    place: Place, others: list[Hub], enrol_at: Enrol
) -> None:
    """Both have seen it waiting; what the first does with it is what its record says."""
    a = enrol_at(place.a, "chenmin")
    a.sync()
    freeze(place, "chenmin")
    a.insert("market_entity", ENTITIES[0])
    handle(place.hub, a.export())
    (held,) = rows(place.hub.store, "held_set")
    with held_up(place, TURN) as queue:
        returning = queue.add(lambda: others[0].ledger.review.decide(held["id"], REJECTED, "不符"))
        releasing = queue.add(lambda: others[1].ledger.review.decide(held["id"], RELEASED, ""))
    returning.result()
    with pytest.raises(AccessDenied):
        releasing.result()
    assert value(place.hub.store, "held_set", held["id"], "state") == REJECTED
    assert count(place.hub.store, "market_entity") == 0
    with place.hub.store.read() as connection:
        assert [e.event for e in audit.latest(connection, 2)] == ["reject", "held"]


def test_what_waited_for_an_upgrade_comes_in_once_however_many_processes_start(
    place: Place, enrol_at: Enrol
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.sync()
    types = tuple(t for t in catalog.ALL if t.name != "market_entity")
    with ExitStack() as older:
        old = Hub(place.url, place.hub.data, PASSPHRASE, keys=place.hub.keys, types=types)
        older.callback(old.close)
        a.insert("market_entity", ENTITIES[0])
        handled, _ = handle(old, a.export())
    assert [s.status for s in handled.intake.sets] == ["quarantined"]
    with held_up(place, TURN) as queue:
        starting = [
            queue.add(lambda: Hub(place.url, place.hub.data, PASSPHRASE, keys=place.hub.keys)) for _ in range(2)
        ]
    for one in starting:
        one.result().close()  # type: ignore[attr-defined]
    assert value(place.hub.store, "market_entity", rows(a.store, "market_entity")[0]["id"], "uscc")
    with place.hub.store.read() as connection:
        assert len(audit.latest(connection, event="release")) == 1
        told = sql.execute(connection, "SELECT n FROM stream WHERE name = ?", (division_stream(DIVISION),))
        assert told.scalar() == 1
