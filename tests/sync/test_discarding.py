"""What has long been archived goes from the journal, and nothing that is needed later breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import backup
from shared.fictitious import market_entities
from shared.store import audit, rewinding, sql
from shared.store.discarding import discard
from shared.store.journal import broken
from sync import lines, proving
from sync.lines import Mark
from sync.proving import Proof, Signers
from tests.fixtures.agreeing import agree
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Device, Enrol, value
from tests.fixtures.hubs import DIVISION, Place

ENTITIES = list(market_entities(12, DIVISION, 5))
DAY = 86_400_000


def days_pass(place: Place, days: int, *devices: Device) -> None:
    """On every clock."""
    at = place.hub.store.clock.now().timestamp() * 1000 + days * DAY
    began = time.monotonic()

    def millis() -> int:
        return int(at + (time.monotonic() - began) * 1000)

    for clock in (place.hub.clock, place.hub.store.clock, *(d.store.clock for d in devices)):
        clock._millis = millis


def proofs(device: Device) -> dict[str, Proof]:
    hub = device.hub.keys
    signers = Signers((device.keys.sign.public,), (hub.sign.public,), hub.hub_id)
    return {one.title: one for one in proving.prove(device.store, signers, lambda _: None)}


def whole(device: Device) -> bool:
    return all(one.whole for one in proofs(device).values())


def kept(device: Device) -> list[tuple[int, int, int]]:
    with device.store.read() as connection:
        rows = sql.execute(
            connection, "SELECT first_seq, last_seq, length(payload) > 0 FROM journal ORDER BY first_seq"
        )
        return [(r[0], r[1], r[2]) for r in rows]


def worked(device: Device) -> list[str]:
    """Two change sets: one of three transactions, one of one."""
    made = [device.insert("market_entity", one)[0] for one in ENTITIES[:3]]
    device.sync()
    device.update("market_entity", made[0], phone="1111111")
    device.sync()
    return made


def test_blocks_go_ninety_days_after_the_backup_and_the_chain_stays_provable(
    place: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    chen = enrol_at(place.a, "chenmin")
    worked(chen)
    days_pass(place, 100, chen)
    chen.sync()
    assert discard(chen.store).changes == 0  # receipted long since, never archived
    backup.make(place.hub, tmp_path / "one.yzbackup")
    chen.sync()
    assert chen.statuses() == ["archived", "archived"]
    (young,) = chen.insert("market_entity", ENTITIES[5])
    chen.sync()
    days_pass(place, 89, chen)
    chen.sync()
    assert discard(chen.store).changes == 0
    days_pass(place, 2, chen)
    chen.sync()
    assert discard(chen.store).changes == 4 and discard(chen.store).changes == 0
    assert kept(chen) == [(1, 3, 0), (4, 4, 0), (5, 5, 1)]
    found = proofs(chen)
    assert all(one.whole for one in found.values())
    assert (found["变更日志"].count, found["变更集签名"].count) == (5, 3)
    assert chen.value("market_entity", young, "name") == ENTITIES[5]["name"]
    with chen.store.read() as connection:
        assert [e.detail for e in audit.latest(connection, event="discard")] == ["1–4"]


def test_a_clock_that_runs_ahead_makes_nothing_old(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    chen = enrol_at(place.a, "chenmin")
    worked(chen)
    backup.make(place.hub, tmp_path / "one.yzbackup")
    chen.sync()
    ahead = chen.store.clock.now().timestamp() * 1000 + 1000 * DAY
    chen.store.clock._millis = lambda: int(ahead)
    assert discard(chen.store).changes == 0


@pytest.fixture
def lean(place: Place, enrol_at: Enrol, disaster: Disaster) -> Device:
    """A device whose whole journal has gone; ``disaster`` has the backup."""
    chen = enrol_at(place.a, "chenmin")
    worked(chen)
    disaster.back_up()
    chen.sync()
    days_pass(place, 91, chen)
    chen.sync()
    assert discard(chen.store).changes == 4 and kept(chen) == [(1, 3, 0), (4, 4, 0)]
    return chen


def test_work_goes_on_where_nothing_is_kept(place: Place, enrol_at: Enrol, lean: Device) -> None:
    zhou = enrol_at(place.b, "laozhou")
    zhou.sync()
    (made,) = lean.insert("market_entity", ENTITIES[7])
    lean.by_stick()
    zhou.sync()
    assert lean.statuses() == ["archived", "archived", "applied"]
    agree(place, lean, zhou)
    assert whole(lean) and zhou.value("market_entity", made, "name") == ENTITIES[7]["name"]


def test_a_new_incarnation_begins_where_nothing_is_kept(place: Place, lean: Device) -> None:
    lean.engine.begin_incarnation(lines.ROLLED_BACK)
    lean.insert("market_entity", ENTITIES[7])
    lean.sync()
    agree(place, lean)
    assert whole(lean)


def test_a_mark_inside_what_went_is_no_contradiction(lean: Device) -> None:
    with lean.store.read() as connection:
        assert lines.contradiction(connection, Mark(1, 2, b"?" * 32)) == ""
        assert broken(connection) == (4, "")


def test_both_sides_of_a_conflict_are_there_after_the_blocks_went(
    place: Place, enrol_at: Enrol, tmp_path: Path
) -> None:
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (made,) = chen.insert("market_entity", ENTITIES[0])
    for device in (chen, zhou):
        device.sync()
    zhou.update("market_entity", made, address="乙局的地址")
    zhou.sync()
    chen.update("market_entity", made, address="甲局的地址")
    chen.sync()
    backup.make(place.hub, tmp_path / "one.yzbackup")
    chen.sync()
    days_pass(place, 91, chen, zhou)
    chen.sync()
    before = chen.conflicts()
    assert discard(chen.store).changes == 2 and chen.conflicts() == before and len(before) == 1
    assert chen.statuses()[-1] == "conflicted"
    chen.update("market_entity", made, address="甲局的地址", cause=f"resolve:{before[0]['id']}")
    chen.sync()
    zhou.sync()
    assert zhou.value("market_entity", made, "address") == "甲局的地址" and whole(chen)


def test_a_restore_of_the_backup_that_counted_needs_nothing_that_went(
    place: Place, disaster: Disaster, lean: Device
) -> None:
    (late,) = lean.insert("market_entity", ENTITIES[8])
    lean.sync()
    disaster.restore([lean])
    days_pass(place, 92, lean)
    lean.sync()
    lean.sync()
    agree(place, lean)
    assert value(place.hub.store, "market_entity", late, "name") == ENTITIES[8]["name"] and whole(lean)


def test_a_backup_older_than_the_one_that_counted_is_said_plainly(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    """Nothing can offer it again then; the sentence names how much."""
    chen = enrol_at(place.a, "chenmin")
    disaster.back_up()
    worked(chen)
    backup.make(place.hub, disaster.folder / "second.yzbackup")
    chen.sync()
    days_pass(place, 91, chen)
    chen.sync()
    assert discard(chen.store).changes == 4
    disaster.restore([chen])
    chen.sync()
    with chen.store.read() as connection:
        found = rewinding.rewound(connection)
        assert (found.offered, found.left, found.lost) == (4, 4, 4)
        assert lines.contradiction(connection, Mark(1, 2, b"?" * 32)) == ""
    assert whole(chen)


def test_tails_go_after_four_hundred_days_and_a_restore_asks_for_everything_then(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    for device in (chen, zhou):
        device.sync()
    disaster.back_up()
    (gone,) = chen.insert("market_entity", ENTITIES[0])
    chen.sync()
    zhou.sync()
    days_pass(place, 399, zhou)
    zhou.sync()
    assert discard(zhou.store).tails == 0
    days_pass(place, 2, zhou)
    zhou.sync()
    assert discard(zhou.store).tails > 0
    disaster.restore([zhou])
    days_pass(place, 402, zhou)
    zhou.sync()
    agree(place, zhou)
    assert zhou.value("market_entity", gone, "name") is None


Damage = Callable[[Device], None]


def run(statement: str) -> Damage:
    def change(device: Device) -> None:
        with device.store.write() as connection:
            assert connection.exec_driver_sql(statement).rowcount

    return change


@pytest.mark.parametrize(
    ("where", "damage"),
    [
        ("变更集签名", run("UPDATE journal SET head = zeroblob(32) WHERE first_seq = 1")),
        ("变更日志", run("DELETE FROM journal WHERE first_seq = 1")),
        ("变更日志", run("DELETE FROM journal WHERE first_seq = 4")),
        ("变更日志", run("UPDATE journal SET raw_len = 0, payload = x'' WHERE first_seq = 5")),
        ("变更日志", run("UPDATE journal SET raw_len = 0, payload = x'' WHERE first_seq = 7")),
    ],
)
def test_what_was_taken_out_by_hand_is_found(lean: Device, where: str, damage: Damage) -> None:
    lean.insert("market_entity", ENTITIES[7])
    lean.insert("market_entity", ENTITIES[8])
    lean.sync()  # one set of two blocks
    lean.insert("market_entity", ENTITIES[9])
    assert whole(lean)
    damage(lean)
    assert not proofs(lean)[where].whole
