"""取消 while the line hangs: it takes effect at once, and the next synchronization goes on."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import Cancelled
from shared.fictitious import market_entities
from sync import http
from sync.http import HttpCarrier
from sync.sockets import PlainSocket, Question, SecureSocket, secure_context
from tests.fixtures.devices import Enrol, count, quiet
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.wires import bad_line

MUCH = bytes(range(256)) * (32 << 10)
"""8 MiB: more than fits into the buffers of a connection nobody reads from."""


# --- a whole synchronization ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("hang", "waiting_for"),
    [
        ({"hang_up": 0}, "正在连接"),  # asked how much the hub has: no answer
        ({"hang_up": 9_000}, "正在上传"),  # within the upload: the hub's word does not come
        ({"hang_down": 20_000}, "正在下载"),  # within the answer
    ],
)
def test_a_hung_line_is_left_at_once(
    place: Place, address: str, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch,
    hang: dict[str, int], waiting_for: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 8.0))  # so that it fails soon when the line is not left
    monkeypatch.setattr(http, "ASKING", (5.0, 8.0))
    other, device = enrol_at(place.b, "laozhou"), enrol_at(place.a, "chenmin")
    entities = list(market_entities(2000, DIVISION))
    other.insert("market_entity", *entities[:1000], proven=True)
    other.sync()
    device.insert("market_entity", *entities[1000:], proven=True)
    heard: list[tuple[int, int, str]] = []

    def impatient(*news: Any) -> None:
        heard.append(news)
        if line.hanging.is_set() and heard[-2:] == [news, news]:  # nothing moves any more
            raise Cancelled("操作已取消。")

    with bad_line(address) as line:
        for name, after in hang.items():
            setattr(line, name, after)
        with closing(HttpCarrier(line.url)) as carrier, pytest.raises(Cancelled):
            device.engine.sync(carrier, impatient)
        assert heard[-1][2] == waiting_for  # not only when the wait was over and it tried again
        line.hang_up = line.hang_down = None
        with closing(HttpCarrier(line.url)) as carrier:
            device.engine.sync(carrier, quiet)
    assert device.statuses() == ["applied"]
    assert count(place.hub.store, "market_entity") == device.count("market_entity") == 2000


# --- the sockets themselves -------------------------------------------------------------------
@contextmanager
def plain_pair() -> Iterator[tuple[PlainSocket, socket.socket]]:
    near, far = socket.socketpair()
    mine = PlainSocket(near.family, near.type, near.proto, fileno=near.detach())
    mine.settimeout(8.0)
    with mine, far:
        yield mine, far


@contextmanager
def secure_pair(folder: Path) -> Iterator[tuple[SecureSocket, ssl.SSLSocket]]:
    near, far = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(_certificate(folder))
    client = secure_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    theirs: list[ssl.SSLSocket] = []
    shaking = threading.Thread(target=lambda: theirs.append(server.wrap_socket(far, server_side=True)))
    shaking.start()
    mine = client.wrap_socket(near)
    shaking.join()
    assert isinstance(mine, SecureSocket)
    mine.settimeout(8.0)
    with mine, theirs[0]:
        yield mine, theirs[0]


def _certificate(folder: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "hub.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _refusing() -> Question:
    question = Question()

    def no() -> None:
        raise Cancelled("操作已取消。")

    question.ask = no
    return question


@pytest.mark.parametrize("secure", [False, True])
def test_waiting_to_read_and_to_write_asks(tmp_path: Path, secure: bool) -> None:
    with secure_pair(tmp_path) if secure else plain_pair() as (mine, _):
        mine.question = _refusing()
        with pytest.raises(Cancelled):
            mine.recv_into(bytearray(10))
        with pytest.raises(Cancelled):
            mine.sendall(MUCH)
        assert mine.gettimeout() == 8.0


@pytest.mark.parametrize("secure", [False, True])
def test_what_waits_in_slices_arrives_whole(tmp_path: Path, secure: bool) -> None:
    asked = threading.Event()
    with secure_pair(tmp_path) if secure else plain_pair() as (mine, theirs):
        mine.question = Question()
        mine.question.ask = asked.set
        back = bytearray()

        def slowly() -> None:
            asked.wait()  # only once the writer has waited
            while len(back) < len(MUCH):
                back.extend(theirs.recv(1 << 16))
            asked.clear()
            asked.wait()  # and the reader too
            theirs.sendall(MUCH)

        reading = threading.Thread(target=slowly)
        reading.start()
        mine.sendall(MUCH)
        got, room = bytearray(), bytearray(1 << 16)
        while len(got) < len(MUCH):
            got += room[: mine.recv_into(room)]
        reading.join()
    assert back == MUCH and got == MUCH


def test_a_wait_still_ends_by_itself() -> None:
    with plain_pair() as (mine, _):
        mine.question = Question()
        mine.settimeout(0.01)
        with pytest.raises(TimeoutError):
            mine.recv_into(bytearray(10))
