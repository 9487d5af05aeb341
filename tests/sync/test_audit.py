"""The audit chain and everything else 核验 goes through: whole when untouched, found when not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.work.auditing import Auditing
from desktop.work.jobs import Progress
from desktop.work.passwords import PasswordRefused
from desktop.work.session import Session, sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from shared.clock import Clock, system_millis
from shared.fictitious import market_entities
from shared.filters import Filter
from shared.store import audit
from shared.store.store import Store
from tests.fixtures.hubs import DIVISION, Place, make_place, serving
from tests.fixtures.stations import PASSWORD, Station, key_file, open_station, quiet, station

ENTITIES = list(market_entities(6, DIVISION, 5))


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Place]:
    made = make_place(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "hub")
    yield made
    made.hub.close()


@pytest.fixture
def one(centre: Place, tmp_path: Path) -> Iterator[Station]:
    """Somebody who has entered things and exchanged them."""
    with serving(centre.hub) as url:
        made = station(centre.hub, url, centre.a, tmp_path / "one")
        for entity in ENTITIES[:3]:
            made.insert("market_entity", entity)
            Syncing(made.session).sync_now(quiet)
        made.insert("market_entity", *ENTITIES[3:])
        yield made
        made.session.close()


def troubles(one: Station) -> dict[str, str]:
    return {p.title: p.trouble for p in Auditing(one.session).prove(Progress()) if p.trouble}


def test_all_is_whole_and_the_check_is_noted(one: Station) -> None:
    found = {p.title: (p.count, p.trouble) for p in Auditing(one.session).prove(Progress())}
    assert found["变更日志"] == (6, "") and found["变更集签名"] == (3, "")
    assert found["审计记录"][1] == "" and found["中心回执"][0] >= 3
    newest = Auditing(one.session).acts()[0]
    assert (newest.what, newest.detail, newest.who) == ("核验审计链", "完好", "陈敏")


def test_what_people_do_is_there_in_order(one: Station, centre: Place, tmp_path: Path) -> None:
    from desktop.work.desk import Cases

    session = one.session
    cases = Cases.at(session.store, session.records)
    cases.exporting.export(tmp_path / "a.xlsx", session.store.types["market_entity"], Filter(), purpose="上报")
    with pytest.raises(PasswordRefused):
        session.confirm("not the password")
    session.confirm(PASSWORD)
    session.close()
    again = open_station(tmp_path / "one", "chenmin")
    acts = [(a.what, a.who) for a in reversed(Auditing(again.session).acts())]
    assert acts[0] == ("登录", "陈敏") and acts.count(("同步", "本机")) >= 3
    end = [("导出工作簿", "陈敏"), ("密码错误", "陈敏"), ("解锁", "陈敏"), ("退出", "陈敏"), ("登录", "陈敏")]
    assert acts[-5:] == end
    again.session.close()


def acts_of(session: Session) -> list[tuple[str, str]]:
    """What the chain says of who sat there, oldest first, exchanges left out."""
    with session.store.read() as connection:
        assert audit.check(connection).whole
        return [(e.event, e.detail) for e in reversed(audit.latest(connection)) if e.event != "sync"]


class Guesser:
    """Somebody who tries passwords, waiting as long as is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.millis = system_millis()
        self.keys = key_file(folder, clock=Clock(lambda: self.millis))

    def guess(self, times: int, tried: Callable[[], object]) -> None:
        """So many wrong ones that count, and after each one some that come too soon."""
        for _ in range(times):
            self.millis += 16 * 60_000
            with pytest.raises(PasswordRefused) as refused:
                tried()
            for _ in range(3 if refused.value.retry_at else 0):
                with pytest.raises(PasswordRefused, match="暂时锁定"):
                    tried()

    def sign_in(self, password: str) -> Session:
        return sign_in(Settings(self.folder), "chenmin", password, keys=self.keys)


def test_an_hour_of_guesses_at_the_sign_in_page_is_a_few_entries(one: Station, tmp_path: Path) -> None:
    one.session.close()
    before = len(acts_of(again := open_station(tmp_path / "one", "chenmin").session))
    again.close()
    guesser = Guesser(tmp_path / "one")
    guesser.guess(12, lambda: guesser.sign_in("不是这个密码"))
    guesser.millis += 16 * 60_000
    session = guesser.sign_in(PASSWORD)
    fresh = acts_of(session)[before:]
    assert [event for event, _ in fresh] == ["sign_out", *["sign_in_failed"] * 3, "lockout", "sign_in"]
    assert all(detail.startswith("chenmin 20") for event, detail in fresh if event == "sign_in_failed")
    assert "连续输错 12 次，20" in fresh[4][1] and " 至 20" in fresh[4][1]
    session.close()


def test_guesses_at_the_lock_are_noted_once_and_so_is_who_unlocked(one: Station, tmp_path: Path) -> None:
    one.session.close()
    guesser = Guesser(tmp_path / "one")
    session = guesser.sign_in(PASSWORD)
    before = len(acts_of(session))
    session.presence.locked(idle=True)
    guesser.guess(2, lambda: session.confirm("不是这个密码"))
    guesser.millis += 16 * 60_000
    session.confirm(PASSWORD)
    failed = ("sign_in_failed", "解锁时")
    assert acts_of(session)[before:] == [("lock", "无人操作"), failed, failed, ("unlock", "")]
    before = len(acts_of(session))
    session.presence.locked(idle=False)
    guesser.guess(9, lambda: session.confirm("不是这个密码"))
    locked = [("lock", "本人锁定"), failed, failed, failed, ("lockout", "解锁时连续输错 3 次")]
    assert acts_of(session)[before:] == locked
    guesser.millis += 16 * 60_000
    session.confirm(PASSWORD)
    assert acts_of(session)[before:] == [*locked, ("unlock", "此前连续输错 9 次")]
    session.close()


Damage = Callable[[Store], None]


def run(statement: str) -> Damage:
    def change(store: Store) -> None:
        with store.write() as connection:
            assert connection.exec_driver_sql(statement).rowcount != 0

    return change


@pytest.mark.parametrize(
    ("where", "damage"),
    [
        ("审计记录", run("UPDATE audit SET detail = detail || ' ' WHERE no = 2")),
        ("审计记录", run("UPDATE audit SET who = '' WHERE event = 'sign_in'")),
        ("审计记录", run("DELETE FROM audit WHERE no = 2")),
        ("审计记录", run("DELETE FROM audit WHERE no = (SELECT max(no) FROM audit)")),
        ("审计记录", run("DELETE FROM audit")),
        ("变更日志", run("UPDATE journal SET payload = zeroblob(length(payload)) WHERE first_seq = 4")),
        ("变更日志", run("UPDATE journal SET head = zeroblob(32) WHERE first_seq = 4")),
        ("变更日志", run("DELETE FROM journal WHERE first_seq = 2")),
        ("变更日志", run("DELETE FROM journal WHERE last_seq = (SELECT max(last_seq) FROM journal)")),
        ("变更集签名", run("UPDATE change_set SET envelope = (SELECT envelope FROM change_set WHERE from_seq = 1)"
                      " WHERE from_seq = 2")),
        ("中心回执", run("UPDATE receipt SET envelope = CAST(substr(envelope, 1, length(envelope) - 2) || x'0001' AS BLOB)"
                     " WHERE no = 1")),
        ("中心回执", run("DELETE FROM receipt WHERE no = (SELECT max(no) FROM receipt)")),
        ("中心回执", run("UPDATE fact SET value = x'00000000000000FF' WHERE name = 'receipted'")),
    ],
)  # fmt: skip
def test_a_changed_byte_is_found(one: Station, where: str, damage: Damage) -> None:
    assert troubles(one) == {}
    damage(one.session.store)
    assert where in troubles(one)


def test_a_change_set_that_was_signed_differently(one: Station) -> None:
    """Journal and chain rewritten to fit each other: the signature still tells."""
    from shared.changes import GENESIS, chain, decode_block, encode_block, pack, unpack
    from shared.store.facts import write_fact

    store = one.session.store
    with store.write() as connection:
        head = GENESIS
        rows = connection.exec_driver_sql("SELECT first_seq, payload FROM journal ORDER BY first_seq").fetchall()
        for first, payload in rows:
            block = decode_block(unpack(payload))
            if first == 1:
                (run_,) = block.runs
                at = next(i for i, c in enumerate(run_.columns) if c[0] == ENTITIES[0]["name"])
                run_.columns[at][0] = "别的名称"
            raw = encode_block(block)
            head = chain(head, raw)
            connection.exec_driver_sql(
                "UPDATE journal SET payload = ?, head = ? WHERE first_seq = ?", (pack(raw), head, first)
            )
        write_fact(connection, "head", head)
    found = troubles(one)
    assert "变更日志" not in found and "第 1 号" in found["变更集签名"]


def test_the_chain_of_a_hub(place: Place) -> None:
    """Both databases; several writers in turn."""
    store = place.hub.store
    for n in range(3):
        with store.write() as connection:
            audit.note(connection, "2026-05-06T09:00:00+08:00", "hub", "sync", f"第 {n} 次")
    with store.read() as connection:
        assert audit.check(connection) == audit.Checked(3)
        assert [e.detail for e in audit.latest(connection, 2)] == ["第 2 次", "第 1 次"]
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET at = '2026-05-07T09:00:00+08:00' WHERE no = 2")
    with store.read() as connection:
        found = audit.check(connection)
    assert not found.whole and found.broken == 2
