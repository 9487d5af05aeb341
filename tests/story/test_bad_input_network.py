"""F9 against a hub that is not there, not a hub, or broken: a sentence, nothing lost, on it goes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytestqt.qtbot import QtBot

from desktop.work.jobs import JobState
from shared.filters import Filter
from sync.http import HttpCarrier
from tests.fixtures.hubs import serving
from tests.fixtures.programs import Start
from tests.fixtures.samples import sample
from tests.fixtures.wires import bad_line
from tests.gui.exchange_desks import Stage

MARK = {"X-Yizhan": "1"}


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    """A web server that says the same to everything."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = answer

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listening(first: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something on a port that does ``first`` with every connection."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                one, _ = server.accept()
            except OSError:
                return
            held.append(one)
            with contextlib.suppress(OSError):
                first(one)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for one in held:
            one.close()


NOT_A_HUB = "应答的不是驿站中心。请核对中心地址，或检查网络是否需要先登录认证。"
WRONG = {
    "portal": (200, {"Content-Type": "text/html"}, b"<html>please sign in</html>", NOT_A_HUB),
    "json": (200, {"Content-Type": "application/json"}, b"{}", NOT_A_HUB),
    "binary": (200, {}, os.urandom(5000), NOT_A_HUB),
    "sent elsewhere": (302, {"Location": "http://127.0.0.1:9/login"}, b"", NOT_A_HUB),
    "proxy": (407, {}, b"who are you", NOT_A_HUB),
    "hub, no offset": (200, MARK, b"{}", "中心的应答不完整。"),
    "hub, offset below zero": (200, {**MARK, "Upload-Offset": "-5"}, b"x", "中心的应答不完整。"),
    "hub, offset that never grows": (200, {**MARK, "Upload-Offset": "0"}, b"x", "中心的应答不完整。"),
    "hub, offset beyond the end": (200, {**MARK, "Upload-Offset": "99999999"}, b"x", "中心的应答不完整。"),
    "hub, not zipped": (
        200, {**MARK, "Content-Encoding": "gzip", "Upload-Offset": "5"}, b"not zipped", "中心的应答不完整。",
    ),
    "hub out of order": (503, MARK, b"x", "中心暂时出错，没有处理成功。"),
    "hub says no, strangely": (422, MARK, b'{"message": null}', "中心拒绝了请求"),
}  # fmt: skip


def test_what_answers_is_no_hub(start: Start, place_of_work: Stage) -> None:
    window = start()
    record = window.edit("021-1")
    for name, (status, headers, body, said) in WRONG.items():
        with answering(status, headers, body) as url:
            assert window.sync(url).startswith(said), name
        assert window.pending == 1, name
    hub = place_of_work.hub()
    with serving(hub) as url:
        assert "上报 1 条" in window.sync(url)
    hub.close()
    assert window.pending == 0 and window.phone(record) == "021-1"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "连不上中心。已录入的数据都保存在本机"),
        (f"http://{'a' * 300}", "中心地址无法使用。请在设置中核对"),
        ("http://..", "中心地址无法使用。请在设置中核对"),
    ],
    ids=["refused", "a name too long to look up", "no name"],
)
def test_nobody_there(start: Start, url: str, said: str) -> None:
    window = start()
    window.edit("021-1")
    assert window.sync(url).startswith(said)
    assert window.pending == 1
    assert window.program.shell is not None and window.program.shell.status_text("online") == "离线"
    window.page("home")


def test_a_secure_address_of_a_plain_port(start: Start) -> None:
    window = start()
    with listening(lambda one: one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as at:
        assert window.sync(f"https://{at}").startswith("与中心的加密连接建立不起来。请核对中心地址是 http 还是")


def test_a_line_cut_both_ways_is_taken_up_again(
    start: Start, place_of_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpCarrier.__init__, "__defaults__", (lambda _: None,))  # no waiting
    window = start()
    for place in range(30):
        window.edit("021-" + "1234567890" * 3, place)
    hub = place_of_work.hub()
    with serving(hub) as url, bad_line(url) as line:
        line.up, line.down = 3000, 700
        window.sync(line.url)  # every connection dies early, either way
        assert line.cuts >= 2
        line.up = line.down = None
        window.sync(line.url)
    hub.close()
    assert window.pending == 0
    assert not list(window.settings.spool.glob("*.yzp"))


def test_cancelling_before_a_silent_hub(start: Start) -> None:
    window = start()
    window.edit("021-1")
    heard = threading.Event()
    with listening(lambda one: heard.set()) as at:
        window.settings.set("hub_url", f"http://{at}")
        job = window.program.sync_now()
        assert heard.wait(10)
        assert window.program.shell is not None and window.program.shell.open("records") is not None
        job.cancel()
    window.settle()  # the silent one hung up: no further attempt is made
    assert job.state is JobState.CANCELLED
    assert window.said == "同步已取消。数据都在本机，已传的部分不会重传。"
    assert window.pending == 1


def test_entering_goes_on_while_the_line_hangs(start: Start, place_of_work: Stage, qtbot: QtBot) -> None:
    """No page waits for the network: what is typed meanwhile is saved at once, and comes in with the rest."""
    hub = place_of_work.hub()
    window = start()
    window.edit("021-1")
    with serving(hub) as url, bad_line(url) as line:
        line.hang_up = 1_000
        window.settings.set("hub_url", line.url)
        room = window.page("records", type="alert").room
        entity = window.desk.records.first(window.desk.records.type("market_entity"), Filter())[3].values
        job = window.program.sync_now()
        qtbot.waitUntil(line.hanging.is_set)
        room.new()
        room.form.set_raw(sample("alert", uscc=entity["uscc"], entity_name=entity["name"]))
        saved = room.save()
        assert saved is not None
        qtbot.waitUntil(lambda: saved.over)
        assert (saved.state, job.state) == (JobState.DONE, JobState.RUNNING), room.form.summary_lines()
        qtbot.waitUntil(lambda: room.table.model.total == 1)
        assert window.pending == 2 and job.state is JobState.RUNNING
        job.cancel()
        window.settle()
        line.hang_up = None
        window.sync()
        assert window.pending == 0
    hub.close()


def test_leaving_while_it_synchronizes(start: Start, place_of_work: Stage) -> None:
    hub = place_of_work.hub()
    with serving(hub) as url:
        window = start(url=url)
        record = window.edit("021-7")
        window.program.sync_now()
        window.close()
        again = start()
        assert again.inside and again.phone(record) == "021-7"
        again.sync()
        assert again.pending == 0
    hub.close()
