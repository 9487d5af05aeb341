"""附件 on the pages 同步 and 介质: how much waits, sent beside the work, taken along on a stick."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.media import MediaPage
from desktop.ui.pages.sync import SyncPage
from desktop.work import media_pieces
from desktop.work.attached import DELIVERED
from desktop.work.attaching import Source
from desktop.work.jobs import Jobs
from desktop.work.media import MediumInfo
from shared.attachments import PIECE
from tests.fixtures.attached import scan
from tests.fixtures.devices import quiet
from tests.fixtures.hubs import serving
from tests.fixtures.photos import PDF, photo
from tests.gui.exchange_desks import Post, settle
from tests.gui.test_attachments import shot


def attached(post: Post, *sources: Source, account: str = "chenmin") -> list[str]:
    desk = post.desk(account)
    declared = desk.records.type("market_entity")
    added = desk.attachments.add(declared, post.entity(1), sources, quiet)
    assert not added.refused
    return added.ids


def states(post: Post, account: str = "chenmin") -> list[str]:
    return [a.state for a in post.desk(account).attachments.of_entity(post.entity(1))]


def pdf(n: int, size: int = 2 * PIECE) -> Source:
    return Source(f"{n}.pdf", data=PDF + scan(size, n))


def test_the_page_says_how_much_waits(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    attached(post, Source("a.jpg", data=photo()), pdf(1))
    desk = post.desk("chenmin")
    page = SyncPage(desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(jobs)
    assert "待传 2 个" in page.tiles.text("attachments") and "MB" in page.tiles.text("attachments")
    shot(page, "sync")
    with serving(post.hub) as url:
        desk.settings.set("hub_url", url)
        page.sync_now()
        settle(jobs)
        desk.attachments.transfer(quiet)
        page.load()
        settle(jobs)
    assert states(post) == [DELIVERED, DELIVERED]
    assert "没有待传的附件" in page.tiles.text("attachments")


def test_they_go_along_on_the_stick(qtbot: QtBot, post: Post, jobs: Jobs, tmp_path: Path) -> None:
    attached(post, Source("a.jpg", data=photo()), pdf(1))
    stick = tmp_path / "stick"
    stick.mkdir()
    page = MediaPage(post.desk("chenmin"))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(jobs)
    flow = page.exporting
    assert flow.with_attachments.text().startswith("附件一并导出（2 个，") and flow.with_attachments.isChecked()
    shot(page, "export1")
    flow.button("下一步").click()
    flow.medium.number.setText("U-2026-001")
    flow.medium.folder.set_path(stick)
    flow.button("写入介质").click()
    settle(jobs)
    shot(page, "export3")
    (along,) = stick.glob("驿站-附件-*.yzp")
    said = flow.result_facts.text()
    assert along.name in said and "中心会一并导入" in said
    result = flow.result()
    assert result is not None
    for n, package in enumerate((result.path, along)):
        with package.open("rb") as stream, (stick / f"back{n}.yzp").open("w+b") as out:
            post.hub.handle(stream, out)
        received = post.desk("chenmin").media.receive(stick / f"back{n}.yzp", quiet)
        post.desk("chenmin").media.apply(received, MediumInfo("1", "U-2026-001"), quiet)
    assert states(post) == [DELIVERED, DELIVERED]


def test_a_stick_too_small_takes_some_and_the_next_one_the_rest(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached(post, *(pdf(n, 3 * PIECE) for n in range(1, 4)))
    session, stick = post.desk("chenmin").session, tmp_path / "stick"
    stick.mkdir()
    room = 5 * PIECE + media_pieces.ROOM

    def usage(_: object) -> object:
        used = sum(p.stat().st_size for p in stick.iterdir())
        return type("Room", (), {"total": room, "free": max(0, room - used), "used": used})

    monkeypatch.setattr(media_pieces.shutil, "disk_usage", usage)
    monkeypatch.setattr(media_pieces, "VOLUME", 2 * PIECE)
    first = media_pieces.export(session, stick, quiet)
    assert len(first.files) > 1 and first.left > 0
    for path in stick.iterdir():
        path.unlink()
    second = media_pieces.export(session, stick, quiet)
    gone = sum(f.pieces for f in first.files)
    assert sum(f.pieces for f in second.files[:-1]) >= 12 - gone - 1  # what was left comes first
