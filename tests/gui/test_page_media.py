"""介质交换: a stick goes out, comes back, is lost, is damaged, is somebody else's."""

from __future__ import annotations

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


def opened(qtbot: QtBot, post: Post, account: str = "chenmin", **params: object) -> MediaPage:
    page = MediaPage(post.desk(account))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown(params)
    settle(post.desk(account).jobs)
    return page


def answer(post: Post, package: Path, to: Path) -> Path:
    """The hub takes a package and seals its answer."""
    with package.open("rb") as stream, to.open("w+b") as out:
        post.hub.handle(stream, out)
    return to


def intakes(post: Post, account: str) -> list[tuple[str, int]]:
    records = post.desk(account).records
    found = records.first(records.type("media_intake"), Filter())
    return [(row.values["outcome"], row.values["applied"]) for row in found]


def test_export_in_four_steps(qtbot: QtBot, post: Post, jobs: Jobs, stick: Path) -> None:
    post.update("chenmin", "market_entity", post.entity(1), phone="021-1")
    page = opened(qtbot, post)
    flow = page.exporting
    assert "1 条" in flow.plan_facts.text() and flow.types.texts() == [("市场主体", "1", "1")]
    flow.button("下一步").click()
    flow.button("写入介质").click()  # nothing filled in yet
    assert flow.page_index == 1 and flow.medium.form.problem("number") == "请填写介质编号"
    flow.medium.number.setText("U-2026-001")
    flow.medium.folder.set_path(stick)
    flow.button("写入介质").click()
    settle(jobs)
    assert flow.page_index == 2 and "可以拔出" in flow._written.text()
    result = flow.result()
    assert result is not None and result.path.parent == stick
    assert result.fingerprint_text in flow.result_facts.text()
    flow.button("下一步：打印交接单").click()
    assert "U-2026-001" in flow.sheet_facts.text() and result.fingerprint_text in flow.sheet_facts.text()
    flow.sheet.save_to(stick / "sheet.pdf")
    settle(jobs)
    assert (stick / "sheet.pdf").read_bytes().startswith(b"%PDF")
    assert "已保存" in flow.messages.text()
    flow.button("完成").click()
    settle(jobs)
    assert flow.page_index == 0 and "以前导出过" in flow.plan_facts.text()  # still without a receipt


def test_a_missing_stick_is_explained_and_can_be_tried_again(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path
) -> None:
    flow = opened(qtbot, post).exporting
    flow.button("下一步").click()
    flow.medium.number.setText("U-1")
    flow.medium.folder.set_path(stick / "gone")
    flow.button("写入介质").click()
    settle(jobs)
    assert "介质不见了" in flow.messages.text() and flow._written.text() == "没有写入"
    flow.medium.folder.set_path(stick)
    flow.button("重试").click()
    settle(jobs)
    assert "可以拔出" in flow._written.text() and flow.messages.text() == ""


def test_nothing_to_report_still_asks_for_what_the_hub_has(qtbot: QtBot, post: Post) -> None:
    flow = opened(qtbot, post).exporting
    assert flow.types.texts() == [] and "没有待上报" in flow.types.grid.accessibleDescription()
    assert flow.button("下一步").isEnabled()


def test_import_in_four_steps(qtbot: QtBot, post: Post, jobs: Jobs, stick: Path) -> None:
    post.update("linwei", "market_entity", post.entity(2), address="乙局的地址")
    post.sync("linwei")
    post.update("chenmin", "market_entity", post.entity(2), address="甲局的地址")
    desk = post.desk("chenmin")
    made = desk.media.export(stick, MediumInfo("1", "U-1"), quiet)
    back = answer(post, made.path, stick / "back.yzp")
    stick.chmod(0o555)  # as a disc
    page = opened(qtbot, post, tab="import")
    flow = page.importing
    flow.button("核验").click()
    assert flow.file_form.problem("file")
    flow.file.set_path(back)
    flow.button("核验").click()
    settle(jobs)
    words = flow.report.words()
    assert "可以导入" in words and "测试中心" in words and "给谁：甲局·甲局-01（本机）" in words and "冲突" in words
    assert ("冲突", "1", "0", "0") in flow.report.changes.texts()
    assert desk.records.count(desk.records.type("conflict"), Filter()) == 0  # nothing applied yet
    flow.button("下一步：写入本机").click()
    flow.analysis.setPlainText("经核对无误")
    flow.button("确认写入").click()
    settle(jobs)
    assert flow.page_index == 3 and "已入库" in flow._result.text()
    assert "全部入库" in flow.result_facts.text() and "冲突" in flow.messages.text()
    assert desk.records.count(desk.records.type("conflict"), Filter()) == 1
    assert len(intakes(post, "chenmin")) == 1
    (kept_as,) = desk.records.first(desk.records.type("media_intake"), Filter())
    assert (kept_as.values["sent_from"], kept_as.values["sent_to"]) == ("测试中心", "甲局·甲局-01")
    flow.sheet.save_to(stick.parent / "intake.pdf")
    settle(jobs)
    assert (stick.parent / "intake.pdf").exists()
    page.tabs.choose("register")
    settle(jobs)
    kept = [(row[1], row[6]) for row in page.register.table.texts()]
    assert kept == [("导入", "全部入库"), ("导出", "已送达")]  # entered in the same second: the later one first
    flow.start()
    flow.file.set_path(back)
    flow.button("核验").click()
    settle(jobs)
    assert "已经导入过" in flow.report.words() and "仍然登记一次" in flow.button_texts


def test_the_new_line_is_chosen_after_a_lost_stick(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path
) -> None:
    """Who then prints gets the sheet of the new export, not that of the lost one."""
    post.update("chenmin", "market_entity", post.entity(1), phone="021-1")
    media = post.desk("chenmin").media
    media.export(stick, MediumInfo("1", "U-1"), quiet)
    register = opened(qtbot, post, tab="register").register
    register.kind.setCurrentIndex(register.kind.findData("under_way"))
    register.search.setText("U-1")
    settle(jobs)
    register.table.select(0)
    register.again_button.click()
    register.again.reason.setText("途中遗失")
    register.again.medium.number.setText("U-2")
    register.again.medium.folder.set_path(stick)
    register.again.go.click()
    settle(jobs)
    chosen = register.table.current()
    assert chosen is not None and (chosen.medium_no, chosen.word) == ("U-2", "已交出")
    assert register.again.isHidden() and register.sheet.isEnabled()
    register.start()  # as when something else changes
    settle(jobs)
    assert register.table.current().id == chosen.id


def test_a_damaged_package_is_refused_and_registered(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path
) -> None:
    desk = post.desk("chenmin")
    made = desk.media.export(stick, MediumInfo("1", "U-1"), quiet)
    back = answer(post, made.path, stick / "back.yzp")
    raw = bytearray(back.read_bytes())
    raw[len(raw) // 2] ^= 1
    back.write_bytes(raw)
    flow = opened(qtbot, post, file=back).importing
    flow.button("核验").click()
    settle(jobs)
    assert "不能使用" in flow.report.words() and not any("写入" in t for t in flow.button_texts)
    flow.button("登记拒绝入库").click()
    flow.button("登记拒绝入库").click()
    settle(jobs)
    assert "拒绝入库" in flow.result_facts.text()
    assert intakes(post, "chenmin") == [("3", 0)]


def test_a_courier_passes_on_and_brings_the_answer(
    qtbot: QtBot, post: Post, jobs: Jobs, stick: Path
) -> None:
    post.update("chenmin", "market_entity", post.entity(4), phone="021-4")
    made = post.desk("chenmin").media.export(stick, MediumInfo("1", "U-1"), quiet)
    with serving(post.hub) as url:
        post.desk("linwei").settings.set("hub_url", url)
        flow = opened(qtbot, post, "linwei", file=made.path).importing
        flow.medium.number.setText("U-1")
        flow.button("核验").click()
        settle(jobs)
        assert "可转交中心" in flow.report.words()
        flow.button("下一步：转交中心").click()
        flow.button("转交中心").click()
        settle(jobs)
    assert "可以拔出" in flow._result.text()
    back = next(p for p in stick.glob("*.yzp") if p != made.path)
    own = opened(qtbot, post, file=back).importing
    own.button("核验").click()
    settle(jobs)
    own.button("下一步：写入本机").click()
    own.button("确认写入").click()
    settle(jobs)
    state = post.desk("chenmin").syncing.state()
    assert state.all_in and (state.pending_changes, state.paper) == (1, 1)  # the intake record itself waits
    assert state.sets[-1].standing == "已入库"


def test_a_file_that_is_no_package(qtbot: QtBot, post: Post, jobs: Jobs, stick: Path) -> None:
    (stick / "notes.yzp").write_text("购物清单")
    flow = opened(qtbot, post, file=stick / "notes.yzp").importing
    flow.medium.number.setText("U-1")
    flow.button("核验").click()
    settle(jobs)
    assert "这不是驿站交换包" in flow.report.words()
    flow.button("重新选择").click()
    flow.file.set_path(stick / "nothing.yzp")
    flow.button("核验").click()
    settle(jobs)
    assert "文件不在了" in flow.messages.text() and flow.page_index == 0
