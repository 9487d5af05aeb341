"""信息录入 with real records: entering, drafts, stale records, voiding, rows from spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.choosing import Files
from desktop.ui.entry.room import EntryRoom
from desktop.ui.pages.page import PageSpec
from desktop.ui.pages.records import RecordsPage
from desktop.ui.shell import Shell
from desktop.work.desk import Desk
from shared.errors import WorkbookError
from shared.fictitious import permit_rows
from shared.filters import Filter, Op
from shared.record import RecordType
from shared.sheets.export import write_export
from shared.sheets.layout import header
from shared.sheets.reading import read_rows
from tests.fixtures.samples import BUREAU_USCC
from tests.gui.desks import World, shell_with

CTRL = Qt.KeyboardModifier.ControlModifier


class Answers(Files):
    """Answers instead of a person at the file dialog."""

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self.asked: list[str] = []

    def to_open(self, parent: QWidget, title: str, kinds: str = "") -> Path | None:
        self.asked.append(title)
        return self.path

    def to_save(self, parent: QWidget, title: str, name: str, kinds: str = "") -> Path | None:
        self.asked.append(name)
        return self.path


class Seat:
    """The page in a window, and what a person does at it."""

    def __init__(self, desk: Desk, qtbot: QtBot, files: Files | None = None) -> None:
        self.desk, self.bot = desk, qtbot
        spec = PageSpec("records", "信息录入", "edit", lambda: RecordsPage(desk, files))
        self.shell: Shell = shell_with(desk, [spec])
        qtbot.addWidget(self.shell)
        self.shell.resize(1366, 768)
        with qtbot.waitExposed(self.shell):
            self.shell.show()
        self.shell.activateWindow()
        qtbot.waitUntil(self.shell.isActiveWindow)

    def open(self, **params: Any) -> RecordsPage:
        page = self.shell.open("records", params)
        assert isinstance(page, RecordsPage)
        self.settle()
        return page

    @property
    def page(self) -> RecordsPage:
        page = self.shell.page("records")
        assert isinstance(page, RecordsPage)
        return page

    @property
    def room(self) -> EntryRoom:
        assert self.page.room is not None
        return self.page.room

    def settle(self) -> None:
        for _ in range(3):
            assert self.desk.jobs.wait_idle()
            QApplication.processEvents()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = CTRL) -> None:
        target = self.shell.focusWidget()
        assert target is not None
        self.bot.keyClick(target, key, modifier)
        self.settle()

    def type(self, **raw: str) -> None:
        """As typed into the fields."""
        form = self.room.form
        for name, text in raw.items():
            form.editor(name).set_raw(text)
        form.edited.emit()

    def press(self, text: str) -> None:
        buttons = [b for b in self.shell.findChildren(QPushButton) if b.text() == text and b.isVisible()]
        assert len(buttons) == 1, f"{text}: {len(buttons)}"
        self.bot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
        self.settle()

    def rows(self, name: str, wanted: Filter | None = None) -> list[Any]:
        return self.desk.records.first(self.desk.records.type(name), wanted or Filter())


@pytest.fixture
def seat(desk: Desk, qtbot: QtBot) -> Seat:
    return Seat(desk, qtbot)


def permits(world: World, count: int, **options: Any) -> list[dict[str, str]]:
    return list(permit_rows(count, world.entities, **options))


def pasted(declared: RecordType, rows: list[dict[str, str]]) -> str:
    """Rows with their header, as Excel copies them."""
    fields = declared.sheet_fields
    lines = [[header(f) for f in fields], *[[row.get(f.name, "") for f in fields] for row in rows]]
    return "\n".join("\t".join(line) for line in lines)


def test_opens_empty_with_words_and_what_the_bureau_knows(seat: Seat) -> None:
    page = seat.open()
    assert page.tabs.tabText(0) == "行政许可"
    assert seat.room.table.total_text == "共 0 条"
    assert "没有行政许可" in seat.room.table.grid.accessibleDescription()
    raw = seat.room.form.raw()
    assert raw["authority"] == "驿城文化和旅游局" and raw["authority_uscc"] == BUREAU_USCC
    assert not seat.room.form.is_dirty


def test_a_permit_is_entered_by_keyboard(seat: Seat, world: World) -> None:
    first, second = permits(world, 2)
    seat.open(type="permit")
    seat.key(Qt.Key.Key_N)
    form = seat.room.form
    seat.bot.keyClicks(form.focusWidget(), first["uscc"])
    seat.key(Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert form.raw()["party_name"] == first["party_name"]  # enter once
    assert "带出" in seat.page.messages.text()
    seat.key(Qt.Key.Key_S)
    assert "没有保存" in seat.page.messages.text() and form.problem_text("document_no")
    assert seat.rows("permit") == []
    form.set_pinned({"category", "item"})
    seat.type(**{k: v for k, v in first.items() if k in form.raw()})
    seat.key(Qt.Key.Key_Return)
    assert [r.values["document_no"] for r in seat.rows("permit")] == [first["document_no"]]
    raw = form.raw()
    assert raw["document_no"] == "" and raw["category"] and raw["item"]  # pinned fields stay
    assert raw["authority"] == "驿城文化和旅游局"
    assert form.focusWidget() is form.editor("uscc").focusProxy()
    assert seat.room.table.total_text == "共 1 条"
    seat.type(**{k: v for k, v in second.items() if k in raw})
    seat.key(Qt.Key.Key_S)
    assert len(seat.rows("permit")) == 2
    assert seat.room.editing.record is not None and not form.is_dirty
    current = seat.room.table.current()
    assert current is not None and current.id == seat.room.editing.record.id


def test_warnings_are_shown_after_saving(seat: Seat, world: World) -> None:
    row = permits(world, 1)[0] | {"valid_from": "2026-01-01"}
    seat.open(type="permit")
    seat.type(**{k: v for k, v in row.items() if k in seat.room.form.raw()})
    seat.key(Qt.Key.Key_S)
    assert len(seat.rows("permit")) == 1
    assert "提醒" in seat.page.messages.text()
    assert "追溯" in seat.room.form.problem_text("decided_on") + seat.room.form.problem_text("valid_from")


def test_a_record_changed_meanwhile_is_not_overwritten(seat: Seat, world: World) -> None:
    declared = seat.desk.records.type("permit")
    saved = seat.desk.records.save(declared, permits(world, 1)[0])
    seat.open(type="permit", id=saved.id)
    row = seat.desk.records.get(declared, saved.id)
    assert row is not None
    raw = {**seat.desk.records.raw(declared, row), "content": "别处改的"}
    seat.desk.records.save(declared, raw, saved.id, row.seen)
    seat.type(content="这里改的")
    seat.key(Qt.Key.Key_S)
    row = seat.desk.records.get(declared, saved.id)
    assert row is not None and row.values["content"] == "别处改的"
    seat.press("载入最新内容")
    assert seat.room.form.raw()["content"] == "别处改的"
    kept = [d.raw["content"] for d in seat.desk.records.drafts(declared)]
    assert kept == ["这里改的"]  # the input is not lost either


def test_unsaved_input_survives_a_crash(desk: Desk, qtbot: QtBot) -> None:
    seat = Seat(desk, qtbot)
    seat.open(type="penalty")
    seat.type(party_name="上海青穗餐饮", document_no="驿罚〔2026〕1号")
    seat.room.drafting._timer.setInterval(0)
    seat.room.drafting._timer.start()
    qtbot.waitUntil(lambda: seat.room.draft_count == 1)
    again = Seat(desk, qtbot)  # the program is started again
    page = again.open(type="penalty")
    assert "驿罚〔2026〕1号" in page.messages.text()
    again.press("恢复")
    assert again.room.form.raw()["party_name"] == "上海青穗餐饮"
    assert page._actions["drafts"].text() == "草稿 1"


def test_a_draft_goes_when_its_record_is_saved(seat: Seat, world: World) -> None:
    declared = seat.desk.records.type("permit")
    (row,) = permits(world, 1)
    seat.open(type="permit")
    seat.type(**{k: v for k, v in row.items() if k in seat.room.form.raw()})
    seat.room.drafting.keep()
    seat.settle()
    assert len(seat.desk.records.drafts(declared)) == 1
    seat.key(Qt.Key.Key_S)
    assert seat.desk.records.drafts(declared) == [] and len(seat.rows("permit")) == 1


def test_input_is_set_aside_listed_and_discarded(seat: Seat) -> None:
    declared = seat.desk.records.type("permit")
    seat.open(type="permit")
    seat.type(party_name="甲")
    seat.key(Qt.Key.Key_N)  # turns elsewhere: what was typed becomes a draft
    assert [d.raw["party_name"] for d in seat.desk.records.drafts(declared)] == ["甲"]
    seat.page._actions["drafts"].trigger()
    seat.settle()
    seat.press("继续录入")
    assert seat.room.form.raw()["party_name"] == "甲"
    seat.press("放弃输入")
    assert seat.room.form.raw()["party_name"] == "" and seat.desk.records.drafts(declared) == []
    seat.press("撤销放弃")
    assert seat.room.form.raw()["party_name"] == "甲"
    assert len(seat.desk.records.drafts(declared)) == 1


def test_voiding_needs_a_reason(seat: Seat, world: World) -> None:
    saved = seat.desk.records.save(seat.desk.records.type("permit"), permits(world, 1)[0])
    seat.open(type="permit", id=saved.id)
    seat.press("作废")
    line = seat.shell.focusWidget()
    assert isinstance(line, QLineEdit)
    confirm = next(b for b in seat.shell.findChildren(QPushButton) if b.text() == "确认作废")
    assert not confirm.isEnabled()
    line.setText("重复录入")
    seat.press("确认作废")
    assert seat.rows("permit") == [] and seat.room.table.total_text == "共 0 条"
    assert seat.room.editing.record is None


def test_pasted_rows_are_stored_and_wrong_ones_named(seat: Seat, world: World) -> None:
    declared = seat.desk.records.type("permit")
    rows = permits(world, 5)
    rows[1]["uscc"] = "9131"
    rows[3]["valid_to"] = "2020-13-01"
    seat.open(type="permit")
    QGuiApplication.clipboard().setText(pasted(declared, rows))
    seat.room.table.setFocus()
    seat.key(Qt.Key.Key_V)
    stored = {r.values["document_no"] for r in seat.rows("permit")}
    assert stored == {rows[i]["document_no"] for i in (0, 2, 4)}
    outcome = seat.page.sheets.outcome  # type: ignore[union-attr]
    found = [(number, title, given) for number, title, _, given in outcome.problems()]
    assert ("2", "统一社会信用代码", "9131") in found and ("4", "有效期至", "2020-13-01") in found
    assert {n for n, _, _ in found} == {"2", "4"}
    assert "新增 3 条" in outcome.said() and "未入库 2 行" in outcome.said()


def test_a_workbook_is_judged_then_stored_then_mended(
    desk: Desk, qtbot: QtBot, world: World, tmp_path: Path
) -> None:
    records, declared = desk.records, desk.records.type("permit")
    good, bad = permits(world, 4), permits(world, 1, seed=9)[0]
    parsed = [records.check(declared, row).values for row in (*good, bad)]
    parsed[-1]["document_no"] = None
    book = tmp_path / "许可.xlsx"
    write_export(book, declared, parsed, records.show, [], records.codes, masked=False)
    files = Answers(book)
    seat = Seat(desk, qtbot, files)
    page = seat.open(type="permit")
    page._actions["import"].trigger()
    seat.settle()
    assert seat.rows("permit") == []  # a dry run
    outcome = page.sheets.outcome  # type: ignore[union-attr]
    assert "可入库 4 行" in outcome.said() and "有错误 1 行" in outcome.said()
    assert outcome.problems()[0][:2] == ("6", "行政许可决定文书号")
    files.path = tmp_path / "错误.xlsx"
    seat.press("导出错误清单")
    assert len(list(read_rows(files.path, declared))) == 1
    seat.press("入库 4 条")
    assert len(seat.rows("permit")) == 4 and seat.room.table.total_text == "共 4 条"
    assert {r.values["entry_way"] for r in seat.rows("permit")} == {
        records.codes.find("归集方式", "批量导入")
    }


def test_template_and_export_are_written(desk: Desk, qtbot: QtBot, world: World, tmp_path: Path) -> None:
    declared = desk.records.type("permit")
    for row in permits(world, 3):
        desk.records.save(declared, row)
    files = Answers(tmp_path / "模板.xlsx")
    seat = Seat(desk, qtbot, files)
    page = seat.open(type="permit")
    page._actions["template"].trigger()
    seat.settle()
    with pytest.raises(WorkbookError, match="没有数据行"):  # the right sheet, with nothing in it
        read_rows(tmp_path / "模板.xlsx", declared)
    files.path = tmp_path / "导出.xlsx"
    seat.room.bar.set_filter(Filter(text=permits(world, 3)[1]["document_no"]))
    seat.settle()
    page._actions["export"].trigger()
    seat.settle()
    assert len(list(read_rows(tmp_path / "导出.xlsx", declared))) == 1
    assert files.asked[0] == "行政许可模板.xlsx" and "已导出 1 条" in page.messages.text()
    files.path = None  # the person thought better of it
    page._actions["import"].trigger()
    seat.settle()
    assert seat.room.side.currentWidget() is seat.room.editing


def test_a_queue_narrows_the_table(seat: Seat, world: World) -> None:
    rows = permits(world, 2)
    for row in rows:
        seat.desk.records.save(seat.desk.records.type("permit"), {**row, "valid_to": "2099-12-31"})
    seat.open(type="permit", queue="expiring_permits")
    assert seat.room.table.total_text == "共 0 条"
    conditions = seat.room.bar.filter().conditions
    assert any(c.field == "valid_to" and c.op in (Op.LE, Op.LT) for c in conditions)


def test_other_types_are_behind_menus_and_keys(seat: Seat) -> None:
    page = seat.open(type="officer")
    assert page.tabs.tabText(page.tabs.currentIndex()) == "监管人员"
    assert seat.room.table.total_text == "共 2 条"
    page.tabs.setCurrentIndex(0)
    seat.settle()
    seat.key(Qt.Key.Key_Tab)
    assert seat.room.declared.name == "penalty"


def test_who_may_not_write_may_still_look(poor_desk: Desk, qtbot: QtBot) -> None:
    seat = Seat(poor_desk, qtbot)
    page = seat.open()
    enabled = {name for name, action in page._actions.items() if action.isEnabled()}
    assert enabled == {"export", "find"}
    seat.open(type="market_entity")
    assert seat.room.table.total_text == "共 60 条"
    seat.room.table.grid.selectRow(0)
    seat.bot.keyClick(seat.room.table.grid, Qt.Key.Key_Return)
    seat.settle()
    assert seat.room.editing.record is not None and not page._actions["save"].isEnabled()
    assert not seat.room.form.editor("name").focusProxy().isEnabled()
