"""The audit check over the API: beside the serving, one at a time, seldom, and it finds a changed byte."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest

from server_stub import checking, proving
from server_stub.hub import Hub
from shared.clock import system_millis
from shared.store import audit
from tests.fixtures.admin_api import Asker, asker
from tests.fixtures.hubs import PASSPHRASE, Place


class Slow:
    """Going through the evidence, held up until it may go on; counts who began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.count = 0
        real = checking.prove

        def prove(*given: Any) -> Any:
            self.count += 1
            self.begun.release()
            assert self.go_on.wait(60)
            return real(*given)

        monkeypatch.setattr(proving.checking, "prove", prove)


def finished(hub: Hub) -> None:
    """Until what runs in the background has ended."""
    running = hub.proofs._running
    assert running is not None
    running.join()


def later(place: Place, monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    monkeypatch.setattr(place.hub.clock, "_millis", lambda: system_millis() + minutes * 60_000)


def test_a_check_finds_what_was_changed(place: Place, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = asker(place.hub, address)
    assert one.get("/audit/check") == {"state": "none", "began_at": None, "at": None, "whole": None, "proofs": []}
    assert one.ask("/audit/check", "POST").status_code == 202
    finished(place.hub)
    found = one.get("/audit/check")
    assert found["state"] == "done" and found["whole"] is True
    assert {"审计记录", "数据流"} <= {p["title"] for p in found["proofs"]}
    with place.hub.store.read() as connection:
        assert [e.who for e in audit.latest(connection, event="check_asked")] == ["token:monitoring"]
    with place.hub.store.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET detail = detail || '.' WHERE no = 1")

    again = one.ask("/audit/check", "POST")  # ten minutes have not passed: what is known
    assert again.status_code == 200 and again.json() == found
    later(place, monkeypatch, 11)
    assert one.ask("/audit/check", "POST").status_code == 202
    finished(place.hub)
    found = one.get("/audit/check")
    assert found["whole"] is False and found["at"] == found["began_at"]
    assert {p["title"]: p["trouble"] for p in found["proofs"]}["审计记录"] == "第 1 条内容被改动"


def test_while_one_runs_the_hub_serves_and_no_other_begins(
    place: Place, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, one = Slow(monkeypatch), asker(place.hub, address)
    assert one.ask("/audit/check", "POST").status_code == 202
    assert slow.begun.acquire(timeout=60)
    assert one.get("/audit/check")["state"] == "running" and one.get("/bureaus")["bureaus"] == []
    assert one.ask("/audit/check", "POST").status_code == 202
    later(place, monkeypatch, 11)  # longer than it may be asked again
    other = Hub(place.url, place.hub.data, PASSPHRASE, clock=place.hub.clock)  # as another process would
    with contextlib.closing(other):
        assert other.proofs.ask("second").running
        finished(other)  # it found that somebody is at it
        assert one.get("/audit/check")["state"] == "running" and slow.count == 1
    slow.go_on.set()
    finished(place.hub)
    found = one.get("/audit/check")
    assert found["state"] == "done" and found["whole"] is True and slow.count == 1


def test_a_check_that_was_broken_off_may_be_asked_for_again(
    place: Place, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, one = Slow(monkeypatch), asker(place.hub, address)
    one.ask("/audit/check", "POST")
    assert slow.begun.acquire(timeout=60)
    place.hub.proofs._closing.set()
    slow.go_on.set()
    finished(place.hub)
    place.hub.proofs._closing.clear()
    assert one.get("/audit/check")["state"] == "none"
    assert one.ask("/audit/check", "POST").status_code == 202
    finished(place.hub)
    assert one.get("/audit/check")["state"] == "done"


def test_without_a_token_nothing_begins(place: Place, address: str) -> None:
    assert Asker(address, "").ask("/audit/check", "POST").status_code == 401
    assert place.hub.proofs.known().began_at == ""
