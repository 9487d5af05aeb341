"""The stick as a carrier: files written so that they are surely there, read so that nothing is trusted.

Pure file handling. A package reaches the medium as ``.part``, is flushed, read
back past the cache, verified, renamed, and the folder flushed; only then may
somebody be told that the medium can be taken out. Every way a medium fails has
its own sentence, and a failure leaves no file behind and loses nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.durable import sync_folder
from shared.errors import (
    DiskFull,
    MediaError,
    MediaFull,
    MediaGone,
    MediaReadOnly,
    PackageError,
    PackageTampered,
    why,
)
from shared.ids import new_id
from sync.carrier import Progress
from sync.layout import MAX_VOLUME

PIECE = 1 << 20
SLACK = 64 << 10
"""Room a file system needs besides the file itself."""
SPARE = "数据仍在本机，可以重新导出。"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_GONE = {
    errno.ENOENT, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN, errno.ESHUTDOWN,
}  # fmt: skip
_BAD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
_LOCKED = {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN, errno.EDEADLK}
_WINDOWS_LOCKED = {32, 33}
_WINDOWS_GONE = {21, 55, 433, 1117, 1167}
_WINDOWS_READ_ONLY = {19}

Verify = Callable[[BinaryIO], object]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A private local copy of what lies on the medium."""

    path: Path
    name: str
    size: int


# --- out -----------------------------------------------------------------------
def write_safely(
    source: Path, folder: Path, names: Sequence[str], verify: Verify, progress: Progress,
    sure: Callable[[Path, Path], None] = lambda part, final: None,
) -> Path:
    """Put a copy of ``source`` into ``folder``; returns where it lies once that is certain.

    :param names: what to call it, the next one when the medium cannot hold a name.
    :param verify: reads the copy as a receiver would and raises when it does not fit.
    :param sure: called with draft and name when the copy is there and right, before it gets that name.
    """
    size = source.stat().st_size
    with medium_errors(folder):
        marks = _Marks.of(folder)
        _check_room(folder, size)
        part, name = _create(folder, names)
    try:
        with medium_errors(folder), _sudden(marks):
            digest = _copy(source, part, size, lambda: marks.require(part), progress)
            marks.require(part)
            progress(0, 0, "正在回读核对")
            _read_back(part, digest, verify)
            final = _free_name(folder, name)
            sure(part, final)
            os.rename(part, final)
            sync_folder(folder)
            marks.require(final)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    return final


def probe(folder: Path) -> int:
    """Whether a file can be made there at all; returns the bytes that are free. Raises ``MediaError``."""
    with medium_errors(folder):
        _Marks.of(folder)
        _check_room(folder, 0)
        part, _ = _create(folder, [f"yizhan-{new_id()[-8:]}.yzp"])
        part.unlink()
        return shutil.disk_usage(folder).free


@contextmanager
def medium_errors(folder: Path, *, reading: bool = False) -> Iterator[None]:
    """Turn what the system says about a medium into sentences."""
    try:
        yield
    except OSError as bad:
        raise (_explain_reading(bad, folder) if reading else explain(bad, folder)) from bad


def explain(bad: OSError, where: Path) -> MediaError:
    """One failure to write to a medium as a sentence."""
    system = getattr(bad, "winerror", None)
    if _is_locked(bad):
        return MediaError(
            "介质上的文件正被别的程序占用，没有写入。",
            f"请关闭正在打开它的程序（例如杀毒软件、文件管理器的预览）后再试。{SPARE}",
        )
    if bad.errno in _FULL:
        return MediaFull("介质空间不足，没有写入。", f"请清理介质或换一个容量更大的。{SPARE}")
    if bad.errno == errno.EFBIG:
        return MediaError(
            "介质不能保存这么大的单个文件（FAT32 格式上限为 4 GB）。",
            f"请换用 exFAT 或 NTFS 格式的介质。{SPARE}",
        )
    if _is_gone(bad):
        return MediaGone(
            "介质不见了：可能已被拔出，或接触不良。", f"请重新插好介质，确认能打开 {where} 后再试。{SPARE}"
        )
    if system in _WINDOWS_READ_ONLY or bad.errno in _READ_ONLY:
        return MediaReadOnly(
            "介质是只读的，不能写入。", f"请关闭介质上的写保护开关，或换一个位置。{SPARE}"
        )
    if bad.errno in _BAD_NAME:
        return MediaError("介质的格式不接受交换包的文件名。", f"请换用 exFAT 或 NTFS 格式的介质。{SPARE}")
    if bad.errno == errno.ENOTDIR:
        return MediaError("所选的不是文件夹。", "请选择介质上的一个文件夹。")
    return MediaError(f"介质读写出错（{why(bad)}）。", f"请重新插好介质后再试，或换一个介质。{SPARE}")


def _is_locked(bad: OSError) -> bool:
    return getattr(bad, "winerror", None) in _WINDOWS_LOCKED or bad.errno in _LOCKED


def _explain_reading(bad: OSError, where: Path) -> MediaError:
    if _is_locked(bad):
        return MediaError(
            "文件正被别的程序占用，读不了。", "请关闭正在打开它的程序后再选一次；本机数据没有变动。"
        )
    if bad.errno == errno.ELOOP:
        return MediaError(
            "介质上的这个文件是指向别处的链接，不是交换包。",
            "请选择交换包文件本身；来历不明的介质请交信息安全人员检查，本机数据没有变动。",
        )
    if bad.errno == errno.EIO and where.exists():
        return MediaError(
            "介质读取出错：文件还在，但有一段读不出来，可能有坏块。",
            "请换一个接口再试；仍不行请对方换一个介质重新导出，本机数据没有变动。",
        )
    if _is_gone(bad):
        return MediaGone(
            "文件不在了：介质可能已被拔出，或接触不良。",
            f"请重新插好介质，确认能打开 {where} 后再试；本机数据没有变动。",
        )
    if bad.errno in _READ_ONLY:
        return MediaError("没有读取这个文件的权限。", "请检查介质上该文件的权限，或换一台电脑复制后再试。")
    return MediaError(
        f"介质读取出错（{why(bad)}）。", "介质可能已损坏，请对方重新导出；本机数据没有变动。"
    )


def _is_gone(bad: OSError) -> bool:
    system = getattr(bad, "winerror", None)
    return system in _WINDOWS_GONE or (bad.errno in _GONE and system not in _WINDOWS_READ_ONLY)


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a folder is recognised by, and the file system it lies on.

    :param root: where that file system is mounted; :param root_device: which it was.
    """

    folder: Path
    device: int
    number: int
    root: Path
    root_device: int

    @classmethod
    def of(cls, folder: Path) -> _Marks:
        """As it is now; raises ``OSError``."""
        found = os.stat(folder)
        if not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        root = folder.absolute()
        while not os.path.ismount(root) and root != root.parent:
            root = root.parent
        return cls(folder, found.st_dev, found.st_ino, root, os.stat(root).st_dev)

    def require(self, file: Path) -> None:
        """The same folder with our file in it: a medium changed under us keeps taking bytes silently."""
        found = os.stat(self.folder)
        if (found.st_dev, found.st_ino) != (self.device, self.number):
            raise _swapped(self.folder)
        os.stat(file)

    def deleted(self) -> bool:
        """Whether the medium is still in its place and only the folder is gone."""
        try:
            return not self.folder.exists() and os.stat(self.root).st_dev == self.root_device
        except OSError:
            return False


def _swapped(folder: Path) -> MediaGone:
    return MediaGone(
        "原来的介质不在了，同一位置上是另一个介质或文件夹。",
        f"请换回原来的介质，或确认 {folder} 就是要用的介质后重新开始。{SPARE}",
    )


@contextmanager
def _sudden(marks: _Marks) -> Iterator[None]:
    """What happened to a medium that was there when writing began."""
    try:
        yield
    except OSError as bad:
        if _is_gone(bad) and marks.deleted():
            raise MediaGone(
                "写入途中文件夹不见了：已被删除或改名，也可能介质已被拔出。",
                f"请在介质上重新选择一个文件夹再试。{SPARE}",
            ) from bad
        if bad.errno == errno.EIO and marks.folder.exists():
            raise MediaError(
                "介质读写出错：介质还在，但这一处写不进或读不出，可能有坏块。",
                f"请换一个介质重新导出，这个介质不要再用。{SPARE}",
            ) from bad
        raise


def _check_room(folder: Path, size: int) -> None:
    if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    room = shutil.disk_usage(folder)
    if room.total and room.free < size + SLACK:  # some systems do not tell their size
        raise MediaFull(
            f"介质空间不足：需要 {_megabytes(size)}，剩余 {_megabytes(room.free)}。",
            f"请清理介质或换一个容量更大的。{SPARE}",
        )


def _create(folder: Path, names: Sequence[str]) -> tuple[Path, str]:
    """An empty ``.part`` under the first name the medium can hold."""
    for name in names:
        part = folder / f"{name}.part"
        try:
            with suppress(FileNotFoundError):
                part.unlink()  # of an earlier attempt that was pulled out
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        except OSError as bad:
            if bad.errno in _BAD_NAME and name != names[-1]:
                continue
            raise
        return part, name
    raise ValueError("a file needs a name")


def _copy(
    source: Path, part: Path, size: int, still: Callable[[], None], progress: Progress
) -> bytes:
    hasher = hashlib.sha256()
    done = 0
    with source.open("rb") as read, part.open("r+b") as out:
        _require_itself(out, part)
        while piece := read.read(PIECE):
            progress(done, size, "正在写入介质")
            out.write(piece)
            hasher.update(piece)
            done += len(piece)
            still()
        out.flush()
        os.fsync(out.fileno())
        if os.fstat(out.fileno()).st_size != done:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    progress(size, size, "正在写入介质")
    return hasher.digest()


def _read_back(part: Path, digest: bytes, verify: Verify) -> None:
    with part.open("rb") as stream:
        if hasattr(os, "posix_fadvise"):
            # Ask the medium, not the memory that still holds what was written.
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        hasher = hashlib.sha256()
        while piece := stream.read(PIECE):
            hasher.update(piece)
        stream.seek(0)
        try:
            if hasher.digest() != digest:
                raise PackageTampered("读回的内容与写入的不同。")
            verify(stream)
        except PackageError as bad:
            raise MediaError(
                "写入后回读核对不一致，介质可能已损坏。", f"请换一个介质重新导出。{SPARE}"
            ) from bad


def _free_name(folder: Path, name: str) -> Path:
    """Never replaces a file: the one on the stick may be the only copy."""
    stem, suffix = os.path.splitext(name)
    candidate, count = folder / name, 1
    while candidate.exists():
        count += 1
        candidate = folder / f"{stem}-{count}{suffix}"
    return candidate


# --- in ------------------------------------------------------------------------
def packages_in(folder: Path) -> list[Path]:
    """Exchange packages lying in a folder of a medium, newest first."""
    with medium_errors(folder, reading=True):
        found = [p for p in folder.iterdir() if _is_package(p)]
        return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)


def _is_package(path: Path) -> bool:
    return path.suffix.lower() == ".yzp" and path.is_file() and not path.is_symlink()


def read_to_spool(source: Path, spool: Path, progress: Progress) -> Spooled:
    """Copy a file from a medium, also a read-only one, into the local spool and flush it.

    Everything later reads the copy: the medium may be pulled out or change.
    """
    spool.mkdir(parents=True, exist_ok=True)
    target = spool / f"in-{new_id()}.yzp"
    try:
        size = _fetch(source, target, progress)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Spooled(target, source.name, size)


def clear_spool(spool: Path) -> None:
    """Drop copies an earlier run left behind."""
    for old in spool.glob("in-*.yzp"):
        old.unlink(missing_ok=True)


def _fetch(source: Path, target: Path, progress: Progress) -> int:
    with medium_errors(source.parent, reading=True):
        if source.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if source.is_dir():
            raise MediaError("所选的是文件夹，不是交换包。", "请选择扩展名为 .yzp 的文件。")
        if source.exists() and not source.is_file():
            raise MediaError(
                "所选的是设备或管道，不是文件。", "请选择扩展名为 .yzp 的文件；来历不明的介质不要再用。"
            )
        about = source.stat()
        size = about.st_size
        if size > MAX_VOLUME + SLACK * 64:
            raise PackageError("文件过大，不是驿站交换包。", "请选择扩展名为 .yzp 的交换包文件。")
        done = 0
        with source.open("rb") as read, _local(target) as out:
            _require_itself(read, source)
            while piece := read.read(PIECE):
                progress(done, size, "正在读取介质")
                _keep(out, piece)
                done += len(piece)
            _flush(out)
        now = source.stat()
        if done != size or (now.st_ino, now.st_size, now.st_mtime_ns) != (
            about.st_ino, size, about.st_mtime_ns
        ):
            raise MediaError(
                "读取时文件被换掉或改动了。",
                "请确认没有别的程序在写这个介质，再重新选择文件；本机数据没有变动。",
            )
    progress(size, size, "正在读取介质")
    return done


def _require_itself(opened: BinaryIO, path: Path) -> None:
    """The file itself was opened, not what a link put in its place points to."""
    lies, found = os.lstat(path), os.fstat(opened.fileno())
    if (lies.st_dev, lies.st_ino) != (found.st_dev, found.st_ino):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _local(target: Path) -> BinaryIO:
    with disk_errors():
        return target.open("wb")


def _keep(out: BinaryIO, piece: bytes) -> None:
    with disk_errors():
        out.write(piece)


def _flush(out: BinaryIO) -> None:
    with disk_errors():
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def disk_errors() -> Iterator[None]:
    """Failures of the local disk, which are not the medium's."""
    try:
        yield
    except OSError as bad:
        if bad.errno in (*_FULL, errno.EFBIG):
            raise DiskFull(
                "本机磁盘空间不足，没有完成。",
                "请清理磁盘后重试；已录入的数据和介质上的文件都没有变动。",
            ) from bad
        raise DiskFull(
            f"本机数据文件夹写不进去（{why(bad)}）。", "请检查磁盘和文件夹权限后重试。"
        ) from bad


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"


__all__ = [
    "Spooled",
    "clear_spool",
    "disk_errors",
    "explain",
    "medium_errors",
    "packages_in",
    "probe",
    "read_to_spool",
    "write_safely",
]
