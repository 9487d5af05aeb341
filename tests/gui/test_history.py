"""历史: under a form and in an entity's file, what was done to one record; the loser stays readable (N5)."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.history.part import HistoryPart
from desktop.ui.pages.entities import EntitiesPage
from desktop.ui.pages.records import RecordsPage
from desktop.work.conflicts import Choice
from desktop.work.history import History
from shared.store import trail as trails
from shared.store.trail import trail
from tests.gui.exchange_desks import Post, settle


def in_the_entry_page(qtbot: QtBot, post: Post, account: str, type_name: str, record_id: str) -> HistoryPart:
    desk = post.desk(account)
    page = RecordsPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"type": type_name, "id": record_id})
    settle(desk.jobs)
    assert page.room is not None
    part = page.room.history
    assert part.isVisible() and not part.is_open and part.shown is None  # nothing is read unasked
    part._toggle.click()
    settle(desk.jobs)
    return part


def in_the_file(qtbot: QtBot, post: Post, account: str, entity: str) -> HistoryPart:
    desk = post.desk(account)
    page = EntitiesPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"id": entity})
    settle(desk.jobs)
    view = page.dossier
    view._jump(view._index.item(view._index.count() - 1))
    settle(desk.jobs)
    assert view.history.is_open
    return view.history


def decided(post: Post) -> str:
    """Two bureaus gave one entity two addresses; the centre took the later one."""
    entity = post.entity(3)
    post.update("chenmin", "market_entity", entity, address="甲局的地址")
    post.update("linwei", "market_entity", entity, address="乙局的地址")
    post.sync("chenmin", "linwei", "chenmin", "wang")
    conflicts = post.desk("wang").conflicts
    (row,) = conflicts.open()
    conflicts.resolve(row.id, Choice.THEIRS, reason="乙局现场核实")
    post.sync("wang", "chenmin", "linwei")
    return entity


def entry(part: HistoryPart, words: str) -> str:
    (found,) = [text for text in part.texts() if words in text.splitlines()[0]]
    return found


def test_the_loser_of_a_decided_conflict_is_readable_in_both_places(qtbot: QtBot, post: Post) -> None:
    entity = decided(post)
    for part in (
        in_the_file(qtbot, post, "chenmin", entity),
        in_the_entry_page(qtbot, post, "chenmin", "market_entity", entity),
    ):
        assert part.texts()[0].splitlines()[0].endswith("现状  已入库")
        said = entry(part, "冲突：住所")
        lost = next(line for line in said.splitlines() if "未采用" in line)
        assert "甲局的地址" in lost and "陈敏" in lost and "甲局，20" in lost
        kept = next(line for line in said.splitlines() if "（采用）" in line)
        assert "乙局的地址" in kept and "林伟" in kept
        assert "原值" in said and "处理理由：乙局现场核实" in said and "（管理员）" in said
        mine = entry(part, "修改 陈敏")
        assert "→ 甲局的地址" in mine and "已入库" in mine
        before = next(line for line in said.splitlines() if line.startswith("原值：")).split("　")[0][3:]
        assert f"住所：{before} → 甲局的地址" in mine  # what the conflict says of the value that was there


def test_own_changes_from_to_newest_first_and_voids_with_their_reason(qtbot: QtBot, post: Post) -> None:
    desk = post.desk("chenmin")
    records, session = desk.records, desk.session
    entity = post.insert(
        "chenmin", "market_entity", uscc="91310113XN12345667", name="某店", status="1", division="310113",
        phone="13812345678",
    )
    post.update("chenmin", "market_entity", entity, name="某酒店", phone="13987654321")
    part = in_the_entry_page(qtbot, post, "chenmin", "market_entity", entity)
    now, changed, made = part.texts()
    assert "现状" in now and "待同步" in now
    assert "修改 陈敏 待同步" in changed and "某店 → 某酒店" in changed
    assert "录入 陈敏" in made and "某店" in made
    whole = "\n".join(part.texts())
    assert "13812345678" not in whole and "13987654321" not in whole and "*" in changed  # masked
    declared = records.type("market_entity")
    records.delete(declared, entity, "重复录入")
    history = History(session.store, records).of(declared, entity)
    assert history.now.state == "已作废"
    assert [e.title for e in history.entries] == ["作废", "修改", "录入"]
    assert [line.words for line in history.entries[0].lines] == ["原因：重复录入"]
    post.insert(
        "chenmin", "market_entity", uscc="91310113XN12345667", name="又开了", status="1", division="310113"
    )
    history = History(session.store, records).of(declared, entity)
    assert history.now.state == "待同步"
    assert [e.title for e in history.entries] == ["恢复", "作废", "修改", "录入"]


def test_what_the_centre_put_aside_is_part_of_the_history(qtbot: QtBot, post: Post) -> None:
    entity = post.entity(3)
    session = post.desk("chenmin").session
    post.update("chenmin", "market_entity", entity, address="新地址")
    session.engine.cut()
    post.hub.ledger.revoke(session.device, "丢失")
    post.sync("chenmin", "wang")
    part = in_the_file(qtbot, post, "wang", entity)
    said = entry(part, "中心隔离待审")
    assert "新地址" in said and "吊销" in said and said.splitlines()[0].endswith("隔离待审")


def test_a_long_journal_is_read_a_stretch_at_a_time(
    qtbot: QtBot, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = post.desk("chenmin")
    entity = post.insert(
        "chenmin", "market_entity", uscc="91310113XN12345667", name="第一", status="1", division="310113"
    )
    other = post.entity(5)
    for n in range(12):
        post.update("chenmin", "market_entity", other, address=f"{n}号")
    post.update("chenmin", "market_entity", entity, name="第二")
    declared = desk.records.type("market_entity")
    with desk.store.read() as connection:
        near = trail(connection, declared, entity, stretch=5)
        assert len(near.changes) == 1 and near.rest
        far = trail(connection, declared, entity, before=near.rest, stretch=5)
        assert (far.changes, bool(far.rest)) == ([], True)
        whole = trail(connection, declared, entity)
        assert len(whole.changes) == 2 and whole.rest == 0
    monkeypatch.setattr(trails.trail, "__kwdefaults__", {"before": 0, "stretch": 5})
    part = in_the_entry_page(qtbot, post, "chenmin", "market_entity", entity)
    assert "更早的值" in entry(part, "修改") and part._more.isVisible()
    for _ in range(3):
        part._more.click()
        settle(desk.jobs)
    assert "第一 → 第二" in entry(part, "修改") and "第一" in entry(part, "录入")
    assert not part._more.isVisible()
