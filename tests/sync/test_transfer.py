"""Over the network: whatever the line does, the package gets through, whole and once."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server_stub.hub import Hub
from server_stub.spool import Spool
from shared.errors import BadAnswer, Cancelled, HubRefused, Interrupted, Unreachable
from shared.fictitious import market_entities
from shared.store.exchange import attempts
from sync.http import HttpCarrier
from tests.fixtures.devices import Device, Enrol, count, quiet, rows
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.served import Served
from tests.fixtures.wires import BadLine, bad_line

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
}  # fmt: skip


@pytest.fixture
def line(address: str) -> Iterator[BadLine]:
    with bad_line(address) as made:
        yield made


Reaching = Callable[[str], HttpCarrier]


@pytest.fixture
def carrier(served_hub: Served) -> Iterator[Reaching]:
    """Carriers to an address, which wait between their attempts only until the hub is done with the last one.

    Not to wait at all would ask the hub how far it is before it has put away what it heard.
    """
    with contextlib.ExitStack() as used:

        def made(url: str) -> HttpCarrier:
            return used.enter_context(contextlib.closing(HttpCarrier(url, wait=served_hub.at_rest)))

        yield made


def busy_device(enrol_at: Enrol, place: Place, n: int = 3000) -> Device:
    device = enrol_at(place.a, "chenmin")
    device.insert("market_entity", *market_entities(n, DIVISION), proven=True)
    return device


def spooled(hub: Hub) -> set[str]:
    return {path.suffix for path in (hub.data / "spool").iterdir()}


def test_a_good_line(place: Place, address: str, enrol_at: Enrol, carrier: Reaching) -> None:
    a, b = busy_device(enrol_at, place), enrol_at(place.b, "laozhou")
    a.engine.sync(carrier(address), quiet)
    b.engine.sync(carrier(address), quiet)
    assert a.statuses() == ["applied"] and b.count("market_entity") == 3000
    assert ".part" not in spooled(place.hub)


@pytest.mark.parametrize("cut", [700, 5_000, 20_001])
def test_an_upload_goes_on_where_the_line_broke(
    place: Place, line: BadLine, enrol_at: Enrol, cut: int, carrier: Reaching
) -> None:
    a = busy_device(enrol_at, place, 3000 if cut > 1000 else 300)
    n = a.count("market_entity")
    line.up = cut
    a.engine.sync(carrier(line.url), quiet)
    assert line.cuts > 2
    assert a.statuses() == ["applied"] and count(place.hub.store, "market_entity") == n
    size = next(r["bytes"] for r in rows(place.hub.store, "exchange") if r["kind"] == "changes")
    assert line.passed_up < 2 * size + 1000 * line.cuts


@pytest.mark.parametrize("cut", [20_001, 100_000])
def test_a_download_goes_on_where_the_line_broke(
    place: Place, line: BadLine, enrol_at: Enrol, cut: int, carrier: Reaching
) -> None:
    a, b = busy_device(enrol_at, place), enrol_at(place.b, "laozhou")
    a.sync()
    line.down = cut
    b.engine.sync(carrier(line.url), quiet)
    assert line.cuts > 0
    assert b.count("market_entity") == 3000


def test_the_hub_has_committed_but_its_answer_is_lost(
    place: Place, line: BadLine, enrol_at: Enrol, carrier: Reaching
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    line.mute_after = 1500  # the package gets through, the word that it did does not
    a.engine.sync(carrier(line.url), quiet)
    assert line.cuts > 0
    assert a.statuses() == ["applied"]
    logged = [r["outcome"] for r in rows(place.hub.store, "exchange") if r["kind"] == "changes"]
    assert logged == ["applied"]


def test_the_line_stays_down_until_the_next_synchronization(
    place: Place, line: BadLine, enrol_at: Enrol, carrier: Reaching
) -> None:
    a = busy_device(enrol_at, place)
    line.up = 30_000
    line.mute_after = 0
    with pytest.raises((Interrupted, BadAnswer)):
        a.engine.sync(carrier(line.url), quiet)
    assert a.statuses() == ["sealed"]
    line.up = line.mute_after = None
    a.engine.sync(carrier(line.url), quiet)
    assert a.statuses() == ["applied"] and count(place.hub.store, "market_entity") == 3000


def test_a_link_that_is_gone_for_some_seconds_is_waited_for(
    place: Place, address: str, enrol_at: Enrol
) -> None:
    a, waited = busy_device(enrol_at, place), 0
    with contextlib.ExitStack() as now, contextlib.ExitStack() as later:
        line = now.enter_context(bad_line(address))
        port = int(line.url.rpartition(":")[2])

        def wait(_: float) -> None:
            nonlocal waited
            waited += 1
            if waited == 1:
                now.close()  # no network any more
            if waited == 60:  # a fifth of a second each
                later.enter_context(bad_line(address, port))

        carrier = later.enter_context(contextlib.closing(HttpCarrier(line.url, wait=wait)))
        line.up = 20_000
        a.engine.sync(carrier, quiet)
    assert waited >= 60 and a.statuses() == ["applied"]
    assert count(place.hub.store, "market_entity") == 3000


def test_the_next_synchronization_continues_the_package_of_the_last(
    place: Place, line: BadLine, enrol_at: Enrol, carrier: Reaching
) -> None:
    a = busy_device(enrol_at, place)
    before = line.passed_up

    def impatient(done: int, total: int, text: str) -> None:
        if text == "正在下载":
            raise Cancelled("已取消。")

    with pytest.raises(Cancelled):
        a.engine.sync(carrier(line.url), impatient)
    sent = line.passed_up - before
    a.insert("market_entity", ENTITY)
    a.engine.sync(carrier(line.url), quiet)
    assert line.passed_up - before < sent * 1.5
    assert a.statuses() == ["applied", "applied"]
    assert count(place.hub.store, "market_entity") == 3001
    with a.store.read() as connection:
        assert [one.outcome for one in attempts(connection)][::-1][0] == "cancelled"


def test_a_hub_stopped_before_it_handled_what_it_has_is_asked_again(
    place: Place, address: str, enrol_at: Enrol, carrier: Reaching
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    package, sealed = a.sealed("network")
    Spool(place.hub.data / "spool").append(sealed.package_id, 0, package)
    (a.folder / "spool").mkdir()
    (a.folder / "spool" / "up.yzp").write_bytes(package)
    a.engine.sync(carrier(address), quiet)
    assert a.statuses() == ["applied"]


def test_many_devices_at_once(place: Place, address: str, enrol_at: Enrol, carrier: Reaching) -> None:
    devices = [enrol_at(place.a, f"user{i}") for i in range(4)]
    rows_of = list(market_entities(200, DIVISION))
    for i, device in enumerate(devices):
        device.insert("market_entity", *rows_of[i * 50 : (i + 1) * 50], proven=True)
    threads = [
        threading.Thread(target=d.engine.sync, args=(carrier(address), quiet)) for d in devices
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for device in devices:
        device.engine.sync(carrier(address), quiet)
        assert device.statuses() == ["applied"] and device.count("market_entity") == 200


# --- what answers is not what it should be -------------------------------------------------
def test_nobody_listens(place: Place, enrol_at: Enrol, carrier: Reaching) -> None:
    a = enrol_at(place.a, "chenmin")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="连不上中心"):
        a.engine.sync(carrier(f"http://127.0.0.1:{port}"), quiet)
    with a.store.read() as connection:
        assert [one.outcome for one in attempts(connection)] == ["failed"]


class Portal(http.server.BaseHTTPRequestHandler):
    """A hotel's sign-in page in front of everything."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    do_GET = do_PUT = do_HEAD

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_a_sign_in_page_answers_instead_of_the_hub(place: Place, enrol_at: Enrol, carrier: Reaching) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    with http.server.HTTPServer(("127.0.0.1", 0), Portal) as portal:
        thread = threading.Thread(target=portal.serve_forever, args=(0.01,))
        thread.start()
        with pytest.raises(BadAnswer, match="不是驿站中心"):
            a.engine.sync(carrier(f"http://127.0.0.1:{portal.server_port}"), quiet)
        portal.shutdown()
        thread.join()
    assert a.statuses() == ["sealed"]


def test_a_refused_package_is_not_kept(
    place: Place, address: str, enrol_at: Enrol, tmp_path: Path, carrier: Reaching
) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", ENTITY)
    package, sealed = a.sealed("network")
    bad = tmp_path / "bad.yzp"
    bad.write_bytes(package[:-200] + bytes(200))
    with pytest.raises(HubRefused):
        carrier(address).exchange(bad, sealed.package_id, tmp_path / "answer", quiet)
    assert spooled(place.hub) == set()
    a.engine.sync(carrier(address), quiet)
    assert a.statuses() == ["applied"]


def test_names_never_become_paths(place: Place, address: str, tmp_path: Path, carrier: Reaching) -> None:
    bad = tmp_path / "bad.yzp"
    bad.write_bytes(b"x" * 100)
    for name in ("..%2f..%2fetc", "x" * 32, "A" * 32):
        with pytest.raises((HubRefused, BadAnswer)):
            carrier(address).exchange(bad, name, tmp_path / "answer", quiet)
    assert spooled(place.hub) == set()


def test_old_answers_are_swept(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append("0" * 32, 0, b"half")
    assert spool.sweep(0.0) == 0
    assert spool.sweep(2e10) == 1 and spool.offset("0" * 32) is None


def test_who_asks_how_much_is_there_while_it_is_being_handled_hears_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process finishes between the two looks: at the answer, and at the package."""
    spool, name = Spool(tmp_path / "spool"), "0" * 32
    spool.append(name, 0, b"whole")
    answered = spool.answered

    def just_before(package_id: str) -> bool:
        monkeypatch.undo()
        before = answered(package_id)
        spool.answer_draft(name).write_bytes(b"answer")
        spool.finish(name, 1)
        return before

    monkeypatch.setattr(spool, "answered", just_before)
    assert spool.offset(name) == 5
