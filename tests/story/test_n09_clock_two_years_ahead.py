"""N9: a computer whose clock is two years ahead: its work counts, in order; nobody else's clock follows.

老周's computer lost its battery. What he enters comes in like anybody's, the administrator
sees whose clock is wrong, and he himself is told to set the date rather than locked out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.lease import GRACE_DAYS
from desktop.work.media import MediumInfo
from desktop.work.session import LeaseState
from desktop.work.syncing import Syncing
from shared.clock import CHINA, Clock, hlc_time, system_millis
from shared.fictitious import market_entities
from shared.merge import Outcome, merge_field
from shared.store import sql
from shared.store.incoming import Incoming
from tests.fixtures.devices import Device, Enrol, handle, rows, value
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.stations import Station, open_station, quiet, station

ENTITIES = list(market_entities(12, DIVISION, 9))
DAY = 86_400_000
TWO_YEARS = 730


def after(days: float) -> Clock:
    return Clock(lambda: system_millis() + int(days * DAY))


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture
def here(place: Place, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """陈敏's seat, which has just synchronized."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    one = station(place.hub, url, place.a, tmp_path / "one")
    Syncing(one.session).sync_now(quiet)
    return one


def at_clock(one: Station, folder: Path, days: float) -> Station:
    """Signed out, and in again when the computer shows a date so many days from now."""
    one.session.close()
    return open_station(folder, one.account, clock=lambda: after(days))


def times(store: object, record_id: str) -> tuple[int, int]:
    """Hybrid time of a record, and milliseconds of now."""
    with store.read() as connection:  # type: ignore[attr-defined]
        found = sql.fetch(connection, "market_entity", ("_hlc",), [record_id])
    return int(found[0][0]), system_millis()


# --- what comes in ---------------------------------------------------------------------------
@pytest.mark.parametrize("way", ["network", "stick"])
def test_order_is_right_and_no_clock_follows(place: Place, enrol_at: Enrol, way: str) -> None:
    ahead: Device = enrol_at(place.b, "zhou", clock=after(TWO_YEARS))
    right = enrol_at(place.a, "chenmin")

    def go(one: Device) -> None:
        one.sync() if way == "network" else one.take(handle(place.hub, one.export())[1])

    ids = ahead.insert("market_entity", *ENTITIES[:3])
    for number in range(5):
        ahead.update("market_entity", ids[0], phone=f"021-{number}")
        ahead.engine.cut()
    go(ahead)
    assert set(ahead.statuses()) == {"applied"}  # not blocked
    assert value(place.hub.store, "market_entity", ids[0], "phone") == "021-4"
    with place.hub.store.read() as connection:
        said = {r[0] for r in connection.exec_driver_sql("SELECT reason FROM accepted_set")}
    assert said == {"设备时钟超前，顺序不受影响"}

    # an edit of a right clock after it: the later one stands, at the hub and on both screens
    go(right)
    right.update("market_entity", ids[0], phone="021-9")
    go(right), go(ahead)
    assert not right.conflicts() and not rows(place.hub.store, "conflict")
    for store in (place.hub.store, right.store, ahead.store):
        assert value(store, "market_entity", ids[0], "phone") == "021-9"

    # nobody's clock has moved, and no time in the future is kept elsewhere
    for store in (place.hub.store, right.store):
        for record_id in ids:
            hlc, now = times(store, record_id)
            assert hlc_time(hlc).timestamp() * 1000 <= now + 1000
        assert store.clock.tick() >> 16 <= system_millis() + 1000


def test_the_administrator_sees_whose_clock_is_wrong(place: Place, enrol_at: Enrol) -> None:
    ahead = enrol_at(place.b, "zhou", clock=after(TWO_YEARS))
    admin = enrol_at(place.a, "wang", roles=["hub_admin"])
    ahead.insert("market_entity", ENTITIES[0])
    ahead.sync()
    admin.sync()
    state = {r["device"]: r["ahead_minutes"] for r in rows(admin.store, "seat_state")}
    assert abs(state[ahead.grant.device] - TWO_YEARS * 1440) <= 2 and state.get(admin.grant.device) is None


def test_a_wrong_clock_never_wins_where_the_later_one_does(place: Place) -> None:
    """No field of today's types is decided by time; where one is, a doubtful time loses."""
    from dataclasses import replace

    from server_stub.clocks import in_time
    from shared.changes import Run
    from shared.fields import Merge

    declared = place.hub.store.types["market_entity"]
    field = replace(declared.by_name["phone"], merge=Merge.LATEST)
    now = Clock().now()
    hlc = int((now.timestamp() + TWO_YEARS * 86_400) * 1000) << 16
    run = Run(declared.number, 2, 1, 0, 1, hlc, 1, "u", "", [field.number], b"\0" * 16, [["2"]])
    one = Incoming(declared, 2, (field,), ["x"], [["2"]], [], [], 1, run, False)  # type: ignore[arg-type]
    for sealed in ((now.replace(year=now.year + 2)).isoformat(), "", "不是时间"):
        put_back = in_time(one, sealed, now)
        assert put_back.doubtful and put_back.run.hlc >> 16 <= now.timestamp() * 1000
        decided = merge_field(
            field, base=1, writer=2, own=1 << 40, current="1", proposed="2", current_hlc=1,
            proposed_hlc=put_back.rank,
        )
        assert decided == (Outcome.KEEP, "1")


# --- at the seat itself ------------------------------------------------------------------------
def test_the_date_leaps_while_the_seat_is_off(here: Station, tmp_path: Path) -> None:
    """He is told, and goes on working; whether the date is wrong or the seat was off so long nobody knows,
    so some days are left to hear from the hub."""
    one = at_clock(here, tmp_path / "one", TWO_YEARS)
    lease = one.session.lease
    assert lease.state is LeaseState.WARN and "请校准日期" in lease.message and not one.session.read_only
    assert lease.days == 0 and "730 天" in lease.message
    one.session.records._may_write()  # the window writes
    one.insert("market_entity", ENTITIES[1])
    assert f"{GRACE_DAYS} 天后本机将变为只读" in lease.message
    one = at_clock(one, tmp_path / "one", TWO_YEARS + GRACE_DAYS - 0.5)
    assert one.session.lease.days == GRACE_DAYS - 1 and not one.session.read_only
    one = at_clock(one, tmp_path / "one", TWO_YEARS + GRACE_DAYS + 0.5)
    assert one.session.read_only  # a wrong clock is no endless permission
    assert "数据都在" in one.session.lease.message and "日期不对的请校准" in one.session.lease.message
    one = at_clock(one, tmp_path / "one", 0.1)
    assert one.session.lease.state is LeaseState.GOOD  # the date was set right
    one.session.close()


def test_an_exchange_with_a_wrong_clock(here: Station, tmp_path: Path) -> None:
    """The hub's word arrives fresh: from then on days are counted by the wrong clock rightly."""
    one = at_clock(here, tmp_path / "one", 45)
    assert one.session.read_only  # 45 days may be 45 days: a seat that was off so long
    assert "校准" in one.session.lease.message
    Syncing(one.session).sync_now(quiet)
    lease = one.session.lease
    assert lease.state is LeaseState.WARN and "约 45 天" in lease.message and lease.days == 0
    one = at_clock(one, tmp_path / "one", 45 + 24.5)
    assert one.session.lease.days == 24 and not one.session.read_only
    one = at_clock(one, tmp_path / "one", 45 + 31)
    assert one.session.read_only
    one.session.close()


def by_stick(place: Place, one: Station, folder: Path) -> Path:
    """Out by stick, to the hub; the answer is in the file returned."""
    folder.mkdir(exist_ok=True)
    made = one.media.export(folder, MediumInfo("1", "U-1"), quiet)
    answer = folder / "answer.yzp"
    with answer.open("w+b") as out:
        place.hub.handle(io.BytesIO(made.path.read_bytes()), out, carrier="media")
    return answer


def home(one: Station, answer: Path) -> None:
    """The answer is taken in."""
    received = one.media.receive(answer, quiet)
    one.media.apply(received, MediumInfo("1", "U-1"), quiet)
    received.close()


@pytest.mark.parametrize("ahead", [35, 60, 89])
def test_a_stick_makes_a_seat_whose_date_is_ahead_work_again(
    place: Place, here: Station, tmp_path: Path, ahead: int
) -> None:
    """Some weeks ahead may be some weeks of silence: read-only. What the stick went out with proves the date wrong."""
    one = at_clock(here, tmp_path / "one", ahead)
    assert one.session.read_only and "导入中心的回件，即可恢复" in one.session.lease.message
    answer = by_stick(place, one, tmp_path / "out")
    one = at_clock(one, tmp_path / "one", ahead + 3)  # the way home took three days
    assert one.session.read_only
    home(one, answer)
    lease = one.session.lease
    assert (lease.state, lease.days) == (LeaseState.WARN, 3) and not one.session.read_only
    assert f"快了约 {ahead} 天" in lease.message and "请校准日期" in lease.message
    one = at_clock(one, tmp_path / "one", ahead + 29)
    assert one.session.lease.days == 29 and not one.session.read_only
    one = at_clock(one, tmp_path / "one", ahead + 31)
    assert one.session.read_only  # no endless permission
    one = at_clock(one, tmp_path / "one", 5)  # the date is set right: five days have passed, no more are given
    assert (one.session.lease.state, one.session.lease.days) == (LeaseState.GOOD, 5)
    one = at_clock(one, tmp_path / "one", 31)
    assert one.session.read_only
    one.session.close()


def test_a_seat_that_was_off_for_long_hears_from_the_hub_by_stick(
    place: Place, here: Station, tmp_path: Path
) -> None:
    """Off for a hundred days, with a right clock: some days to exchange, then as before."""
    one = at_clock(here, tmp_path / "one", 100)
    lease = one.session.lease
    assert (lease.state, lease.left) == (LeaseState.WARN, GRACE_DAYS)
    assert "若确实停用了这么久" in lease.message and "跳到" in lease.message
    one = at_clock(one, tmp_path / "one", 100 + GRACE_DAYS + 1)
    assert one.session.read_only
    now, place.hub.store.clock = place.hub.store.clock, after(100 + GRACE_DAYS + 1)
    home(one, by_stick(place, one, tmp_path / "out"))
    place.hub.store.clock = now
    assert (one.session.lease.state, one.session.lease.days) == (LeaseState.GOOD, 0)
    one.session.close()


def test_by_stick_with_a_wrong_clock(place: Place, here: Station, tmp_path: Path) -> None:
    one = at_clock(here, tmp_path / "one", TWO_YEARS)
    home(one, by_stick(place, one, tmp_path / "out"))
    lease = one.session.lease
    assert (lease.state, lease.days) == (LeaseState.WARN, 0) and "请校准日期" in lease.message
    assert lease.evidence_at[:4] == str(Clock().now().astimezone(CHINA).year)
    one.session.close()
