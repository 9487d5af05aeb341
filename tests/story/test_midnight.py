"""The date turns while people work: a day is the bureau's day, whatever zone the computer is set to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from desktop.work.keys import KeyFile
from desktop.work.lease import LEASE_DAYS, LeaseState, standing
from desktop.work.lockout import FREE_FAILURES
from desktop.work.passwords import PasswordRefused
from desktop.work.todo import TodoItem
from server_stub.tokens import Tokens
from shared.clock import Clock
from shared.errors import Rejected
from shared.fictitious import market_entities
from shared.filters import Filter, Op
from shared.store import audit
from shared.store.evidence import Watch
from shared.store.facts import write_text
from sync.enrol import trust_of
from sync.trust import DeviceKeys
from tests.fixtures.admin_api import Asker
from tests.fixtures.desk import OURS, SHOP_ID, Bureau, Settable
from tests.fixtures.devices import enrol_device
from tests.fixtures.hubs import DIVISION, Place, make_place, serving
from tests.fixtures.samples import sample
from tests.fixtures.stations import PASSWORD, key_file
from tests.unit.test_keys import grant

ENTITY = next(market_entities(1, DIVISION, 3))
MIDNIGHT = int(datetime.fromisoformat("2026-05-07T00:00:00+08:00").timestamp() * 1000)
HOUR, DAY = 3_600_000, 86_400_000
EVENING, MORNING = "2026-05-06T23:59:59+08:00", "2026-05-07T00:00:01+08:00"


@pytest.fixture(params=["Asia/Shanghai", "UTC", "America/Los_Angeles", "Pacific/Kiritimati"], autouse=True)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What somebody set the computer's zone to: there it is another day."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def counts(bureau: Bureau) -> dict[str, TodoItem]:
    return {i.queue: i for i in bureau.desk.todo.counts()}


def test_what_is_due_today_is_late_a_second_after_midnight(bureau: Bureau) -> None:
    bureau.time.millis = MIDNIGHT - 1000
    for due in ("2026-05-06", "2026-05-07"):
        bureau.about_shop("task", source=OURS, remind_on="", warn_on="", due_on=due)
    found = counts(bureau)
    assert (found["open_tasks"].overdue, found["open_tasks"].due_today, found["late_tasks"].count) == (0, 1, 0)
    bureau.time.millis = MIDNIGHT
    found = counts(bureau)
    assert (found["open_tasks"].overdue, found["open_tasks"].due_today, found["late_tasks"].count) == (1, 1, 1)


def test_what_is_entered_belongs_to_the_day_it_was_entered_on(bureau: Bureau) -> None:
    records = bureau.desk.records
    declared = records.type("alert")
    saved = {}
    for at in (MIDNIGHT - 1000, MIDNIGHT + 1000):
        bureau.time.millis = at
        saved[at] = records.save(declared, sample("alert", entity_name=f"青穗{at}")).id
    stamps = [records.get(declared, one).values["entered_at"] for one in saved.values()]  # type: ignore[union-attr]
    assert stamps == [EVENING, MORNING]

    def of(day: str, after: str) -> list[str]:
        wanted = Filter().where("entered_at", Op.GE, day).where("entered_at", Op.LT, after)
        return [row.id for row in records.first(declared, wanted, 10)]

    assert of("2026-05-06", "2026-05-07") == [saved[MIDNIGHT - 1000]]
    assert of("2026-05-07", "2026-05-08") == [saved[MIDNIGHT + 1000]]
    times = [run.hlc for run in bureau.journal()]
    assert times == sorted(set(times)) and len(times) == 2, "logical time goes on as if nothing were"


def test_an_inspection_of_the_evening_is_kept_after_midnight(bureau: Bureau) -> None:
    """祝砚's certificate holds until the last of December: for what began on that day, not for what began after it."""
    new_year = int(datetime.fromisoformat("2026-01-01T00:00:00+08:00").timestamp() * 1000)
    work = bureau.desk.inspecting
    bureau.time.millis = new_year - HOUR
    begun = work.start(entity_id=SHOP_ID)
    bureau.time.millis = new_year + 1000
    work.save(begun.raw | {"officers": "祝砚；李伟"})
    assert work.start(entity_id=SHOP_ID).raw["started_at"] == begun.raw["started_at"]
    with pytest.raises(Rejected) as refused:
        work.save(begun.raw | {"officers": "祝砚；李伟", "started_at": "2026-01-01 00:00"})
    assert [p.field for p in refused.value.problems] == ["officers"]


def test_a_delay_after_wrong_passwords_does_not_end_with_the_day(tmp_path: Path) -> None:
    wall = Settable()
    wall.millis = MIDNIGHT - 1000
    file = enrolled(tmp_path, wall)
    for _ in range(FREE_FAILURES):
        with pytest.raises(PasswordRefused):
            file.unlock("chenmin", "错误的密码")
    wall.millis = MIDNIGHT + 3000
    with pytest.raises(PasswordRefused, match="暂时锁定") as early:
        file.unlock("chenmin", PASSWORD)
    assert early.value.retry_at == datetime.fromisoformat("2026-05-07T00:00:04+08:00")
    wall.millis = MIDNIGHT + 4000
    assert file.unlock("chenmin", PASSWORD).grant.account == "chenmin"


def enrolled(folder: Path, wall: Settable) -> KeyFile:
    file = key_file(folder, clock=Clock(wall))
    given = grant()
    file.create_account(
        PASSWORD, db_key=bytes(32), device_keys=DeviceKeys.generate(), hub_trust=trust_of(given), grant=given
    )
    return file


def test_a_permission_to_work_offline_loses_days_by_hours_not_by_dates(bureau: Bureau) -> None:
    """Last heard of at noon: neither the first midnight nor the last one takes anything away."""
    heard = MIDNIGHT - 12 * HOUR
    bureau.time.millis = heard
    evidence = bureau.store.clock.stamp()
    with bureau.store.write() as connection:
        write_text(connection, "evidence_at", evidence)
    watch = Watch()

    def at(millis: int) -> tuple[LeaseState, int, int]:
        bureau.time.millis = millis
        found = standing(bureau.store, watch, evidence, LEASE_DAYS, 7)
        return found.state, found.days, found.left

    assert at(MIDNIGHT - 1000) == at(MIDNIGHT + 1000) == (LeaseState.GOOD, 0, LEASE_DAYS)
    last = heard + LEASE_DAYS * DAY
    assert at(last - 12 * HOUR + 1000) == (LeaseState.WARN, LEASE_DAYS - 1, 1)
    assert at(last - 1000) == (LeaseState.WARN, LEASE_DAYS - 1, 1)
    assert at(last)[0] is LeaseState.OVER


# --- at the hub ----------------------------------------------------------------------
@pytest.fixture
def wall() -> Settable:
    """Wall time of hub and seat, a second before midnight."""
    made = Settable()
    made.millis = MIDNIGHT - 1000
    return made


@pytest.fixture
def night(hub_url: str, tmp_path: Path, wall: Settable) -> Iterator[Place]:
    made = make_place(hub_url, tmp_path / "hub", Clock(wall))
    yield made
    made.hub.close()


def test_each_exchange_counts_on_its_own_day(
    night: Place, wall: Settable, tmp_path: Path, client_template: Path
) -> None:
    seat = enrol_device(night.hub, night.a, tmp_path / "seat", clock=Clock(wall), template=client_template)
    seat.sync()
    token = Tokens(night.hub.store).add("monitoring")
    with serving(night.hub) as url:
        api = Asker(url, token)

        def day(which: str) -> list[str]:
            found = api.get("/exchanges", **{"from": which, "to": which}, direction="up")["items"]
            return sorted(one["at"] for one in found)

        def heard() -> tuple[int, int]:
            figures = api.get("/bureaus")["figures"]
            (one,) = api.get("/seats")["items"]
            return figures["heard_today"], one["silent_days"]

        before = day("2026-05-06")
        assert before and set(before) == {EVENING} and heard() == (1, 0)
        wall.millis = MIDNIGHT + 1000
        assert day("2026-05-07") == [] and heard() == (0, 1)
        seat.insert("market_entity", ENTITY)
        seat.sync()
        assert day("2026-05-06") == before and set(day("2026-05-07")) == {MORNING} and heard() == (1, 0)
    seat.close()


def test_a_token_of_a_day_ends_after_a_day_and_its_use_is_noted_each_day(night: Place, wall: Settable) -> None:
    tokens = Tokens(night.hub.store)
    text = tokens.add("monitoring", 1)

    def used_at(millis: int) -> int:
        wall.millis = millis
        found = tokens.find(text)
        assert found is not None
        tokens.used(found)
        with night.hub.store.read() as connection:
            return len(audit.latest(connection, event="token_used"))

    assert [used_at(MIDNIGHT - 1000), used_at(MIDNIGHT + 1000)] == [1, 1], "once a minute is enough"
    assert [used_at(MIDNIGHT + 60_000), used_at(MIDNIGHT + 120_000)] == [2, 2], "the new day has its own note"
    wall.millis = MIDNIGHT + DAY - 2000
    assert tokens.find(text) is not None
    wall.millis = MIDNIGHT + DAY - 1000
    assert tokens.find(text) is None
