"""Idle lock: the window hides and only the right password brings it back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from desktop.ui.lock import IdleLock
from desktop.work.jobs import Jobs
from tests.gui.exchange_desks import PASSWORD, Post, settle


def test_locked_until_the_right_password(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    session = post.desk("chenmin").session
    window = QLineEdit("尚未保存")
    qtbot.addWidget(window)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm)
    lock.lock()
    curtain = lock.curtain
    assert curtain is not None and curtain.isVisible() and not window.isVisible()
    curtain.password.setText("猜一个密码")
    curtain.submit()
    settle(jobs)
    assert "密码不正确" in curtain.form.problem("password") and not window.isVisible()
    curtain.password.setText(PASSWORD)
    QTest.keyClick(curtain.password, Qt.Key.Key_Return)
    settle(jobs)
    assert lock.curtain is None and window.isVisible() and window.text() == "尚未保存"


def test_work_puts_it_off_and_idleness_brings_it(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    window = QLineEdit()
    qtbot.addWidget(window)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, post.desk("chenmin").session.confirm)
    lock._timer.start(10_000)
    QTest.keyClicks(window, "a")
    assert lock._timer.remainingTime() > 800_000
    lock._timer.start(1)
    qtbot.waitUntil(lambda: lock.curtain is not None)
    assert not window.isVisible()
    assert lock.curtain is not None
    lock.curtain.close()  # ends the program; jobs and database end as always


def test_what_stands_beside_the_window_is_hidden_too(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    window, dialog = QLineEdit(), QDialog()
    answered: list[int] = []
    dialog.finished.connect(answered.append)
    for one in (window, dialog):
        qtbot.addWidget(one)
    window.show()
    dialog.setModal(True)
    dialog.move(40, 50)
    dialog.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, post.desk("chenmin").session.confirm)
    lock.lock()
    assert lock.curtain is not None and not window.isVisible()
    assert dialog.pos().x() < -10_000 and not dialog.isEnabled() and answered == []
    lock.curtain.password.setText(PASSWORD)
    lock.curtain.submit()
    settle(jobs)
    assert lock.curtain is None and dialog.pos().x() == 40 and dialog.isEnabled() and dialog.isVisible()
    assert window.isVisible() and answered == []
