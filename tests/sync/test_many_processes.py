"""What one process reads and then writes, another may change in between: on PostgreSQL nothing of it is lost.

Each test holds what two processes want until both surely wait for it, in the order that would go wrong.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from typing import Any

import pytest
import sqlalchemy as sa

from server_stub import keys as hub_keys
from server_stub.device_keys import ROTATED
from server_stub.enrolment import Account
from server_stub.handovers import close
from server_stub.hub import Hub
from server_stub.invitations import cancel
from server_stub.keys import HubKeys
from server_stub.postal import asked_of
from server_stub.review import REJECTED, RELEASED
from server_stub.tokens import Tokens
from shared.access import HUB_ACTOR
from shared.changes import GENESIS
from shared.errors import AccessDenied, DatabaseBusy, HubRefused, InputError
from shared.fictitious import market_entities
from shared.ids import new_id
from shared.scope import division_stream
from shared.store import audit, sql
from shared.store.facts import read_text, write_text
from shared.types import catalog
from sync import enrol
from sync.hub_trust import SignedLink
from sync.messages import Branch
from sync.package import verify
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures.devices import Device, Enrol, count, handle, rows, value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, Postgres
from tests.fixtures.waiting import held_up, row
from tests.sync.test_held_sets import freeze

ENTITIES = list(market_entities(6, DIVISION))
DEVICE = "SELECT 1 FROM device_key WHERE device = ?"
CHAIN_END = row("SELECT 1 FROM fact WHERE name = ?", audit.END)
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


def test_what_is_returned_just_now_does_not_come_in_because_what_it_lacked_has_come(
    place: Place, others: list[Hub], enrol_at: Enrol
) -> None:
    """After a restore every package lets sets be tried again that lacked something."""
    a = enrol_at(place.a, "chenmin")
    a.sync()
    freeze(place, "chenmin")
    (shop,) = a.insert("market_entity", ENTITIES[0])
    handle(place.hub, a.export())
    freeze(place, "chenmin", "active")
    a.update("market_entity", shop, address="二号")
    handle(place.hub, a.export())
    (lacking,) = [h for h in rows(place.hub.store, "held_set") if h["kind"] == "missing"]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(place.hub.store.types["market_entity"], [{**ENTITIES[0], "address": "一号"}], way="exchange")
    with held_up(place, TURN) as queue:
        returning = queue.add(lambda: others[0].ledger.review.decide(lacking["id"], REJECTED, "不符"))
        trying = queue.add(others[1].ledger._try_again)
    returning.result()
    assert trying.result() == 0
    assert value(place.hub.store, "held_set", lacking["id"], "state") == REJECTED
    assert value(place.hub.store, "market_entity", shop, "address") == "一号"


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


# --- one-time codes, tokens, evidence, mail, hand-overs ------------------------------
def test_a_code_that_is_cancelled_while_somebody_enrols_with_it_is_either_used_or_cancelled(
    place: Place, others: list[Hub]
) -> None:
    code = place.hub.enrolment.invite(Account("chenmin", "陈敏", place.a, ("officer",)))
    typed, request = InviteCode.parse(code.shown()), io.BytesIO()
    enrol.seal_request(request, new_id(), DeviceKeys.generate(), typed, "陈敏的电脑", place.hub.clock.stamp())
    with held_up(place, row("SELECT 1 FROM invite WHERE name = ?", code.name)) as queue:
        cancelling = queue.add(lambda: cancel(others[0].store, code.name))
        enrolling = queue.add(lambda: handle(others[1], request.getvalue()))
    cancelling.result()
    with pytest.raises(HubRefused, match="登记码已作废"):
        enrolling.result()
    assert count(place.hub.store, "device") == 0


def test_of_two_tokens_made_at_once_under_one_name_the_first_is_one(place: Place, others: list[Hub]) -> None:
    Tokens(place.hub.store).add("before")
    with held_up(place, CHAIN_END) as queue:
        first, second = (queue.add(lambda h=h: Tokens(h.store).add("monitoring")) for h in others)
    with pytest.raises(InputError, match="刚刚"):
        second.result()
    assert Tokens(place.hub.store).find(str(first.result()))


def test_evidence_is_asked_for_while_it_is_gone_through(place: Place, others: list[Hub]) -> None:
    Tokens(place.hub.store).add("before")
    with held_up(place, CHAIN_END) as queue:
        asking = queue.add(lambda: others[0].proofs.ask("monitoring"))
        going = queue.add(others[1].proofs.run)
    assert asking.result().running  # type: ignore[attr-defined]
    going.result()
    others[0].proofs.close()
    found = place.hub.proofs.latest()
    assert found is not None and found.words == ""


def test_two_packages_of_a_device_at_once_are_both_remembered(
    place: Place, others: list[Hub], enrol_at: Enrol
) -> None:
    """By stick and by network: the device must hear of both that they arrived."""
    a = enrol_at(place.a, "chenmin")
    a.sync()
    packages = [a.sealed() for _ in range(2)]
    device = a.grant.device
    with held_up(place, row("SELECT 1 FROM device_asked WHERE device = ?", device)) as queue:
        taking = [queue.add(lambda h=h, p=p: handle(h, p[0])) for h, p in zip(others, packages, strict=True)]
    for one in taking:
        one.result()
    with place.hub.store.read() as connection:
        arrived = asked_of(connection, [device])[device].arrived
    assert list(arrived[-2:]) == [told.package_id for _, told in packages]


def test_a_hand_over_that_is_voided_while_its_package_comes_in_holds_nothing_up(
    place: Place, others: list[Hub], enrol_at: Enrol
) -> None:
    a = enrol_at(place.a, "chenmin")
    package, told = a.sealed()
    declared = place.hub.store.types["hand_over"]
    said = {
        "medium_kind": "1", "medium_no": "U-1", "content": "上报变更", "package_id": told.package_id,
        "fingerprint": told.fingerprint_text, "sent_from": "甲局", "sent_to": "中心",
        "handed_at": place.hub.clock.stamp(),
    }  # fmt: skip
    with place.hub.store.unit(HUB_ACTOR) as unit:
        (record,) = unit.insert(declared, [said], way="exchange", proven=True)

    def void() -> None:
        with others[0].store.unit(HUB_ACTOR) as unit:
            unit.delete(declared, record, "重复登记")

    verified = verify(io.BytesIO(package), place.hub.signer)
    with held_up(place, TURN) as queue:
        voiding = queue.add(void)
        closing = queue.add(lambda: close(others[1].store, place.a, verified, [], news=False))
    voiding.result()
    assert closing.result() == 0


def test_two_who_change_the_hubs_keys_at_once_change_them_one_after_the_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices that have followed the first link must find the second after it, not in its place."""
    path, clock, made = place.hub.data / "hub.key", place.hub.clock, list[Future[HubKeys]]()
    link = hub_keys.make_link

    def meanwhile(*said: Any) -> SignedLink:
        if not made:
            made.append(pool.submit(hub_keys.rotate, path, PASSPHRASE, clock))
            wait(made, 0.2)  # it must not come through, however long it is given
        return link(*said)

    monkeypatch.setattr(hub_keys, "make_link", meanwhile)
    with ThreadPoolExecutor(1) as pool:
        first = hub_keys.rotate(path, PASSPHRASE, clock)
        second = made[0].result()
    kept = hub_keys.load(path, PASSPHRASE)
    assert (first.version, second.version, kept.version) == (1, 2, 2)
    assert kept.links[:1] == first.links and kept.sign.public == second.sign.public


def test_evidence_is_gone_through_with_the_keys_another_process_changed(place: Place, enrol_at: Enrol) -> None:
    """Who was only asked for it has not noticed yet that others sign with new keys."""
    a = enrol_at(place.a, "chenmin")
    a.sync()
    with closing(Hub(place.url, place.hub.data, PASSPHRASE)) as other:
        hub_keys.rotate(place.hub.data / "hub.key", PASSPHRASE, place.hub.clock)
        a.hub = other
        a.insert("market_entity", ENTITIES[0])
        a.sync()
        assert other.keys.version == 1
    assert place.hub.keys.version == 0
    assert place.hub.proofs.run().words == ""


# --- what the server says -------------------------------------------------------------
def test_who_is_given_up_for_another_hears_that_nothing_was_done(place: Place, others: list[Hub]) -> None:
    one, other = (row("SELECT 1 FROM fact WHERE name = ?", name) for name in ("epoch", "device"))
    mine, told = list[sa.Connection](), list[DatabaseBusy]()

    def crosswise() -> None:
        with others[0].store.write() as connection:
            other(connection)
            one(connection)

    def hold(connection: sa.Connection) -> None:
        mine.append(connection)
        one(connection)

    try:
        with held_up(place, hold) as queue:
            waits = queue.add(crosswise)
            other(mine[0])
        waits.result()
    except DatabaseBusy as busy:
        told.append(busy)
    assert ("没有做成" in told[0].message, "再做一次" in told[0].hint) == (True, True)


def test_a_server_that_goes_away_is_told_and_forgotten_when_it_is_back(place: Place, postgres: Postgres) -> None:
    def interrupted() -> None:
        with place.hub.store.write() as connection:
            number = sql.execute(connection, "SELECT pg_backend_pid()").scalar()
            postgres.run(f"SELECT pg_terminate_backend({number})")
            write_text(connection, "said", "never")

    with pytest.raises(DatabaseBusy, match="连接断开"):
        interrupted()
    with place.hub.store.write() as connection:
        assert read_text(connection, "said") == ""
