"""Every way a stick fails while it is written or read has its own sentence, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.work.files import write_chosen
from shared.errors import DiskFull, MediaError, MediaFull, MediaGone
from sync.media import read_to_spool, write_safely
from tests.fixtures.devices import quiet

MIB = 1 << 20
SIZE = 5


def fine(_: object) -> None:
    """A receiver that finds nothing wrong."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source.yzp"
    made.write_bytes(os.urandom(SIZE * MIB))
    return made


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    made = tmp_path / "stick"
    made.mkdir()
    return made


def at(mib: int, act: Callable[[], None]) -> Callable[[int, int, str], None]:
    """Progress that does something once, when so much has gone through."""
    done: list[int] = []

    def progress(so_far: int, _total: int, _text: str) -> None:
        if so_far >= mib * MIB and not done:
            done.append(so_far)
            act()

    return progress


class Bad:
    """A file whose medium says no."""

    def __init__(self, inner: Any, number: int, after: int) -> None:
        self._inner, self._number, self._left = inner, number, after

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise OSError(self._number, os.strerror(self._number))

    def write(self, data: bytes) -> int:
        self._count()
        return int(self._inner.write(data))

    def read(self, size: int = -1) -> bytes:
        self._count()
        return bytes(self._inner.read(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __enter__(self) -> Bad:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.close()


def fail(monkeypatch: pytest.MonkeyPatch, folder: Path, mode: str, number: int, after: int) -> None:
    """Files under ``folder`` opened this way break after so many pieces."""
    really = Path.open

    def opening(self: Path, how: str = "r", *args: Any, **named: Any) -> Any:
        made = really(self, how, *args, **named)
        return Bad(made, number, after) if self.parent == folder and how == mode else made

    monkeypatch.setattr(Path, "open", opening)


@pytest.mark.parametrize("mib", range(SIZE + 1))
def test_pulled_out_at_any_mebibyte_while_writing(source: Path, stick: Path, mib: int) -> None:
    with pytest.raises(MediaGone) as caught:
        write_safely(source, stick, ["a.yzp"], fine, at(mib, lambda: shutil.rmtree(stick)))
    assert "不见了" in caught.value.message and "数据仍在本机" in caught.value.hint
    assert not stick.exists()


@pytest.mark.parametrize("mib", range(SIZE + 1))
def test_another_stick_in_its_place_while_writing(source: Path, stick: Path, mib: int) -> None:
    def swap() -> None:
        stick.rename(stick.with_name("old"))
        stick.mkdir()

    with pytest.raises(MediaGone, match="另一个介质"):
        write_safely(source, stick, ["a.yzp"], fine, at(mib, swap))
    assert not list(stick.iterdir())


@pytest.mark.parametrize("mib", range(SIZE))
@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(errno.ENOSPC, MediaFull, "空间不足"), (errno.EIO, MediaError, "坏块"), (errno.EFBIG, MediaError, "4 GB"),
     (errno.ENODEV, MediaGone, "不见了")],
)  # fmt: skip
def test_the_medium_says_no_at_any_mebibyte(
    source: Path, stick: Path, monkeypatch: pytest.MonkeyPatch, mib: int, number: int,
    kind: type[MediaError], words: str,
) -> None:  # fmt: skip
    fail(monkeypatch, stick, "r+b", number, mib)
    with pytest.raises(kind, match=words) as caught:
        write_safely(source, stick, ["a.yzp"], fine, quiet)
    assert "数据仍在本机" in caught.value.hint and not list(stick.iterdir())


@pytest.mark.parametrize("mib", range(SIZE))
def test_a_bad_block_while_reading(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mib: int
) -> None:
    fail(monkeypatch, source.parent, "rb", errno.EIO, mib)
    with pytest.raises(MediaError, match="有一段读不出来"):
        read_to_spool(source, tmp_path / "spool", quiet)
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("mib", range(SIZE))
def test_pulled_out_while_reading(source: Path, tmp_path: Path, stick: Path, mib: int) -> None:
    file = shutil.move(source, stick / "a.yzp")
    with pytest.raises(MediaGone, match="文件不在了"):
        read_to_spool(Path(file), tmp_path / "spool", at(mib, lambda: shutil.rmtree(stick)))
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("mib", range(SIZE))
def test_the_file_is_replaced_while_it_is_read(source: Path, tmp_path: Path, mib: int) -> None:
    def replace() -> None:
        other = source.with_name("other")
        other.write_bytes(os.urandom(SIZE * MIB))
        os.replace(other, source)

    with pytest.raises(MediaError, match="被换掉或改动"):
        read_to_spool(source, tmp_path / "spool", at(mib, replace))
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("mib", range(SIZE))
def test_the_local_disk_fills_up_while_a_stick_is_read(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mib: int
) -> None:
    spool = tmp_path / "spool"
    fail(monkeypatch, spool, "wb", errno.ENOSPC, mib)
    with pytest.raises(DiskFull, match="本机磁盘空间不足") as caught:
        read_to_spool(source, spool, quiet)
    assert "介质上的文件都没有变动" in caught.value.hint and not list(spool.iterdir())
    assert source.stat().st_size == SIZE * MIB


def test_a_sheet_saved_to_a_pulled_stick_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "media" / "stick"
    made: list[str] = []
    monkeypatch.setattr(os, "mkdir", lambda path, *a, **k: made.append(str(path)))
    with pytest.raises(MediaGone, match="不在了"):
        write_chosen(gone / "交接单.pdf", b"%PDF")
    assert made == [] and not gone.exists()
