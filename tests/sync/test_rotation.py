"""Keys that change: a device's and the hub's, over both carriers, broken off at every step, and misused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.work.passwords import PasswordRefused
from desktop.work.syncing import Syncing
from server_stub import backup
from server_stub import keys as hub_keys
from server_stub.hub import Hub
from server_stub.invitations import cancel, issued
from shared.clock import Clock
from shared.errors import HubRefused, InputError, PackageTampered, UnknownSigner
from shared.fictitious import market_entities
from shared.store import audit
from shared.store.exchange import reach
from sync import enrol, package
from sync.hub_trust import SignedLink, TrustLink, make_link, read_links, write_links
from sync.messages import PROTOCOL
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys, HubTrust, InviteCode
from tests.fixtures.devices import Device, Direct, Enrol, handle
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, serving
from tests.fixtures.samples import sample
from tests.fixtures.stations import PASSWORD, Station, open_station, quiet, station

ENTITIES = list(market_entities(2, DIVISION, 5))


def alert(title: str) -> dict[str, str]:
    return {**sample("alert"), "entity_name": title, "kind": "1", "origin": "1", "state": "raised"}


def rotate_hub(place: Place, **options: int) -> None:
    """``keys rotate``, as another process does it."""
    hub_keys.rotate(place.hub.data / "hub.key", PASSPHRASE, place.hub.clock, **options)


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture
def one(place: Place, url: str, tmp_path: Path) -> Iterator[Station]:
    made = station(place.hub, url, place.a, tmp_path / "one")
    Syncing(made.session).sync_now(quiet)
    yield made
    made.session.close()


# --- a device's keys ---------------------------------------------------------------
def test_new_keys_speak_from_the_next_set_on(one: Station, place: Place, tmp_path: Path) -> None:
    session, ledger = one.session, place.hub.ledger
    before = ledger.device(session.device)
    assert before is not None
    one.insert("alert", alert("旧"))
    session.engine.cut()
    old_stick = io.BytesIO()
    session.engine.prepare(old_stick, "media")  # sealed by the old key, and late
    with pytest.raises(PasswordRefused):
        session.seat_keys.rotate("不是这个密码")
    name = session.seat_keys.rotate(PASSWORD)
    with pytest.raises(InputError, match="还没有得到中心确认"):
        session.seat_keys.rotate(PASSWORD)
    one.insert("alert", alert("新"))
    done = Syncing(session).sync_now(quiet)
    assert done.sent_changes == 2 and not done.trouble
    after = ledger.device(session.device)
    assert after is not None and after.sign.key_id == name != before.sign.key_id
    assert session.device_keys.next is None and session.device_keys.sign.key_id == name  # confirmed
    assert len(session.device_keys.old) == 1 and before.sign in session.device_keys.signers
    assert one.value("device", session.device, "sign_key") == after.sign.to_bytes().hex()
    _, answer = handle(place.hub, old_stick.getvalue())  # taken, and answered to the new key
    opened = session.engine.open(io.BytesIO(answer))
    assert opened.core.audience == (session.device_keys.seal.kid,)
    with place.hub.store.read() as connection:
        assert "key_rotated" in {e.event for e in audit.latest(connection)}
    session.close()
    again = open_station(tmp_path / "one", "chenmin")
    again.insert("alert", alert("以后"))
    assert Syncing(again.session).sync_now(quiet).sent_changes == 1
    again.session.close()


def test_broken_off_at_any_step_it_is_harmless(one: Station, place: Place, tmp_path: Path) -> None:
    session = one.session
    made = replace(session.device_keys, next=DeviceKeys.generate())
    session._keys.keep_ring(made)  # written, never announced
    session.close()
    again = open_station(tmp_path / "one", "chenmin")
    assert again.session.device_keys.next is None
    again.session.seat_keys.rotate(PASSWORD)  # announced, never confirmed
    again.insert("alert", alert("一"))
    handle(place.hub, _export(again))  # the hub has switched, its answer is lost
    again.session.close()
    third = open_station(tmp_path / "one", "chenmin")
    assert third.session.device_keys.change
    assert not Syncing(third.session).sync_now(quiet).trouble
    assert third.session.device_keys.next is None
    third.session.close()


def test_confirmed_but_the_key_file_did_not_follow(one: Station, tmp_path: Path) -> None:
    session = one.session
    name = session.seat_keys.rotate(PASSWORD)
    session.engine.credentials.told = lambda: None  # the power goes here
    Syncing(session).sync_now(quiet)
    session.close()
    again = open_station(tmp_path / "one", "chenmin")
    assert again.session.device_keys.next is None and again.session.device_keys.sign.key_id == name
    assert not Syncing(again.session).sync_now(quiet).trouble
    again.session.close()


def test_an_answer_under_way_to_the_old_key_is_still_opened(one: Station, place: Place) -> None:
    _, answer = handle(place.hub, _export(one))
    one.session.seat_keys.rotate(PASSWORD)
    Syncing(one.session).sync_now(quiet)
    one.session.engine.absorb(one.session.engine.open(io.BytesIO(answer)), "media")


def test_the_old_key_signs_nothing_new(place: Place, enrol_at: Enrol) -> None:
    device = enrol_at(place.a, "chenmin")
    device.sync()
    _rotated(device)
    device.sync()
    thief = device.keys  # the old keys
    device.insert("alert", alert("贼"))
    device.engine.credentials.ring = replace(device.engine.credentials.ring, now=thief, next=None, change="")
    with pytest.raises(PackageTampered):
        handle(place.hub, device.export())


def test_an_announcement_by_a_stranger(place: Place, enrol_at: Enrol) -> None:
    device, other = enrol_at(place.a, "chenmin"), enrol_at(place.b, "zhou")
    before = place.hub.ledger.device(device.grant.device)
    stranger = DeviceKeys.generate()
    ring = replace(device.engine.credentials.ring, now=stranger, next=DeviceKeys.generate())
    device.engine.credentials.announce(ring, device.grant.device, 1)
    with pytest.raises(PackageTampered, match="原来的密钥"):
        handle(place.hub, device.export())
    mine = replace(other.engine.credentials.ring, next=DeviceKeys.generate())
    other.engine.credentials.announce(mine, device.grant.device, 1)  # for somebody else's device
    with pytest.raises(UnknownSigner):
        handle(place.hub, other.export())
    assert place.hub.ledger.device(device.grant.device) == before


def _rotated(device: Device) -> None:
    ring = replace(device.engine.credentials.ring, next=DeviceKeys.generate())
    device.engine.cut()
    device.engine.credentials.announce(ring, device.grant.device, 1)


def _export(at: Station) -> bytes:
    out = io.BytesIO()
    at.session.engine.prepare(out, "media")
    return out.getvalue()


# --- the hub's keys ----------------------------------------------------------------
def test_devices_follow_the_hub_by_network_and_by_stick(place: Place, enrol_at: Enrol) -> None:
    near, far = enrol_at(place.a, "chenmin"), enrol_at(place.b, "zhou")
    near.sync()
    far.sync()
    before = place.hub.keys.sign.public
    old_answer = handle(place.hub, far.export())[1]
    waiting = far.export()  # sealed to the old key
    rotate_hub(place)
    rotate_hub(place)
    near.insert("alert", alert("一"))
    near.sync()
    assert near.engine._hub.version == 2 and near.engine._hub.sign == place.hub.keys.sign.public != before
    far.take(handle(place.hub, waiting)[1])
    assert far.engine._hub.sign == place.hub.keys.sign.public
    far.take(old_answer)  # signed before, still taken
    far.insert("alert", alert("二"))
    handled, answer = handle(place.hub, far.export())
    assert far.export() and handled.intake.outcome == "applied"
    assert package.inspect(io.BytesIO(answer)).core.prereqs.get("trust") is None  # known by now
    far.take(answer)
    assert near.engine._hub.seal.kid == place.hub.keys.seal.kid


def test_what_was_learned_survives_a_restart(one: Station, place: Place, tmp_path: Path) -> None:
    rotate_hub(place)
    Syncing(one.session).sync_now(quiet)
    one.session.close()
    again = open_station(tmp_path / "one", "chenmin")
    assert again.session.hub_trust.sign == place.hub.keys.sign.public
    assert again.session.hub_trust.signers[-1] != place.hub.keys.sign.public
    assert not Syncing(again.session).sync_now(quiet).trouble
    again.session.close()


def test_a_code_of_the_old_root_enrols_at_the_new(place: Place, url: str, tmp_path: Path) -> None:
    from server_stub.enrolment import Account

    code = place.hub.enrolment.invite(Account("chenmin", "陈敏", place.a, ("officer",)))
    rotate_hub(place)
    keys, out = DeviceKeys.generate(), io.BytesIO()
    enrol.seal_request(out, "ab" * 16, keys, code, "甲局-01", place.hub.clock.stamp())
    _, answer = handle(place.hub, out.getvalue())
    grant = enrol.open_grant(io.BytesIO(answer), keys, code)
    assert (grant.hub_sign_key, grant.trust_version) == (place.hub.keys.sign.public.to_bytes(), 1)
    strange = InviteCode.create(SigningKey.generate().public.to_bytes())
    with pytest.raises(UnknownSigner):
        enrol.open_grant(io.BytesIO(answer), keys, strange)


def test_the_word_of_a_former_root_ends(place: Place, enrol_at: Enrol) -> None:
    device = enrol_at(place.a, "chenmin")
    answer = handle(place.hub, device.export())[1]
    rotate_hub(place, old_word_days=0)
    device.sync()
    with pytest.raises(UnknownSigner):
        device.take(answer)


def link(trust: HubTrust, old: SigningKey, new: SigningKey, version: int, hub_id: str = "") -> SignedLink:
    said = TrustLink(
        v=PROTOCOL, hub_id=hub_id or trust.hub_id, version=version, prev_sign_key=old.public.to_bytes(),
        sign_key=new.public.to_bytes(), seal_key=OpenKey.generate().public.to_bytes(), recovery_key=b"",
        old_until="2999-01-01T00:00:00+08:00", at="2026-05-06T09:00:00+08:00",
    )  # fmt: skip
    return make_link(said, old, new)


def test_a_chain_is_followed_link_by_link_or_not_at_all() -> None:
    root, second, stranger = (SigningKey.generate() for _ in range(3))
    trust = HubTrust("h" * 32, "中心", root.public, OpenKey.generate().public)
    good = link(trust, root, second, 1)
    wide = trust.extended([good])
    assert wide.version == 1 and wide.sign == second.public and wide.key(root.key_id) == root.public
    assert wide.extended([good]) == wide  # again: nothing
    bad = [
        link(trust, stranger, second, 1),  # signed by a stranger
        link(trust, root, second, 2),  # one is missing
        link(trust, root, second, 1, "x" * 32),  # another hub's
        SignedLink(good.old, link(trust, root, stranger, 1).new),  # two halves of two links
        SignedLink(good.old, good.old),  # not proven by the new key
    ]
    for one_bad in bad:
        with pytest.raises(PackageTampered):
            trust.extended([one_bad])
    with pytest.raises(PackageTampered, match="以前收到的不同"):
        wide.extended([link(trust, root, stranger, 1)])
    with pytest.raises(PackageTampered):
        wide.extended([link(trust, root, stranger, 2)])  # the former root rules no more
    assert wide.as_of("3000-01-01T00:00:00+08:00").key(root.key_id) is None
    assert read_links(write_links([good])) == [good]
    with pytest.raises(PackageTampered):
        read_links("zz")


def test_nothing_of_a_rotation_is_half_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.hub.data / "hub.key"
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError("断电")

    with monkeypatch.context() as patch:
        patch.setattr("server_stub.keys.os.replace", broken)
        with pytest.raises(OSError, match="断电"):
            rotate_hub(place)
    assert path.read_bytes() == before
    rotate_hub(place)
    assert hub_keys.load(path, PASSPHRASE).version == 1


# --- invitations -------------------------------------------------------------------
def test_codes_are_not_in_the_database_and_can_be_withdrawn(place: Place, tmp_path: Path) -> None:
    from server_stub.enrolment import Account

    code = place.hub.enrolment.invite(Account("chenmin", "陈敏", place.a, ("officer",)))
    with place.hub.store.read() as connection:
        (kept,) = connection.exec_driver_sql("SELECT code FROM invite").fetchone() or ("",)
    assert code.text not in str(kept) and str(kept).startswith("sealed:")
    assert [one.state for one in issued(place.hub.store)] == ["open"]
    cancel(place.hub.store, "chenmin")
    assert [one.state for one in issued(place.hub.store)] == ["cancelled"]
    keys, out = DeviceKeys.generate(), io.BytesIO()
    enrol.seal_request(out, "ab" * 16, keys, code, "甲局-01", Clock().stamp())
    with pytest.raises(HubRefused, match="作废"):
        handle(place.hub, out.getvalue())
    with pytest.raises(InputError, match="没有这个"):
        cancel(place.hub.store, "chenmin")


# --- the lease ---------------------------------------------------------------------
def test_the_hub_says_how_long(one: Station, place: Place) -> None:
    from shared.store.facts import write_number

    assert one.session.lease.allowed == 30
    with place.hub.store.write() as connection:
        write_number(connection, "lease_days", 12)
    said = {"lease_days": 365, "hub_url": one.session.settings.hub_url}
    one.session.settings.path.write_text(json.dumps(said))
    Syncing(one.session).sync_now(quiet)
    assert one.session.lease.allowed == 12


def test_a_hub_restored_from_before_the_change_follows_again(
    place: Place, tmp_path: Path
) -> None:
    """The announcement is offered until a backup holds what the new key signed."""
    with serving(place.hub) as address:
        made = station(place.hub, address, place.a, tmp_path / "one")
        made.insert("market_entity", ENTITIES[0])
        Syncing(made.session).sync_now(quiet)
        file, _ = backup.make(place.hub, tmp_path / "before.yzbackup")
        name = made.session.seat_keys.rotate(PASSWORD)
        made.insert("market_entity", ENTITIES[1])
        Syncing(made.session).sync_now(quiet)
        assert made.session.device_keys.next is None and made.session.device_keys.sign.key_id == name
    data = place.hub.data
    place.hub.close()
    backup.restore(file, place.url, data, PASSPHRASE)
    place.hub = Hub(place.url, data, PASSPHRASE)
    engine = made.session.engine
    engine.sync(Direct(place.hub), quiet)
    found = place.hub.ledger.device(made.session.device)
    assert found is not None and found.sign.key_id == name
    with made.session.store.read() as connection:
        at = reach(connection)
    assert at.receipted == at.written > 1
    assert engine.credentials.said()  # until a backup holds it
    backup.make(place.hub, tmp_path / "after.yzbackup")
    engine.sync(Direct(place.hub), quiet)
    assert not engine.credentials.said()
    made.session.close()
