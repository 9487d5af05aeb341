"""核查 with real records: what is missing, who is meant, the answer, its evidence, the sheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.choosing import Files
from desktop.ui.pages.verify import VerifyPage
from desktop.work.desk import Desk
from shared.filters import Filter
from tests.fixtures.samples import sample
from tests.gui.working import CTRL, Worker, entities


class Chosen(Files):
    """Answers instead of a person at the file dialog."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def to_save(self, parent: QWidget, title: str, name: str, kinds: str = "") -> Path | None:
        return self.path


@pytest.fixture
def worker(desk: Desk, qtbot: QtBot, tmp_path: Path) -> Worker[VerifyPage]:
    files = Chosen(tmp_path / "核查单.pdf")
    return Worker(desk, qtbot, "verify", lambda at: VerifyPage(at, files))


def ask(worker: Worker[VerifyPage], word: str, purpose: str = "评优评先") -> VerifyPage:
    page = worker.open()
    page.question.purpose.set_free(purpose)
    page.question.word.setText(word)
    page.question.word.setFocus()
    worker.key(Qt.Key.Key_Return)
    return page


def sanctioned(desk: Desk) -> str:
    """An entity with a permit and a sanction in force; gives its code."""
    entity = entities(desk, 1)[0]
    uscc, name = str(entity.values["uscc"]), str(entity.values["name"])
    records = desk.records
    whose = {"uscc": uscc, "org_code": ""}
    records.save(records.type("permit"), {**sample("permit", party_name=name), **whose})
    term = {"valid_from": "2020-01-01", "valid_to": "长期"}
    records.save(records.type("sanction"), {**sample("sanction", name=name, uscc=uscc), **term})
    return uscc


def test_the_page_says_how_far_the_data_reach_before_anybody_asks(
    desk: Desk, worker: Worker[VerifyPage]
) -> None:
    page = worker.open()
    assert f"数据截止时间：{desk.evidence().data_until[:16].replace('T', ' ')}" in page.intro.facts.text()
    assert page.question.word.hasFocus() and not page.history.model.total


def test_what_is_missing_is_said_in_place(worker: Worker[VerifyPage]) -> None:
    page = ask(worker, "青穗", purpose="")
    assert page.question.problem() == "请填写核查用途" and page.question.purpose.hasFocus()


def test_an_answer_carries_its_evidence(desk: Desk, worker: Worker[VerifyPage]) -> None:
    page = ask(worker, sanctioned(desk))
    content = page.answer.content
    assert content is not None and content.tone == "bad"
    assert "惩戒中 1 件" in page.answer.text() and "有效 1 件" in page.answer.text()
    assert [title for title, _ in content.as_of][:1] == ["数据截止时间"]
    evidence = desk.evidence()
    shown = dict(content.as_of)
    assert shown["数据版本"] == evidence.version and shown["核查范围"] == evidence.scope
    assert [one.title for one in content.listings] == ["行政许可", "惩戒中的联合惩戒"]
    worker.press("查看档案")
    assert worker.went == [("entities", {"id": entities(desk, 1)[0].id})]


def test_several_entities_must_be_told_apart(desk: Desk, worker: Worker[VerifyPage]) -> None:
    page = ask(worker, "上海")
    assert page.side.currentWidget() is page.candidates and page.candidates.grid.hasFocus()
    first = page.candidates.current()
    worker.key(Qt.Key.Key_Return)
    content = page.answer.content
    assert content is not None and content.subject == first.values["name"]


def test_nothing_found_is_an_answer_too(worker: Worker[VerifyPage]) -> None:
    page = ask(worker, "查无此户")
    content = page.answer.content
    assert content is not None and content.verdict == "本机数据中没有找到" and content.as_of
    assert not worker.button("查看档案").isEnabled()


def test_kept_once_and_shown_again_as_it_was(desk: Desk, worker: Worker[VerifyPage]) -> None:
    page = ask(worker, sanctioned(desk))
    told = page.answer.text().splitlines()[1:]
    worker.press("保存核查记录")
    assert not worker.button("保存核查记录").isEnabled()
    rows = desk.records.first(desk.verifying.declared, Filter())
    assert len(rows) == 1 and rows[0].values["purpose"] == "评优评先"
    assert page.history.model.total == 1
    page.history.setFocus()
    page.history.grid.selectRow(0)
    worker.key(Qt.Key.Key_Return)
    assert page.answer.text().splitlines()[1:] == told
    assert page.answer.content is not None and "当时" in page.answer.content.kept
    assert not worker.has_button("打印核查单")


def test_the_sheet_is_written_and_what_is_handed_over_is_kept(
    desk: Desk, worker: Worker[VerifyPage], tmp_path: Path
) -> None:
    page = ask(worker, sanctioned(desk))
    worker.key(Qt.Key.Key_P, CTRL)
    assert (tmp_path / "核查单.pdf").read_bytes().startswith(b"%PDF")
    assert len(desk.records.first(desk.verifying.declared, Filter())) == 1
    assert "核查单已生成" in page.messages.text() and "保存了核查记录" in page.messages.text()


def test_no_file_chosen_means_nothing_happens(desk: Desk, worker: Worker[VerifyPage]) -> None:
    page = ask(worker, sanctioned(desk))
    page.files = Chosen(None)
    worker.press("打印核查单")
    assert desk.records.first(desk.verifying.declared, Filter()) == []


def test_without_rights_one_may_ask_but_not_keep(poor_desk: Desk, qtbot: QtBot) -> None:
    worker = Worker(poor_desk, qtbot, "verify", VerifyPage)
    page = ask(worker, str(entities(poor_desk, 1)[0].values["uscc"]))
    assert page.answer.content is not None
    assert not worker.button("保存核查记录").isEnabled() and worker.button("打印核查单").isEnabled()
