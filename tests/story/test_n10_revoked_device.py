"""N10: a seat is revoked; the news reaches a bureau that has nothing but sticks, and nothing of its work is lost.

老周's computer was stolen. The centre revokes it in its own window's way: an ordinary change. From
the next package on what it brings waits for a person, and it hears nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.work.highwater import WORDS
from desktop.work.media import MediumInfo
from desktop.work.session import LeaseState
from desktop.work.syncing import Syncing
from server_stub import backup
from server_stub.devices import revoke_device
from server_stub.hub import Hub
from shared.errors import AccessDenied, PackageError
from shared.fictitious import market_entities
from shared.standing import Standing
from shared.store import audit
from shared.store.facts import write_text
from sync.lines import REVOKED_IN, STANDS
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, serving
from tests.fixtures.stations import PASSWORD, Station, enrolment, invite, open_station, quiet, station

ENTITIES = list(market_entities(12, DIVISION, 10))
STICK = MediumInfo("1", "U-2026-010")


@pytest.fixture
def zhou(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """A bureau with nothing but sticks."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    one, answer = enrolment(tmp_path / "zhou"), tmp_path / "grant.yzp"
    request = one.write_request(tmp_path, invite(place.hub, place.b, "zhou", "老周"), "乙局-01", PASSWORD, quiet)
    answer.write_bytes(handle(place.hub, request.path.read_bytes())[1])
    enrolment(tmp_path / "zhou").read_grant(answer, PASSWORD, quiet)
    made = open_station(tmp_path / "zhou", "zhou")
    yield made
    made.session.close()


def brought(place: Place, one: Station, folder: Path) -> tuple[str, Path]:
    """A stick goes to the centre; what it made of it, and the answer."""
    folder.mkdir()
    handled, answer = handle(place.hub, one.media.export(folder, STICK, quiet).path.read_bytes())
    path = folder / "answer.yzp"
    path.write_bytes(answer)
    return handled.intake.outcome, path


def take(one: Station, answer: Path) -> None:
    received = one.media.receive(answer, quiet)
    one.media.apply(received, STICK, quiet)
    received.close()


def revoke(admin: Device, device: str) -> None:
    admin.update(
        "device", device, state="revoked", revoke_reason="电脑被盗", revoked_at=admin.store.clock.stamp()
    )
    admin.sync()


def names(store: Any) -> set[str]:
    return {r["name"] for r in rows(store, "market_entity")}


def test_a_revoked_seat_that_has_only_sticks(
    place: Place, enrol_at: Enrol, zhou: Station, tmp_path: Path
) -> None:
    admin = enrol_at(place.a, "wang", roles=["hub_admin", "officer"])
    admin.sync()
    zhou.insert("market_entity", *ENTITIES[:2])
    outcome, answer = brought(place, zhou, tmp_path / "1")
    take(zhou, answer)
    assert outcome == "applied"
    before = names(place.hub.store)

    zhou.insert("market_entity", *ENTITIES[2:4])  # the centre revokes while these are still at home
    revoke(admin, zhou.session.device)
    assert not zhou.session.read_only  # nobody has told him yet
    outcome, answer = brought(place, zhou, tmp_path / "2")
    assert outcome == "quarantined" and names(place.hub.store) == before
    take(zhou, answer)  # the news came on the stick
    lease = zhou.session.lease
    assert lease.state is LeaseState.OVER and "电脑被盗" in lease.message and "导出" in lease.message
    with pytest.raises(AccessDenied):
        zhou.session.records.save(zhou.session.records.type("market_entity"), ENTITIES[5])

    # a sealed export is still possible; it waits for a person like the one before, and nothing comes back
    admin.insert("market_entity", ENTITIES[6])
    admin.sync()
    outcome, answer = brought(place, zhou, tmp_path / "3")
    assert outcome == "quarantined"  # the hand-over sheet of that stick
    take(zhou, answer)
    assert ENTITIES[6]["name"] not in names(zhou.session.store)
    assert {str(e["name"]) for e in ENTITIES[:4]} <= names(zhou.session.store)  # nothing was taken away

    # the decision of a person lets his last work in, under his name
    admin.sync()
    found = sorted(rows(admin.store, "held_set"), key=lambda r: int(r["first"]))
    assert {(h["kind"], h["device"]) for h in found} == {("revoked", zhou.session.device)}
    held = next(h for h in found if "市场主体 2 条" in h["summary"])
    admin.update(
        "held_set", held["id"], state="released", decision_note="已电话核实", decided_by=admin.actor.user,
        decided_at=admin.store.clock.stamp(),
    )
    admin.sync()
    assert names(place.hub.store) == before | {str(e["name"]) for e in (*ENTITIES[2:4], ENTITIES[6])}


def test_a_revoked_seat_with_a_network(
    place: Place, enrol_at: Enrol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the next synchronization it knows; it turns read-only, says so, and still brings and exports its work."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    admin = enrol_at(place.a, "wang", roles=["hub_admin", "officer"])
    admin.sync()
    with serving(place.hub) as url:
        one = station(place.hub, url, place.b, tmp_path / "one", "chenmin", "陈敏")
        Syncing(one.session).sync_now(quiet)
        one.insert("market_entity", ENTITIES[0])
        Syncing(one.session).sync_now(quiet)
        one.insert("market_entity", ENTITIES[1])  # not sent yet
        admin.sync()
        revoke(admin, one.session.device)
        assert not one.session.read_only
        report = Syncing(one.session).sync_now(quiet)
        assert [s.status for s in report.trouble] == ["quarantined"]
        lease = one.session.lease
        assert one.session.read_only and lease.state is LeaseState.OVER
        assert "被中心吊销（电脑被盗）：不能再录入" in lease.message
        assert "仍可同步或导出给中心，由中心管理员审核" in lease.message
        records = one.session.records
        with pytest.raises(AccessDenied):
            records.save(records.type("market_entity"), ENTITIES[2])
        assert not records.may("create", records.type("market_entity"))
        (held_back,) = [s for s in Syncing(one.session).state().sets if s.standing is Standing.QUARANTINED]
        assert "由中心管理员审核" in held_back.next

        # signed out and in: the same; a sealed export is still possible
        one.session.close()
        one = open_station(tmp_path / "one", "chenmin")
        assert one.session.read_only and "电脑被盗" in one.session.lease.message
        outcome, answer = brought(place, one, tmp_path / "stick")
        assert outcome == "quarantined"  # the hand-over sheet of that stick
        take(one, answer)
        assert Syncing(one.session).sync_now(quiet).received_changes == 0
    assert names(place.hub.store) == {str(ENTITIES[0]["name"])}
    admin.sync()
    kinds = {h["kind"] for h in rows(admin.store, "held_set")}
    assert kinds == {"revoked"}
    one.session.close()


FORGOTTEN = "revocation_forgotten"


def restore(place: Place, file: Path) -> None:
    data = place.hub.data
    place.hub.close()
    backup.restore(file, place.url, data, PASSPHRASE)
    place.hub = Hub(place.url, data, PASSPHRASE)


def lines_about_it(one: Station) -> int:
    with one.session.store.read() as connection:
        assert audit.check(connection).whole
        return len(audit.latest(connection, event=FORGOTTEN))


@pytest.mark.parametrize("noted", [True, False], ids=["epoch-noted", "by-an-earlier-program"])
def test_a_revocation_the_restored_hub_forgot_is_taken_back(
    place: Place, enrol_at: Enrol, zhou: Station, tmp_path: Path, noted: bool
) -> None:
    admin = enrol_at(place.a, "wang", roles=["hub_admin", "officer"])
    admin.sync()
    zhou.insert("market_entity", ENTITIES[0])
    take(zhou, brought(place, zhou, tmp_path / "1")[1])
    file, _ = backup.make(place.hub, tmp_path / "before.yzbackup")
    _, of_before = brought(place, zhou, tmp_path / "2")  # lost on the way, found again later
    zhou.insert("market_entity", ENTITIES[1])
    revoke_device(place.hub.store, zhou.session.device, "电脑被盗")  # at the hub's console: nobody else has it
    outcome, farewell = brought(place, zhou, tmp_path / "3")
    take(zhou, farewell)
    assert outcome == "quarantined" and zhou.session.read_only
    assert zhou.session.lease.revoked
    if not noted:
        with zhou.session.store.write() as connection:
            write_text(connection, REVOKED_IN, "")
    take(zhou, of_before)
    assert zhou.session.read_only and lines_about_it(zhou) == 0  # an older answer takes nothing back

    restore(place, file)
    admin.hub = place.hub
    outcome, answer = brought(place, zhou, tmp_path / "4")
    assert outcome == "parked" and zhou.session.read_only  # it has not heard yet
    take(zhou, answer)
    assert not zhou.session.read_only and not zhou.session.lease.revoked
    records = zhou.session.records
    assert records.may("create", records.type("market_entity"))
    assert lines_about_it(zhou) == 1
    assert zhou.session.take_news() == WORDS[STANDS] and zhou.session.take_news() == ""
    with pytest.raises(PackageError, match="恢复以前签发"):
        take(zhou, farewell)
    assert not zhou.session.read_only  # of a time the hub no longer remembers

    # revoked once more: what the restored hub said before that does not open it again
    outcome, standing = brought(place, zhou, tmp_path / "5")
    assert outcome == "applied"
    admin.sync()
    revoke(admin, zhou.session.device)
    take(zhou, brought(place, zhou, tmp_path / "6")[1])
    assert zhou.session.read_only
    take(zhou, standing)
    assert zhou.session.read_only and lines_about_it(zhou) == 1
