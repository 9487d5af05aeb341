"""A further person at a computer: by a one-time password, believed by the hub only where an administrator said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.work.passwords import MustChoose, PasswordRefused
from desktop.work.seat_accounts import SeatAccounts
from desktop.work.session import Session, sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from server_stub.enrolment import Account
from shared.errors import AccessDenied, InputError, StoreError
from shared.store import audit
from tests.fixtures.devices import Enrol, handle, rows
from tests.fixtures.hubs import Place, serving
from tests.fixtures.samples import sample
from tests.fixtures.stations import PASSWORD, enrolment, invite, key_file, quiet

OWN = "老周自己选的一句密码"


def alert(title: str) -> dict[str, str]:
    return {**sample("alert"), "entity_name": title, "kind": "1", "origin": "1", "state": "raised"}


def open_as(folder: Path, account: str, password: str, chosen: str = "") -> Session:
    return sign_in(Settings(folder), account, password, chosen=chosen, keys=key_file(folder))


@pytest.fixture
def folder(place: Place, tmp_path: Path) -> Iterator[Path]:
    """A computer of bureau a, enrolled for its administrator; 老周 is known, at no computer yet."""
    hub, home = place.hub, tmp_path / "one"
    with serving(hub) as url:
        code = invite(hub, place.a, "chenmin", "陈敏", ("officer", "bureau_admin"))
        enrolment(home).enrol_online(url, code, "甲局-01", PASSWORD, quiet)
        for account, bureau in (("zhou", place.a1), ("lin", place.b)):
            hub.enrolment.invite(Account(account, account, bureau, ("officer",)))
        session = open_as(home, "chenmin", PASSWORD)
        Syncing(session).sync_now(quiet)
        session.close()
        yield home


def enter(session: Session, title: str) -> None:
    with session.store.unit(session.actor) as unit:
        unit.insert(session.store.types["alert"], [alert(title)])


def test_a_further_person_works_and_is_believed(folder: Path, place: Place) -> None:
    admin = open_as(folder, "chenmin", PASSWORD)
    cases = SeatAccounts(admin)
    made = cases.issue("zhou")
    assert len(made.password.replace("-", "")) == 16 and [a.account for a in cases.here()] == ["chenmin", "zhou"]
    admin.close()
    with pytest.raises(PasswordRefused):
        open_as(folder, "zhou", "AAAA-BBBB-CCCC-DDDD")
    with pytest.raises(MustChoose):  # the right one opens nothing by itself
        open_as(folder, "zhou", made.password.lower())
    with pytest.raises(InputError, match="至少 8"):
        open_as(folder, "zhou", made.password, "短")
    with pytest.raises(InputError, match="不能与一次性口令相同"):
        open_as(folder, "zhou", made.password, made.password)
    zhou = open_as(folder, "zhou", made.password, OWN)
    assert zhou.actor.name == "zhou" and zhou.actor.bureau == place.a1
    enter(zhou, "老周的")
    done = Syncing(zhou).sync_now(quiet)
    assert not done.trouble and Syncing(zhou).state().all_in
    zhou.close()
    with pytest.raises(PasswordRefused):
        open_as(folder, "zhou", made.password)
    again = open_as(folder, "zhou", OWN)
    with again.store.read() as connection:
        noted = audit.latest(connection)
    assert "account_added" in {e.event for e in noted}
    assert [e.detail.split()[0] for e in noted if e.event == "sign_in_failed"] == ["zhou", "zhou"]
    again.close()


def test_removed_it_opens_nothing_and_is_believed_no_more(folder: Path, place: Place) -> None:
    admin = open_as(folder, "chenmin", PASSWORD)
    made = SeatAccounts(admin).issue("zhou")
    with pytest.raises(InputError, match="正在使用"):
        SeatAccounts(admin).remove("chenmin")
    admin.close()
    zhou = open_as(folder, "zhou", made.password, OWN)
    enter(zhou, "以前的")
    with pytest.raises(AccessDenied, match="只有单位管理员"):
        SeatAccounts(zhou).issue("chenmin")
    who = zhou.actor
    zhou.close()
    admin = open_as(folder, "chenmin", PASSWORD)
    SeatAccounts(admin).remove("zhou")
    with pytest.raises(PasswordRefused, match="没有这个账号"):
        key_file(folder).unlock("zhou", OWN)
    assert not Syncing(admin).sync_now(quiet).trouble  # what was entered before counts
    with admin.store.unit(replace(who)) as unit:  # a modified program goes on in that name
        unit.insert(admin.store.types["alert"], [alert("以后的")])
    trouble = Syncing(admin).sync_now(quiet).trouble
    assert [t.status for t in trouble] == ["quarantined"] and "没有登记在这台设备上" in trouble[0].reason
    back = SeatAccounts(admin).issue("zhou")  # and may come back
    assert back.password != made.password
    admin.close()


def test_who_may_be_put_where(folder: Path, place: Place, enrol_at: Enrol) -> None:
    admin = open_as(folder, "chenmin", PASSWORD)
    cases = SeatAccounts(admin)
    for account, error, said in (
        ("lin", InputError, "没有账号"),  # another bureau's account is not even known here
        ("nobody", InputError, "没有账号"),
        ("chenmin", InputError, "已经可以"),
    ):
        with pytest.raises(error, match=said):
            cases.issue(account)
    assert [account for account, _ in cases.candidates()] == ["zhou"]
    admin.close()


def test_the_hub_lets_no_device_bind_what_its_administrator_does_not_administer(
    place: Place, enrol_at: Enrol
) -> None:
    device, other = enrol_at(place.a, "chenmin", roles=("officer", "bureau_admin")), enrol_at(place.b, "lin")
    device.sync()
    for target, user in ((device.grant.device, other.grant.user), (other.grant.device, device.grant.user)):
        device.insert(
            "seat_account",
            {"device": target, "user": user, "bureau": place.a, "granted_by": device.grant.user,
             "granted_at": device.store.clock.stamp(), "state": "active"},
        )  # fmt: skip
        handled, answer = handle(place.hub, device.export())
        assert [s.status for s in handled.intake.sets] == ["quarantined"]
        assert "本单位及下级单位" in handled.intake.sets[0].reason
        device.take(answer)
    bound = {(r["device"], r["user"]) for r in rows(place.hub.store, "seat_account")}
    assert bound == {(d.grant.device, d.grant.user) for d in (device, other)}


def test_a_one_time_password_ends(folder: Path) -> None:
    from desktop.work.keys import KeyFile
    from shared.clock import Clock, system_millis
    from tests.fixtures.stations import LIGHT

    admin = open_as(folder, "chenmin", PASSWORD)
    made = SeatAccounts(admin).issue("zhou")
    admin.close()
    later = KeyFile(
        folder, vault=lambda: None, argon=LIGHT, clock=Clock(lambda: system_millis() + 8 * 86_400_000)
    )
    with pytest.raises(StoreError, match="已过期"):
        later.unlock("zhou", made.password)
    text = later.path.read_text().replace(made.expires, "2999-01-01T00:00:00+08:00")
    later.path.write_text(text)  # its end is part of what is sealed
    with pytest.raises(PasswordRefused):
        later.unlock("zhou", made.password)
