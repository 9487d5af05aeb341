"""A first load seen by the person at the desk: volumes one by one, what is missing, progress in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.media import MediaPage
from desktop.ui.pages.sync import SyncPage
from desktop.work.jobs import Jobs
from desktop.work.media import MediumInfo
from server_stub.cli.shelf import FileShelf
from server_stub.loads import OVERHEAD, by_volumes
from server_stub.partitions import streams_of
from server_stub.snapshots import Offer
from shared.filters import Filter
from shared.store import sql
from tests.fixtures.devices import quiet
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import Post, settle


@pytest.fixture
def anew(post: Post) -> Post:
    """chenmin's installation must load everything anew, and the hub sends snapshots."""
    post.hub.snapshots.large, post.hub.snapshots.part_pages = 100, 20
    post.update("chenmin", "market_entity", post.entity(3), phone="021-7")
    with post.desk("chenmin").store.write() as connection:
        sql.execute(connection, "DELETE FROM stream_cursor")
    return post


def volumes(post: Post, folder: Path) -> list[Path]:
    """What the hub answers to an export, on a stick."""
    session = post.desk("chenmin").session
    made = post.desk("chenmin").media.export(folder, MediumInfo("1", "U-1"), quiet)
    with post.hub.store.read() as connection:
        kept = post.hub.snapshots.build(streams_of(connection, session.actor.bureau, admin=False))
    offer, size = Offer(kept, list(range(kept.head.count))), OVERHEAD + sum(kept.packed)
    limit = next(n for n in range(size, OVERHEAD, -1000) if len(by_volumes(offer, n)) == 3)
    shelf = FileShelf(folder / "回件.yzp", limit)
    with made.path.open("rb") as stream:
        post.hub.handle(stream, shelf.open(1), shelf)
    return shelf.finish()


def picture(widget: object, name: str) -> None:
    """For whoever looks: ``YIZHAN_PICTURES=folder``."""
    folder = os.environ.get("YIZHAN_PICTURES")
    if folder:
        widget.grab().save(f"{folder}/{name}.png")  # type: ignore[attr-defined]


def test_volumes_are_imported_in_any_order(
    qtbot: QtBot, anew: Post, jobs: Jobs, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    found = volumes(anew, stick)
    assert len(found) == 3 and [p.name for p in found] == [f"回件-第{i}卷.yzp" for i in (1, 2, 3)]
    desk = anew.desk("chenmin")
    page = MediaPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"tab": "import"})
    settle(jobs)
    flow = page.importing
    assert flow.load_words.isHidden()
    flow.medium.number.setText("U-1")
    for at, missing in ((2, "第 1 卷、第 2 卷"), (0, "第 2 卷")):
        flow.file.set_path(found[at])
        flow.button("核验").click()
        settle(jobs)
        words = flow.report.words()
        assert "可以导入" in words and f"第 {at + 1} 卷（共 3 卷）" in words and f"还缺{missing}" in words
        picture(page, f"load-report-{at + 1}")
        flow.button("下一步：写入本机").click()
        assert f"还缺{missing}" in flow._asked.text()
        flow.button("确认写入").click()
        settle(jobs)
        assert f"还缺{missing}" in flow._result.text()
        picture(page, f"load-result-{at + 1}")
        flow.button("完成").click()
        settle(jobs)
        assert f"还缺{missing}" in flow.load_words.text() and not flow.load_words.isHidden()
    picture(page, "load-missing")
    sync = SyncPage(desk)
    qtbot.addWidget(sync)
    sync.resize(1206, 700)
    sync.show()
    sync.shown({})
    settle(jobs)
    assert "还缺第 2 卷" in sync.load_bar.text()
    picture(sync, "load-sync")
    flow.file.set_path(found[0])
    flow.button("核验").click()
    settle(jobs)
    assert "已经导入过" in flow.report.words()
    flow.button("重新选择").click()
    flow.file.set_path(found[1])
    flow.button("核验").click()
    settle(jobs)
    assert "全部到齐" in flow.report.words()
    flow.button("下一步：写入本机").click()
    flow.button("确认写入").click()
    settle(jobs)
    assert "首批数据已全部装载并启用" in flow._result.text()
    picture(page, "load-done")
    flow.button("完成").click()
    settle(jobs)
    assert flow.load_words.isHidden()
    records = desk.records
    assert records.count(records.type("market_entity"), Filter()) == 40
    assert len(records.first(records.type("media_intake"), Filter())) == 3
    sync.load()
    settle(jobs)
    assert sync.load_bar.isHidden()


def test_progress_is_told_in_words_and_work_goes_on(qtbot: QtBot, anew: Post, jobs: Jobs) -> None:
    desk = anew.desk("chenmin")
    page = SyncPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    said: list[str] = []
    jobs.progressed.connect(lambda job: said.append(page.job_line.text()))
    jobs.progressed.connect(lambda job: picture(page, "load-progress") if "第 4/" in job.text else None)
    with serving(anew.hub) as url:
        desk.settings.set("hub_url", url)
        page.shown({"now": True})
        settle(jobs)
    assert any(text.startswith("装载首批数据 第 ") and text.endswith(" %") for text in said), said
    assert "首批数据已全部装载并启用" in page.messages.text()
    assert "全部已入库" in page.tiles.text("pending")
    assert desk.records.count(desk.records.type("market_entity"), Filter()) == 40
    found = desk.records.get(desk.records.type("market_entity"), anew.entity(3))
    assert found is not None and found.values["phone"] == "021-7"


def test_everything_is_loaded_anew_on_request_and_pending_work_stays(
    qtbot: QtBot, post: Post, jobs: Jobs
) -> None:
    desk, entity = post.desk("chenmin"), post.entity(5)
    declared = desk.records.type("market_entity")
    good = desk.records.get(declared, entity)
    assert good is not None
    with desk.store.write() as connection:
        sql.execute(connection, "UPDATE market_entity SET name = '读出来不对的名称' WHERE id = ?", (entity,))
    post.update("chenmin", "market_entity", post.entity(3), phone="021-7")
    page = SyncPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(jobs)
    next(made for action, made in page._made if action.name == "load_anew").trigger()
    assert "未同步的修改保留" in page.messages.text()
    picture(page, "anew-asked")
    assert not desk.session.engine.first_load.wanted_anew()  # nothing before it is confirmed
    page.messages._act()
    settle(jobs)
    assert "已要求重新装载" in page.load_bar.text()  # no hub in reach: by stick, or later
    picture(page, "anew-waiting")
    with serving(post.hub) as url:
        desk.settings.set("hub_url", url)
        page.sync_now()
        settle(jobs)
    assert "首批数据已全部装载并启用" in page.messages.text() and page.load_bar.isHidden()
    picture(page, "anew-done")
    now = desk.records.get(declared, entity)
    assert now is not None and now.values["name"] == good.values["name"]
    mine = desk.records.get(declared, post.entity(3))
    assert mine is not None and mine.values["phone"] == "021-7"
    assert "要求重新装载" in {a.what for a in desk.auditing.acts()}
