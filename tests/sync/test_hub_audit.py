"""The hub's own evidence: its acts in the audit chain, and a changed byte of any kind found."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import checking, cli
from server_stub.hub import Hub
from server_stub.snapshot_build import one_moment
from shared.clock import system_millis
from shared.errors import PackageError
from shared.fictitious import market_entities
from shared.store import audit, hub_proofs, sql
from tests.fixtures.devices import Enrol, handle
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

ENTITIES = list(market_entities(6, DIVISION, 5))
TITLES = ["审计记录", "数据流", "设备变更集", "中心回执"]


def troubles(hub: Hub) -> dict[str, str]:
    with one_moment(hub.store) as connection:
        return {p.title: p.trouble for p in checking.prove(connection, hub.keys) if p.trouble}


def events(hub: Hub) -> list[str]:
    with hub.store.read() as connection:
        return [one.event for one in audit.latest(connection)]


@pytest.fixture
def lived(place: Place, enrol_at: Enrol) -> Hub:
    """A hub on either database that two devices have exchanged with."""
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    for entity in ENTITIES[:3]:
        chen.insert("market_entity", entity)
        chen.sync()
    zhou.insert("market_entity", *ENTITIES[3:])
    zhou.sync()
    return place.hub


def test_a_hub_in_use_is_whole(lived: Hub) -> None:
    with one_moment(lived.store) as connection:
        told: list[str] = []
        found = {p.title: p for p in checking.prove(connection, lived.keys, told.append)}
    assert told == TITLES and not [p for p in found.values() if p.trouble]
    assert found["设备变更集"].count == 4 and found["中心回执"].count >= 4
    assert found["数据流"].count > 6 and found["审计记录"].count == 4


Damage = tuple[str, str]
WHERE = "WHERE stream = 'division:310113' AND first = (SELECT min(first) FROM stream_block WHERE stream = 'division:310113')"
BYTES = {
    "stream_block.payload": ("数据流", "stream_block", "payload", WHERE),
    "stream_block.prev_head": ("数据流", "stream_block", "prev_head", WHERE),
    "stream.head": ("数据流", "stream", "head", "WHERE name = 'common'"),
    "accepted_set.payload": ("设备变更集", "accepted_set", "payload", ""),
    "accepted_set.envelope": ("设备变更集", "accepted_set", "envelope", ""),
    "device_reach.head": ("设备变更集", "device_reach", "head", "WHERE contiguous_to > 0"),
    "device_key.sign_key": ("设备变更集", "device_key", "sign_key", ""),
    "package_seen.receipt": ("中心回执", "package_seen", "receipt", ""),
    "audit.hash": ("审计记录", "audit", "hash", "WHERE no = 2"),
}
ROWS = {
    "audit text": ("审计记录", "UPDATE audit SET detail = detail || ' ' WHERE no = 2"),
    "audit time": ("审计记录", "UPDATE audit SET at = '2026-01-01T00:00:00+08:00' WHERE no = 1"),
    "audit row gone": ("审计记录", "DELETE FROM audit WHERE no = 2"),
    "audit cut off": ("审计记录", "DELETE FROM audit WHERE no = 4"),
    "block gone": ("数据流", f"DELETE FROM stream_block {WHERE}"),
    "block renumbered": ("数据流", f"UPDATE stream_block SET last = last + 1 {WHERE}"),
    "block length": ("数据流", f"UPDATE stream_block SET raw_len = raw_len + 1 {WHERE}"),
    "stream gone": ("数据流", "DELETE FROM stream WHERE name = 'division:310113'"),
    "stream set back": ("数据流", "UPDATE stream SET n = n - 1 WHERE name = 'common'"),
    "set gone": ("设备变更集", "DELETE FROM accepted_set WHERE first = 2"),
    "set of another": ("设备变更集", "UPDATE accepted_set SET device = (SELECT max(device) FROM device_key)"
                       " WHERE device = (SELECT min(device) FROM device_key)"),
    "set renumbered": ("设备变更集", "UPDATE accepted_set SET last = last + 1"),
    "reach": ("设备变更集", "UPDATE device_reach SET contiguous_to = contiguous_to + 1 WHERE contiguous_to > 0"),
    "key gone": ("设备变更集", "DELETE FROM device_key"),
}  # fmt: skip


def flip(hub: Hub, table: str, column: str, where: str, at: Callable[[int], int]) -> None:
    """Change one bit of one row."""
    with hub.store.write() as connection:
        (before,) = connection.exec_driver_sql(
            f"SELECT {column} FROM {table} {where} ORDER BY {column} LIMIT 1"
        ).fetchone() or (b"",)
        changed = bytearray(before)
        changed[at(len(changed))] ^= 1
        sql.execute(
            connection, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (bytes(changed), bytes(before))
        )


@pytest.mark.parametrize("what", BYTES)
def test_a_changed_byte_is_found(lived: Hub, what: str) -> None:
    title, table, column, where = BYTES[what]
    assert troubles(lived) == {}
    for at in (lambda _: 0, lambda n: n // 2, lambda n: n - 1):
        flip(lived, table, column, where, at)
        assert troubles(lived).get(title), f"{what} not found"


@pytest.mark.parametrize("what", ROWS)
def test_a_changed_row_is_found(lived: Hub, what: str) -> None:
    title, statement = ROWS[what]
    with lived.store.write() as connection:
        assert connection.exec_driver_sql(statement.replace("%", "%%")).rowcount != 0
    assert troubles(lived).get(title), f"{what} not found"


# --- acts -----------------------------------------------------------------------------
def test_acts_of_the_hub_are_chained(lived: Hub) -> None:
    assert events(lived) == ["enrolled", "invite", "enrolled", "invite"]
    with lived.store.read() as connection:
        said = " ".join(one.detail for one in audit.latest(connection))
    assert "chenmin" not in said and "陈敏" not in said


def test_a_package_that_was_tampered_with_is_noted(place: Place, enrol_at: Enrol) -> None:
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", ENTITIES[0])
    package = bytearray(chen.export())
    package[-1] ^= 1
    before = len(events(place.hub))
    with pytest.raises(PackageError):
        place.hub.handle(io.BytesIO(bytes(package)), io.BytesIO())
    assert events(place.hub)[: len(events(place.hub)) - before] == ["package_refused"]
    assert troubles(place.hub) == {}


# --- the command ------------------------------------------------------------------------
def test_audit_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "hub"
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)

    def run(*words: str, code: int = 0) -> str:
        assert cli.main(["--data", str(data), *words]) == code
        said = capsys.readouterr()
        return said.out + said.err

    run("init", "--name", "甲中心")
    run("bureau", "add", "310113-A", "甲局", "--division", "310113")
    run("bureau", "add", "310113-A", "甲局", "--division", "310113")  # nothing changed: nothing done
    run("invite", "--bureau", "310113-A", "--account", "chenmin", "--name", "陈敏", "--role", "officer")
    run("user", "freeze", "chenmin")
    run("user", "thaw", "chenmin")
    run("backup", str(tmp_path / "one.yzbackup"))
    (made,) = tmp_path.glob("*.yzbackup")
    run("verify", str(made))
    run("keys", "rotate")
    listed = run("audit", "list")
    words = ["更换中心密钥", "核验备份", "中心备份", *["冻结或恢复账号"] * 2, "签发登记码", "登记单位"]
    assert [line.split()[4] for line in listed.splitlines()[1:]] == words
    assert "陈敏" not in listed
    assert "核验通过" in run("audit", "check")
    assert run("audit", "list", "--event", "checked").count("完好") == 1

    hub = Hub(f"sqlite:///{data / 'hub.db'}", data, PASSPHRASE)
    with hub.store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = detail || '.' WHERE event = 'invite'")
    hub.close()
    said = run("audit", "check", code=1)
    assert "第 2 条内容被改动" in said and "证据链不完整" in said


# --- at an administrator's wish --------------------------------------------------------------
def test_a_device_asks_and_hears_the_result_once_in_ten_minutes(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = enrol_at(place.a, "boss", roles=("hub_admin",))
    other = enrol_at(place.b, "laozhou")
    for one in (boss, other):
        with one.store.write() as connection:
            hub_proofs.want(connection)
        one.sync()
    with other.store.read() as connection:
        assert hub_proofs.wanted(connection) and not hub_proofs.heard(connection).at  # no rights, no answer
    with boss.store.read() as connection:
        first = hub_proofs.heard(connection)
        assert first.at and not hub_proofs.wanted(connection)
    assert [title for title, _, _ in first.found][-4:] == TITLES
    assert not [trouble for _, _, trouble in first.found if trouble]

    with place.hub.store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = detail || '.' WHERE no = 1")
    for later, trouble in ((0, ""), (11, "第 1 条内容被改动")):
        monkeypatch.setattr(place.hub.clock, "_millis", lambda later=later: system_millis() + later * 60_000)
        with boss.store.write() as connection:
            hub_proofs.want(connection)
        _, answer = handle(place.hub, boss.export())  # by stick
        boss.take(answer)
        with boss.store.read() as connection:
            found = {title: trouble for title, _, trouble in hub_proofs.heard(connection).found}
        assert found["审计记录"] == trouble
    assert events(place.hub).count("checked") == 2
