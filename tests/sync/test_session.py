"""First start, sign-in, the lease, and synchronizing: the use cases behind the windows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.enrolment import Enrolment
from desktop.work.guard import InstanceGuard
from desktop.work.passwords import PasswordRefused
from desktop.work.session import LeaseState, sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from shared.access import HUB_ACTOR
from shared.clock import Clock, system_millis
from shared.errors import (
    AccessDenied,
    BadAnswer,
    DatabaseBusy,
    ExchangeError,
    HubRefused,
    InputError,
    NotForUs,
    PackageError,
    Rejected,
    StoreError,
    UnknownSigner,
    Unreachable,
    WrongPassword,
)
from shared.standing import Standing
from tests.fixtures.hubs import Place, make_place
from tests.fixtures.stations import (
    LIGHT,
    PASSWORD,
    Station,
    enrolment,
    invite,
    key_file,
    open_station,
    quiet,
    station,
)
from tests.fixtures.sticks import ENTITIES


@pytest.fixture
def one(centre: Place, url: str, tmp_path: Path) -> Iterator[Station]:
    made = station(centre.hub, url, centre.a, tmp_path / "one")
    yield made
    made.session.close()


# --- enrolment -----------------------------------------------------------------------
def test_enrolment_over_the_network(one: Station, url: str, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "one")
    assert (settings.hub_url, settings.last_account) == (url, "chenmin")
    assert not (settings.folder / "enrolment.json").exists()
    assert (settings.database.stat().st_mode & 0o777) == 0o600
    assert b"SQLite format" not in settings.database.read_bytes()[:32]
    assert one.session.keyring_missing
    with pytest.raises(InputError, match="已经登记过"):
        Enrolment(settings, key_file(settings.folder)).enrol_online(url, "A" * 25, "又一台", PASSWORD, quiet)


def test_a_lost_answer_does_not_waste_the_code(centre: Place, url: str, tmp_path: Path) -> None:
    folder, code = tmp_path / "x", invite(centre.hub, centre.a, "chenmin", "陈敏")

    def lose(done: int, total: int, text: str) -> None:
        if text == "正在下载":
            raise ExchangeError("断电")

    with pytest.raises(ExchangeError, match="断电"):
        enrolment(folder).enrol_online(url, code, "甲局-01", PASSWORD, lose)
    again = enrolment(folder)  # after a restart
    waiting = again.waiting()
    assert waiting is not None and waiting.label == "甲局-01"
    with pytest.raises(WrongPassword, match="当时设置的"):
        again.enrol_online(url, code, "甲局-01", "另外一个密码一二三", quiet)
    assert again.enrol_online(url, code, "甲局-01", PASSWORD, quiet).account == "chenmin"
    assert again.waiting() is None


def test_a_used_or_wrong_code(one: Station, centre: Place, url: str, tmp_path: Path) -> None:
    code = invite(centre.hub, centre.a, "zhou", "老周")
    enrolment(tmp_path / "x").enrol_online(url, code, "甲", PASSWORD, quiet)
    second = enrolment(tmp_path / "y")
    with pytest.raises(HubRefused, match="已被另一台"):
        second.enrol_online(url, code, "乙", PASSWORD, quiet)
    with pytest.raises(InputError, match="25 位"):
        second.enrol_online(url, "不是登记码", "乙", PASSWORD, quiet)
    with pytest.raises(InputError, match="席位名称"):
        second.enrol_online(url, code, " ", PASSWORD, quiet)
    with pytest.raises(InputError, match="至少 8"):
        second.enrol_online(url, code, "乙", "短", quiet)
    with pytest.raises(InputError, match="中心地址"):
        second.enrol_online("", code, "乙", PASSWORD, quiet)
    fresh = invite(centre.hub, centre.a, "sun", "小孙")  # the next code simply replaces the request
    assert second.enrol_online(url, fresh, "乙", PASSWORD, quiet).person == "小孙"


def test_a_password_like_the_account_can_be_chosen_anew(centre: Place, url: str, tmp_path: Path) -> None:
    code = invite(centre.hub, centre.a, "chenmin01", "陈敏")
    first = enrolment(tmp_path / "x")
    with pytest.raises(InputError, match="账号相同"):
        first.enrol_online(url, code, "甲局-01", "chenmin01", quiet)
    assert first.enrol_online(url, code, "甲局-01", PASSWORD, quiet).account == "chenmin01"
    open_station(tmp_path / "x", "chenmin01").session.close()


def test_grant_files_that_do_not_fit(centre: Place, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    mine, theirs = enrolment(tmp_path / "mine"), enrolment(tmp_path / "theirs")
    with pytest.raises(InputError, match="没有等待批复"):
        mine.read_grant(stick / "x.yzp", PASSWORD, quiet)
    code = invite(centre.hub, centre.a, "chenmin", "陈敏")
    request = mine.write_request(stick, code, "甲局-01", PASSWORD, quiet)
    other = theirs.write_request(stick, invite(centre.hub, centre.b, "zhou", "老周"), "乙局-01", PASSWORD, quiet)
    grant = stick / "grant.yzp"
    with other.path.open("rb") as stream, grant.open("wb") as out:
        centre.hub.handle(stream, out)
    with pytest.raises((NotForUs, UnknownSigner)):
        mine.read_grant(grant, PASSWORD, quiet)
    with pytest.raises(PackageError, match="不是登记批复"):
        mine.read_grant(request.path, PASSWORD, quiet)
    with pytest.raises(WrongPassword):
        mine.read_grant(grant, "另外一个密码一二三", quiet)
    foreign = make_place(f"sqlite:///{tmp_path / 'f.db'}", tmp_path / "foreign")
    with foreign.hub.store.write() as connection:  # a hub that stole the code's public half
        connection.exec_driver_sql("DELETE FROM invite")
    with pytest.raises(HubRefused, match="不存在"), request.path.open("rb") as stream, grant.open("wb") as out:
        foreign.hub.handle(stream, out)
    foreign.hub.close()
    assert not (tmp_path / "mine" / "keys.json").exists()
    assert not list((tmp_path / "mine" / "spool").iterdir())
    mine.discard()
    assert mine.waiting() is None


def test_a_database_without_keys_is_set_aside_not_deleted(centre: Place, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "yizhan.db").write_bytes(b"what somebody may still need")
    code = invite(centre.hub, centre.a, "chenmin", "陈敏")
    enrolment(folder).enrol_online(url, code, "甲局-01", PASSWORD, quiet)
    (kept,) = folder.glob("yizhan.db.lost-*")
    assert kept.read_bytes() == b"what somebody may still need"


# --- signing in ----------------------------------------------------------------------
def test_wrong_password_opens_nothing(one: Station, tmp_path: Path) -> None:
    one.session.close()
    with pytest.raises(PasswordRefused):
        sign_in(Settings(tmp_path / "one"), "chenmin", "错误的密码", keys=key_file(tmp_path / "one"))
    again = open_station(tmp_path / "one", "chenmin")  # and holds no lock
    assert again.session.actor.name == "陈敏" and again.session.actor.roles == {"officer"}
    with pytest.raises(PasswordRefused):
        again.session.confirm("错误的密码")
    again.session.confirm(PASSWORD)
    again.session.change_password(PASSWORD, "新的密码一二三四五")
    again.session.confirm("新的密码一二三四五")
    again.session.close()


def test_two_windows_on_one_folder(one: Station, tmp_path: Path) -> None:
    with pytest.raises(DatabaseBusy, match="已在运行"):
        open_station(tmp_path / "one", "chenmin")
    script = (
        "import sys; from pathlib import Path\n"
        "from desktop.work.guard import InstanceGuard\n"
        "from shared.errors import DatabaseBusy\n"
        "try: InstanceGuard(Path(sys.argv[1])).acquire()\n"
        "except DatabaseBusy: sys.exit(7)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "one")]
    assert subprocess.run(command, check=False).returncode == 7
    one.session.close()
    assert subprocess.run(command, check=False).returncode == 0
    guard = InstanceGuard(tmp_path / "one")  # the dead process left its lock behind
    guard.acquire()
    guard.release()


def test_a_missing_or_foreign_database(one: Station, tmp_path: Path) -> None:
    one.session.close()
    database = Settings(tmp_path / "one").database
    moved = database.with_name("elsewhere.db")
    database.rename(moved)
    with pytest.raises(StoreError, match="不见了"):
        open_station(tmp_path / "one", "chenmin")
    assert not database.exists()  # an empty one would fork the device's chain
    database.write_bytes(b"nonsense" * 1000)
    with pytest.raises(StoreError, match="已损坏"):
        open_station(tmp_path / "one", "chenmin")
    moved.rename(database)
    open_station(tmp_path / "one", "chenmin").session.close()


def test_rights_follow_the_hub(one: Station, centre: Place) -> None:
    sync = Syncing(one.session)
    sync.sync_now(quiet)
    user = centre.hub.store.types["user"]
    with centre.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(user, one.session.actor.user, {"roles": "officer,bureau_admin", "name": "陈敏敏"})
    sync.sync_now(quiet)
    assert one.session.actor.roles == {"officer", "bureau_admin"} and one.session.actor.name == "陈敏敏"
    assert one.session.records.actor is one.session.actor
    with centre.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(user, one.session.actor.user, {"state": "frozen"})
    with pytest.raises(AccessDenied, match="停用"):
        sync.sync_now(quiet)


def test_an_administrators_bureaus(centre: Place, url: str, tmp_path: Path) -> None:
    one = station(centre.hub, url, centre.a, tmp_path / "x")
    assert one.session.actor.bureaus == {centre.a}
    assert one.session.bureau.name == "甲局"  # from the grant, before anything was synced
    Syncing(one.session).sync_now(quiet)
    assert one.session.actor.bureaus == {centre.a, centre.a1}
    assert one.session.bureau.code == "A"
    one.session.close()


# --- the lease -----------------------------------------------------------------------
def test_the_offline_lease(one: Station, tmp_path: Path, centre: Place) -> None:
    Syncing(one.session).sync_now(quiet)
    assert one.session.lease.state is LeaseState.GOOD and not one.session.lease.message
    one.session.close()

    def after(days: float) -> Clock:
        return Clock(lambda: system_millis() + int(days * 86_400_000))

    soon = open_station(tmp_path / "one", "chenmin", clock=lambda: after(24.5))
    assert soon.session.lease.state is LeaseState.WARN and soon.session.lease.left == 6
    assert "6 天后" in soon.session.lease.message and not soon.session.read_only
    soon.session.close()
    late = open_station(tmp_path / "one", "chenmin", clock=lambda: after(31))
    session = late.session
    assert session.lease.state is LeaseState.OVER and session.read_only
    with pytest.raises(AccessDenied, match="只读"):
        session.records.save(session.records.type("market_entity"), ENTITIES[20])
    late.media.plan_export()  # export still works
    session.close()
    early = open_station(tmp_path / "one", "chenmin", clock=lambda: after(-400))
    assert early.session.lease.days == 0  # a clock set back is not a reason to lock anybody out
    early.session.close()


# --- synchronizing -------------------------------------------------------------------
def test_a_round_and_what_the_page_shows(one: Station, url: str) -> None:
    sync = Syncing(one.session)
    before = sync.state()
    assert (before.pending_changes, before.sets, before.last_receipt_at, sync.online) == (0, [], "", None)
    assert before.evidence_at and before.all_in
    one.insert("market_entity", *ENTITIES[20:23])
    assert sync.state().pending_changes == 3 and sync.state().sealed == 0
    report = sync.sync_now(quiet)
    assert (report.sent_sets, report.sent_changes, report.receipts) == (1, 3, 1)
    assert report.received_changes >= 20 and "market_entity" in report.types and not report.trouble
    assert report.summary.startswith("上报 3 条，接收")
    after = sync.state()
    assert after.all_in and after.receipted == 3 and sync.online is True
    (only,) = after.sets
    assert (only.range, only.changes, only.standing) == ("1–3", 3, Standing.APPLIED) and only.sealed_at
    assert after.last_receipt_at and after.complete_at and after.evidence_at >= before.evidence_at
    assert [a.outcome for a in after.attempts] == ["done"]
    assert one.told[-1] == (report.types, "sync")
    assert "已是最新" in sync.sync_now(quiet).summary


def test_what_stops_a_round(one: Station, url: str) -> None:
    sync = Syncing(one.session)
    one.insert("market_entity", ENTITIES[20])
    one.session.settings.set("hub_url", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        sync.sync_now(quiet)
    state = sync.state()
    assert sync.online is False and state.pending_changes == 1 and state.sealed == 1
    assert state.attempts[0].outcome == "failed" and "连不上" in state.attempts[0].message
    assert not sync.check_online()
    one.session.settings.set("hub_url", "")
    with pytest.raises(ExchangeError, match="还没有设置"):
        sync.sync_now(quiet)
    assert not sync.check_online()
    one.session.settings.set("hub_url", url)
    assert sync.check_online() and sync.online
    sync.sync_now(quiet)
    assert sync.state().all_in


def test_something_else_answers(one: Station, tmp_path: Path) -> None:
    import http.server
    import threading

    class Portal(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Portal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        one.session.settings.set("hub_url", f"http://127.0.0.1:{server.server_port}")
        sync = Syncing(one.session)
        with pytest.raises(BadAnswer, match="不是驿站中心"):
            sync.sync_now(quiet)
        assert not sync.check_online()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_conflict_shows_as_one(one: Station, centre: Place) -> None:
    sync = Syncing(one.session)
    sync.sync_now(quiet)
    entity = one.session.store.types["market_entity"]
    record = entity.id_for_key(ENTITIES[0]["uscc"])
    with centre.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(entity, record, {"address": "中心的地址"})
    with one.session.store.unit(one.session.actor) as unit:
        unit.update(entity, record, {"address": "本机的地址"})
    report = sync.sync_now(quiet)
    assert [s.status for s in report.trouble] == ["conflicted"] and "需要处理" in report.summary
    (trouble,) = sync.state().trouble
    assert trouble.standing is Standing.CONFLICT and "不一致" in trouble.detail


def test_entering_through_the_session(one: Station) -> None:
    with pytest.raises(Rejected):
        one.session.records.save(one.session.records.type("market_entity"), {"name": "没有代码"})
    assert LIGHT.kib < 1024  # tests guess cheaply
