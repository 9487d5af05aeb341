"""设置: what is saved is used, what is wrong is said, and the password really changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.ui.pages.settings import SettingsPage
from desktop.ui.theme import apply_theme
from desktop.work.jobs import Jobs
from desktop.work.settings import Settings
from shared.errors import WrongPassword
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import PASSWORD, Post, settle
from tests.gui.test_first_load import picture


@pytest.fixture
def page(qtbot: QtBot, post: Post, jobs: Jobs) -> SettingsPage:
    made = SettingsPage(post.desk("chenmin"))
    qtbot.addWidget(made)
    made.show()
    made.shown({})
    settle(jobs)
    return made


def test_it_says_who_and_where(page: SettingsPage, post: Post) -> None:
    session = post.desk("chenmin").session
    words = page.facts.text()
    for said in ("陈敏", "chenmin", "甲局", "甲局-01", "测试中心", str(session.settings.folder)):
        assert said in words
    assert session.hub_trust.sign.key_id[:4].upper() in words


def test_settings_are_saved_and_used(page: SettingsPage, post: Post, jobs: Jobs, qapp: QApplication) -> None:
    page.hub_url.setText(" http://127.0.0.1:8800/ ")
    page.numbers["font_size"].setValue(12)
    page.numbers["auto_sync_minutes"].setValue(0)
    page.save()
    settle(jobs)
    try:
        again = Settings(post.desk("chenmin").settings.folder)
        assert (again.hub_url, again.font_size, again.auto_sync_minutes) == ("http://127.0.0.1:8800", 12, 0)
        assert qapp.font().pointSize() == 12
        (heading,) = (one for one in page.findChildren(QLabel) if one.text() == "连接与使用")
        assert heading.font().pointSize() == 12, "what the style sheet styles follows too"
        assert "已保存" in page.messages.text()
    finally:
        apply_theme(qapp)


def test_a_wrong_address_is_not_saved(page: SettingsPage, post: Post) -> None:
    page.hub_url.setText("hub.example")
    assert page.save() is None
    assert "https://" in page.form.problem("hub_url")
    assert post.desk("chenmin").settings.hub_url == ""


def test_the_connection_can_be_tried(page: SettingsPage, post: Post, jobs: Jobs) -> None:
    page.check_online()
    settle(jobs)
    assert "还没有设置" in page.messages.text()
    with serving(post.hub) as url:
        post.desk("chenmin").settings.set("hub_url", url)
        page.check_online()
        settle(jobs)
    assert "已连上中心" in page.messages.text()


def test_the_password_changes(page: SettingsPage, post: Post, jobs: Jobs) -> None:
    session = post.desk("chenmin").session
    page.old.setText("不是这个密码")
    page.new.setText("崭新的一句长密码")
    page.again.setText("崭新的另一句密码")
    assert page.change_password() is None and "不同" in page.password_form.problem("again")
    page.again.setText("崭新的一句长密码")
    page.change_password()
    settle(jobs)
    assert "密码不正确" in page.password_form.problem("old")
    page.old.setText(PASSWORD)
    page.change_password()
    settle(jobs)
    assert "已修改" in page.messages.text() and page.new.text() == ""
    session.confirm("崭新的一句长密码")
    with pytest.raises(WrongPassword):
        session.confirm(PASSWORD)


def test_a_weak_password_is_refused_at_its_line(page: SettingsPage, jobs: Jobs) -> None:
    page.old.setText(PASSWORD)
    page.new.setText("123")
    page.again.setText("123")
    page.change_password()
    settle(jobs)
    assert "8 个字符" in page.password_form.problem("new")


# --- accounts and keys of this computer ----------------------------------------------
def test_an_administrator_puts_a_further_person_on_the_computer(
    qtbot: QtBot, post: Post, jobs: Jobs, tmp_path: Path
) -> None:
    from server_stub.enrolment import Account

    desk = post.desk("linwei")
    post.hub.enrolment.invite(Account("laozhou", "周建国", desk.session.actor.bureau, ("officer",)))
    post.sync("linwei")
    page = SettingsPage(desk)
    qtbot.addWidget(page)
    page.show()
    page.shown({})
    settle(jobs)
    seat = page.seat
    assert seat.account.findText("laozhou 周建国") >= 0
    assert seat.issue() is None and "请选择" in seat.form.problem("account")
    seat.account.setCurrentText("laozhou 周建国")
    seat.issue()
    settle(jobs)
    assert "口令：" in seat.issued.text() and "laozhou" in seat.accounts.text()
    page.resize(1206, 1500)
    picture(page, "seat-issued")
    password = re.findall(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}", seat.issued.text())[0]
    folder = desk.settings.folder
    files = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert not [p for p, data in files.items() if password.encode() in data]  # nowhere unless asked for
    seat.slip.save_to(tmp_path / "口令条.pdf")
    settle(jobs)
    assert "已保存一次性口令条（1 页）" in page.messages.text()
    assert (tmp_path / "口令条.pdf").read_bytes().startswith(b"%PDF")
    for wanted in (password, "laozhou", "周建国", "一次性口令条", "用后销毁"):
        assert wanted in seat.slip._html()
    page.shown({})
    settle(jobs)
    assert password not in seat.issued.text() and seat.slip.isHidden() and seat.slip._html() == ""
    seat.account.setCurrentText("laozhou 周建国")
    seat.remove()
    settle(jobs)
    assert "laozhou" not in seat.accounts.text() and seat.issued.isHidden()


def test_an_officer_sees_the_accounts_and_changes_none(page: SettingsPage) -> None:
    assert "chenmin" in page.seat.accounts.text() and page.seat._manage.isHidden()


def test_new_keys_need_the_password(page: SettingsPage, post: Post, jobs: Jobs) -> None:
    keys = post.desk("chenmin").session.device_keys
    page.seat.password.setText("不是这个密码")
    page.seat.rotate()
    settle(jobs)
    assert "密码不正确" in page.seat.key_form.problem("password")
    page.seat.password.setText(PASSWORD)
    page.seat.rotate()
    settle(jobs)
    assert "已更换本机密钥" in page.messages.text()
    post.sync("chenmin")
    now = post.desk("chenmin").session.device_keys
    assert now.next is None and now.sign.key_id != keys.sign.key_id
