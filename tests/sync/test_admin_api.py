"""The administrators' API: who is let in, what a bureau's token sees, lists without doubles and holes."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import sqlalchemy as sa

from server_stub.admin import desk
from server_stub.admin.desk import Desk
from server_stub.admin.facts import Facts, Wanted
from server_stub.admin.paging import Order, Window
from server_stub.admin.refusals import NotFound, TooOften, WrongToken
from server_stub.hub import Hub
from server_stub.pace import Pace
from server_stub.tokens import Tokens
from shared.access import HUB_ACTOR
from shared.clock import system_millis
from shared.fictitious import market_entities
from shared.store import audit
from tests.fixtures.admin_api import Asker, asker
from tests.fixtures.devices import Device, Enrol, handle
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, Postgres, make_place, serving

ENTITIES = list(market_entities(8, DIVISION, 11))


def events(hub: Hub, event: str) -> list[str]:
    """Who is in the audit chain for it."""
    with hub.store.read() as connection:
        return [one.who for one in audit.latest(connection, event=event)]


def logged(hub: Hub, count: int, bureau: str, **values: object) -> None:
    """Lines of the log, each by a transaction of its own, as exchanges write them."""
    for _ in range(count):
        began = hub.diary.begin("network")
        hub.diary.write(
            None, began, **{"bureau": bureau, "sets": 0, "changes": 0, "bytes": 1, "outcome": "empty", **values}
        )


# --- who is let in ---------------------------------------------------------------------
def test_only_a_living_token_reads(place: Place, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(place.hub.store)
    living = asker(place.hub, address)
    said = living.get("/hub")
    assert said["hub_id"] == place.hub.keys.hub_id and said["epoch"] == place.hub.epoch
    assert said["token"] == {"name": "monitoring", "expires_at": tokens.every()[0].expires_at, "bureau": None}
    for wrong in ("", "yzh_" + "x" * 43, living.token[:-1], living.token.upper(), "令牌"):
        answer = Asker(address, wrong and wrong.encode().decode("latin-1")).ask("/bureaus")
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthorized" and "令牌" in answer.json()["message"]
    ended = asker(place.hub, address, "ended")
    assert ended.status("/bureaus") == 200
    tokens.revoke("ended")
    assert ended.status("/bureaus") == 401
    monkeypatch.setattr(place.hub.clock, "_millis", lambda: system_millis() + 91 * 86_400_000)
    assert living.status("/bureaus") == 401


def test_a_parameter_nobody_described_is_refused_by_name(place: Place, address: str) -> None:
    one = asker(place.hub, address)
    for path, known in (("/exchanges", "bureau、seat、from、to"), ("/seats", "bureau、state"), ("/hub", "没有参数")):
        answer = one.ask(path, device="zz", limmit=3)
        assert answer.status_code == 400 and answer.json()["code"] == "bad_request"
        assert answer.json()["message"] == "没有参数 device、limmit。" and known in answer.json()["hint"]
    assert Asker(address, "yzh_wrong").ask("/hub", device="zz").status_code == 401  # strangers are told nothing
    assert one.status("/exchanges", carrier="media", direction="up", **{"from": "2026-01-01"}) == 200


def test_use_is_noted_once_a_day_and_wrong_tokens_once_an_hour(place: Place) -> None:
    with serving(place.hub) as address:  # it ends when what comes after an answer is done
        one = asker(place.hub, address)
        for _ in range(3):
            one.get("/bureaus")
            assert Asker(address, "yzh_wrong").status("/hub") == 401
    assert events(place.hub, "token_used") == ["token:monitoring"]
    assert events(place.hub, "token_refused") == [""]
    assert Tokens(place.hub.store).every()[0].used_at


def test_after_many_wrong_tokens_only_known_ones_are_looked_at(place: Place, address: str) -> None:
    known, fresh = asker(place.hub, address), asker(place.hub, address, "fresh")
    known.get("/hub")
    for n in range(desk.WRONG):
        assert Asker(address, f"yzh_guess{n}").status("/hub") == 401
    answer = fresh.ask("/hub")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["code"] == "too_often" and answer.json()["hint"]
    assert known.status("/hub") == 200
    Tokens(place.hub.store).revoke("monitoring")
    assert known.status("/hub") == 401  # known lately is not known for ever


def test_several_processes_share_what_they_bear_of_wrong_tokens(place: Place) -> None:
    desks = [Desk(place.hub, processes=3) for _ in range(3)]
    wrong = late = 0
    for n in range(3 * desk.WRONG):
        try:
            desks[n % 3].admit(f"yzh_guess{n}")
        except TooOften:
            late += 1
        except WrongToken:
            wrong += 1
    assert (wrong, late) == (desk.WRONG // 3 * 3, 3 * desk.WRONG - desk.WRONG // 3 * 3)
    now = [0.0]
    slow = Pace(1, 3600, lambda: now[0], processes=3)
    assert slow.take() and not slow.take()
    now[0] = 3 * 3600 - 1.0
    assert not slow.take() and slow.wait == 2
    now[0] = 3 * 3600
    assert slow.take()


def test_what_is_not_understood_is_refused_in_words(place: Place, address: str) -> None:
    one = asker(place.hub, address)
    for path, params in (
        ("/exchanges", {"limit": 0}), ("/exchanges", {"limit": 501}), ("/exchanges", {"from": "2026-02-30"}),
        ("/exchanges", {"after": "!"}), ("/exchanges", {"outcome": "a b"}), ("/bureaus", {"silent_days": 0}),
        ("/packages/12", {}), ("/seats", {"after": "a" * 300}), ("/exchanges", {"carrier": "zz"}),
        ("/exchanges", {"direction": "sideways"}),
    ):  # fmt: skip
        answer = one.ask(path, **params)
        assert answer.status_code == 400, (path, params, answer.text)
        assert answer.json()["code"] == "bad_request" and answer.json()["message"] and answer.json()["hint"]
        assert answer.headers["Cache-Control"] == "no-store"
    for path in ("/seats/" + "0" * 32, "/held/" + "0" * 32, "/bureaus/NONE", "/packages/abcdef12", "/nothing"):
        assert one.status(path) == 404, path
    assert one.status("/exchanges", method="DELETE") == 405


# --- what a bureau's token sees -----------------------------------------------------------
@pytest.fixture
def busy(place: Place, enrol_at: Enrol) -> dict[str, Device]:
    """A seat at 甲局, 甲局一所 and 乙局 each; each has delivered, each has a held set."""
    made = {
        "a": enrol_at(place.a, "chenmin"), "a1": enrol_at(place.a1, "xiaowu"), "b": enrol_at(place.b, "laozhou"),
    }  # fmt: skip
    for n, device in enumerate(made.values()):
        device.insert("market_entity", ENTITIES[n])
        device.sync()
        with place.hub.store.unit(HUB_ACTOR) as unit:
            user = place.hub.store.types["user"]
            unit.update(user, device.actor.user, {"state": "frozen"}, proven=True)
        device.insert("market_entity", ENTITIES[n + 3])
        handled, _ = handle(place.hub, device.export())
        assert [s.status for s in handled.intake.sets] == ["quarantined"]
    return made


def test_a_bureaus_token_sees_its_bureau_and_those_below_and_no_other(
    place: Place, address: str, busy: dict[str, Device]
) -> None:
    whole, one = asker(place.hub, address), asker(place.hub, address, "a", place.a)
    mine, other = {place.a, place.a1}, place.b
    devices = {busy["a"].grant.device, busy["a1"].grant.device}

    found = one.get("/bureaus")
    assert {b["bureau"]["id"] for b in found["bureaus"]} == mine
    assert found["figures"]["bureaus"] == found["figures"]["seats"] == found["figures"]["quarantined"] == 2
    assert {b["bureau"]["code"] for b in whole.get("/bureaus")["bureaus"]} == {"A", "A1", "B"}
    assert {s["id"] for s in one.pages("/seats", limit=1)} == devices
    for path in ("/exchanges", "/held"):
        seen = {i["bureau"]["id"] for i in one.pages(path, limit=2)}
        assert seen == mine and {i["bureau"]["id"] for i in whole.pages(path, limit=2)} == mine | {other}
        assert {i["bureau"]["id"] for i in one.pages(path, bureau="A1")} == {place.a1}
        assert one.status(path, bureau="B") == one.status(path, bureau=other) == 403
    assert one.status("/bureaus/B") == 403 and one.get("/bureaus/A1")["seat_list"][0]["id"] in devices
    theirs = busy["b"].grant.device
    assert one.status(f"/seats/{theirs}") == one.status(f"/seats/{theirs}/exchanges") == 404
    assert one.status("/exchanges", seat=theirs) == 404
    (held,) = [h for h in whole.pages("/held") if h["bureau"]["id"] == other]
    assert one.status(f"/held/{held['id']}") == 404 and whole.get(f"/held/{held['id']}") == held
    (sent,) = whole.pages("/exchanges", bureau="B", outcome="quarantined")
    assert whole.get(f"/packages/{sent['fingerprint'][:8]}")["traces"][0]["package_id"] == sent["package_id"]
    assert one.status(f"/packages/{sent['fingerprint'][:8]}") == 404
    for path in ("/backups", "/epochs", "/audit/check"):
        assert one.status(path) == 403 and whole.status(path) == 200
    assert one.ask("/audit/check", "POST").status_code == 403
    assert one.get("/hub")["token"]["bureau"]["name"] == "甲局"


def test_whose_records_were_reassigned_sees_what_waits_for_him(
    place: Place, address: str, busy: dict[str, Device]
) -> None:
    """A held set is shown to the bureau that is responsible now, as its administrator sees it."""
    (held,) = [h for h in asker(place.hub, address).pages("/held") if h["bureau"]["id"] == place.b]
    one = asker(place.hub, address, "a", place.a)
    assert one.status(f"/held/{held['id']}") == 404
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types["held_set"], held["id"], {"owner": place.a}, proven=True)
    seen = one.get(f"/held/{held['id']}")
    assert seen["owner"]["code"] == "A" and seen["bureau"]["code"] == "B"
    assert held["id"] in {h["id"] for h in one.pages("/held", bureau="A", limit=1)}


def test_held_sets_tell_reason_and_decision_but_not_what_they_hold(
    place: Place, address: str, busy: dict[str, Device]
) -> None:
    one = asker(place.hub, address)
    (held,) = [h for h in one.pages("/held", state="held") if h["bureau"]["id"] == place.b]
    assert "停用" in held["reason"] and held["seat"] == "laozhou的电脑" and held["decided_at"] is None
    assert "content" not in held and ENTITIES[5]["name"] not in str(held)
    place.hub.ledger.review.decide(held["id"], "rejected", "账号已停用")
    after = one.get(f"/held/{held['id']}")
    assert (after["state"], after["decision_note"]) == ("rejected", "账号已停用") and after["decided_at"]
    assert len(list(one.pages("/held", state="held"))) == 2


# --- lists ---------------------------------------------------------------------------------
def test_filters_of_the_log(place: Place, address: str, busy: dict[str, Device]) -> None:
    one = asker(place.hub, address)
    everything = list(one.pages("/exchanges", limit=3))
    today = place.hub.clock.today().isoformat()
    assert len(everything) == len({e["id"] for e in everything}) >= 9
    assert list(one.pages("/exchanges", **{"from": today, "to": today})) == everything
    assert list(one.pages("/exchanges", to="2020-01-01")) == list(one.pages("/exchanges", **{"from": "2099-01-01"})) == []
    assert list(one.pages("/exchanges", to="9999-12-31")) == everything
    for name in ("outcome", "carrier", "kind", "direction"):
        for value in {e[name] for e in everything}:
            assert list(one.pages("/exchanges", limit=2, **{name: value})) == [e for e in everything if e[name] == value]
    assert len({e["outcome"] for e in everything}) == 3
    seat = one.get(f"/seats/{busy['a1'].grant.device}")
    history = list(one.pages(f"/seats/{seat['id']}/exchanges", limit=1))
    assert history == [e for e in everything if e["seat"] == seat["log_name"]] and len(history) >= 3
    assert list(one.pages(f"/seats/{seat['id']}/exchanges", order="oldest")) == history[::-1]


def test_from_the_newest_no_doubles_though_new_lines_arrive(place: Place, address: str) -> None:
    one = asker(place.hub, address)
    logged(place.hub, 7, place.a)
    before = [e["id"] for e in one.pages("/exchanges")]
    seen, after, more = [], "", True
    while more:
        page = one.get("/exchanges", limit=2, after=after)
        seen += [e["id"] for e in page["items"]]
        after, more = page["next"], page["more"]
        logged(place.hub, 3, place.b)
    assert seen == before


def test_from_the_oldest_nothing_is_missed_while_several_write(place: Place, address: str) -> None:
    """Whoever keeps ``next`` and comes again sees every line once, in the order they became visible."""
    one = asker(place.hub, address)
    assert one.get("/exchanges", order="oldest") == {"items": [], "next": None, "more": False}
    done = threading.Event()
    seen: list[str] = []
    second = Hub(place.url, place.hub.data, PASSPHRASE)  # another process would be another hub like this
    with contextlib.closing(second), ThreadPoolExecutor(5) as pool:
        writing = [pool.submit(logged, hub, 12, place.a) for hub in (place.hub, second) * 2]

        def follow() -> None:
            after = ""
            while True:
                last = done.is_set()
                page = one.get("/exchanges", order="oldest", limit=5, after=after)
                seen.extend(e["id"] for e in page["items"])
                after = page["next"] or ""
                if last and not page["more"]:
                    return

        following = pool.submit(follow)
        try:
            for job in writing:
                job.result()
        finally:
            done.set()
        following.result()
    assert len(seen) == len(set(seen)) == 48
    assert seen == [e["id"] for e in one.pages("/exchanges", order="oldest")]


def test_no_line_becomes_visible_before_an_earlier_one(postgres: Postgres, tmp_path: Path) -> None:
    """While one process has written its line and not committed, another's cannot overtake it."""
    place = make_place(postgres.fresh(), tmp_path / "hub")
    second = Hub(place.url, place.hub.data, PASSPHRASE)
    line = {"started_at": place.hub.clock.stamp(), "carrier": "network", "direction": "up", "outcome": "empty"}
    with contextlib.closing(place.hub), contextlib.closing(second), ThreadPoolExecutor(1) as pool:
        api = Desk(place.hub).admit(Tokens(place.hub.store).add("monitoring"))

        def seen() -> list[str]:
            with api.facts() as facts:
                return [e.outcome for e in facts.exchanges(Wanted(), Window(order=Order.OLDEST)).items]

        with place.hub.store.unit(HUB_ACTOR) as unit:
            unit.insert(place.hub.store.types["exchange"], [line], way="exchange", proven=True)
            other = pool.submit(logged, second, 1, place.a, outcome="posted")
            while not other.done() and not waiting_for_a_lock(second):
                wait([other], timeout=0.01)
            assert seen() == []
        other.result()
        assert seen() == ["empty", "posted"]


def waiting_for_a_lock(hub: Hub) -> bool:
    """Whether a session of this database waits for another."""
    with hub.store.read() as connection:
        return bool(
            connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ).scalar()
        )


def test_a_place_in_a_list_is_good_for_that_list_and_epoch_only(
    place: Place, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = asker(place.hub, address)
    logged(place.hub, 3, place.a)
    after = one.get("/exchanges", limit=1)["next"]
    assert one.status("/exchanges", after=after) == 200
    for path, params in (("/held", {}), ("/exchanges", {"order": "oldest"}), ("/seats", {}), ("/backups", {})):
        assert one.status(path, after=after, **params) == 400, path
    monkeypatch.setattr(place.hub, "epoch", "f" * 32)
    answer = one.ask("/exchanges", after=after)
    assert answer.status_code == 400 and "备份恢复过" in answer.json()["message"]


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_a_fingerprint_is_looked_up_by_an_index(place: Place) -> None:
    asked: list[tuple[str, object]] = []
    with place.hub.store.read() as connection:
        engine = connection.engine
        sa.event.listen(engine, "before_cursor_execute", lambda _c, _h, text, values, *_: asked.append((text, values)))
        with contextlib.suppress(NotFound):
            Facts(place.hub.store, connection, place.hub.epoch, None).package("ab12cd34")
        text, values = next(one for one in asked if '"exchange"' in one[0])
        plan = " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
    assert "ix_exchange_fingerprint" in plan and "SCAN" not in plan
