"""The UI kit: tables and the filter bar."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.model import PAGE, WAITING_TEXT
from desktop.ui.tables.view import RecordTable
from desktop.ui.theme import TONES
from desktop.work.jobs import Jobs
from shared.filters import TODAY, Condition, Filter, Here, Op
from tests.gui.kit import BUREAU, ENTITY, commit, on_screen


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
