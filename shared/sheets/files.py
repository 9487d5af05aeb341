"""Workbook files on disk: whole or not at all, and errors a person can act on."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from shared.errors import DiskFull, WorkbookError, YizhanError, why

LARGEST = 256 << 20
"""Ten times what 50,000 rows of our widest type need."""


@contextmanager
def written(path: Path) -> Iterator[Any]:
    """A new workbook that appears at ``path`` only when the block ends well.

    Rows must be written top to bottom: nothing but the current one is kept in memory.
    """
    part = path.with_name(f"~{path.name}.part")
    try:
        with TemporaryDirectory() as spool, _spooled(part, spool) as book:
            yield book
            book.close()
        os.replace(part, path)
    except FileSizeError:
        raise WorkbookError("数据太多，一个 Excel 文件放不下。", "请缩小条件，分几次导出。") from None
    except FileCreateError as bad:
        cause = bad.args[0] if bad.args else None
        raise _unwritable(path, cause if isinstance(cause, OSError) else OSError(str(bad))) from bad
    except OSError as bad:
        raise _unwritable(path, bad) from bad
    except ValueError as bad:
        if "null byte" not in str(bad):
            raise
        raise WorkbookError("文件名里有不能用的字符。", "请换一个文件名再试。") from bad
    finally:
        with suppress(OSError, ValueError):
            part.unlink()


@contextmanager
def _spooled(part: Path, spool: str) -> Iterator[Any]:
    """A workbook whose spooled rows are closed however the block ends."""
    book = Workbook(str(part), {"constant_memory": True, "tmpdir": spool})
    try:
        yield book
    finally:
        for sheet in book.worksheets():
            if sheet.row_data_fh is not None:
                sheet.row_data_fh.close()


def _unwritable(path: Path, bad: OSError) -> YizhanError:
    if bad.errno == errno.ENOSPC:
        return DiskFull(f"磁盘已满，写不下“{path.name}”。", "请清理磁盘或换一个文件夹再试。")
    if isinstance(bad, PermissionError):
        return WorkbookError(
            f"“{path.name}”不能写入：文件可能正被 Excel 打开，或文件夹只读。",
            "请关闭该文件，或换一个文件夹再试。",
        )
    if isinstance(bad, FileNotFoundError):
        return WorkbookError(f"文件夹“{path.parent}”不存在。", "请另选一个文件夹。")
    if bad.errno == errno.ENAMETOOLONG:
        return WorkbookError("文件名太长，保存不了。", "请换一个短一些的文件名再试。")
    return WorkbookError(f"“{path.name}”写入失败：{why(bad)}。", "请换一个文件夹再试。")


def content(path: Path) -> bytes:
    """The bytes of a file to import; the file itself is not kept open."""
    if path.name.startswith("~$"):
        raise WorkbookError(f"“{path.name}”是 Excel 打开文件时的临时文件。", "请选择不带“~$”的同名文件。")
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise WorkbookError(f"“{path.name}”不是文件。", "请选择 .xlsx、.xls、.ods 或 .csv 文件。")
        if about.st_size > LARGEST:
            raise WorkbookError(
                f"“{path.name}”有 {about.st_size >> 20:,} MB，太大了。",
                "请分成几个文件，每个不超过 5 万行，再导入。",
            )
        found = path.read_bytes()
    except PermissionError as bad:
        raise WorkbookError(
            f"“{path.name}”打不开：文件可能正被 Excel 占用，或没有读取权限。",
            "请在 Excel 中保存并关闭该文件后再导入。",
        ) from bad
    except FileNotFoundError as bad:
        raise WorkbookError(f"找不到文件“{path.name}”。", "请重新选择文件。") from bad
    except OSError as bad:
        raise WorkbookError(f"“{path.name}”读取失败：{why(bad)}。", "请检查文件或 U 盘后再试。") from bad
    if not found:
        raise WorkbookError(f"“{path.name}”是空文件。", "请重新选择文件。")
    return found
