"""Every declared type goes through the same windows: form, table, workbook out, workbook in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.pages.records import RecordsPage
from desktop.work.desk import Desk
from desktop.work.jobs import Jobs
from desktop.work.records import Row
from shared import access
from shared.access import HUB_ACTOR, Action, Actor
from shared.errors import AccessDenied, Level
from shared.filters import Filter
from shared.identifiers import make_uscc
from shared.record import RecordType
from shared.sheets.checking import GoodRow, check_rows
from shared.sheets.reading import read_rows
from shared.standing import Standing
from shared.store.lookups import StoreReferences
from shared.types import catalog
from tests.fixtures.samples import BUREAU, sample
from tests.gui.desks import ADMIN, DIVISION, World, make_world, open_desk
from tests.gui.test_page_records import Answers, Seat

OURS = "YCWL"
HUB_ADMIN = ("hub_admin",)
NO_KEY = Qt.KeyboardModifier.NoModifier

FRESH: dict[str, dict[str, str]] = {
    "market_entity": {"uscc": make_uscc("91", DIVISION, "XN765432"), "name": "上海宝山远客餐饮有限公司"},
    "bureau": {"code": "BSWH02"},
    "user": {"name": "秋知微"},
    "officer": {"name": "言舟", "certificate_no": "09130118009"},
    "approval_item": {"code": "SP9001"},
    "penalty_item": {"code": "CF9001"},
    "supervision_item": {"code": "JG9001"},
}
"""What must differ from the records that are on file already."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hub that has what the samples refer to. One 陈敏 per desk: names must lead back to one person."""
    made = make_world(tmp_path_factory.mktemp("every"), entities=2)
    made.add("market_entity", [sample("market_entity")])
    for roles in (ADMIN, HUB_ADMIN):
        made.device(roles)
    yield made
    made.hub.close()


def typed(declared: RecordType) -> dict[str, str]:
    """What the person types: the sample, about a bureau and records that are on file."""
    raw = {k: OURS if v == BUREAU else v for k, v in sample(declared.name).items()}
    return raw | FRESH.get(declared.name, {})


def roles_for(declared: RecordType) -> tuple[str, ...]:
    """The first kind of person who may enter such records; who may only read them otherwise."""
    for action in (Action.CREATE, Action.READ):
        for roles in (ADMIN, HUB_ADMIN):
            if access.allows(Actor("u", "", "b", frozenset(roles)), action, declared):
                return roles
    raise AssertionError(f"nobody may read {declared.name}")


class Round:
    """One type on its way through the windows."""

    def __init__(self, declared: RecordType, desk: Desk, qtbot: QtBot, folder: Path) -> None:
        self.declared, self.desk, self.folder = declared, desk, folder
        self.files = Answers(folder / "导出.xlsx")
        self.seat = Seat(desk, qtbot, self.files)
        self.seat.open()
        self.page.open_type(declared.name)
        self.seat.settle()

    @property
    def page(self) -> RecordsPage:
        return self.seat.page

    def row(self) -> Row:
        """The record the table shows; there is one."""
        table = self.seat.room.table
        assert table.total_text == "共 1 条"
        row = table.model.row_at(0)
        assert row is not None
        return row

    def act(self, name: str) -> None:
        action = self.page._actions[name]
        assert action.isEnabled(), f"{name}: {self.page.messages.text()}"
        action.trigger()
        self.seat.settle()

    # --- in by form ------------------------------------------------------------
    def enter(self, raw: dict[str, str]) -> None:
        """By form, where the person may; else through the hub's own door."""
        room = self.seat.room
        if not room.may_create():
            assert self.declared.name in NOBODY_TYPES
            assert not self.page._actions["save"].isEnabled()
            parsed = self.desk.records.check(self.declared, raw)
            with self.desk.store.unit(HUB_ACTOR) as unit:
                unit.insert(self.declared, [parsed.values], proven=True)
            self.desk.records.announce({self.declared.name})
            self.seat.settle()
            return
        assert set(raw) <= set(room.form.raw()), "the sample fills what no form asks for"
        self.seat.type(**raw)
        self.act("save")
        wrong = {n: room.form.problem_text(n) for n in room.form.raw() if room.form.problem_text(n)}
        assert "已保存" in self.page.messages.text(), wrong or self.page.messages.text()

    def find(self, values: dict[str, Any]) -> Row:
        """By what is searched for; its texts stand in the table."""
        text = " ".join(str(values[f.name]) for f in self.declared.search_fields if values[f.name])
        self.seat.room.bar.set_filter(Filter(text=text))
        self.seat.settle()
        row = self.row()
        model = self.seat.room.table.model
        for column, one in enumerate(model.columns):
            if one.field is not None and row.values[one.field.name] is not None:
                shown = self.desk.records.show(one.field, row.values[one.field.name])
                assert shown and model.text_at(0, column) == shown.replace("\n", " "), one.title
        assert row.standing is Standing.PENDING
        return row

    def shown_again(self) -> dict[str, Any]:
        """What the form holds when the record is opened from the table, read as if it were typed."""
        room = self.seat.room
        room.table.grid.selectRow(0)
        self.seat.bot.keyClick(room.table.grid, Qt.Key.Key_Return)
        self.seat.settle()
        assert room.editing.record is not None
        parsed = self.desk.records.check(self.declared, room.form.raw())
        return {f.name: parsed.values[f.name] for f in self.declared.form_fields}

    # --- out and in by workbook ----------------------------------------------
    def export(self, *, masked: bool) -> Path:
        """What the table shows; the window always masks."""
        path = self.files.path = self.folder / f"{self.declared.name}-{masked}.xlsx"
        if masked:
            self.act("export")
            assert "已导出 1 条" in self.page.messages.text()
        else:
            wanted = self.seat.room.table.model.filter
            assert self.desk.exporting.export(path, self.declared, wanted, masked=False) == 1
        return path

    def read(self, path: Path) -> dict[str, Any]:
        """The one row of a workbook, as an import understands it."""
        with self.desk.store.read() as connection:
            references = StoreReferences(connection, self.desk.store.types)
            report = check_rows(read_rows(path, self.declared), self.declared, self.desk.records.codes, references)
        assert not report.bad, report.bad[0].problems
        (good,) = report.good
        assert isinstance(good, GoodRow)
        return {f.name: good.values[f.name] for f in self.declared.sheet_fields}

    def imported(self, path: Path) -> str:
        """Choose the file, look at the dry run, store what may be stored; gives what was said."""
        self.files.path = path
        self.act("import")
        assert self.page.sheets is not None and self.page.sheets.checked is not None, self.page.messages.text()
        report = self.page.sheets.checked.report
        if report.bad:
            return "；".join(p.message for p in report.bad[0].problems if p.level is Level.REJECT)
        self.seat.press("入库 1 条")
        return self.page.messages.text()


def holds_masked_only(way: Round, path: Path, row: Row) -> None:
    """Asterisks stand where personal data were, and the workbook is refused for it."""
    personal = [f.name for f in way.declared.sheet_fields if f.personal and row.values[f.name]]
    ((_, cells),) = read_rows(path, way.declared)
    for name in personal:
        assert "*" in cells[name] and cells[name] != row.values[name], name
    if personal:
        said = way.desk.importing.check(path, way.declared).report.bad[0].problems
        assert {p.field for p in said if "脱敏" in p.message} == set(personal)


NOBODY_TYPES = {"exchange", "seat_state", "backup", "conflict", "device", "held_set"}
"""What the hub makes: rights keep people from entering it."""
ELSEWHERE = {"seat_account": "设置 › 本机账号", "data_problem": "信息录入 › 反馈问题"}
"""What a use case makes, and where: more belongs to it than a form could bring."""
TYPED = tuple(t for t in catalog.ALL if t.typed)


def test_what_is_made_elsewhere_is_known() -> None:
    assert {t.name: t.made_by for t in catalog.ALL if not t.typed} == ELSEWHERE
    assert len(TYPED) == len(catalog.ALL) - len(ELSEWHERE)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_a_use_case_makes_is_shown_but_never_typed(
    name: str, world: World, jobs: Jobs, qtbot: QtBot, tmp_path: Path
) -> None:
    declared = catalog.by_name(name)
    with open_desk(world, tmp_path / "desk", jobs, roles_for(declared)) as desk:
        way = Round(declared, desk, qtbot, tmp_path)
        page, room, raw = way.page, way.seat.room, typed(declared)
        assert access.allows(desk.session.actor, Action.CREATE, declared)  # the use case may
        for action in ("new", "save", "save_next", "void", "drafts", "paste", "template", "import"):
            assert page._actions[action].isEnabled() is False, action
        assert room.editing.title == declared.title and ELSEWHERE[name] in room.editing._note.text()
        assert not any(box.editor.isEnabled() for box in room.form._boxes.values())
        seen = desk.records.count(declared, Filter())
        refused: list[Callable[[], object]] = [
            lambda: desk.records.save(declared, raw),
            lambda: desk.importing.template(tmp_path / "模板.xlsx", declared),
            lambda: desk.importing.check(tmp_path / "none.xlsx", declared),
            lambda: desk.importing.check_pasted("a\tb", declared),
        ]
        for act in refused:
            with pytest.raises(AccessDenied, match=f"{declared.title}不能在这里录入") as said:
                act()
            assert ELSEWHERE[name] in said.value.hint
        assert desk.records.count(declared, Filter()) == seen and not (tmp_path / "模板.xlsx").exists()
        with desk.store.unit(HUB_ACTOR) as unit:  # as the use case and the hub do
            unit.insert(declared, [desk.records.check(declared, raw).values], proven=True)
        desk.records.announce({name})
        way.seat.settle()
        way.seat.room.table.grid.selectRow(0)
        way.seat.bot.keyClick(way.seat.room.table.grid, Qt.Key.Key_Return)
        way.seat.settle()
        row = way.seat.room.editing.record
        assert row is not None and not page._actions["save"].isEnabled()
        assert ELSEWHERE[name] in room.editing._note.text()
        with pytest.raises(AccessDenied, match="不能在这里录入"):
            desk.records.delete(declared, row.id, "重复")


@pytest.mark.parametrize("declared", TYPED, ids=lambda t: t.name)
def test_every_type_is_entered_found_exported_and_imported_again(
    declared: RecordType, world: World, jobs: Jobs, qtbot: QtBot, tmp_path: Path
) -> None:
    with open_desk(world, tmp_path / "desk", jobs, roles_for(declared)) as desk:
        way = Round(declared, desk, qtbot, tmp_path)
        raw = typed(declared)
        wanted = desk.records.check(declared, raw).values
        way.enter(raw)
        row = way.find(wanted)
        assert {n: row.values[n] for n in raw} == {n: wanted[n] for n in raw}
        assert all(row.values[n] is not None for n in raw)
        assert way.shown_again() == {f.name: row.values[f.name] for f in declared.form_fields}

        holds_masked_only(way, way.export(masked=True), row)
        book = way.export(masked=False)
        assert way.read(book) == {f.name: row.values[f.name] for f in declared.sheet_fields}

        before = desk.records.count(declared, Filter())
        if not way.seat.room.may_create():
            with pytest.raises(AccessDenied):
                desk.importing.check(book, declared)
            return
        said = way.imported(book)
        after = desk.records.count(declared, Filter())
        if declared.key:
            assert "与已有记录相同 1 条" in said and after == before
        elif declared.unique:
            titles = [declared.by_name[n].title for n in declared.unique[0]]
            assert "已存在" in said and all(t in said for t in titles) and after == before
        else:
            assert "新增 1 条" in said and after == before + 1
            twins = desk.records.first(declared, way.seat.room.table.model.filter)
            one, two = ({f.name: r.values[f.name] for f in declared.sheet_fields} for r in twins)
            assert one == two
