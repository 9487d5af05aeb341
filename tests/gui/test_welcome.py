"""The first window: real key files, real databases, a real hub."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from desktop.ui.welcome.doors import Doors
from desktop.ui.welcome.window import WelcomeWindow
from desktop.work.enrolment import Enrolment
from desktop.work.jobs import Jobs
from desktop.work.keys import KeyFile
from desktop.work.recovering import Recovering
from desktop.work.seat_accounts import Issued
from desktop.work.session import Session, sign_in
from desktop.work.settings import Settings
from server_stub.enrolment import Account
from shared.errors import DatabaseBusy
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import PASSWORD, WEAK, Post, Stage, settle
from tests.gui.test_first_load import picture

NEW_PASSWORD = "一句很长很长的密码"


def doors(folder: Path) -> Doors:
    """As the program makes them, but with a cheap key derivation and no keyring."""
    keys = KeyFile(folder, vault=lambda: None, argon=WEAK)
    settings = Settings(folder)
    return Doors(
        enrolled=keys.path.exists,
        accounts=keys.accounts,
        sign_in=lambda account, password, chosen, _: sign_in(
            settings, account, password, chosen=chosen, keys=keys
        ),
        enrolment=lambda: Enrolment(settings, keys, argon=WEAK),
        recovering=lambda: Recovering(settings, keys, argon=WEAK),
    )


Open = Callable[..., WelcomeWindow]


@pytest.fixture
def welcome(qtbot: QtBot, jobs: Jobs) -> Open:
    def make(folder: Path, hints: Sequence[tuple[str, str, str]] = (), **other: Any) -> WelcomeWindow:
        window = WelcomeWindow(other.pop("doors", doors(folder)), jobs, Settings(folder), hints, **other)
        qtbot.addWidget(window)
        window.show()
        settle(jobs)
        return window

    return make


@pytest.fixture
def copy(stage: Stage, tmp_path: Path) -> Stage:
    return stage.copy(tmp_path / "stage")


def entered(window: WelcomeWindow, jobs: Jobs) -> list[Session]:
    """Sessions that come; closed by the caller."""
    came: list[Session] = []
    window.signed_in.connect(came.append)
    return came


def problem(window: WelcomeWindow, name: str) -> str:
    return window.sign_in._form.problem(name)


def test_the_sign_in_page_loads_nothing_heavy() -> None:
    code = (
        "import sys; import desktop.ui.welcome.window;"
        "print(*{'sqlalchemy', 'cryptography', 'pypinyin', 'requests', 'keyring', 'argon2', 'msgspec'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- a password of one's own -------------------------------------------------------
def with_further_person(post: Post) -> tuple[Path, Issued]:
    """A computer where 周建国 has just been given a one-time password; nobody is signed in."""
    desk = post.desk("linwei")
    post.hub.enrolment.invite(Account("laozhou", "周建国", desk.session.actor.bureau, ("officer",)))
    post.sync("linwei")
    made = desk.seat_accounts.issue("laozhou")
    folder = desk.settings.folder
    desk.session.close()
    return folder, made


def test_a_one_time_password_leads_to_one_of_ones_own(welcome: Open, post: Post, jobs: Jobs) -> None:
    folder, made = with_further_person(post)
    window = welcome(folder)
    window.resize(900, 600)
    came, view = entered(window, jobs), window.sign_in

    def enter(chosen: str = "", again: str | None = None) -> None:
        view.chosen.setText(chosen)
        view.again.setText(chosen if again is None else again)
        view.submit()
        settle(jobs)

    assert not view.chosen.isVisible() and not view.again.isVisible()
    view.account.setEditText("laozhou")
    view.password.setText(made.password.lower().replace("-", " "))
    view.submit()
    settle(jobs)
    assert came == [] and "请先设置自己的密码" in view._why.text() and view._why.isVisible()
    assert (view._title.text(), view._enter.text()) == ("设置自己的密码", "设置密码并登录")
    assert not view._forgot.isVisible()
    assert view.chosen.isVisible() and view.again.isVisible() and view.chosen.hasFocus()
    picture(window, "choose-asked")
    for chosen, again, line, said in (
        ("", None, "chosen", "请设置自己的密码"),
        ("周建国的第一个密码", "周建国的另一个密码", "again", "两次输入的密码不同"),
        ("短", None, "chosen", "至少 8 个字符"),
        ("laozhou", None, "chosen", "至少 8 个字符"),
        ("aaaaaaaaaa", None, "chosen", "过于简单"),
        (made.password, None, "chosen", "不能与一次性口令相同"),
    ):
        enter(chosen, again)
        assert said in problem(window, line), chosen
        assert came == [] and view.chosen.isVisible() and view._why.isVisible()  # it goes on saying why
    picture(window, "choose-refused")
    enter("周建国自己的一句密码")
    assert [s.actor.name for s in came] == ["周建国"]
    assert not view.chosen.isVisible() and view.chosen.text() == view.again.text() == view.password.text() == ""
    came[0].close()
    again = welcome(folder)  # from now on the one-time password opens nothing, and nothing is asked for
    came = entered(again, jobs)
    again.sign_in.account.setEditText("laozhou")
    again.sign_in.password.setText(made.password)
    again.sign_in.submit()
    settle(jobs)
    assert came == [] and "密码不正确" in problem(again, "password") and not again.sign_in.chosen.isVisible()
    again.sign_in.password.setText("周建国自己的一句密码")
    again.sign_in.submit()
    settle(jobs)
    assert [s.actor.name for s in came] == ["周建国"] and not again.sign_in.chosen.isVisible()
    came[0].close()


def test_another_account_chosen_meanwhile_is_not_asked(welcome: Open, post: Post, jobs: Jobs) -> None:
    folder, made = with_further_person(post)
    window = welcome(folder)
    view = window.sign_in
    view.account.setEditText("laozhou")
    view.password.setText(made.password)
    view.submit()
    settle(jobs)
    view.chosen.setText("周建国自己的一句密码")
    view.account.setEditText("linwei")
    assert not view.chosen.isVisible() and view.chosen.text() == "" and view._title.text() == "登录"
    came = entered(window, jobs)
    view.password.setText(PASSWORD)
    view.submit()
    settle(jobs)
    assert [s.actor.name for s in came] == ["林伟"]
    came[0].close()


def test_the_right_password_opens_the_session(welcome: Open, copy: Stage, jobs: Jobs) -> None:
    window = welcome(copy.folder / "chenmin")
    came = entered(window, jobs)
    assert window.sign_in.account.currentText() == "chenmin"
    assert not window.sign_in._keyring.isHidden()  # no keyring in this test
    QTest.keyClicks(window.sign_in.password, PASSWORD)
    QTest.keyClick(window.sign_in.password, Qt.Key.Key_Return)
    settle(jobs)
    assert [s.actor.name for s in came] == ["陈敏"]
    assert window.sign_in.password.text() == ""
    came[0].close()


def test_wrong_passwords_are_explained_and_then_delayed(welcome: Open, copy: Stage, jobs: Jobs) -> None:
    window = welcome(copy.folder / "chenmin")
    came = entered(window, jobs)
    for _ in range(3):
        window.sign_in.password.setText("not this one")
        window.sign_in.submit()
        settle(jobs)
    assert "密码不正确" in problem(window, "password") and "3 次" in problem(window, "password")
    assert not window.sign_in._enter.isEnabled() and "秒后再试" in window.sign_in._working.text()
    window.sign_in.password.setText(PASSWORD)
    assert window.sign_in.submit() is None and came == []
    again = welcome(copy.folder / "chenmin")  # closing the window is no way around it
    assert not again.sign_in._enter.isEnabled()


def test_empty_fields_are_asked_for(welcome: Open, copy: Stage) -> None:
    window = welcome(copy.folder / "chenmin")
    window.sign_in.submit()
    assert problem(window, "password") == "请输入密码"
    window.sign_in.account.setEditText("")
    window.sign_in.submit()
    assert problem(window, "account") == "请输入账号"


def test_caps_lock_is_noticed(welcome: Open, copy: Stage) -> None:
    window = welcome(copy.folder / "chenmin")
    line = window.sign_in.password

    def press(letter: str, shift: bool) -> str:
        held = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
        key = Qt.Key(ord(letter.upper()))
        QApplication.sendEvent(line, QKeyEvent(QEvent.Type.KeyPress, key, held, letter))
        return problem(window, "password")

    assert press("A", shift=True) == ""
    assert press("b", shift=False) == ""
    assert "大写锁定" in press("C", shift=False)
    assert press("d", shift=False) == ""
    assert "大写锁定" in press("e", shift=True)


def test_a_folder_in_use_is_named(welcome: Open, copy: Stage, jobs: Jobs) -> None:
    first = copy.session("chenmin", lambda types, initiator: None)
    window = welcome(copy.folder / "chenmin")
    came = entered(window, jobs)
    window.sign_in.password.setText(PASSWORD)
    window.sign_in.submit()
    settle(jobs)
    assert came == [] and "驿站已在运行" in window.sign_in.messages.text()
    first.close()


def test_a_notice_is_shown(welcome: Open, copy: Stage) -> None:
    window = welcome(copy.folder / "chenmin", notice=DatabaseBusy("正在使用。", "请稍候。"))
    assert window.sign_in.messages.text() == "正在使用。请稍候。"


def test_demonstration_accounts_fill_in(welcome: Open, copy: Stage, jobs: Jobs) -> None:
    window = welcome(copy.folder / "chenmin", [("chenmin", PASSWORD, "陈敏 · 甲局")])
    came = entered(window, jobs)
    links: list[QToolButton] = window.findChildren(QToolButton)
    next(link for link in links if link.text() == "chenmin").click()
    window.sign_in.submit()
    settle(jobs)
    assert len(came) == 1
    came[0].close()


# --- first start ---------------------------------------------------------------
def fill(window: WelcomeWindow, code: str, password: str = NEW_PASSWORD, again: str = "") -> Any:
    assert window.enrol is not None
    form = window.enrol.form
    form.code.clear()
    QTest.keyClicks(form.code, code.replace("-", "").lower())
    form.label.setText("甲局-02")
    form.password.setText(password)
    form.again.setText(again or password)
    return form


def invite(post: Post) -> str:
    bureau = post.desk("chenmin").session.actor.bureau
    return post.hub.enrolment.invite(Account("lan", "兰兰", bureau, ("officer",))).shown()


def test_a_new_folder_begins_with_enrolment(welcome: Open, tmp_path: Path) -> None:
    window = welcome(tmp_path / "new")
    assert window.enrol is not None and window.enrol.by_network
    window.enrol.submit()
    form = window.enrol.form
    assert form.problem("url") == "请填写中心地址"
    assert "25 位" in form.problem("code")
    assert form.problem("label") and "8 个字符" in form.problem("password")
    fill(window, "A" * 25, again="另一句很长很长的密码")
    window.enrol.submit()
    assert "不同" in form.problem("again") and form.problem("code") == ""


def test_enrolment_over_the_network_ends_signed_in(
    welcome: Open, post: Post, jobs: Jobs, tmp_path: Path
) -> None:
    window = welcome(tmp_path / "new")
    came = entered(window, jobs)
    code = invite(post)
    form = fill(window, code)
    assert form.code.text() == code
    with serving(post.hub) as url:
        form.url.setText(url)
        assert window.enrol is not None
        window.enrol.submit()
        settle(jobs)
    assert [(s.actor.name, s.bureau.name) for s in came] == [("兰兰", "甲局")]
    assert form.password.text() == ""
    came[0].close()


def test_an_unreachable_hub_loses_nothing(welcome: Open, post: Post, jobs: Jobs, tmp_path: Path) -> None:
    window = welcome(tmp_path / "new")
    form = fill(window, invite(post))
    form.url.setText("http://127.0.0.1:9")
    assert window.enrol is not None
    window.enrol.submit()
    settle(jobs)
    assert "连不上中心" in window.enrol.messages.text()
    assert form.password.text() == NEW_PASSWORD  # nothing to type again


def test_enrolment_by_stick(welcome: Open, post: Post, jobs: Jobs, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    first = welcome(tmp_path / "new")
    assert first.enrol is not None
    first.enrol.choose_way(False)
    form = fill(first, invite(post))
    form.folder.set_path(stick)
    first.enrol.submit()
    settle(jobs)
    request = next(stick.glob("*.yzp"))
    assert request.name in first.enrol.waiting.facts_text() and "可以拔出" in first.enrol.waiting.facts_text()
    with request.open("rb") as stream, (stick / "grant.yzp").open("w+b") as out:
        post.hub.handle(stream, out)
    window = welcome(tmp_path / "new")  # days later, the program was closed meanwhile
    came = entered(window, jobs)
    assert window.enrol is not None
    waiting = window.enrol.waiting
    assert waiting.isVisible() and "甲局-02" in waiting.facts_text()
    waiting.file.set_path(stick / "grant.yzp")
    waiting.password.setText("记错的密码啊啊")
    window.enrol.read_grant()
    settle(jobs)
    assert "不同" in waiting.form.problem("password") and came == []
    waiting.password.setText(NEW_PASSWORD)
    window.enrol.read_grant()
    settle(jobs)
    assert [s.actor.name for s in came] == ["兰兰"]
    came[0].close()


def test_a_lost_stick_costs_no_code(welcome: Open, post: Post, jobs: Jobs, tmp_path: Path) -> None:
    code = invite(post)
    window = welcome(tmp_path / "new")
    came = entered(window, jobs)
    assert window.enrol is not None
    window.enrol.choose_way(False)
    made: list[Path] = []
    for number in range(2):
        form = fill(window, code)
        form.folder.set_path(tmp_path / f"stick{number}")
        (tmp_path / f"stick{number}").mkdir()
        window.enrol.submit()
        settle(jobs)
        made += (tmp_path / f"stick{number}").glob("*.yzp")
        if number == 0:
            window.enrol.waiting.again.emit()
    grant = tmp_path / "grant.yzp"
    for request in made:  # the lost one was granted after all, then the second one too
        with request.open("rb") as stream, grant.open("w+b") as out:
            post.hub.handle(stream, out)
    window.enrol.waiting.file.set_path(grant)
    window.enrol.waiting.password.setText(NEW_PASSWORD)
    window.enrol.read_grant()
    settle(jobs)
    assert len(made) == 2 and [s.actor.name for s in came] == ["兰兰"]
    came[0].close()


def test_a_refused_code_is_said_at_its_line(welcome: Open, post: Post, jobs: Jobs, tmp_path: Path) -> None:
    window = welcome(tmp_path / "new")
    form = fill(window, "01" + "A" * 23)
    form.url.setText("http://127.0.0.1:9")
    assert window.enrol is not None
    window.enrol.submit()
    settle(jobs)
    assert "不含 0" in form.problem("code")


def test_doors_without_accounts_lead_to_enrolment(welcome: Open, tmp_path: Path, jobs: Jobs) -> None:
    odd = replace(doors(tmp_path / "odd"), enrolled=lambda: True)
    window = welcome(tmp_path / "odd", doors=odd)
    assert window.enrol is not None and window.enrol.isVisible()
