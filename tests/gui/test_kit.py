"""The UI kit: jobs, forms, tables, filter bar, shell.

``ListRecords`` keeps records in a list and answers as ``desktop.work.records``
does; it is a stand-in for the kit's own tests only, pages are tested with the
real thing.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QInputMethodEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.actions import Action, button, to_qaction
from desktop.ui.forms.editors import EDITORS, editor_for
from desktop.ui.forms.form import RecordForm
from desktop.ui.pages.page import Page, PageSpec
from desktop.ui.palette import Palette
from desktop.ui.shell import Shell
from desktop.ui.tables.conditions import condition_box
from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.model import PAGE, WAITING_TEXT
from desktop.ui.tables.view import RecordTable
from desktop.ui.theme import STANDING_TONES, TONES, icon
from desktop.work.jobs import Job, Jobs, JobState, Progress
from shared.codes import Codes, load_resource_codes
from shared.errors import InputError, Level, Problem, YizhanError
from shared.fields import Field, Kind
from shared.filters import TODAY, Condition, Filter, Here, Op
from shared.parsing import Context, Parsed, parse, show
from shared.record import RecordType, type_of
from shared.standing import Standing
from shared.types.bureau import Bureau
from shared.types.market_entity import MarketEntity
from shared.types.permit import Permit

ENTITY = type_of(MarketEntity)
BUREAU = type_of(Bureau)
GOOD_CODE = "91310113XN00000019"


@dataclass(frozen=True)
class Row:
    id: str
    rowid: int
    values: dict[str, Any]
    standing: Standing
    seen: str = ""


@dataclass(frozen=True)
class Suggestion:
    id: str
    label: str
    detail: str


@dataclass
class ListRecords:
    """Records of one type in a list; remembers what it was asked."""

    codes: Codes
    count: int = 0
    asked_rows: list[int] = field(default_factory=list)
    asked_labels: int = 0

    def row(self, rowid: int) -> Row:
        values = {
            "uscc": f"91310113XN{rowid:08d}",
            "code": f"{rowid:04d}",
            "name": f"上海青穗第{rowid}餐饮管理有限公司",
            "status": "1" if rowid % 5 else "3",
            "division": "310113",
            "legal_person": "陈敏",
            "address": f"上海市宝山区友谊路{rowid}号",
            "parent": "b1" if rowid % 2 else "b2",
        }
        return Row(f"id{rowid}", rowid, values, list(Standing)[rowid % len(Standing)])

    def row_ids(self, declared: RecordType, wanted: Filter) -> array[int]:
        found = [
            i
            for i in range(1, self.count + 1)
            if not wanted.text or wanted.text in self.row(i).values["name"]
        ]
        return array("q", reversed(found) if wanted.order == "-name" else found)

    def first(self, declared: RecordType, wanted: Filter, limit: int = PAGE) -> list[Row]:
        return [self.row(i) for i in self.row_ids(declared, wanted)[:limit]]

    def rows(self, declared: RecordType, rowids: Sequence[int]) -> list[Row]:
        self.asked_rows.append(len(rowids))
        return [self.row(i) for i in rowids]

    def check(self, declared: RecordType, raw: Mapping[str, Any]) -> Parsed:
        return parse(declared, raw, Context(self.codes))

    def label(self, target: str, record_id: str) -> str:
        return {"b1": "宝山区局", "b2": "杨浦区局"}.get(record_id, "")

    def labels(self, target: str, ids: Collection[str]) -> dict[str, str]:
        self.asked_labels += 1
        return {i: self.label(target, i) for i in ids}

    def suggest(self, target: str, word: str, limit: int = 20) -> list[Suggestion]:
        known = [Suggestion("b1", "宝山区局", "310113"), Suggestion("b2", "杨浦区局", "310110")]
        return [s for s in known if word in s.label]

    def show(self, one: Field, value: Any) -> str:
        return show(one, value, self.codes)


@pytest.fixture(scope="session")
def codes() -> Codes:
    return Codes.from_rows(*load_resource_codes())


@pytest.fixture
def records(codes: Codes) -> Any:
    return ListRecords(codes)


def on_screen(qtbot: QtBot, widget: QWidget, width: int = 1200, height: int = 650) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)


def commit(widget: QWidget, text: str) -> None:
    """Type Chinese as an input method does."""
    event = QInputMethodEvent()
    event.setCommitString(text)
    QApplication.sendEvent(widget, event)


# --- jobs --------------------------------------------------------------------
def test_job_gives_its_result_on_the_gui_thread(jobs: Jobs) -> None:
    came: list[tuple[int, bool]] = []
    main = threading.get_ident()
    seen: list[int] = []

    def work(progress: Progress) -> int:
        seen.append(threading.get_ident())
        return 42

    jobs.run("算", work, lambda n: came.append((n, threading.get_ident() == main)))
    assert jobs.wait_idle()
    assert came == [(42, True)]
    assert seen != [main]


def test_writers_run_one_after_the_other(jobs: Jobs) -> None:
    inside, most = [0], [0]
    lock = threading.Lock()

    def work(progress: Progress) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        sum(range(20_000))
        with lock:
            inside[0] -= 1

    for _ in range(12):
        jobs.run("写", work, lane="write")
    assert jobs.wait_idle()
    assert most == [1]


def test_cancel_stops_between_batches_and_is_no_failure(jobs: Jobs) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []
    loud: list[object] = []
    jobs.failed.connect(lambda *_: loud.append(1))

    def work(progress: Progress) -> int:
        begun.set()
        go_on.wait(5)
        progress(1, 10)
        return 1

    job = jobs.run("长", work, done.append)
    assert begun.wait(5)
    job.cancel()
    go_on.set()
    assert jobs.wait_idle()
    assert job.state is JobState.CANCELLED
    assert done == [] and loud == []


def test_progress_is_throttled_but_the_end_is_told(jobs: Jobs) -> None:
    told: list[int] = []
    jobs.progressed.connect(lambda job: told.append(job.done))

    def work(progress: Progress) -> None:
        for i in range(1, 5001):
            progress(i, 5000)

    jobs.run("数", work)
    assert jobs.wait_idle()
    assert told[-1] == 5000
    assert len(told) < 200


def test_expected_error_goes_to_its_callback_else_to_the_signal(jobs: Jobs) -> None:
    def work(progress: Progress) -> None:
        raise InputError("表头不对。", "请用模板。")

    taken: list[YizhanError] = []
    told: list[YizhanError] = []
    jobs.failed.connect(lambda job, error: told.append(error))
    jobs.run("读", work, failed=taken.append)
    assert jobs.wait_idle()
    assert [e.message for e in taken] == ["表头不对。"] and told == []
    jobs.run("读", work)
    assert jobs.wait_idle()
    assert [e.hint for e in told] == ["请用模板。"]


def test_unexpected_error_surfaces(jobs: Jobs, qtbot: QtBot) -> None:
    def work(progress: Progress) -> None:
        raise ZeroDivisionError("a bug")

    with qtbot.captureExceptions() as caught:
        jobs.run("错", work)
        assert jobs.wait_idle()
    assert [e[0] for e in caught] == [ZeroDivisionError]


# --- actions, palette, shell ---------------------------------------------------
def test_a_double_click_submits_once(jobs: Jobs, qtbot: QtBot) -> None:
    go_on = threading.Event()
    begun: list[Job] = []

    def save() -> Job:
        job = jobs.run("保存", lambda _: go_on.wait(5), lane="write")
        begun.append(job)
        return job

    owner = QWidget()
    qtbot.addWidget(owner)
    push = button(to_qaction(Action("save", "保存", save, "Ctrl+S", "save"), owner), primary=True)
    qtbot.addWidget(push)
    push.click()
    push.click()
    assert len(begun) == 1 and not push.isEnabled()
    go_on.set()
    assert jobs.wait_idle()
    assert push.isEnabled()


def test_palette_finds_by_initials(themed: QApplication, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    ran: list[str] = []
    made = []
    for title in ("立即同步", "导出介质", "查找命令"):
        action = QAction(title, parent)
        action.triggered.connect(lambda _=False, t=title: ran.append(t))
        made.append(action)
    made[2].setEnabled(False)
    palette = Palette(parent)
    palette.open_with(made)
    assert palette.titles() == ["立即同步", "导出介质"]
    palette.search("dcjz")
    assert palette.titles() == ["导出介质"]
    qtbot.keyClick(palette.focusWidget(), Qt.Key.Key_Return)
    assert ran == ["导出介质"]
    palette.search("xyz")
    assert palette.titles() == []


class Notes(Page):
    def __init__(self, name: str) -> None:
        super().__init__(name, name)
        self.came: list[dict[str, Any]] = []
        self.told: list[frozenset[str]] = []

    def shown(self, params: dict[str, Any]) -> None:
        self.came.append(params)

    def refresh(self, types: frozenset[str]) -> None:
        self.told.append(types)


def test_shell_opens_lazily_refreshes_what_is_seen_and_keeps_the_rest(jobs: Jobs, qtbot: QtBot) -> None:
    made: list[str] = []

    def factory(name: str) -> Callable[[], Page]:
        def make() -> Page:
            made.append(name)
            return Notes(name)

        return make

    shell = Shell(
        [
            PageSpec("home", "工作台", "home", factory("home")),
            PageSpec("sync", "同步", "sync", factory("sync")),
            PageSpec("log", "同步日志", "log", factory("log"), allowed=lambda: False),
        ],
        jobs,
    )
    on_screen(qtbot, shell)
    home = shell.open("home", {"a": 1})
    assert isinstance(home, Notes) and made == ["home"] and home.came == [{"a": 1}]
    assert shell.open("log") is None
    qtbot.keyClick(shell, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    sync = shell.current
    assert isinstance(sync, Notes) and sync.name == "sync"
    shell.refresh(frozenset({"permit"}), "sync")
    assert sync.told == [frozenset({"permit"})] and home.told == []
    sync.open_page.emit("home", {"b": 2})
    assert home.told == [frozenset({"permit"})] and home.came[-1] == {"b": 2}
    shell.set_pending(1234)
    assert shell.status_text("pending") == "待同步 1,234"
    jobs.failed.emit(None, InputError("没有网络。", "稍后再试。"))
    assert home.messages.text() == "没有网络。稍后再试。"


def test_every_standing_has_a_tone_and_every_icon_draws(themed: QApplication) -> None:
    assert {str(s) for s in Standing} == set(STANDING_TONES)
    assert set(STANDING_TONES.values()) <= set(TONES)
    image = icon("save").pixmap(16, 16).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(16) for y in range(16))


# --- form ----------------------------------------------------------------------
def test_every_kind_has_an_editor_that_keeps_raw_text(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    assert set(EDITORS) == set(Kind)
    for number, kind in enumerate(Kind, 10):
        one = Field(number, "字段", kind, name="f", table="登记状态", target="bureau", unit="元")
        editor = editor_for(one, records, jobs)
        qtbot.addWidget(editor)
        editor.set_raw("胡写12")
        assert editor.raw() == "胡写12", kind
        editor.set_problem("不对", Level.REJECT)
        assert editor.focusProxy().accessibleName() == "字段"
        assert editor.focusProxy().accessibleDescription() == "不对"
        editor.set_raw("")
        assert editor.raw() == "", kind
        box = condition_box(one, records, jobs)
        if box is not None:
            qtbot.addWidget(box)
            assert box.conditions() == []


def test_form_shows_problems_under_fields_and_jumps(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    on_screen(qtbot, form)
    assert form.raw()["status"] == "1"  # the declared default
    form.set_raw({"uscc": "123", "established_on": "2026-13-01"})
    form.show_problems(
        [*records.check(ENTITY, form.raw()).problems, Problem("", "同一主体已存在", Level.WARN)]
    )
    assert "不是有效的日期" in form.problem_text("established_on")
    assert form.problem_text("name") == "请填写主体名称"
    assert form.problem_text("address") == ""
    assert form.summary_lines()[0] == "同一主体已存在"
    assert any(line.startswith("成立日期：") for line in form.summary_lines())
    form.jump_to("established_on")
    assert form.focusWidget() is form.editor("established_on").focusProxy()
    form.show_problems([])
    assert form.summary_lines() == [] and form.problem_text("name") == ""


def test_the_credit_code_comes_first(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    declared = type_of(Permit)
    key = next(f.derive_from for f in declared.own_fields if f.derive_from)
    form = RecordForm(declared, records, jobs)
    qtbot.addWidget(form)
    assert next(iter(form.raw())) == key
    assert set(form.raw()) == {f.name for f in declared.form_fields}


def test_pinned_values_survive_save_and_next(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    on_screen(qtbot, form)
    form.jump_to("street")
    qtbot.keyClick(form.focusWidget(), Qt.Key.Key_F8)
    assert form.pinned == {"street"}
    form.set_raw({"street": "友谊路街道", "name": "青穗", "status": "3"})
    form.clear()
    assert form.raw()["street"] == "友谊路街道"
    assert form.raw()["name"] == "" and form.raw()["status"] == "1"
    assert not form.is_dirty


def test_enter_goes_on_and_a_left_field_is_told_once(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    on_screen(qtbot, form)
    left: list[tuple[str, str]] = []
    form.field_left.connect(lambda name, raw: left.append((name, raw)))
    form.jump_to("uscc")
    qtbot.keyClicks(form.focusWidget(), GOOD_CODE)
    qtbot.keyClick(form.focusWidget(), Qt.Key.Key_Return)
    assert form.focusWidget() is form.editor("name").focusProxy()
    assert left == [("uscc", GOOD_CODE)]
    assert form.is_dirty
    form.jump_to("uscc")
    form.jump_to("name")
    assert len(left) == 1


def test_fill_takes_blank_fields_only(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    qtbot.addWidget(form)
    form.set_raw({"name": "我写的"})
    assert form.fill({"name": "缓存的", "legal_person": "陈敏", "unknown": "x"}) == ["法定代表人"]
    assert form.raw()["name"] == "我写的" and form.raw()["legal_person"] == "陈敏"


def test_code_field_takes_initials_and_gives_the_code(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    on_screen(qtbot, form)
    form.set_raw({})
    form.jump_to("status")
    qtbot.keyClicks(form.focusWidget(), "cx")
    editor: Any = form.editor("status")
    qtbot.waitUntil(editor.line.popup_open)
    assert editor.line.choices()[0].text == "存续"
    qtbot.keyClick(editor.line, Qt.Key.Key_Return)
    assert form.raw()["status"] == "1" and editor.line.text() == "存续"
    assert form.focusWidget() is not editor.line


def test_reference_field_searches_off_the_gui_thread(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(BUREAU, records, jobs)
    on_screen(qtbot, form)
    form.jump_to("parent")
    editor: Any = form.editor("parent")
    commit(editor.line, "杨浦")
    qtbot.waitUntil(editor.line.popup_open)
    qtbot.keyClick(editor.line, Qt.Key.Key_Return)
    assert form.raw()["parent"] == "b2" and editor.line.text() == "杨浦区局"


def test_money_and_dates_show_their_reading_but_keep_the_text(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    qtbot.addWidget(form)
    form.set_raw({"registered_capital": "500", "established_on": "20260501"})
    money: Any = form.editor("registered_capital")
    day: Any = form.editor("established_on")
    assert money.aside.text() == "万元 = 5,000,000.00 元"
    assert day.aside.text() == "2026-05-01 周五"
    assert form.raw()["established_on"] == "20260501"


def test_form_has_no_horizontal_scroll(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    form = RecordForm(ENTITY, records, jobs)
    on_screen(qtbot, form, 1230, 650)
    for width in (1230, 560):
        form.resize(width, 650)
        qtbot.waitUntil(lambda: form.editor("address").mapTo(form, QPoint(0, 0)).x() > 0)
        for name in form.raw():
            editor = form.editor(name)
            right = editor.mapTo(form, QPoint(editor.width(), 0)).x()
            qtbot.waitUntil(lambda e=editor: e.mapTo(form, QPoint(e.width(), 0)).x() <= form.width())
            assert right <= 1230


# --- table ---------------------------------------------------------------------
def test_table_of_100_000_rows_loads_windows_only(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    records.count = 100_000
    table = RecordTable(ENTITY, records, jobs)
    on_screen(qtbot, table)
    table.set_filter(Filter())
    assert jobs.wait_idle()
    assert table.total_text == "共 100,000 条" and table.model.total == 100_000
    assert table.model.held == PAGE
    end = table.model.total - 1
    table.grid.scrollToBottom()
    qtbot.waitUntil(lambda: table.model.row_at(end) is not None)
    assert jobs.wait_idle()
    names = [c.name for c in table.model.columns]
    assert table.model.text_at(end, names.index("name")) == "上海青穗第100000餐饮管理有限公司"
    assert table.model.text_at(end, names.index("_number")) == "100,000"
    assert table.model.held <= 4 * PAGE and max(records.asked_rows) <= PAGE
    assert table.model.text_at(50_000, names.index("name")) == WAITING_TEXT
    assert jobs.wait_idle()


def test_references_are_named_once_per_page_and_column(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    records.count = 150
    table = RecordTable(BUREAU, records, jobs)
    on_screen(qtbot, table)
    table.set_filter(Filter())
    assert jobs.wait_idle()
    column = [c.name for c in table.model.columns].index("parent")
    assert [table.model.text_at(i, column) for i in (0, 1)] == ["宝山区局", "杨浦区局"]
    assert records.asked_labels == 1


def test_table_sorts_by_header_and_drops_stale_answers(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    records.count = 150
    table = RecordTable(ENTITY, records, jobs)
    on_screen(qtbot, table)
    names = [c.name for c in table.model.columns]
    table.set_filter(Filter(text="第1餐饮"))
    table.set_filter(Filter())
    assert jobs.wait_idle()
    assert table.model.total == 150
    for _ in range(2):
        table.grid.horizontalHeader().sectionClicked.emit(names.index("name"))
    assert table.model.filter.order == "-name"
    assert jobs.wait_idle()
    assert table.model.text_at(0, names.index("name")) == "上海青穗第150餐饮管理有限公司"


def test_reload_keeps_the_current_record(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    records.count = 150
    table = RecordTable(ENTITY, records, jobs)
    on_screen(qtbot, table)
    table.set_filter(Filter())
    assert jobs.wait_idle()
    assert table.select("id77")
    records.count = 151
    table.reload()
    assert jobs.wait_idle()
    current = table.current()
    assert current is not None and current.id == "id77"
    opened: list[Any] = []
    table.activated.connect(opened.append)
    qtbot.keyClick(table.grid, Qt.Key.Key_Return)
    assert [r.id for r in opened] == ["id77"]


def test_empty_and_failed_tables_say_so(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    table = RecordTable(ENTITY, records, jobs)
    on_screen(qtbot, table)
    table.set_filter(Filter())
    assert jobs.wait_idle()
    assert table.total_text == "共 0 条"
    assert "没有符合条件的市场主体" in table.grid.accessibleDescription()


def test_cancelled_entities_are_red(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    records.count = 10
    table = RecordTable(ENTITY, records, jobs)
    on_screen(qtbot, table)
    table.set_filter(Filter())
    assert jobs.wait_idle()
    column = [c.name for c in table.model.columns].index("name")
    shades = [table.model.data(table.model.index(i, column), Qt.ItemDataRole.ForegroundRole) for i in (3, 4)]
    assert shades[0] is None and shades[1].name() == TONES["bad"]


# --- filter bar ------------------------------------------------------------------
def test_filter_bar_tells_once_after_typing(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    bar = FilterBar(ENTITY, records, jobs)
    on_screen(qtbot, bar, 1200, 200)
    told: list[Filter] = []
    bar.changed.connect(told.append)
    with qtbot.waitSignal(bar.changed):
        commit(bar.search, "青")
        commit(bar.search, "穗")
    assert [f.text for f in told] == ["青穗"]


def test_filter_bar_shows_what_it_is_given(records: Any, jobs: Jobs, qtbot: QtBot) -> None:
    fixed = Condition("division", Op.EQ, "310113")
    bar = FilterBar(ENTITY, records, jobs, fixed=[fixed])
    on_screen(qtbot, bar, 1200, 200)
    wanted = (
        Condition("status", Op.EQ, "1"),
        Condition("established_on", Op.LE, Here("today", 30)),
        Condition("industry", Op.EQ, "F"),
    )
    bar.set_filter(Filter(wanted, "青穗"))
    assert bar.more_shown  # 行业 is not among the basic conditions
    assert set(bar.filter().conditions) == {fixed, *wanted}
    assert bar.filter().text == "青穗"
    bar.clear()
    assert bar.filter() == Filter((fixed,))
    assert Here("today") == TODAY
