"""Every way a stick fails, in one table: each has a sentence of its own and says what to do next."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from desktop.work.media_report import Verdict
from shared.errors import MediaError, PackageError, YizhanError
from sync import media
from sync.layout import MAX_VOLUME
from sync.media import packages_in, read_to_spool, write_safely
from tests.fixtures.stations import STICK, Station, quiet
from tests.fixtures.sticks import bring_in, marks

Break = Callable[[Path], Path | None]


@dataclass(frozen=True)
class Way:
    """What happened to the file on the stick, what is said, and what to do next."""

    name: str
    happens: Break
    message: str
    hint: str


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def newer(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[3] = ord("2")
    path.write_bytes(raw)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def boastful(path: Path) -> None:
    """Claims a header of four gigabytes."""
    path.write_bytes(path.read_bytes()[:4] + b"\xff\xff\xff\xff" + path.read_bytes()[8:])


def huge(path: Path) -> None:
    with path.open("r+b") as out:
        out.truncate(MAX_VOLUME + (64 << 20))  # sparse


def link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to("/etc/passwd")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def empty(path: Path) -> None:
    path.write_bytes(b"")


READING = [
    Way("byte flipped", flip, "与签名不符", "重新索取"),
    Way("truncated", cut, "交换包不完整", "重新"),
    Way("something behind it", longer, "多余的内容", "重新索取"),
    Way("newer program", newer, "更新版本", "升级"),
    Way("lengths like a zip bomb", boastful, "", "重新索取"),
    Way("far too large", huge, "文件过大", ".yzp"),
    Way("a link put there", link, "指向别处的链接", "文件本身"),
    Way("a pipe or device put there", pipe, "设备或管道", "来历不明"),
    Way("a folder", folder, "是文件夹", ".yzp"),
    Way("empty", empty, "", "重新"),
    Way("pulled out", lambda p: p.unlink(), "文件不在了", "重新插好"),
]


@pytest.mark.parametrize("way", READING, ids=lambda w: w.name)
def test_reading(far: Station, answer: Path, way: Way) -> None:
    before = marks(far)
    way.happens(answer)
    error = told(far, answer)
    assert way.message in error.message and way.hint in error.hint, (error.message, error.hint)
    assert error.message.endswith("。") and error.hint.endswith("。")
    assert marks(far) == before and not list(far.session.settings.spool.glob("in-*"))


def told(far: Station, path: Path) -> YizhanError:
    try:
        received = far.media.receive(path, quiet)
    except (MediaError, PackageError) as failed:
        return failed
    assert received.report.verdict is Verdict.REFUSED and received.report.refusal is not None
    received.close()
    return received.report.refusal


def test_no_two_ways_sound_alike(far: Station, answer: Path) -> None:
    whole = answer.read_bytes()
    said = {}
    for way in READING:
        if answer.is_dir():
            answer.rmdir()
        answer.unlink(missing_ok=True)
        answer.write_bytes(whole)
        way.happens(answer)
        said[way.name] = told(far, answer).message
    said.pop("empty")  # the same as truncated: it ends before its end
    assert len(set(said.values())) == len(said), said


def test_names_that_were_cut_and_capitals_do_not_matter(far: Station, answer: Path) -> None:
    cut_name = answer.rename(answer.with_name("ANSWE~1.YZP"))
    (answer.parent / "link.yzp").symlink_to(cut_name)
    assert cut_name in packages_in(answer.parent)
    assert all(not p.is_symlink() for p in packages_in(answer.parent))
    assert bring_in(far, cut_name) >= 20


def test_same_stick_twice_and_the_wrong_recipient(far: Station, near: Station, answer: Path) -> None:
    bring_in(far, answer)
    again = far.media.receive(answer, quiet)
    assert again.report.verdict is Verdict.REPEATED
    again.close()
    other = near.media.receive(answer, quiet)
    assert other.report.verdict is Verdict.CARRY and "原样交给接收方" in other.report.problems[0].hint
    other.close()


WRITING = {
    errno.ENOSPC: ("空间不足", "换一个容量更大的"),
    errno.EROFS: ("只读", "写保护"),
    errno.EFBIG: ("FAT32", "exFAT"),
    errno.ENODEV: ("介质不见了", "重新插好"),
    errno.EBUSY: ("正被别的程序占用", "关闭"),
    errno.ENAMETOOLONG: ("文件名", "exFAT"),
    errno.EPROTO: ("介质读写出错（", "换一个介质"),
}


@pytest.mark.parametrize("number", WRITING, ids=lambda n: errno.errorcode[n])
def test_writing(tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)
    really = os.open

    def bad(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if str(path).startswith(str(stick)) and flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return really(path, flags, mode, **more)

    monkeypatch.setattr(media.os, "open", bad)
    with pytest.raises(MediaError) as caught:
        write_safely(source, stick, ["a.yzp"], lambda _: None, quiet)
    message, hint = WRITING[number]
    assert message in caught.value.message and hint in caught.value.hint
    assert "数据仍在本机" in caught.value.hint and not list(stick.iterdir())


@pytest.mark.parametrize(("number", "system"), [(errno.EACCES, 32), (errno.EBUSY, 0)])
def test_locked_while_reading(
    answer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, system: int
) -> None:
    really = Path.open

    def locked(self: Path, *how: Any, **named: Any) -> Any:
        if self == answer:
            failed = OSError(number, os.strerror(number))
            failed.winerror = system  # type: ignore[attr-defined]
            raise failed
        return really(self, *how, **named)

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(MediaError, match="正被别的程序占用"):
        read_to_spool(answer, tmp_path / "spool", quiet)
    assert not list((tmp_path / "spool").iterdir())


def test_a_link_waiting_where_the_file_will_be_written_is_not_followed(
    far: Station, stick: Path, tmp_path: Path
) -> None:
    """An attacker knows what a file will be called and leaves links of that name."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (stick / "a.yzp.part").symlink_to(victim)
    (stick / "a.yzp").symlink_to(victim)
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)
    written = write_safely(source, stick, ["a.yzp"], lambda _: None, quiet)
    assert written.name == "a-2.yzp" and victim.read_text() == "mine"
    made = far.media.export(stick, STICK, quiet)
    assert made.path.is_file() and not made.path.is_symlink() and victim.read_text() == "mine"
