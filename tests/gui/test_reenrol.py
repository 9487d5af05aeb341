"""A seat enrolled after the backup the hub came back from: the page 同步 leads it on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.pages.sync import SyncPage
from desktop.work.desk import Desk
from desktop.work.enrolment import Enrolment
from desktop.work.events import Events
from desktop.work.jobs import Jobs
from desktop.work.session import sign_in
from desktop.work.settings import Settings
from server_stub import backup
from server_stub.enrolment import Account
from server_stub.hub import Hub
from shared.errors import HubRefused
from shared.fictitious import market_entities
from shared.store.exchange import reach
from sync import enrol
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures.devices import Direct, handle, quiet, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, serving
from tests.gui.exchange_desks import PASSWORD, WEAK, Post, settle

ENTITY = list(market_entities(60, DIVISION, 9))[55]


ROLES = ("officer", "bureau_admin")


@dataclass
class Stray:
    """A seat, and the hub that has forgotten it."""

    desk: Desk
    hub: Hub
    bureau: str
    entity: str
    made: list[Any] = field(default_factory=list)

    def code(self, account: str = "linwei") -> str:
        return self.hub.enrolment.invite(Account(account, "林伟", self.bureau, ROLES)).shown()

    def all_there(self) -> bool:
        with self.desk.session.store.read() as connection:
            at = reach(connection)
        known = {r["id"] for r in rows(self.hub.store, "market_entity")}
        return at.written == at.receipted > 0 and self.entity in known


@pytest.fixture
def stray(post: Post, jobs: Jobs, tmp_path: Path) -> Iterator[Stray]:
    stage, hub = post.stage, post.hub
    file, _ = backup.make(hub, tmp_path / "before.yzbackup")
    bureau = post.desk("linwei").session.grant.bureau
    code = hub.enrolment.invite(Account("linwei", "林伟", bureau, ROLES)).shown()
    enrolment = Enrolment(Settings(stage.folder / "second"), stage.keys("second"), argon=WEAK)
    request = enrolment.write_request(tmp_path, code, "乙局-02", PASSWORD, quiet)
    grant = tmp_path / "grant.yzp"
    grant.write_bytes(handle(hub, request.path.read_bytes())[1])
    enrolment.read_grant(grant, PASSWORD, quiet)
    events = Events()
    session = sign_in(
        Settings(stage.folder / "second"), "linwei", PASSWORD, keys=stage.keys("second"),
        changed=events.records_changed.emit,
    )
    session.engine.sync(Direct(hub), quiet)
    with session.store.unit(session.actor) as unit:
        (entity,) = unit.insert(session.store.types["market_entity"], [ENTITY])
    session.engine.sync(Direct(hub), quiet)
    hub.close()
    backup.restore(file, f"sqlite:///{stage.folder / 'hub.db'}", stage.folder / "hub", PASSPHRASE)
    post.hub = stage.hub()
    yield Stray(Desk.of(session, jobs, events), post.hub, bureau, entity)
    session.close()


def opened(qtbot: QtBot, stray: Stray) -> SyncPage:
    page = SyncPage(stray.desk)
    qtbot.addWidget(page)
    page.resize(1206, 700)
    page.show()
    page.shown({})
    settle(stray.desk.jobs)
    return page


def press(page: SyncPage, which: Any) -> None:
    QTest.mouseClick(which, Qt.MouseButton.LeftButton)
    settle(page._desk.jobs)


def test_the_bar_leads_on_and_a_wrong_code_is_no_end(qtbot: QtBot, stray: Stray) -> None:
    with serving(stray.hub) as url:
        stray.desk.settings.set("hub_url", url)
        page = opened(qtbot, stray)
        assert page.unknown_bar.isHidden() and page.reenrol.isHidden()
        press(page, page.sync_button)
        assert "需要重新登记" in page.tiles.text("pending") and page.messages.isHidden()
        assert "已不认识本席位" in page.unknown_bar.text() and "登记码" in page.unknown_bar.text()
        press(page, page.unknown_bar._button)
        assert page.reenrol.isVisible() and page.unknown_bar.isHidden()
        press(page, page.reenrol.online_button)
        assert page.reenrol.form.problem("code") == "请填写登记码"
        page.reenrol.code.setText(stray.code("lili"))
        press(page, page.reenrol.online_button)
        assert "账号“lili”" in page.messages.text() and page.reenrol.isVisible()
        page.reenrol.code.setText(stray.code())
        press(page, page.reenrol.online_button)
        press(page, page.sync_button)
        assert stray.all_there()


def test_by_network_all_is_offered_again(qtbot: QtBot, stray: Stray) -> None:
    with serving(stray.hub) as url:
        stray.desk.settings.set("hub_url", url)
        page = opened(qtbot, stray)
        press(page, page.sync_button)
        press(page, page.unknown_bar._button)
        page.reenrol.code.setText(stray.code())
        press(page, page.reenrol.online_button)
        assert "已重新登记" in page.messages.text() and page.reenrol.isHidden()
        press(page, page.sync_button)
        assert stray.all_there() and page.unknown_bar.isHidden()


def test_by_files(qtbot: QtBot, stray: Stray, tmp_path: Path) -> None:
    page = opened(qtbot, stray)
    page.reenrol.open()  # by the palette: without a network nobody told this computer
    code = stray.code()
    page.reenrol.code.setText(code)
    stick = tmp_path / "stick"
    stick.mkdir()
    press(page, page.reenrol.write_button)
    assert page.reenrol.form.problem("folder")
    page.reenrol.folder.set_path(stick)
    press(page, page.reenrol.write_button)
    (request,) = stick.iterdir()
    assert request.name in page.messages.text()
    answer = stick / "grant.yzp"
    answer.write_bytes(handle(stray.hub, request.read_bytes())[1])
    page.reenrol.grant.set_path(request)
    press(page, page.reenrol.read_button)
    assert "不是登记批复" in page.messages.text()
    page.reenrol.grant.set_path(answer)
    press(page, page.reenrol.read_button)
    assert "已重新登记" in page.messages.text() and page.reenrol.isHidden()
    stray.desk.session.engine.sync(Direct(stray.hub), quiet)
    assert stray.all_there()


def test_nobody_enrols_in_the_name_of_another(stray: Stray, tmp_path: Path) -> None:
    session = stray.desk.session
    code = InviteCode.parse(stray.code())
    for keys in (session.device_keys.now, DeviceKeys.generate()):
        out = io.BytesIO()
        enrol.seal_request(out, session.device, keys, code, "x", session.store.clock.stamp())
        if keys is session.device_keys.now:
            handle(stray.hub, out.getvalue())
            code = InviteCode.parse(stray.code())
    with pytest.raises(HubRefused, match="已经登记过"):
        handle(stray.hub, out.getvalue())
