"""代转 and 往来登记: carrying for others, a lost stick exported again, the register of media."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.media import MediaPage
from desktop.work.jobs import Jobs
from desktop.work.media import MediumInfo
from shared.filters import Filter
from tests.fixtures.devices import quiet
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import Post, settle


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def opened(qtbot: QtBot, post: Post, account: str, **params: object) -> MediaPage:
    page = MediaPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 760)
    page.show()
    page.shown(params)
    settle(post.desk(account).jobs)
    return page


def photo(page: MediaPage, name: str) -> None:
    """A picture to look at, when asked for."""
    if folder := os.environ.get("YIZHAN_PHOTOS"):
        page.grab().save(str(Path(folder) / f"{name}.png"))


def test_a_courier_chooses_fetches_and_writes(qtbot: QtBot, post: Post, jobs: Jobs, stick: Path) -> None:
    far = post.desk("chenmin")
    post.update("chenmin", "market_entity", post.entity(3), phone="021-3")
    out = far.media.export(stick, MediumInfo("1", "U-1"), quiet)
    with serving(post.hub) as url:
        post.desk("linwei").settings.set("hub_url", url)
        page = opened(qtbot, post, "linwei", file=out.path)
        page.importing.medium.number.setText("U-1")
        page.importing.button("核验").click()
        settle(jobs)
        photo(page, "forward_report")
        seat = far.session.device[-8:]
        assert f"由谁封装：甲局·席位 {seat}" in page.importing.report.words()
        page.importing.button("收下，联网时再送").click()
        settle(jobs)
        assert "已收下" in page.importing.messages.text()
        page.tabs.choose("courier")
        settle(jobs)
        view = page.courier
        assert [row[0:2] + row[4:5] for row in view.box.texts()] == [("送往中心", "甲局", "待联网送中心")]
        assert not view.write_button.isEnabled()
        view.tick("甲局")
        settle(jobs)
        view.sync_button.click()
        settle(jobs)
    words = {row[4] for row in view.box.texts()}
    assert words - {"已有更新的代替"} == {"待写入介质", "已送中心"}, view.box.texts()
    view.medium.folder.set_path(stick)
    view.medium.number.setText("U-1")
    photo(page, "courier")
    view.write_button.click()
    settle(jobs)
    assert "可以拔出介质" in page.messages.text()
    assert {row[4] for row in view.box.texts()} - {"已有更新的代替"} == {"已写入介质", "已送中心"}
    assert opened(qtbot, post, "linwei", tab="courier").courier.chosen() == view.chosen()  # remembered
    photo(page, "courier_written")
    view.sheet.save_to(stick.parent / "sheet.pdf")
    settle(jobs)
    assert (stick.parent / "sheet.pdf").read_bytes().startswith(b"%PDF")

    made = next(p for p in stick.glob("*.yzp") if "代转" in p.name)
    own = opened(qtbot, post, "chenmin", file=made).importing
    own.button("核验").click()
    settle(jobs)
    own.button("下一步：写入本机").click()
    own.button("确认写入").click()
    settle(jobs)
    assert "1 份交接单已由中心签收" in own.result_facts.text()


def test_a_lost_stick_is_exported_again_from_the_register(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.update("chenmin", "market_entity", post.entity(5), phone="021-5")
    desk = post.desk("chenmin")
    first = desk.media.export(stick, MediumInfo("1", "U-1"), quiet)
    page = opened(qtbot, post, "chenmin", tab="register")
    register = page.register
    assert [(r[1], r[2], r[6]) for r in register.table.texts()] == [("导出", "U-1", "已交出")]
    assert [(r[0], r[4]) for r in register.media.texts()] == [("U-1", "在用")]
    register.table.select(0)
    register.again_button.click()
    register.again.go.click()
    assert register.again.form.problem("reason") == "请填写丢失的原因和经过"
    register.again.reason.setText("途中遗失，已报告")
    register.again.medium.number.setText("U-2")
    other = stick.parent / "other"
    other.mkdir()
    register.again.medium.folder.set_path(other)
    photo(page, "register_again")
    register.again.go.click()
    settle(jobs)
    assert "已标记丢失并重新导出" in page.messages.text() and register.again.isHidden()
    assert [(r[2], r[6]) for r in register.table.texts()] == [("U-2", "已交出"), ("U-1", "已丢失")]
    assert [(r[0], r[4]) for r in register.media.texts()] == [("U-1", "丢失"), ("U-2", "在用")]
    photo(page, "register")

    # narrowed, printed again, and taken away as a workbook
    register.kind.setCurrentIndex(register.kind.findData("lost"))
    assert [r[2] for r in register.table.texts()] == ["U-1"]
    register.table.select(0)
    register.sheet.save_to(stick.parent / "again.pdf")
    settle(jobs)
    assert (stick.parent / "again.pdf").read_bytes().startswith(b"%PDF")
    register.kind.setCurrentIndex(0)
    register.search.setText(first.fingerprint_text[:9])
    assert [r[2] for r in register.table.texts()] == ["U-1"]
    target = stick.parent / "list.xlsx"
    monkeypatch.setattr(register.files, "to_save", lambda *a, **k: target)
    register.export()
    settle(jobs)
    assert "已导出 1 条" in page.messages.text() and target.stat().st_size > 0

    # the medium turns up again
    register.media.select(0)
    assert register.steps["restore"].isEnabled() and not register.steps["lose"].isEnabled()
    register.steps["destroy"].click()
    settle(jobs)
    assert "请填写销毁的原因" in page.messages.text()
    register.steps["restore"].click()
    settle(jobs)
    assert [(r[0], r[4]) for r in register.media.texts()] == [("U-1", "在用"), ("U-2", "在用")]
    records = desk.records
    assert records.count(records.type("hand_over"), Filter()) == 2


def test_registered_media_are_suggested_by_number(qtbot: QtBot, post: Post, stick: Path) -> None:
    desk = post.desk("chenmin")
    desk.media.export(stick, MediumInfo("4", "D-7"), quiet)
    flow = opened(qtbot, post, "chenmin", tab="export").exporting
    flow.medium.number.setText("D-7")
    assert flow.medium.kind.currentData() == "4"
    completer = flow.medium.number.completer()
    assert completer is not None and completer.model().index(0, 0).data() == "D-7"
    flow.medium.number.setText("D-8")
    assert "新编号" in flow.medium.number.accessibleDescription()


def test_what_the_hub_did_not_simply_take_is_said_and_led_to(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path
) -> None:
    post.update("linwei", "market_entity", post.entity(2), phone="乙局的电话")
    post.sync("linwei")
    post.update("chenmin", "market_entity", post.entity(2), phone="甲局的电话")
    desk = post.desk("chenmin")
    out = desk.media.export(stick, MediumInfo("1", "U-1"), quiet)
    back = stick / "back.yzp"
    with out.path.open("rb") as stream, back.open("w+b") as answer:
        post.hub.handle(stream, answer)
    page = opened(qtbot, post, "chenmin", file=back)
    page.importing.medium.number.setText("U-1")
    page.importing.button("核验").click()
    settle(jobs)
    words = page.importing.report.words()
    assert "条变更有冲突" in words and "“冲突”页面" in words and "中心回执" in words
    photo(page, "import_report")
