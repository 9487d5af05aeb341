"""同步日志: every exchange, for administrators of the hub."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.choosing import Files
from desktop.ui.pages.catalog import specs
from desktop.ui.pages.sync_log import SyncLogPage
from desktop.work.jobs import Jobs
from desktop.work.media import MediumInfo
from shared.errors import PackageError
from shared.filters import Condition, Filter, Op
from tests.fixtures.devices import quiet
from tests.gui.exchange_desks import Post, settle


class Chosen(Files):
    """Answers instead of a person."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path

    def to_save(self, parent: QWidget, title: str, name: str, kinds: str = "") -> Path | None:
        return self._path


@pytest.fixture
def busy(post: Post, tmp_path: Path) -> Post:
    """Three exchanges by network, one by stick, one refused."""
    for place, who in enumerate(("chenmin", "linwei", "chenmin")):
        post.update(who, "market_entity", post.entity(place), phone=f"021-{place}")
        post.sync(who)
    post.update("chenmin", "market_entity", post.entity(6), phone="021-6")
    made = post.desk("chenmin").media.export(tmp_path, MediumInfo("1", "U-1"), quiet)
    for data in (made.path.read_bytes(), made.path.read_bytes()[:-40]):
        with suppress(PackageError):
            post.hub.handle(io.BytesIO(data), io.BytesIO())
    post.sync("wang")
    return post


def opened(qtbot: QtBot, post: Post, **params: object) -> SyncLogPage:
    page = SyncLogPage(post.desk("wang"))
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({"tab": "log", **params})
    settle(post.desk("wang").jobs)
    return page


def column(page: SyncLogPage, name: str) -> list[str]:
    place = [c.name for c in page.log.table.model.columns].index(name)
    return [page.log.table.model.text_at(row, place) for row in range(page.log.table.model.total)]


def test_only_administrators_of_the_hub_see_it(post: Post) -> None:
    allowed = {a: {s.name: s for s in specs(post.desk(a))}["sync_log"].allowed() for a in ("chenmin", "wang")}
    assert allowed == {"chenmin": False, "wang": True}


def test_every_exchange_in_plain_words(qtbot: QtBot, busy: Post) -> None:
    page = opened(qtbot, busy)
    assert column(page, "carrier")[:5] == ["介质", "介质", "网络", "网络", "网络"]
    assert column(page, "outcome")[:5] == ["已拒绝", "已入库", "已入库", "已入库", "已入库"]
    assert column(page, "device")[2] == "甲局-01" and column(page, "device")[3] == "乙局-01"
    assert column(page, "outcome")[5:] == ["设备登记"] * 3
    assert "8 次交换，6 条变更" in page.log.totals_text()


def test_the_detail_says_everything(qtbot: QtBot, busy: Post) -> None:
    page = opened(qtbot, busy)
    page.log.table.grid.selectRow(0)
    settle(busy.desk("wang").jobs)
    words = page.log.facts.text()
    for said in ("已拒绝", "不完整", "甲局-01", "介质", "上报变更", "经办人", "交换包号"):
        assert said in words


def test_a_filter_narrows_rows_and_totals(qtbot: QtBot, busy: Post) -> None:
    page = opened(qtbot, busy, filter=Filter((Condition("carrier", Op.IN, ("media",)),)))
    assert set(column(page, "carrier")) == {"介质"}
    assert "2 次交换，3 条变更" in page.log.totals_text()
    page.log.bar.clear()
    settle(busy.desk("wang").jobs)
    assert "8 次交换" in page.log.totals_text()


def test_days_narrow_it_too(qtbot: QtBot, busy: Post, jobs: Jobs) -> None:
    page = opened(qtbot, busy)
    today = busy.hub.clock.today()
    found: list[QLineEdit] = page.log.bar.findChildren(QLineEdit)
    lines = {line.accessibleName(): line for line in found}
    first, last = lines["开始时间起"], lines["开始时间止"]
    for start, end, count in ((today, today, 8), (today + timedelta(1), None, 0), (None, today, 8)):
        first.setText(f"{start:%Y%m%d}" if start else "")
        last.setText(f"{end:%Y%m%d}" if end else "")
        page.log.bar._tell()
        settle(jobs)
        assert page.log.table.model.total == count


def test_export_writes_the_filtered_log(qtbot: QtBot, busy: Post, jobs: Jobs, tmp_path: Path) -> None:
    page = opened(qtbot, busy)
    page.log.files = Chosen(tmp_path / "log.xlsx")
    page.log.export()
    settle(jobs)
    assert (tmp_path / "log.xlsx").read_bytes().startswith(b"PK") and "已导出 8 条" in page.messages.text()
    page.log.files = Chosen(None)
    assert page.log.export() is None


def test_an_empty_log(qtbot: QtBot, post: Post) -> None:
    page = opened(qtbot, post, filter=Filter((Condition("carrier", Op.IN, ("media",)),)))
    assert page.log.table.model.total == 0 and "0 次交换" in page.log.totals_text()
