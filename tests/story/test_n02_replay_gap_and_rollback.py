"""N2: a package twice, too early, damaged, or meant for others: nothing counts twice, nothing is swallowed.

老周 carries sticks to the hub; 陈敏 has a network. What is refused is refused with a sentence,
what is early waits and is shown, what is there already gets the very receipt it got.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.work.media import MediumInfo
from desktop.work.syncing import Syncing
from server_stub.streams import segment
from shared.changes import decode_block
from shared.errors import YizhanError
from shared.fictitious import market_entities
from shared.standing import Standing
from shared.store import exchange
from tests.fixtures.devices import Enrol, rows
from tests.fixtures.hubs import DIVISION, Place, make_place, serving
from tests.fixtures.stations import Station, quiet, station

ENTITIES = list(market_entities(12, DIVISION, 2))
STICK = MediumInfo("1", "U-2026-002")
LOGGED = {"exchange", "seat_state"}


@pytest.fixture
def url(place: Place) -> Iterator[str]:
    with serving(place.hub) as address:
        yield address


@pytest.fixture
def one(place: Place, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """陈敏's seat."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    made = station(place.hub, url, place.a, tmp_path / "one")
    Syncing(made.session).sync_now(quiet)
    yield made
    made.session.close()


def content(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every synced table but the log and the seats' states."""
    out = {}
    with place.hub.store.read() as connection:
        for name in place.hub.store.types:
            if name not in LOGGED:
                out[name] = [tuple(r) for r in connection.exec_driver_sql(f'SELECT * FROM "{name}" ORDER BY id')]
    return out


def streams(place: Place) -> dict[str, int]:
    """How far each stream has come."""
    with place.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT name, n FROM stream").fetchall()
    return {str(name): int(n) for name, n in found}


def receipts(one: Station) -> list[bytes]:
    with one.session.store.read() as connection:
        return [bytes(r[0]) for r in connection.exec_driver_sql("SELECT envelope FROM receipt ORDER BY no")]


def stick(one: Station, folder: Path) -> Path:
    folder.mkdir()
    return one.media.export(folder, STICK, quiet).path


def at_hub(place: Place, package: bytes) -> tuple[str, bytes]:
    out = io.BytesIO()
    handled = place.hub.handle(io.BytesIO(package), out, carrier="media")
    return handled.intake.outcome, out.getvalue()


def taken(one: Station, answer: bytes, folder: Path) -> Any:
    path = folder / f"answer{len(list(folder.iterdir()))}.yzp"
    path.write_bytes(answer)
    received = one.media.receive(path, quiet)
    try:
        return one.media.apply(received, STICK, quiet)
    finally:
        received.close()


# --- twice ---------------------------------------------------------------------------------
def test_the_same_stick_twice(place: Place, one: Station, tmp_path: Path) -> None:
    one.insert("market_entity", *ENTITIES[:3])
    package = stick(one, tmp_path / "stick").read_bytes()
    first, answer = at_hub(place, package)
    before, reached = content(place), streams(place)
    taken(one, answer, tmp_path / "stick")
    said = receipts(one)
    for _ in range(3):
        again, answer = at_hub(place, package)
        assert (first, again) == ("applied", "duplicate")
        taken(one, answer, tmp_path / "stick")
    assert content(place) == before  # 0 new rows
    assert receipts(one) == said  # the very same receipt
    # the bureau's content does not grow by it: a line of the log for administrators, nothing else
    grown = {name for name, n in streams(place).items() if n != reached[name]}
    assert grown <= {"admin", f"bureau:{place.a}"}
    assert added(place, f"bureau:{place.a}", reached[f"bureau:{place.a}"]) <= LOGGED
    assert {s.standing for s in Syncing(one.session).state().sets} == {Standing.APPLIED}


def added(place: Place, name: str, after: int) -> set[str]:
    """Types of what a stream got since."""
    with place.hub.store.read() as connection:
        found, _ = segment(connection, name, after, max_raw=1 << 24)
    by_number = place.hub.store.by_number
    raws = found.raw_blocks if found else []
    return {by_number[run.type].name for raw in raws for run in decode_block(raw).runs}


def test_a_package_brought_twice_over_the_network_and_by_stick(
    place: Place, one: Station, tmp_path: Path
) -> None:
    """What is in the hub already is a duplicate by whichever way it comes again."""
    one.insert("market_entity", *ENTITIES[:2])
    package = stick(one, tmp_path / "stick").read_bytes()
    Syncing(one.session).sync_now(quiet)
    before = content(place)
    assert at_hub(place, package)[0] == "duplicate"
    after = content(place)
    (said,), (now,) = rows(place.hub.store, "hand_over"), after.pop("hand_over")
    assert before.pop("hand_over") != [now] and said["arrived_at"]  # the stick itself has come, too
    assert after == before
    assert at_hub(place, package)[0] == "duplicate" and content(place) == {**after, "hand_over": [now]}


# --- too early -------------------------------------------------------------------------------
def test_the_second_stick_arrives_before_the_first(place: Place, one: Station, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    sticks = []
    for number in range(2):
        before = set(names(one))
        one.insert("market_entity", *ENTITIES[number * 3 : number * 3 + 3])
        one.session.engine.cut()
        out = io.BytesIO()
        one.session.engine.prepare(out, "media", only=[i for i in names(one) if i not in before])
        sticks.append(out.getvalue())
    early, answer = at_hub(place, sticks[1])
    assert early == "parked" and not rows(place.hub.store, "market_entity")
    taken(one, answer, folder)
    state = Syncing(one.session).state()
    assert [s.standing for s in state.sets] == [Standing.PARKED, Standing.SEALED]  # shown, newest first
    again, _ = at_hub(place, sticks[1])
    assert again == "duplicate" and not rows(place.hub.store, "market_entity")

    arrived, answer = at_hub(place, sticks[0])
    assert arrived == "applied" and len(rows(place.hub.store, "market_entity")) == 6
    taken(one, answer, folder)
    assert {s.standing for s in Syncing(one.session).state().sets} == {Standing.APPLIED}


def names(one: Station) -> list[str]:
    """Change sets without a receipt."""
    with one.session.store.read() as connection:
        return [s.cs_id for s in exchange.unreceipted(connection)]


# --- damaged, or not ours ----------------------------------------------------------------------
def test_one_byte_flipped(place: Place, one: Station, tmp_path: Path) -> None:
    one.insert("market_entity", *ENTITIES[:3])
    package = stick(one, tmp_path / "stick").read_bytes()
    before = content(place)
    for at in (len(package) // 5, len(package) // 2, len(package) - 40):
        bad = bytearray(package)
        bad[at] ^= 1
        with pytest.raises(YizhanError) as refused:
            at_hub(place, bytes(bad))
        assert refused.value.message and refused.value.hint
        assert content(place) == before
    good, _ = at_hub(place, package)  # nothing of the damaged ones stands in its way
    assert good == "applied"


def test_an_answer_damaged_or_for_another_bureau(
    place: Place, enrol_at: Enrol, one: Station, tmp_path: Path
) -> None:
    one.insert("market_entity", *ENTITIES[:3])
    folder = tmp_path / "stick"
    _, answer = at_hub(place, stick(one, folder).read_bytes())
    bad = bytearray(answer)
    bad[len(bad) // 2] ^= 1
    with pytest.raises(YizhanError) as refused:
        taken(one, bytes(bad), folder)
    assert refused.value.message and refused.value.hint
    other = enrol_at(place.b, "zhou")
    with pytest.raises(YizhanError) as refused:  # 乙局 gets 甲局's
        other.take(answer)
    assert refused.value.message and other.count("market_entity") == 0
    assert names(one)  # still pending: nobody said otherwise
    taken(one, answer, folder)
    assert not names(one)


def test_a_stick_for_another_centre(place: Place, one: Station, tmp_path: Path, hub_template: Path) -> None:
    one.insert("market_entity", *ENTITIES[:3])
    package = stick(one, tmp_path / "stick").read_bytes()
    shutil.copyfile(hub_template, tmp_path / "other.db")
    other = make_place(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other")
    with pytest.raises(YizhanError) as refused:
        at_hub(other, package)
    assert refused.value.message and refused.value.hint
    assert not rows(other.hub.store, "market_entity")
    refusals = [r for r in rows(other.hub.store, "exchange") if r["outcome"] == "refused"]
    assert [r["reason"] for r in refusals] == [refused.value.message]  # the administrator sees it
    other.hub.close()


# --- an older answer ---------------------------------------------------------------------------
def test_an_older_answer_takes_nothing_back(place: Place, one: Station, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    (entity,) = one.insert("market_entity", ENTITIES[0])
    _, old = at_hub(place, stick(one, folder).read_bytes())
    Syncing(one.session).sync_now(quiet)
    with one.session.store.unit(one.session.actor) as unit:
        unit.update(one.session.store.types["market_entity"], entity, {"phone": "021-9"})
    Syncing(one.session).sync_now(quiet)
    taken(one, old, folder)
    assert one.value("market_entity", entity, "phone") == "021-9" and not names(one)
