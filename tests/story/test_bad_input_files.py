"""信息录入 and 介质交换 given files that are none of theirs; buttons pressed twice; the person leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from desktop.ui.pages.media import MediaPage
from desktop.ui.pages.page import PageSpec
from desktop.ui.pages.records import RecordsPage
from desktop.ui.shell import Shell
from desktop.ui.theme import apply_theme
from desktop.work.desk import Desk
from desktop.work.jobs import Jobs, JobState
from desktop.work.media import MediumInfo
from shared.clock import Clock, system_millis
from shared.errors import StoreError
from shared.filters import Filter
from shared.sheets.export import write_export
from tests.fixtures.devices import quiet
from tests.fixtures.programs import Start
from tests.gui.desks import World, make_world, open_desk, shell_with
from tests.gui.test_page_records import Answers, permits


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("files"), 20)
    yield made
    made.hub.close()


@pytest.fixture
def jobs(qapp: QApplication) -> Iterator[Jobs]:
    apply_theme(qapp)
    made = Jobs()
    yield made
    assert made.shutdown()


@pytest.fixture
def desk(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    with open_desk(world, tmp_path / "desk", jobs) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder as people name them."""
    folder = tmp_path / "我的 文件夹 (1) #%&"
    folder.mkdir()
    return folder


class Room:
    """Both pages in a window, and what is chosen in file dialogs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.choice = Answers(Path())
        self.shell: Shell = shell_with(
            desk,
            [
                PageSpec("records", "信息录入", "edit", lambda: RecordsPage(desk, self.choice)),
                PageSpec("media", "介质交换", "usb", lambda: MediaPage(desk)),
            ],
        )
        self.shell.resize(1366, 740)
        self.shell.show()
        page = self.shell.open("records", {"type": "permit"})
        assert isinstance(page, RecordsPage)
        self.page = page
        self.settle()

    def settle(self) -> None:
        for _ in range(4):
            self.desk.jobs.wait_idle()
            QApplication.processEvents()

    def action(self, name: str) -> QAction:
        return next(one for one in self.page.offered() if one.objectName() == name)

    def do(self, name: str, path: Path) -> str:
        """Choose this file for an action; returns what is said."""
        self.choice.path = path
        self.page.messages.clear()
        self.action(name).trigger()
        self.settle()
        assert self.action(name).isEnabled()
        return self.page.messages.text()

    @property
    def permits(self) -> int:
        return self.desk.records.count(self.desk.records.type("permit"), Filter())


@pytest.fixture
def room(desk: Desk) -> Iterator[Room]:
    made = Room(desk)
    yield made
    made.settle()
    made.shell.close()


def workbook(desk: Desk, world: World, path: Path, rows: int) -> Path:
    """A good workbook of permits."""
    records = desk.records
    declared = records.type("permit")
    parsed = [records.check(declared, raw).values for raw in permits(world, rows)]
    write_export(path, declared, parsed, records.show, [], records.codes, masked=False)
    return path


def test_files_that_are_no_workbook(room: Room, desk: Desk, world: World, files: Path) -> None:
    package = desk.media.export(files, MediumInfo("1", "U-1"), quiet).path
    named_like_one = files / "交换 包.xlsx"
    shutil.copy(package, named_like_one)
    (files / "空.xlsx").write_bytes(b"")
    (files / "乱.xlsx").write_bytes(os.urandom(3000))
    (files / "长.csv").write_bytes(b"a" * 3_000_000)
    (files / "夹.xlsx").mkdir()
    before = room.permits
    for path, said in (
        (package, "不是电子表格。可以导入 .xlsx、.xls、.ods 和 .csv 文件。"),
        (named_like_one, "“交换 包.xlsx”不是电子表格。可以导入"),
        (files / "空.xlsx", "“空.xlsx”是空文件。请重新选择文件。"),
        (files / "乱.xlsx", "“乱.xlsx”不是电子表格。可以导入"),
        (files / "长.csv", "“长.csv”已损坏，打不开。请用 Excel 打开并另存一份"),
        (files / "夹.xlsx", "“夹.xlsx”不是文件。请选择 .xlsx、"),
        (files, "”不是文件。请选择 .xlsx、"),
        (files / "没有.xlsx", "找不到文件“没有.xlsx”。请重新选择文件。"),
    ):
        assert said in room.do("import", path), path.name
    if hasattr(os, "mkfifo"):
        os.mkfifo(files / "管.xlsx")  # reading it would never end
        assert "“管.xlsx”不是文件" in room.do("import", files / "管.xlsx")
    assert room.permits == before


def test_places_where_nothing_can_be_written(room: Room, files: Path) -> None:
    for action in ("export", "template"):
        assert "所选的是文件夹。请换一个文件夹再试。" in room.do(action, files)
        assert "不存在。请另选一个文件夹。" in room.do(action, files / "没有" / "x.xlsx")
        assert room.do(action, files / f"{'长' * 200}.xlsx") == "文件名太长，保存不了。请换一个短一些的文件名再试。"
        assert room.do(action, files / "a\x00b.xlsx").startswith("文件名里有不能用的字符。")
        assert list(files.iterdir()) == []
        assert "xlsx" in room.do(action, files / "好 的.xlsx") and (files / "好 的.xlsx").exists()
        (files / "好 的.xlsx").unlink()


def test_files_that_are_no_package(room: Room, desk: Desk, world: World, files: Path) -> None:
    book = workbook(desk, world, files / "许可.xlsx", 3)
    renamed = files / "许可.yzp"
    shutil.copy(book, renamed)
    (files / "空.yzp").write_bytes(b"")
    (files / "夹.yzp").mkdir()
    page = room.shell.open("media", {"tab": "import"})
    assert isinstance(page, MediaPage)
    room.settle()
    flow = page.importing
    for path, said in (
        (renamed, "不是驿站交换包"),
        (book, "不是驿站交换包"),
        (files / "空.yzp", "交换包是空的或不完整。"),
        (files / "夹.yzp", "所选的是文件夹，不是交换包。请选择扩展名为 .yzp 的文件。"),
        (files / "没有.yzp", "文件不在了：介质可能已被拔出"),
    ):
        flow.start()
        flow.medium.number.setText("U-1")
        flow.file.set_path(path)
        flow.button("核验").click()
        room.settle()
        words = flow.messages.text() + flow.report.words() if flow.page_index else flow.messages.text()
        assert said in words, (path.name, words)
    assert not list(desk.settings.spool.glob("in-*"))[1:]  # at most the one on show


def test_pressing_twice_does_it_once(room: Room, desk: Desk, world: World, files: Path) -> None:
    room.choice.path = workbook(desk, world, files / "许可.xlsx", 40)
    room.action("import").trigger()
    room.action("import").trigger()
    assert [j.title for j in desk.jobs.active].count("检查 许可.xlsx") == 1
    room.settle()
    assert room.page.sheets is not None
    outcome = room.page.sheets.outcome
    outcome._store.click()
    outcome._store.click()
    assert sum("入库" in j.title for j in desk.jobs.active) == 1
    room.settle()
    assert room.permits == 40
    room.action("export").trigger()
    room.action("export").trigger()
    assert sum("导出" in j.title for j in desk.jobs.active) == 1


def test_cancelling_in_the_middle_stores_nothing(room: Room, desk: Desk, world: World, files: Path) -> None:
    room.do("import", workbook(desk, world, files / "许可.xlsx", 400))
    assert room.page.sheets is not None
    outcome = room.page.sheets.outcome
    room.page.messages.clear()
    outcome._store.click()
    job = next(j for j in desk.jobs.active if "入库" in j.title)
    job.cancel()
    room.settle()
    assert job.state is JobState.CANCELLED and room.permits == 0
    assert room.page.messages.text() == "已取消，没有改动任何数据。"
    outcome._store.click()  # and again, to the end
    room.settle()
    assert room.permits == 400


def test_news_that_come_after_closing_start_nothing(desk: Desk, qapp: QApplication) -> None:
    jobs = Jobs()
    assert jobs.shutdown()
    job = jobs.run("迟到", lambda _: pytest.fail("ran"), lambda _: pytest.fail("came"))
    assert job.over and job.state is JobState.CANCELLED


def test_work_that_outlives_the_session_does_not_write_behind_the_next(start: Start) -> None:
    """A request that hangs may end after the window; another window may have the database by then."""
    window = start()
    store = window.desk.session.store
    window.close()
    with pytest.raises(StoreError, match="已经关闭"), store.write():
        pass
    with pytest.raises(StoreError, match="已经关闭"), store.read():
        pass


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-365, "电脑日期早于中心最近一次签名"),
        (730, "请校准日期"),
        (0, ""),
    ],
)
def test_a_clock_far_off_is_said(
    start: Start, monkeypatch: pytest.MonkeyPatch, days: int, said: str
) -> None:
    shift = int(timedelta(days=days).total_seconds() * 1000)
    _, *others = Clock.__init__.__defaults__ or ()
    monkeypatch.setattr(Clock.__init__, "__defaults__", (lambda: system_millis() + shift, *others))
    window = start()
    assert window.inside and said in window.said and bool(window.said) is bool(days)
    assert window.page("home") is not None

