"""Contents of attachments: missing first, whole or not at all, over lines that break and by stick."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.attachments import PIECE as PIECE_BYTES
from shared.errors import PackageError, PackageTampered
from shared.store.sql import execute
from sync.entries import Entry
from sync.http import HttpCarrier
from sync.messages import PIECE
from tests.fixtures.attached import attach, content_at, delivered, scan, wish
from tests.fixtures.devices import Device, Direct, Enrol, handle, quiet, rows
from tests.fixtures.hubs import Place
from tests.fixtures.wires import BadLine, bad_line

MB = 1_000_000
Reaching = Callable[[str], HttpCarrier]


@pytest.fixture
def line(address: str) -> Iterator[BadLine]:
    with bad_line(address) as made:
        yield made


@pytest.fixture
def carrier() -> Iterator[Reaching]:
    with contextlib.ExitStack() as used:
        yield lambda url: used.enter_context(contextlib.closing(HttpCarrier(url, wait=lambda _: None)))


def brought(device: Device) -> None:
    """Records, then pieces, without a network between."""
    device.sync()
    device.engine.pieces.run(Direct(device.hub), quiet)


def test_a_scan_of_20_mb_comes_through_a_line_that_keeps_breaking(
    place: Place, line: BadLine, enrol_at: Enrol, carrier: Reaching
) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(20 * MB)
    sha256, _record = attach(a, content)
    a.engine.sync(carrier(line.url), quiet)
    assert a.statuses() == ["applied"] and not delivered(a, sha256)
    line.up, before = 1_500_000, line.passed_up
    done = a.engine.pieces.run(carrier(line.url), quiet)
    wire = line.passed_up - before
    assert line.cuts > 10 and wire < 1.25 * len(content)
    assert delivered(a, sha256) and done.delivered == 1
    stored = place.hub.pieces.path(sha256)
    assert stored.read_bytes() == content
    assert not any(p for p in (place.hub.data / "attachments" / "pending").iterdir())

    b, other = enrol_at(place.a, "wanglei"), len(content)
    b.sync()
    assert b.count("attachment") == 1
    wish(b, sha256, other)
    line.up, line.down, cuts = None, 1_500_000, line.cuts
    b.engine.pieces.run(carrier(line.url), quiet)
    assert line.cuts > cuts + 5
    assert content_at(b, sha256, other) == content


def by_stick(device: Device) -> bytes:
    """A package of pieces as it goes onto a stick."""
    out = io.BytesIO()
    device.engine.pieces.seal(out, "media", "", device.engine.pieces.entries(1 << 30, blind=True))
    return out.getvalue()


def with_pieces(device: Device, *found: tuple[bytes, int, int, bytes]) -> bytes:
    """A package of pieces made by hand: content hash, number, size, data."""
    entries = (Entry(PIECE, {"content": c, "no": no, "size": size}, data) for c, no, size, data in found)
    out = io.BytesIO()
    device.engine.pieces.seal(out, "media", "", entries)
    return out.getvalue()


def logged(place: Place) -> list[tuple[Any, Any]]:
    return [(r["outcome"], r["reason"]) for r in rows(place.hub.store, "exchange") if r["kind"] == "attachments"]


def test_the_same_scan_from_two_devices_is_sent_once(place: Place, enrol_at: Enrol) -> None:
    a, b, content = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei"), scan(3 * MB)
    sha256, _ = attach(a, content)
    attach(b, content)
    brought(a)
    b.sync()
    assert delivered(b, sha256) and b.engine.pieces.waiting() == (0, 0)
    done = b.engine.pieces.run(Direct(b.hub), quiet)
    assert not done.anything


def test_what_went_by_stick_is_not_sent_again(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(6 * MB)
    sha256, _ = attach(a, content)
    a.sync()
    found = a.engine.pieces.entries(1 << 30, blind=True)
    half = [(e.meta["content"], e.meta["no"], e.meta["size"], bytes(e.data)) for e in found][::2]
    handle(place.hub, with_pieces(a, *half))
    a.engine.pieces._heard = False  # the program was started again
    done = a.engine.pieces.run(Direct(a.hub), quiet)
    assert delivered(a, sha256) and len(half) == 3
    assert done.sent < len(content) - 3 * PIECE_BYTES + 1000


def test_both_ways_by_stick(place: Place, enrol_at: Enrol) -> None:
    a, b, content = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei"), scan(3 * MB)
    sha256, _ = attach(a, content)
    _, answer = handle(place.hub, a.export())
    _, word = handle(place.hub, by_stick(a))
    a.take(answer)
    a.take(word)
    assert delivered(a, sha256)
    b.sync()
    wish(b, sha256, len(content))
    _, answer = handle(place.hub, b.export())
    assert b.take(answer).pieces.arrived == 1 and content_at(b, sha256, len(content)) == content


def test_pieces_before_their_records_wait_for_them(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, _ = attach(a, content)
    with pytest.raises(PackageError, match="记录还没有到中心"):
        handle(place.hub, by_stick(a))
    a.take(handle(place.hub, a.export())[1])
    a.take(handle(place.hub, by_stick(a))[1])
    assert delivered(a, sha256)


def test_a_flipped_piece_is_found_dropped_and_sent_anew(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(2 * MB)
    sha256, _ = attach(a, content)
    a.sync()
    raw, wrong = bytes.fromhex(sha256), bytearray(content[:PIECE_BYTES])
    wrong[77] ^= 1
    first, last = (raw, 0, len(content), bytes(wrong)), (raw, 1, len(content), content[PIECE_BYTES:])
    _, answer = handle(place.hub, with_pieces(a, first, last))
    assert not place.hub.pieces.path(sha256).exists()
    assert logged(place)[-1][0] == "partial" and "校验值不符" in str(logged(place)[-1][1])
    a.take(answer)
    assert not delivered(a, sha256)
    a.engine.pieces._refused.clear()  # the next day
    a.engine.pieces.run(Direct(a.hub), quiet)
    assert delivered(a, sha256) and place.hub.pieces.path(sha256).read_bytes() == content


def test_strange_pieces_are_not_kept(place: Place, enrol_at: Enrol) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, _ = attach(a, content)
    a.sync()
    raw, size = bytes.fromhex(sha256), len(content)
    handle(place.hub, with_pieces(
        a, (raw, 0, size, content), (raw, 0, size, content), (raw, 7, size, content), (raw, 0, size, b"short"),
        (b"\x00" * 32, 0, 5, b"hello"), (b"../../etc/passwd", 0, 5, b"hello"),
    ))  # fmt: skip
    assert logged(place)[-1] == ("partial", "附件 1 片，入库 1 个，重复 1 片，未登记或大小不符 4 片（未保存）")
    kept = [p for p in (place.hub.data / "attachments").rglob("*") if p.is_file()]
    assert kept == [place.hub.pieces.path(sha256)]


def test_only_for_records_of_the_own_bureau(place: Place, enrol_at: Enrol) -> None:
    a, b, content = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou"), scan(MB)
    sha256, _ = attach(a, content)
    brought(a)
    wish(b, sha256, len(content))
    with b.store.write() as connection:  # it knows the hash from somewhere, and has a record at home
        execute(connection, "INSERT INTO attachment (id, sha256, size, _w, _tag, _hlc) VALUES ('x', ?, ?, 0, 0, 0)",
                (sha256, len(content)))  # fmt: skip
    done = b.engine.pieces.run(Direct(b.hub), quiet)
    assert done.fetched == 0 and content_at(b, sha256, len(content)) is None
    second, more = scan(MB, 2), enrol_at(place.a, "wanglei")
    other, _ = attach(more, second)
    more.sync()
    with pytest.raises(PackageError, match="记录还没有到中心"):
        handle(place.hub, with_pieces(b, (bytes.fromhex(other), 0, len(second), second)))


def test_a_hub_that_lies_about_a_content_is_found_out(place: Place, enrol_at: Enrol) -> None:
    a, b, content = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei"), scan(2 * MB)
    sha256, _ = attach(a, content)
    brought(a)
    b.sync()
    wish(b, sha256, len(content))
    path = place.hub.pieces.path(sha256)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(PackageTampered, match="校验值不符"):
        b.engine.pieces.run(Direct(b.hub), quiet)
    assert content_at(b, sha256, len(content)) is None
    path.write_bytes(content)
    wish(b, sha256, len(content))
    b.engine.pieces.run(Direct(b.hub), quiet)
    assert content_at(b, sha256, len(content)) == content


def test_a_program_that_dies_between_pieces_goes_on(place: Place, enrol_at: Enrol) -> None:
    a, b, content = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei"), scan(5 * MB)
    sha256, _ = attach(a, content)
    brought(a)
    b.sync()
    wish(b, sha256, len(content))
    real, count = b.engine.contents.put, 0

    def dying(*given: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        real(*given)

    b.engine.contents.put = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        b.engine.pieces.run(Direct(b.hub), quiet)
    b.engine.contents.put = real  # type: ignore[method-assign]
    done = b.engine.pieces.run(Direct(b.hub), quiet)
    assert done.fetched == len(content) - 3 * PIECE_BYTES
    assert content_at(b, sha256, len(content)) == content


def test_a_hub_that_lost_its_contents_gets_them_again(place: Place, enrol_at: Enrol) -> None:
    """A new epoch: what it said it had, it must say again."""
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, _ = attach(a, content)
    brought(a)
    assert delivered(a, sha256)
    shutil.rmtree(place.hub.data / "attachments")
    place.hub.pieces._epoch = "f" * 32
    attach(a, scan(MB, 5))
    brought(a)
    assert place.hub.pieces.path(sha256).read_bytes() == content and delivered(a, sha256)


def test_a_late_word_takes_nothing_back(place: Place, enrol_at: Enrol) -> None:
    time = [1_778_040_000_000]
    place.hub.clock._millis = lambda: time[0]
    a, content = enrol_at(place.a, "chenmin"), scan(MB)
    sha256, _ = attach(a, content)
    a.sync()
    early = handle(place.hub, with_pieces(a))[1]
    time[0] += 5_000
    place.hub.pieces._epoch = "f" * 32  # the hub was restored in between
    a.engine.pieces.run(Direct(a.hub), quiet)
    a.take(early)
    assert delivered(a, sha256)


def test_a_removed_attachment_is_not_sent(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    _, record = attach(a, scan(MB))
    a.delete("attachment", record)
    assert a.engine.pieces.waiting() == (0, 0)
    brought(a)
    assert not (place.hub.data / "attachments").exists()
