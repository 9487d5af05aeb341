"""Files of attachments beside a package of changes: named on its cover, checked, none stops another."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QApplication

from desktop.work import media_pieces
from desktop.work.courier import Courier
from desktop.work.media import ExportResult
from desktop.work.media_facts import of_record
from desktop.work.printing import hand_over_sheet
from desktop.work.syncing import Syncing
from server_stub.diary import MEDIA, Handled
from shared.attachments import PIECE, pieces_of
from shared.store import pieces
from sync import package
from sync.beside import look_beside
from tests.fixtures.attached import keep, scan
from tests.fixtures.devices import rows
from tests.fixtures.hubs import Place
from tests.fixtures.stations import STICK, Station, quiet
from tests.fixtures.sticks import bring_in


def attach(one: Station, content: bytes) -> str:
    """A photo of an inspection; returns its hash."""
    one.engine, one.store = one.session.engine, one.session.store  # type: ignore[attr-defined]
    sha256 = keep(one, content)  # type: ignore[arg-type]
    one.insert(
        "attachment",
        {
            "record_type": "inspection", "record_id": "0" * 32, "title": "现场照片", "file_name": "a.jpg",
            "media_type": "image/jpeg", "size": len(content), "sha256": sha256, "pieces": pieces_of(len(content)),
        },
    )  # fmt: skip
    return sha256


def handled(place: Place, path: Path) -> tuple[Handled, Path]:
    """As ``yizhan-hub import`` does it: with what lies beside."""
    answer = path.with_name("answer.yzp")
    with path.open("rb") as stream, answer.open("w+b") as out:
        return place.hub.handle(stream, out, carrier=MEDIA, folder=path.parent), answer


def delivered(one: Station, sha256: str) -> bool:
    with one.session.store.read() as connection:
        return pieces.of(connection, [sha256])[sha256].delivered


@pytest.fixture
def three(far: Station, stick: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ExportResult, list[str]]:
    """An export with three files beside it."""
    monkeypatch.setattr(media_pieces, "VOLUME", PIECE)
    hashes = [attach(far, scan(PIECE, n)) for n in (1, 2, 3)]
    return far.media.export(stick, STICK, quiet, attachments=True), hashes


def test_one_import_takes_the_changes_and_what_lies_beside_them(
    centre: Place, far: Station, three: tuple[ExportResult, list[str]]
) -> None:
    made, hashes = three
    assert made.carried is not None and len(made.carried.files) == 3
    done, answer = handled(centre, made.path)
    assert [b.trouble for b in done.beside] == [None] * 3
    assert all("入库 1 个" in b.words for b in done.beside)
    bring_in(far, answer)  # one answer says it all
    assert [delivered(far, h) for h in hashes] == [True] * 3
    assert {m.word for m in far.media.register.movements() if m.way == "out"} == {"已送达"}
    logged = [r for r in rows(centre.hub.store, "exchange") if r["kind"] == "attachments"]
    assert [r["outcome"] for r in logged] == ["applied"] * 3


def test_the_sheet_lists_every_file(qapp: QApplication, far: Station, three: tuple[ExportResult, list[str]]) -> None:
    made, _ = three
    assert made.carried is not None
    html = hand_over_sheet(made.hand_over)
    for one in made.carried.files:
        assert one.path.name in html and one.fingerprint_text in html and f"{one.size:,}" in html
    total = sum(one.size for one in made.carried.files)
    assert f"3 个文件，共 {total:,} 字节" in html and html.count("附件 1 个") == 3
    # and again from the register
    (line,) = [m for m in far.media.register.movements() if m.package_id == made.package_id]
    again = of_record(
        line.values, far.session.records.codes, far.session.records.label, far.media.register.beside(line.values)
    )
    assert set(again.beside) == set(made.hand_over.beside) and again.fingerprint == made.fingerprint_text


def test_a_missing_and_a_damaged_file_say_so_and_stop_nothing(
    centre: Place, far: Station, stick: Path, three: tuple[ExportResult, list[str]]
) -> None:
    made, hashes = three
    assert made.carried is not None
    gone, bad, good = made.carried.files
    gone.path.unlink()
    raw = bytearray(bad.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    bad.path.write_bytes(raw)
    good.path.rename(stick / "改了名字.yzp")  # names do not matter
    done, answer = handled(centre, made.path)
    assert done.intake.outcome == "applied" and len(rows(centre.hub.store, "attachment")) == 3
    said = {b.one.package_id: b.words for b in done.beside}
    assert "不在介质上" in said[gone.package_id] and f"{gone.size:,} 字节" in said[gone.package_id]
    assert "不能用：" in said[bad.package_id] and bad.path.name in said[bad.package_id]
    assert "入库 1 个" in said[good.package_id]
    refused = [r for r in rows(centre.hub.store, "exchange") if r["outcome"] == "refused"]
    assert {r["package_id"] for r in refused} == {gone.package_id, bad.package_id}
    bring_in(far, answer)
    assert sum(delivered(far, h) for h in hashes) == 1
    words = {m.package_id: m.word for m in far.media.register.movements() if m.way == "out"}
    assert words == {
        made.package_id: "已送达", good.package_id: "已送达", gone.package_id: "已交出", bad.package_id: "已交出",
    }
    # the next stick brings exactly what is missing, and closes what was waited for
    for path in stick.iterdir():
        path.unlink()
    more = far.media.export(stick, STICK, quiet, attachments=True)
    assert more.carried is not None and len(more.carried.files) == 2
    bring_in(far, handled(centre, more.path)[1])
    assert all(delivered(far, h) for h in hashes)
    words = {m.package_id: m.word for m in far.media.register.movements() if m.way == "out"}
    assert words[gone.package_id] == words[bad.package_id] == "已另行送达"


def test_the_limit_is_kept_and_the_rest_goes_with_the_next_stick(
    centre: Place, far: Station, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_pieces, "VOLUME", PIECE)
    hashes = [attach(far, scan(PIECE, n)) for n in (1, 2, 3)]
    made = far.media.export(stick, STICK, quiet, attachments=True, most=2 * PIECE)
    assert made.carried is not None and (len(made.carried.files), made.carried.left) == (2, 1)
    bring_in(far, handled(centre, made.path)[1])
    for path in stick.iterdir():
        path.unlink()
    made = far.media.export(stick, STICK, quiet, attachments=True, most=2 * PIECE)
    assert made.carried is not None and (len(made.carried.files), made.carried.left) == (1, 0)
    bring_in(far, handled(centre, made.path)[1])
    assert all(delivered(far, h) for h in hashes)


def test_a_cover_cannot_lead_outside_its_folder(far: Station, stick: Path, three: tuple[ExportResult, list[str]]) -> None:
    """Files are known by the id on their own covers; nothing on a cover is ever a path."""
    made, _ = three
    with made.path.open("rb") as stream:
        core = package.inspect(stream).core
    assert [b.trouble for b in look_beside(core, stick)] == [None] * 3
    evil = dict(core.prereqs) | {"beside": {"../../etc/passwd": 10, "0" * 32: 5}}

    found = look_beside(msgspec.structs.replace(core, prereqs=evil), stick)
    assert [b.package_id for b in found] == ["0" * 32] and found[0].path is None


def test_a_courier_passes_on_what_lies_beside_and_says_what_is_missing(
    centre: Place, far: Station, near: Station, stick: Path, three: tuple[ExportResult, list[str]]
) -> None:
    made, hashes = three
    assert made.carried is not None
    made.carried.files[0].path.unlink()
    received = near.media.receive(made.path, quiet)
    told = [p.message for p in received.report.problems]
    assert any("另有 2 个附件包" in t for t in told) and any("不在介质上" in t for t in told)
    done = near.media.forward(received, stick, STICK, quiet)
    received.close()
    assert done.carried is not None and done.carried.failed is not None
    assert "不在介质上" in done.carried.failed.message
    assert sum(centre.hub.pieces.path(h).exists() for h in hashes) == 2
    answers = sorted(stick.glob("驿站-中心回件-*.yzp"))
    assert len(answers) == 3  # to the changes, and to each file
    for path in sorted(answers, key=lambda p: p.stat().st_mtime_ns):
        received = far.media.receive(path, quiet)
        far.media.apply(received, STICK, quiet)
        received.close()
    assert sum(delivered(far, h) for h in hashes) == 2


def test_a_courier_without_network_keeps_all_of_it_and_delivers_in_order(
    centre: Place, far: Station, near: Station, stick: Path, three: tuple[ExportResult, list[str]]
) -> None:
    made, hashes = three
    courier = Courier(near.session)
    received = near.media.receive(made.path, quiet)
    courier.keep(received)
    received.close()
    for path in stick.iterdir():
        path.unlink()
    assert len(courier.box()) == 4
    Syncing(near.session).sync_now(quiet)  # changes first, whatever their order in the box
    assert all(centre.hub.pieces.path(h).exists() for h in hashes)
    assert {x.word for x in courier.box() if not x.outward} == {"已送中心"}
