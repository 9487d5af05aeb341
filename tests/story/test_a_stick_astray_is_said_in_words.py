"""A bureau with sticks alone: the first is left in a drawer, the second arrives. Everybody is told in words.

老周's page says which numbers the centre lacks, on which stick of which day they left, and exports just these
again; the centre's control room says the same. He learns of it by the receipt on the stick that came back.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from desktop.work.media import MediumInfo
from desktop.work.missing import missing
from desktop.work.syncing import Syncing
from server_stub.hub import Hub
from shared.fictitious import market_entities
from shared.standing import Standing
from shared.store import exchange
from sync import package
from tests.fixtures.devices import Enrol, count, handle, rows
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.stations import PASSWORD, Station, enrolment, invite, open_station, quiet

SHOPS = list(market_entities(6, DIVISION, 41))


@pytest.fixture
def zhou(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    answer = tmp_path / "grant.yzp"
    request = enrolment(tmp_path / "zhou").write_request(
        tmp_path, invite(place.hub, place.b, "zhou", "老周"), "乙局-01", PASSWORD, quiet
    )
    answer.write_bytes(handle(place.hub, request.path.read_bytes())[1])
    enrolment(tmp_path / "zhou").read_grant(answer, PASSWORD, quiet)
    made = open_station(tmp_path / "zhou", "zhou")
    yield made
    made.session.close()


def exported(one: Station, folder: Path, number: str, *, lacking: bool = False) -> Path:
    """Onto a stick."""
    folder.mkdir(exist_ok=True)
    return one.media.export(folder, MediumInfo("1", number), quiet, lacking=lacking).path


def delivered(hub: Hub, one: Station, stick: Path, back: Path) -> str:
    """The stick goes to the centre and the answer comes home on it."""
    handled, answer = handle(hub, stick.read_bytes())
    back.write_bytes(answer)
    one.media.apply(one.media.receive(back, quiet), MediumInfo("1", "U-2026-009"), quiet)
    return handled.intake.outcome


def test_a_stick_astray_is_said_in_words(place: Place, enrol_at: Enrol, zhou: Station, tmp_path: Path) -> None:
    zhou.insert("market_entity", *SHOPS[:3])
    first = exported(zhou, tmp_path / "one", "U-2026-001")
    zhou.insert("market_entity", SHOPS[3])
    with zhou.session.store.read() as connection:
        reached = exchange.unreceipted(connection)[-1].last
    assert missing(zhou.session) is None  # nobody knows yet
    # what came through of the second: only what the first did not have (it was written by an older program)
    later = io.BytesIO()
    zhou.session.engine.cut()
    with zhou.session.store.read() as connection:
        late = [s.cs_id for s in exchange.unreceipted(connection) if s.first > reached]
    zhou.session.engine.prepare(later, "media", only=late)
    second = tmp_path / "second.yzp"
    second.write_bytes(later.getvalue())
    assert delivered(place.hub, zhou, second, tmp_path / "back1.yzp") == "parked"

    found = missing(zhou.session)
    assert found is not None
    assert found.spans == ((1, reached),)
    day = zhou.session.store.clock.now()
    assert f"中心缺第 1–{reached} 号变更" in found.words and "数据都在本机" in found.words
    assert f"请把{day.month} 月 {day.day} 日导出的介质“U-2026-001”送到中心" in found.what_to_do
    assert f"或重新导出第 1–{reached} 号" in found.what_to_do
    with zhou.session.store.read() as connection:
        (waits,) = [(p.first, p.last) for p in exchange.unreceipted(connection) if p.status == "parked"]
    state = Syncing(zhou.session).state()
    assert state.missing == found and Standing.PARKED in {s.standing for s in state.sets}

    wang = enrol_at(place.a, "wang", roles=["hub_admin"])
    wang.sync()
    (seat,) = [r for r in rows(wang.store, "seat_state") if r["name"] == "乙局-01"]
    assert seat["missing"] == f"1–{reached}"
    log = [r["reason"] for r in rows(wang.store, "exchange") if r["outcome"] == "parked"]
    assert f"缺第 1–{reached} 号变更" in log[0]

    again = exported(zhou, tmp_path / "four", "U-2026-004", lacking=True)
    with again.open("rb") as stream:
        ranges = [(r.first, r.last) for r in package.inspect(stream).core.ranges]
    assert ranges[0] == (1, 3) and waits not in ranges  # what waits there stays here
    assert delivered(place.hub, zhou, again, tmp_path / "back2.yzp") == "applied"
    assert missing(zhou.session) is None and count(place.hub.store, "market_entity") == 4
    wang.sync()
    (seat,) = [r for r in rows(wang.store, "seat_state") if r["name"] == "乙局-01"]
    assert seat["missing"] is None
    assert first.exists()  # it may still come: nothing is entered twice
    handled, _ = handle(place.hub, first.read_bytes())
    assert handled.intake.outcome == "duplicate" and count(place.hub.store, "market_entity") == 4
