"""A seat that may not enter anything says so wherever its person is, and why."""

from __future__ import annotations

from datetime import timedelta

from desktop.ui.pages.home import HomePage
from server_stub.devices import revoke_device
from shared.store.facts import write_text
from tests.fixtures.hubs import serving
from tests.fixtures.programs import Running, Start
from tests.gui.exchange_desks import Stage


def heard(window: Running, days: int) -> None:
    """The hub's last word is so many days old."""
    store = window.desk.session.store
    with store.write() as connection:
        write_text(connection, "evidence_at", (store.clock.now() - timedelta(days=days, hours=1)).isoformat())


def looked(window: Running) -> str:
    """What the status bar says of the offline lease, after another look."""
    window.program.look_at_state()
    window.settle()
    assert window.program.shell is not None
    return window.program.shell.status_text("lease")


def home(window: Running) -> HomePage:
    page = window.page("home")
    assert isinstance(page, HomePage)
    return page


def test_the_lease_is_said_on_every_page(start: Start) -> None:
    window = start()
    assert looked(window) == "" and window.said == ""
    page = home(window)
    assert page._buttons is not None and page._buttons.isVisible() and not page._no_entry.isVisible()

    heard(window, 27)
    assert looked(window) == "3 天后变为只读" and window.said == ""
    window.page("records", type="alert")
    heard(window, 31)
    assert looked(window) == "离线期限已过，只读"
    assert "已 31 天没有与中心联系" in window.said and "仍可导出" in window.said  # told when it happens
    room = window.page("records", type="alert").room
    assert room.table._empty_words == ("没有预警信息", "本机现在只读，不能录入")
    page = home(window)
    assert not page._buttons.isVisible() and "不能录入" in page._no_entry.text()
    assert "联系单位管理员" not in page._no_entry.text()  # not for want of a right
    window.close()

    again = start()  # signed in while it is so: told at once, and the work begins again afterwards
    assert "已 31 天没有与中心联系" in again.said and looked(again) == "离线期限已过，只读"
    page = home(again)
    assert page._buttons is None and page._no_entry.isVisible()
    heard(again, 0)
    assert looked(again) == ""
    page = home(again)
    assert page._buttons is not None and page._buttons.isVisible() and not page._no_entry.isVisible()


def test_a_revocation_is_said_when_it_arrives(start: Start, place_of_work: Stage) -> None:
    hub = place_of_work.hub()
    with serving(hub) as url:
        window = start(url=url)
        home(window)
        revoke_device(hub.store, window.desk.session.device, "电脑遗失")
        said = window.sync()
    hub.close()
    assert "被中心吊销（电脑遗失）" in said and "导出" in said
    assert looked(window) == "席位已吊销，只读"
    assert not home(window)._buttons.isVisible()
