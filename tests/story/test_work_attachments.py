"""附件 through the use cases: taken in, sent, fetched by a colleague, opened, let go; and what is refused."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import shutil
import stat
import struct
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from desktop.ui.attachments.pictures import sources_of
from desktop.work import pictures
from desktop.work.attached import ARCHIVED, DELIVERED, TO_FETCH, TO_SEND
from desktop.work.attaching import Source, prepare, safe_name
from desktop.work.attachments import Attachments, NotHere
from desktop.work.odd_names import really
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from server_stub import backup
from shared import attachments as kinds
from shared.attachments import PIECE
from shared.errors import AccessDenied, DiskFull, InputError
from shared.store import contents
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.photos import office, photo, turned
from tests.fixtures.stations import Station, add_entities, quiet, station

ENTITY: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
}  # fmt: skip


@pytest.fixture
def hub_url(tmp_path: Path, hub_template: Path) -> str:
    shutil.copyfile(hub_template, tmp_path / "hub.db")
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def served(place: Place) -> Iterator[str]:
    with serving(place.hub) as url:
        yield url


Seated = Callable[[str, str], Station]


@pytest.fixture
def seat(place: Place, served: str, tmp_path: Path) -> Iterator[Seated]:
    made: list[Station] = []
    add_entities(place.hub, ENTITY)

    def sit(account: str, name: str) -> Station:
        one = station(place.hub, served, place.a, tmp_path / account, account, name)
        Syncing(one.session).sync_now(quiet)
        made.append(one)
        return one

    yield sit
    for one in made:
        one.session.close()


def entity_of(one: Station) -> str:
    return one.session.records.type("market_entity").id_for_key(ENTITY["uscc"])


def put(one: Station, *sources: Source) -> Attachments:
    desk = Attachments(one.session)
    declared = one.session.records.type("market_entity")
    added = desk.add(declared, entity_of(one), sources, quiet)
    assert not added.refused, added.refused
    return desk


def states(desk: Attachments, one: Station) -> dict[str, str]:
    return {a.file_name: a.state_text for a in desk.of_entity(entity_of(one))}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_photo_with_a_name_that_is_no_text_is_taken_in(seat: Seated, tmp_path: Path) -> None:
    """An old archive wrote the name in GBK: the picture is as good as any other."""
    chen, folder = seat("chenmin", "陈敏"), tmp_path / "dcim"
    folder.mkdir()
    names = ["照片".encode("gb18030"), b"IMG_\xff\xfe", b"\xff"]
    paths = [Path(os.fsdecode(bytes(folder) + b"/" + name + b".jpg")) for name in names]
    for shade, path in zip(("teal", "brown", "navy"), paths, strict=True):
        path.write_bytes(photo(shade=shade))
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromEncoded(b"file://" + quote_from_bytes(bytes(path)).encode()) for path in paths])
    desk = put(chen, *sources_of(dropped))
    assert set(states(desk, chen)) == {"照片.jpg", "IMG___.jpg", "_.jpg"}
    for one in desk.of_entity(entity_of(chen)):
        assert desk.small_picture(one) is not None
    chosen = really(folder / os.fsencode(paths[0].name).decode("utf-8", "replace"))  # as a dialog says it
    assert chosen == paths[0]
    later = tmp_path / "dcim" / "走廊.jpg"
    assert really(later) == later


def test_a_photo_goes_to_the_hub_and_to_a_colleague(seat: Seated, place: Place) -> None:
    chen, wang = seat("chenmin", "陈敏"), seat("wanglei", "王磊")
    desk = put(chen, Source("后厨.jpg", data=photo()), Source("许可证.pdf", data=b"%PDF-1.7 " + bytes(3 * PIECE)))
    assert states(desk, chen) == {"后厨.jpg": TO_SEND, "许可证.pdf": TO_SEND}
    assert desk.waiting().to_send == 2 and "待传附件 2 个" in desk.waiting().text
    Syncing(chen.session).sync_now(quiet)
    assert set(states(desk, chen).values()) == {TO_SEND}  # the record is there, the content is not
    desk.transfer(quiet)
    assert set(states(desk, chen).values()) == {DELIVERED} and not desk.waiting().text

    theirs = Attachments(wang.session)
    Syncing(wang.session).sync_now(quiet)
    assert set(states(theirs, wang).values()) == {TO_FETCH}
    (pdf,) = [a for a in theirs.of_entity(entity_of(wang)) if a.file_name == "许可证.pdf"]
    with pytest.raises(NotHere, match="已列入下载"):
        theirs.open_copy(pdf)
    theirs.transfer(quiet)
    path = theirs.open_copy(pdf)
    assert path.read_bytes() == b"%PDF-1.7 " + bytes(3 * PIECE) and path.suffix == ".pdf"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700 and stat.S_IMODE(path.stat().st_mode) == 0o400
    assert states(theirs, wang)["后厨.jpg"] == TO_FETCH  # nobody asked for it
    theirs.close()
    assert not path.exists()


def test_what_lies_on_the_disk_tells_nothing(seat: Seated) -> None:
    chen = seat("chenmin", "陈敏")
    put(chen, Source("a.pdf", data=b"%PDF-1.7 secret words " + bytes(PIECE)))
    folder = chen.session.settings.folder / "attachments"
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert len(files) == 2 and not any(b"secret words" in p.read_bytes() for p in files)
    (one,) = Attachments(chen.session).of_entity(entity_of(chen))
    assert not any(one.sha256[:8] in str(p) for p in files)


def test_evidence_keeps_its_bytes_and_what_leaves_tells_no_place(seat: Seated, tmp_path: Path) -> None:
    """R238: a photo is kept with time, place and camera; small pictures and copies carry none of it."""
    original = turned(640, 400)
    assert b"Exif" in original
    made = prepare(Source("IMG_1.jpg", data=original))
    assert b"".join(made.pieces()) == original and made.sha256 == hashlib.sha256(original).hexdigest()
    assert made.taken_at == "2026-05-06T09:40:00+08:00"
    small = QImage.fromData(made.small or b"")
    assert (small.width(), small.height()) == (160, 256)  # upright
    assert b"Exif" not in (made.small or b"") and b"2026:05:06" not in (made.small or b"")
    chen = seat("chenmin", "陈敏")
    put(chen, Source("IMG_1.jpg", data=original))
    attachments = Attachments(chen.session)
    (one,) = attachments.of_entity(entity_of(chen))
    attachments.save_as(one, tmp_path / "out.jpg")
    left = (tmp_path / "out.jpg").read_bytes()
    image = QImage.fromData(left)
    assert (image.width(), image.height()) == (400, 640)  # upright, and nothing else
    assert b"Exif" not in left and b"2026:05:06" not in left
    assert attachments.open_copy(one).read_bytes() == original


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", b"MZ\x90 a program", "这种文件不能作为附件"),
        ("a.pdf", b"", "文件是空的"),
        ("a.docm", office("word/document.xml", "word/vbaProject.bin"), "这种文件不能作为附件"),
        ("a.docx", office("readme.txt"), "这种文件不能作为附件"),
        ("a.jpg", photo()[:40], "图片已损坏"),
    ],
    ids=["program", "empty", "macros", "archive", "half"],
)
def test_what_is_no_attachment_is_refused(name: str, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        prepare(Source(name, data=content))


def test_kinds_are_known_by_content_not_by_name() -> None:
    assert prepare(Source("scan.exe", data=b"%PDF-1.4 x")).media_type == kinds.PDF
    assert prepare(Source("x", data=office("[Content_Types].xml", "xl/workbook.xml"))).media_type == kinds.XLSX
    assert safe_name("scan.exe", kinds.PDF) == "scan.exe.pdf"
    assert safe_name("../../etc/passwd", kinds.JPEG).count("/") == 0
    assert safe_name("现场 1.JPEG", kinds.JPEG) == "现场 1.jpeg"


def test_a_picture_bomb_is_refused_before_it_is_decoded() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    with pytest.raises(InputError, match="超出上限"):
        prepare(Source("bomb.png", data=bomb))
    assert pictures.thumbnail(bomb) is None


def test_too_big_a_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    big = tmp_path / "big.pdf"
    with big.open("wb") as out:
        out.truncate(kinds.MAX_FILE + 1)
    with pytest.raises(InputError, match="超过 50 MB"):
        prepare(Source("big.pdf", path=big))


def test_the_same_file_twice_is_kept_once(seat: Seated) -> None:
    chen = seat("chenmin", "陈敏")
    desk = put(chen, Source("a.jpg", data=photo()))
    declared = chen.session.records.type("market_entity")
    again = desk.add(declared, entity_of(chen), [Source("b.jpg", data=photo())], quiet)
    assert [e.message for _, e in again.refused] == ["这个文件已经附在这条记录上。"]
    assert desk.waiting().to_send == 1


def test_a_full_disk_leaves_nothing_half(seat: Seated, monkeypatch: pytest.MonkeyPatch) -> None:
    chen = seat("chenmin", "陈敏")
    desk, declared = Attachments(chen.session), chen.session.records.type("market_entity")
    real, count = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(errno.ENOSPC, "full")
        real(handle)

    monkeypatch.setattr(contents.os, "fsync", full)
    added = desk.add(declared, entity_of(chen), [Source("a.pdf", data=b"%PDF-" + bytes(3 * PIECE))], quiet)
    monkeypatch.undo()
    assert isinstance(added.refused[0][1], DiskFull) and desk.of_entity(entity_of(chen)) == []
    folder = chen.session.settings.folder / "attachments"
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_a_crash_between_pieces_leaves_files_that_are_swept(seat: Seated) -> None:
    chen = seat("chenmin", "陈敏")
    desk = put(chen, Source("a.jpg", data=photo()))
    store = chen.session.engine.contents
    store.put("ab" * 32, 0, b"half of something")
    folder = chen.session.settings.folder / "attachments"
    before = len([p for p in folder.rglob("*") if p.is_file()])
    desk.tidy()  # another window may be adding just now
    assert len([p for p in folder.rglob("*") if p.is_file()]) == before
    long_ago = time.time() - 2 * 3600
    for path in folder.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    desk.tidy()
    assert len([p for p in folder.rglob("*") if p.is_file()]) == before - 1
    assert store.get("ab" * 32, 0) is None and desk.small_picture(desk.of_entity(entity_of(chen))[0])


def test_only_what_a_backup_of_the_hub_has_is_let_go(
    seat: Seated, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chen = seat("chenmin", "陈敏")
    desk = put(chen, *[Source(f"{n}.pdf", data=b"%PDF-" + bytes([n]) * PIECE) for n in range(3)])
    monkeypatch.setattr(Settings.attachment_quota_mb, "_check", None)
    chen.session.settings.update({"attachment_quota_mb": 2})
    assert desk.keep_within_quota() == 0  # nothing of it is at the hub yet
    Syncing(chen.session).sync_now(quiet)
    desk.transfer(quiet)
    assert set(states(desk, chen).values()) == {DELIVERED}  # there, and in no backup yet
    backup.make(place.hub, tmp_path / "one.yzbackup")
    Syncing(chen.session).sync_now(quiet)
    desk.transfer(quiet)
    assert sorted(states(desk, chen).values()) == [ARCHIVED, TO_FETCH, TO_FETCH]
    first = next(a for a in desk.of_entity(entity_of(chen)) if a.state == TO_FETCH)
    with pytest.raises(NotHere):
        desk.open_copy(first)
    desk.transfer(quiet)
    now = {a.id: a.state for a in desk.of_entity(entity_of(chen))}
    assert now[first.id] == ARCHIVED and sorted(now.values()) == [ARCHIVED, TO_FETCH, TO_FETCH]


def test_removed_with_a_reason_it_is_gone_here_too(seat: Seated) -> None:
    chen = seat("chenmin", "陈敏")
    desk = put(chen, Source("a.jpg", data=photo()))
    (one,) = desk.of_entity(entity_of(chen))
    desk.remove(one.id, "拍错了")
    assert desk.of_entity(entity_of(chen)) == [] and desk.waiting().to_send == 0
    folder = chen.session.settings.folder / "attachments"
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_nothing_is_added_while_the_lease_is_over(seat: Seated, monkeypatch: pytest.MonkeyPatch) -> None:
    chen = seat("chenmin", "陈敏")
    desk, declared = Attachments(chen.session), chen.session.records.type("market_entity")
    monkeypatch.setattr(type(chen.session), "read_only", property(lambda _: True))
    with pytest.raises(AccessDenied, match="暂为只读"):
        desk.add(declared, entity_of(chen), [Source("a.jpg", data=photo())], quiet)
    assert not desk.may_add(declared, {})


def test_a_damaged_copy_is_fetched_again(seat: Seated) -> None:
    chen = seat("chenmin", "陈敏")
    desk = put(chen, Source("a.pdf", data=b"%PDF-" + bytes(2 * PIECE)))
    Syncing(chen.session).sync_now(quiet)
    desk.transfer(quiet)
    (one,) = desk.of_entity(entity_of(chen))
    store = chen.session.engine.contents
    path = store._path(one.sha256, 1)
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(NotHere, match="已损坏"):
        desk.open_copy(one)
    desk.transfer(quiet)
    assert desk.open_copy(desk.of_entity(entity_of(chen))[0]).read_bytes() == b"%PDF-" + bytes(2 * PIECE)




def test_a_large_scan_is_never_held_whole_in_memory(seat: Seated, tmp_path: Path) -> None:
    """Taken in, opened and saved in pieces; a file that is still being written is not taken."""
    chen = seat("chenmin", "陈敏")
    size = 30 * PIECE + 77
    path = tmp_path / "卷宗.pdf"
    with path.open("wb") as out:
        out.write(b"%PDF-")
        for no in range(30):
            out.write(bytes([no]) * PIECE)
        out.write(bytes(77 - 5))
    tracemalloc.start()
    try:
        desk = put(chen, Source(path.name, path=path))
        (one,) = desk.of_entity(entity_of(chen))
        saved = tmp_path / "另存.pdf"
        desk.save_as(one, saved)
        opened = desk.open_copy(one)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * PIECE and one.size == size
    assert filecmp.cmp(saved, path, shallow=False) and filecmp.cmp(opened, path, shallow=False)

    taken = prepare(Source(path.name, path=path))
    with path.open("r+b") as out:
        out.seek(5 * PIECE)
        out.write(b"changed")
    with pytest.raises(InputError, match="在添加的时候被改动"):
        list(taken.pieces())
