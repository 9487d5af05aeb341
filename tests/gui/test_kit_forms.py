"""The UI kit: forms and their editors."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from desktop.ui.forms.editors import EDITORS, editor_for
from desktop.ui.forms.form import RecordForm
from desktop.ui.tables.conditions import condition_box
from desktop.work.jobs import Jobs
from shared.errors import Level, Problem
from shared.fields import Field, Kind
from shared.record import type_of
from shared.types.permit import Permit
from tests.gui.kit import BUREAU, ENTITY, GOOD_CODE, commit, on_screen


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
