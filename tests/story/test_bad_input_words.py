"""Words nobody meant to type: markup, NULs, halves of characters, rare ones, ten thousand of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QApplication, QLabel, QTableView, QToolTip, QWidget

from desktop.ui.pages.catalog import specs
from desktop.ui.plain import caption, tip
from desktop.ui.shell import Shell
from desktop.ui.theme import apply_theme
from desktop.work.desk import Desk
from desktop.work.jobs import Jobs
from desktop.work.media import MediumInfo
from desktop.work.verifying import Verifying
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.errors import Rejected
from shared.filters import Filter
from tests.fixtures.devices import Direct, quiet
from tests.fixtures.samples import sample
from tests.gui.desks import World, make_world, open_desk, shell_with

EVIL = "<b>粗</b>&<img src=x>"
RARE = "𠮷野家🍜餐饮有限公司"
MESS = "甲\x00乙\x07丙\u202e丁\u200b戊\ufffe己\ud83d庚"
CLEAN = "甲乙丙丁戊己庚"
CODE = "91310113XN12345667"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hub where an entity, the bureau and an officer bear markup in their names."""
    made = make_world(tmp_path_factory.mktemp("words"), 20)
    store = made.hub.store
    with store.read() as connection:
        officers = [str(r[0]) for r in connection.exec_driver_sql("SELECT id FROM officer").fetchall()]
    with store.unit(HUB_ACTOR) as unit:
        entity = {**made.entities[0], "uscc": CODE, "name": EVIL, "address": EVIL, "scope": EVIL}
        unit.insert(store.types["market_entity"], [entity], way="exchange", proven=True)
        rare = store.types["market_entity"].id_for_key(made.entities[1]["uscc"])
        unit.update(store.types["market_entity"], rare, {"name": RARE})
        unit.update(store.types["bureau"], made.bureau, {"name": EVIL})
        for officer in officers:
            unit.update(store.types["officer"], officer, {"name": EVIL})
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


def item(desk: Desk, name: str = "approval_item") -> str:
    return desk.records.first(desk.records.type(name), Filter())[0].id


def permit(desk: Desk, **raw: str) -> dict[str, str]:
    return {**sample("permit"), "item": item(desk), **raw}


def send(desk: Desk, hub: Hub) -> None:
    """All of it, and the hub signs for all."""
    desk.session.engine.sync(Direct(hub), quiet, "陈敏")
    assert desk.syncing.state().pending_changes == 0


def test_what_nobody_can_see_is_not_kept_and_the_hub_takes_the_rest(desk: Desk, world: World) -> None:
    """A NUL in one text would have the hub refuse everything the device has to say."""
    records = desk.records
    declared = records.type("permit")
    saved = records.save(declared, permit(desk, document_name=f"甲\r\n乙\t丙\u2028{MESS}", content=MESS))
    row = records.get(declared, saved.id)
    assert row is not None
    assert row.values["document_name"] == f"甲 乙 丙 {CLEAN}" and row.values["content"] == CLEAN
    drafted = records.save_draft(declared, {"party_name": MESS})
    assert [d.raw["party_name"] for d in records.drafts(declared) if d.id == drafted] == [CLEAN]
    records.delete(declared, saved.id, MESS)
    answer = desk.verifying.verify(f" {CODE.lower()[:8]} {CODE[8:]}\x00", f"评优\x00{MESS}")
    assert answer.entity is not None and answer.entity.values["name"] == EVIL
    desk.verifying.record(answer)
    made = desk.media.export(desk.settings.folder, MediumInfo("1", "U-1"), quiet)
    received = desk.media.receive(made.path, quiet)
    desk.media.refuse(received, MediumInfo("1", "U\x001"), MESS)
    send(desk, world.hub)
    intake = records.first(records.type("media_intake"), Filter())[0]
    assert intake.values["media_no"] == "U1" and CLEAN in intake.values["analysis"]


def test_codes_are_found_however_they_are_pasted(desk: Desk) -> None:
    records = desk.records
    declared = records.type("permit")
    for pasted in (f" {CODE.lower()} ", f"{CODE[:6]} {CODE[6:12]}\u3000{CODE[12:]}", f"{CODE}\x00", "\ufeff" + CODE):
        assert records.check(declared, permit(desk, uscc=pasted)).values["uscc"] == CODE
        assert records.fill_from(declared, "uscc", pasted)["party_name"] == EVIL
    for odd in ("\ud83d", "'; DROP TABLE permit; --", "x" * 10_000, "\x00"):
        assert records.fill_from(declared, "uscc", odd) == {}


@pytest.fixture
def other_desk(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    """Another device: a copy of one that has spoken to the hub would be a fork."""
    with open_desk(world, tmp_path / "other", jobs, ("officer",)) as made:
        yield made


def test_rare_characters_are_kept_and_found(other_desk: Desk, world: World) -> None:
    desk, records = other_desk, other_desk.records
    declared = records.type("market_entity")
    for word in ("𠮷", "𠮷野", "野家", RARE):
        assert [r.values["name"] for r in records.first(declared, Filter(text=word))] == [RARE], word
    for word in ("'", '"', "%", "* OR", "NEAR(", "words:", "\x00", "\ud83d", "好" * 10_000, "吉野家"):
        assert records.count(declared, Filter(text=word)) == len(records.first(declared, Filter(text=word)))
    assert records.count(declared, Filter(text="吉野家")) == 0
    code = world.entities[1]["uscc"]
    saved = records.save(records.type("permit"), permit(desk, uscc=code, party_name=RARE))
    send(desk, world.hub)
    row = records.get(records.type("permit"), saved.id)
    assert row is not None and row.values["party_name"] == RARE


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("document_name", "长" * 10_000, "最多 64 个字，现有 10000 个字，请缩短"),
        ("valid_to", "0000-00-00", "不是有效的日期，请检查年月日"),
        ("valid_to", "9999-99-99", "不是有效的日期，请检查年月日"),
        ("valid_to", "0001-01-01", "日期不得早于 1900-01-01，请检查年份"),
        ("uscc", "x" * 10_000, "统一社会信用代码长度应为 18 位"),
        ("content", "\x00\u202e\ud800", "请填写许可内容"),
    ],
)
def test_impossible_values_are_said_at_their_field(desk: Desk, name: str, typed: str, said: str) -> None:
    before = desk.records.count(desk.records.type("permit"), Filter())
    with pytest.raises(Rejected) as refused:
        desk.records.save(desk.records.type("permit"), permit(desk, **{name: typed}))
    assert [p.message for p in refused.value.problems if p.field == name and said in p.message]
    assert desk.records.count(desk.records.type("permit"), Filter()) == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-5", "不得为负数"),
        ("9" * 400, "金额过大，请检查单位"),
        ("1e400", "金额过大，请检查单位"),
        ("NaN", "请检查小数位数和单位"),
        ("五万", "不是金额，请填数字，单位万元"),
    ],
)
def test_impossible_amounts(desk: Desk, typed: str, said: str) -> None:
    declared = desk.records.type("penalty")
    raw = {**sample("penalty"), "item": item(desk, "penalty_item"), "fine": typed}
    assert any(said in p.message for p in desk.records.check(declared, raw).problems if p.field == "fine")


def test_the_last_date_of_all(desk: Desk) -> None:
    saved = desk.records.save(desk.records.type("permit"), permit(desk, uscc=CODE, valid_to="9999-12-31"))
    answer = desk.verifying.verify(CODE, "评优评先")
    assert answer.finding is not None and saved.id
    assert "有效 1 件" in answer.finding.conclusion


def test_a_question_of_ten_thousand_characters(desk: Desk) -> None:
    verifying: Verifying = desk.verifying
    with pytest.raises(Rejected) as refused:
        verifying.verify(CODE, "长" * 10_000)
    assert refused.value.problems[0].message == "最多 200 个字，现有 10000 个字，请缩短"


def test_markup_is_shown_letter_by_letter_in_every_window(desk: Desk, jobs: Jobs) -> None:
    """Labels, tooltips and tables of all pages hold a name with markup; none may obey it."""
    records = desk.records
    texts = dict.fromkeys(("party_name", "document_name", "licence_name", "content", "authority"), EVIL)
    records.save(records.type("permit"), permit(desk, uscc=CODE, **texts))
    records.save_draft(records.type("permit"), texts)
    entity = records.get(records.type("market_entity"), records.type("market_entity").id_for_key(CODE))
    assert entity is not None
    desk.claims.claim([entity.id])
    shell = shell_with(desk, specs(desk))
    shell.resize(1366, 740)
    shell.show()
    shell.set_person(EVIL, EVIL)
    assert EVIL in shell.status_text("person")
    seen = 0
    for spec in specs(desk):
        if not spec.allowed():
            continue
        page = shell.open(spec.name)
        assert page is not None
        settle(jobs)
        for view in page.findChildren(QTableView):
            if view.isVisible() and view.model().rowCount(QModelIndex()):
                view.selectRow(0)
        settle(jobs)
        page.messages.say("error", EVIL, EVIL)
        seen += obedient(shell)
    shell.open("entities", {"record": entity.id})
    settle(jobs)
    seen += obedient(shell)
    assert seen > 10, "the name was hardly shown"
    shell.close()


def obedient(shell: Shell) -> int:
    """Fails for a place that would draw markup; returns how often the name stands there."""
    seen = 0
    label: QLabel
    widget: QWidget
    for label in shell.findChildren(QLabel):
        if EVIL in label.text():
            seen += 1
            assert label.textFormat() == Qt.TextFormat.PlainText, (type(label.parent()), label.text())
    for widget in shell.findChildren(QWidget):
        assert "<b>粗" not in widget.toolTip(), (type(widget), widget.toolTip())
        if isinstance(widget, QTableView) and widget.model() is not None:
            seen += _tips(widget)
    return seen


def _tips(view: QTableView) -> int:
    model, root = view.model(), QModelIndex()
    seen = 0
    for row in range(min(model.rowCount(root), 20)):
        for column in range(model.columnCount(root)):
            index = model.index(row, column)
            seen += EVIL in str(model.data(index, Qt.ItemDataRole.DisplayRole))
            tip = model.data(index, Qt.ItemDataRole.ToolTipRole)
            assert "<b>粗" not in str(tip), (type(model), tip)
    return seen


def test_a_tooltip_with_markup_says_it_in_full(qapp: QApplication) -> None:
    assert tip("普通的名称 a < b & c") == "普通的名称 a < b & c"
    assert GuiQt.mightBeRichText(tip(EVIL))
    QToolTip.showText(QPoint(), tip(EVIL))
    assert "&lt;b&gt;粗&lt;/b&gt;&amp;" in QToolTip.text()
    QToolTip.hideText()
    assert caption("甲&乙") == "甲&&乙"


def settle(jobs: Jobs) -> None:
    for _ in range(4):
        jobs.wait_idle()
        QApplication.processEvents()
