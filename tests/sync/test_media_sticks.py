"""Sticks that fail before, while and after they are written: a sentence each, nothing half left behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from desktop.work.syncing import Syncing
from shared.errors import (
    Cancelled,
    MediaError,
    MediaFull,
    MediaGone,
    MediaReadOnly,
)
from sync import package
from sync.media import explain, packages_in, write_safely
from tests.fixtures.stations import (
    STICK,
    Station,
    quiet,
)
from tests.fixtures.sticks import ENTITIES


def source_of(tmp_path: Path, size: int) -> Path:
    path = tmp_path / "source.yzp"
    with path.open("wb") as out:
        out.truncate(size)
    return path


def fine(_stream: object) -> None:
    """A check that is content."""


def test_full_before_writing(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, shutil.disk_usage(stick).free + (1 << 30))  # sparse
    with pytest.raises(MediaFull, match="剩余"):
        write_safely(source, stick, ["a.yzp"], fine, quiet)
    assert not list(stick.iterdir())


def test_file_too_large_in_mid_write(tmp_path: Path, stick: Path) -> None:
    """A real limit of the system, met after three megabytes."""
    source = source_of(tmp_path, 8 << 20)
    script = f"""
        import resource, signal, sys
        from pathlib import Path
        from shared.errors import MediaError
        from sync.media import write_safely
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
        try:
            write_safely(Path({str(source)!r}), Path({str(stick)!r}), ["a.yzp"], print, lambda *a: None)
        except MediaError as bad:
            sys.stdout.buffer.write(bad.message.encode())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=True, cwd=Path.cwd()
    )
    assert "4 GB" in done.stdout.decode()
    assert not list(stick.iterdir())


def test_every_failure_has_its_own_sentence() -> None:
    kinds = {
        errno.ENOSPC: MediaFull,
        errno.EDQUOT: MediaFull,
        errno.EROFS: MediaReadOnly,
        errno.EACCES: MediaReadOnly,
        errno.ENOENT: MediaGone,
        errno.EIO: MediaGone,
        errno.ENODEV: MediaGone,
        errno.EFBIG: MediaError,
        errno.ENAMETOOLONG: MediaError,
        errno.ENOTDIR: MediaError,
        errno.EBUSY: MediaError,
    }
    said = set()
    for number, kind in kinds.items():
        error = explain(OSError(number, os.strerror(number)), Path("/media/stick"))
        assert type(error) is kind and error.message and error.hint
        said.add(error.message)
    assert len(said) == 7


def test_read_only_folder(far: Station, tmp_path: Path) -> None:
    """``/sys`` lets nobody make files, not even root."""
    far.insert("market_entity", ENTITIES[20])
    with pytest.raises(MediaReadOnly) as caught:
        far.media.export(Path("/sys/kernel"), STICK, quiet)
    assert "写保护" in caught.value.hint and "数据仍在本机" in caught.value.hint
    assert Syncing(far.session).state().attempts[0].outcome == "failed"
    assert far.media.plan_export().changes == 1


def test_mounted_read_only(
    tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def write_protected(path: os.PathLike[str], flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and str(path).startswith(str(stick)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return really(path, flags, mode)

    monkeypatch.setattr(os, "open", write_protected)
    with pytest.raises(MediaReadOnly):
        write_safely(source_of(tmp_path, 10), stick, ["a.yzp"], fine, quiet)


def test_never_there(far: Station, tmp_path: Path) -> None:
    with pytest.raises(MediaGone):
        far.media.export(tmp_path / "nothing", STICK, quiet)
    with pytest.raises(MediaGone, match="文件不在了"):
        far.media.receive(tmp_path / "nothing" / "a.yzp", quiet)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(MediaError, match="不是文件夹"):
        far.media.export(file, STICK, quiet)


def test_pulled_out_in_mid_write(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 6 << 20)

    def pull(done: int, total: int, text: str) -> None:
        if done >= 3 << 20 and stick.exists():
            shutil.rmtree(stick)

    with pytest.raises(MediaGone):
        write_safely(source, stick, ["a.yzp"], fine, pull)


def test_another_stick_in_mid_write(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 6 << 20)

    def swap(done: int, total: int, text: str) -> None:
        if done == 3 << 20:
            stick.rename(tmp_path / "old stick")
            stick.mkdir()

    with pytest.raises(MediaGone):
        write_safely(source, stick, ["a.yzp"], fine, swap)
    assert not list(stick.iterdir())


def test_what_reads_back_wrong_is_not_kept(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 3 << 20)

    def rot(done: int, total: int, text: str) -> None:
        if text == "正在回读核对":
            with next(stick.iterdir()).open("r+b") as out:
                out.seek(1 << 20)
                out.write(b"x")

    with pytest.raises(MediaError, match="回读核对不一致"):
        write_safely(source, stick, ["a.yzp"], fine, rot)
    with pytest.raises(MediaError, match="回读核对不一致"):  # a receiver could not open it
        write_safely(source, stick, ["a.yzp"], lambda s: package.verify(s, package.self_signed), quiet)
    assert not list(stick.iterdir())


def test_cancelled_leaves_nothing(far: Station, stick: Path) -> None:
    far.insert("market_entity", ENTITIES[20])

    def stop(done: int, total: int, text: str) -> None:
        if text == "正在写入介质":
            raise Cancelled("操作已取消。")

    with pytest.raises(Cancelled):
        far.media.export(stick, STICK, stop)
    assert not list(stick.iterdir()) and not list(far.session.settings.spool.iterdir())


def test_names_a_medium_cannot_hold(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 10)
    long = "驿" * 100 + ".yzp"  # 300 bytes, one more than any file system takes
    assert write_safely(source, stick, [long, "plain.yzp"], fine, quiet).name == "plain.yzp"
    with pytest.raises(MediaError, match="文件名"):
        write_safely(source, stick, [long], fine, quiet)


def test_a_file_on_the_stick_is_never_replaced(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 10)
    names = [write_safely(source, stick, ["a.yzp"], fine, quiet).name for _ in range(3)]
    assert names == ["a.yzp", "a-2.yzp", "a-3.yzp"]
    assert {p.name for p in packages_in(stick)} == set(names)
